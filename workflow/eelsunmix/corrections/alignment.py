"""Energy drift: the shift of each pixel against the mean spectrum, and its removal."""

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import energy_in_ev, record
from eelsunmix.corrections.geometry import channels_within
from eelsunmix.errors import InputError
from eelsunmix.execution import blocks
from eelsunmix.noise import channel_variance_to_mean, variance_to_mean_of_sums


@dataclass(frozen=True, kw_only=True)
class AlignOptions:
    """Alignment of the energy axes of the pixels.

    Parameters
    ----------
    enabled : bool
        Align.
    window_eV : tuple of float, optional
        Range with a sharp feature that all pixels have (an edge, the zero-loss peak); needed if enabled.
    max_shift_eV : float
        Largest shift looked for.
    """

    enabled: bool = False
    window_eV: tuple[float, float] | None = None
    max_shift_eV: float = 3.0

    def __post_init__(self) -> None:
        if self.enabled and self.window_eV is None:
            raise ValueError("corrections.align.window_eV is needed: give the range of a sharp feature")
        if not 0 < self.max_shift_eV < math.inf:
            raise ValueError(f"corrections.align.max_shift_eV must be above 0, not {self.max_shift_eV}")


def align(image: xr.DataArray, options: AlignOptions) -> tuple[xr.DataArray, dict[str, Any]]:
    """Shift each pixel's spectrum onto the mean spectrum.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Corrected for gain, with `valid_pixel`; lazy or eager.
    options : AlignOptions

    Returns
    -------
    DataArray, dict
        The image in float32 with the coordinate `energy_shift` (navigation), the energy in eV that was added
        to the axis of the pixel, NaN where invalid; and the entry of the log. Channels at the ends of the
        axis that not every pixel has after its shift are dropped. Interpolation averages the noise of
        neighbouring channels: `channel_variance_to_mean` says how much is left of it.

    Raises
    ------
    InputError
        The window is not on the axis, or too narrow for the shifts.
    """
    if not options.enabled or options.window_eV is None:
        return image, record("align", False, "Energy alignment switched off.")
    energy = energy_in_ev(image)
    inside = channels_within(energy, options.window_eV, key="corrections.align.window_eV", unit="eV")
    step = float(np.mean(np.diff(energy)))
    reach = max(1, math.ceil(options.max_shift_eV / step - 1e-9))
    first, last = _window(inside, reach, energy.size)
    reference = mean_of_valid(image)
    shift = _shifts(image, reference, (first, last, reach))
    lost = np.abs(shift * step) > options.max_shift_eV
    shift = np.where(lost, 0.0, shift)
    moved = _resample(image.assign_coords(energy_shift=(image.dims[:-1], shift)))
    moved = moved.assign_coords(energy_shift=(image.dims[:-1], -shift * step, {"units": "eV"}))
    measured = _measured_by_all(shift, energy.size)
    moved = moved.isel({image.dims[-1]: measured}).assign_attrs(_noise_after(image, shift))
    return moved, _record(
        shift * step, int(lost.sum()), energy.size - (measured.stop - measured.start), options
    )


def mean_of_valid(image: xr.DataArray) -> np.ndarray:
    """Mean spectrum of the valid pixels in float64, by blocks, (channel,)."""
    total, number = blocks.fold(_sum, image, lambda a, b: (a[0] + b[0], a[1] + b[1]))
    return total / max(number, 1)


def estimate_shifts(spectra: np.ndarray, reference: np.ndarray, window: tuple[int, int, int]) -> np.ndarray:
    """Shift of each spectrum against a reference, in channels; positive towards higher channels.

    The whole channel of the best correlation first, then its fraction by one step of least squares on the
    reference, a constant, and the derivative of the reference [1]_ (three rounds).

    Parameters
    ----------
    spectra : ndarray, shape (pixel, channel)
    reference : ndarray, shape (channel,)
    window : tuple of int
        First channel, one past the last, and the largest shift; the window plus the shift lies on the axis.

    References
    ----------
    .. [1] Lucas, Kanade, Proc. IJCAI (1981) 674, eq. 6.
    """
    first, last, reach = window
    steps = np.arange(-reach, reach + 1)
    template = reference[first:last] - reference[first:last].mean()
    likeness = np.stack([_correlation(spectra[:, first + s : last + s], template) for s in steps])
    shift = steps[np.argmax(likeness, axis=0)].astype(float)
    slope = np.gradient(reference)[first:last]
    design = np.stack([reference[first:last], np.ones(last - first), slope], axis=1)
    solve = np.linalg.pinv(design)
    channels = np.arange(first, last)
    for _ in range(3):
        amount = interpolated(spectra, channels, shift) @ solve.T
        with np.errstate(divide="ignore", invalid="ignore"):
            # moving the reference up by d adds -d times its slope
            change = np.nan_to_num(-amount[:, 2] / amount[:, 0], posinf=0.0, neginf=0.0)
        shift = shift + np.clip(change, -0.5, 0.5)
    return np.clip(shift, -reach - 1, reach + 1)


