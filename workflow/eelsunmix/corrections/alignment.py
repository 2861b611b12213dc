"""Energy drift: the shift of each pixel against the mean spectrum, and its removal."""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr
from pydantic import model_validator

from eelsunmix.corrections.common import record
from eelsunmix.corrections.correction import Correction, NoCorrection
from eelsunmix.corrections.drift import find_shifts, settled_shifts
from eelsunmix.corrections.geometry import points_within
from eelsunmix.corrections.shift_deviations import MIN_STRENGTH
from eelsunmix.corrections.shifts import interpolated
from eelsunmix.energy.units import channel_energies
from eelsunmix.errors import InputError
from eelsunmix.execution import blocks
from eelsunmix.noise import channel_variance_to_mean, variance_to_mean_of_sums
from eelsunmix.options import BrokenRuleError, Interval, Options, Positive


class AlignOptions(Options):
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
    window_eV: Interval | None = None
    max_shift_eV: Positive = 3.0

    @model_validator(mode="after")
    def _window_is_given(self) -> Self:
        if self.enabled and self.window_eV is None:
            raise BrokenRuleError("window_eV", "is needed: give the range of a sharp feature")
        return self


@dataclass(frozen=True, kw_only=True)
class Alignment(Correction):
    """Shift of each pixel.

    Parameters
    ----------
    shift : ndarray, shape (navigation)
        Towards higher channels, in channels; NaN where invalid.
    step_eV : float
        Width of a channel.
    kept : slice
        Channels that every pixel has after its shift.
    """

    shift: np.ndarray
    step_eV: float
    kept: slice

    def apply(self, image: xr.DataArray) -> xr.DataArray:
        """Return the aligned image in float32, with the coordinate `energy_shift` (navigation).

        That is the energy in eV that was added to the axis of the pixel. Interpolation averages the noise
        of neighbouring channels: `channel_variance_to_mean` says how much is left of it.
        """
        navigation, energy = image.dims[:-1], image.dims[-1]
        moved = _resample(image.assign_coords(energy_shift=(navigation, self.shift)))
        moved = moved.assign_coords(energy_shift=(navigation, -self.shift * self.step_eV, {"units": "eV"}))
        return moved.isel({energy: self.kept}).assign_attrs(_noise_after(image, self.shift))


def measure_drift(image: xr.DataArray, options: AlignOptions) -> Correction:
    """Find the shift of each pixel's spectrum against the mean spectrum.

    Channels at the ends of the axis that not every pixel has after its shift are to be dropped.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Corrected for gain, with `valid_pixel`; lazy or eager.
    options : AlignOptions

    Raises
    ------
    InputError
        The window is not on the axis, or too narrow for the shifts.
    """
    if not options.enabled or options.window_eV is None:
        return NoCorrection(entry=record("align", False, "Energy alignment switched off."))
    energy = channel_energies(image)
    inside = points_within(energy, options.window_eV, key="corrections.align.window_eV", unit="eV")
    step = float(np.mean(np.diff(energy)))
    reach = max(1, math.ceil(options.max_shift_eV / step - 1e-9))
    window = (*_window(inside, reach, energy.size), reach)
    found = find_shifts(image, window)
    known = found.strength.to_numpy() > MIN_STRENGTH
    if not known.any():
        return _nothing_to_align(options)
    shift, lost = settled_shifts(found, known, options.max_shift_eV / step)
    kept = _measured_by_all(shift, energy.size)
    numbers = {
        "pixels_left": int(lost.sum()),
        "pixels_following": int((np.isfinite(shift) & ~known).sum()),
        "channels_dropped": energy.size - (kept.stop - kept.start),
        "median_deviation_eV": step * float(np.median(found.deviation.to_numpy()[known])),
    }
    entry = _entry(shift * step, options, **numbers)
    return Alignment(shift=shift, step_eV=step, kept=kept, entry=entry)


def _window(inside: slice, reach: int, n_channels: int) -> tuple[int, int]:
    first, last = max(inside.start, reach + 1), min(inside.stop, n_channels - reach - 1)
    if last - first < 5:
        raise InputError(
            f"corrections.align.window_eV leaves {max(last - first, 0)} channels once the largest shift of "
            f"{reach} channels is kept free at the ends of the axis: widen it or lower max_shift_eV"
        )
    return first, last


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


def _nothing_to_align(options: AlignOptions) -> Correction:
    text = (
        f"Spectra not aligned: in the window {options.window_eV} eV of corrections.align.window_eV no pixel "
        f"has a feature that stands out of its noise. Choose the range of a strong edge or of the zero-loss "
        f"peak, or switch corrections.align off."
    )
    return NoCorrection(entry=record("align", False, text, warnings=[text]))


def _entry(shift_ev: np.ndarray, options: AlignOptions, **numbers: float) -> dict[str, Any]:
    known = shift_ev[np.isfinite(shift_ev)]
    low, high, spread = float(known.min()), float(known.max()), float(known.std())
    summary = (
        f"Spectra aligned on {options.window_eV} eV: drift of {spread:.3g} eV (sd), "
        f"from {low:.3g} to {high:.3g} eV; a shift is known to {numbers['median_deviation_eV']:.2g} eV; "
        f"{numbers['pixels_following']} pixels without a clear feature follow their neighbours; "
        f"{numbers['pixels_left']} pixels beyond {options.max_shift_eV:g} eV left unaligned; "
        f"{numbers['channels_dropped']} channels at the ends dropped, which not every pixel has."
    )
    return record("align", True, summary, sd_eV=spread, lowest_eV=low, highest_eV=high, **numbers)