def interpolated(spectra: np.ndarray, channels: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Values of each spectrum at ``channels + shift`` by linear interpolation, the ends repeated."""
    place = np.clip(channels + shift[:, None], 0, spectra.shape[1] - 1)
    below = np.minimum(place.astype(int), spectra.shape[1] - 2)
    part = place - below
    rows = np.arange(len(spectra))[:, None]
    return spectra[rows, below] * (1 - part) + spectra[rows, below + 1] * part


def _window(inside: slice, reach: int, n_channels: int) -> tuple[int, int]:
    first, last = max(inside.start, reach + 1), min(inside.stop, n_channels - reach - 1)
    if last - first < 5:
        raise InputError(
            f"corrections.align.window_eV leaves {max(last - first, 0)} channels once the largest shift of "
            f"{reach} channels is kept free at the ends of the axis: widen it or lower max_shift_eV"
        )
    return first, last


def _sum(block: xr.DataArray) -> tuple[np.ndarray, int]:
    valid = block.valid_pixel.to_numpy()
    return block.to_numpy()[valid].sum(axis=0, dtype=float), int(valid.sum())


def _shifts(image: xr.DataArray, reference: np.ndarray, window: tuple[int, int, int]) -> np.ndarray:
    dims = image.dims[:-1]
    template = blocks.template_like(image, {"shift": (dims, "f8")})
    kernel = functools.partial(_shift_block, reference=reference, window=window)
    return np.asarray(blocks.map_blocks(kernel, image, template)["shift"].to_numpy())


def _shift_block(block: xr.DataArray, reference: np.ndarray, window: tuple[int, int, int]) -> xr.Dataset:
    valid = block.valid_pixel.to_numpy()
    shift = np.full(valid.shape, np.nan)
    shift[valid] = estimate_shifts(block.to_numpy()[valid].astype(float), reference, window)
    result = block.isel({block.dims[-1]: 0}, drop=True).copy(data=shift)
    return xr.Dataset({"shift": result.drop_attrs()})


def _resample(image: xr.DataArray) -> xr.DataArray:
    template = blocks.template_like(image, {"counts": (image.dims, "f4")})
    counts = blocks.map_blocks(_resample_block, image, template)["counts"]
    return counts.assign_coords(image.coords).assign_attrs(image.attrs)


def _resample_block(block: xr.DataArray) -> xr.Dataset:
    spectra = block.to_numpy().reshape(-1, block.shape[-1])
    shift = np.nan_to_num(block.energy_shift.to_numpy().ravel())
    moved = interpolated(spectra, np.arange(block.shape[-1]), shift)
    return xr.Dataset(
        {"counts": block.copy(data=moved.reshape(block.shape).astype("f4")).drop_attrs(deep=False)}
    )


def _measured_by_all(shift: np.ndarray, n_channels: int) -> slice:
    """Channels whose counts no pixel takes from beyond the axis."""
    known = np.append(shift[np.isfinite(shift)], 0.0)
    return slice(math.ceil(-known.min()), n_channels - math.ceil(known.max()))


def _noise_after(image: xr.DataArray, shift: np.ndarray) -> dict[str, float]:
    """Variance to mean of one channel, averaged over the pixels.

    A weight of p for one channel and 1 - p for the next leaves p^2 + (1 - p)^2 of the variance of independent
    channels; the part that the channels share stays.
    """
    known = shift[np.isfinite(shift)]
    part = known - np.floor(known)
    left = float(np.mean(part**2 + (1 - part) ** 2)) if known.size else 1.0
    one, two = channel_variance_to_mean(image), variance_to_mean_of_sums(image, 2)
    return {"channel_variance_to_mean": one * left + (two - one) * (1 - left)}


def _correlation(windows: np.ndarray, template: np.ndarray) -> np.ndarray:
    centred = windows - windows.mean(axis=1, keepdims=True)
    norm = np.sqrt((centred**2).sum(axis=1))
    return (centred @ template) / np.maximum(norm, 1e-300)


def _record(shift_ev: np.ndarray, n_lost: int, n_dropped: int, options: AlignOptions) -> dict[str, Any]:
    known = shift_ev[np.isfinite(shift_ev)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    spread = float(known.std()) if known.size else 0.0
    summary = (
        f"Spectra aligned on {options.window_eV} eV: drift of {spread:.3g} eV (sd), "
        f"from {low:.3g} to {high:.3g} eV; "
        f"{n_lost} pixels beyond {options.max_shift_eV:g} eV left where they were; "
        f"{n_dropped} channels at the ends dropped, which not every pixel has."
    )
    numbers = {"sd_eV": spread, "lowest_eV": low, "highest_eV": high}
    return record("align", True, summary, **numbers, pixels_left=n_lost, channels_dropped=n_dropped)
