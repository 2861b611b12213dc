"""Energy drift: the shift of each pixel against the mean spectrum, and its removal."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.corrections.align_options import AlignOptions
from eelsunmix.corrections.common import record
from eelsunmix.corrections.correction import Correction, NoCorrection
from eelsunmix.corrections.drift import find_shifts, mean_of_valid, settled_shifts
from eelsunmix.corrections.frames import is_series, sum_frames
from eelsunmix.corrections.geometry import points_within
from eelsunmix.corrections.losses import (
    Loss,
    excessive,
    loss_sentences,
    losses,
    with_losses,
)
from eelsunmix.corrections.resampling import noise_after, resample
from eelsunmix.corrections.shift_deviations import MIN_STRENGTH
from eelsunmix.energy.units import channel_energies
from eelsunmix.errors import InputError
from eelsunmix.words import numbered

LOSS_REFUSED = (
    "The spectra were not aligned. To align them all the same, raise corrections.align.max_taken_percent."
)


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
        moved = resample(image.assign_coords(energy_shift=(navigation, self.shift)))
        moved = moved.assign_coords(energy_shift=(navigation, -self.shift * self.step_eV, {"units": "eV"}))
        kept = moved.isel({energy: self.kept}).assign_attrs(noise_after(image, self.shift))
        known = image.attrs.get("channels_without_data")
        return kept.assign_attrs(channels_without_data=self._spread(known)) if known else kept

    def _spread(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """Widen the ranges of energies without data by the shifts of all pixels."""
        first, last = (float(end(self.shift)) * self.step_eV for end in (np.nanmin, np.nanmax))
        spread = {
            name: [[low + first, high + last] for low, high in known[name]]
            for name in ("unmeasured_eV", "interpolated_eV")
        }
        return {**known, **spread}


def measure_drift(
    image: xr.DataArray,
    options: AlignOptions,
    mean: np.ndarray,
    edges: Mapping[str, Any] | None = None,
) -> Correction:
    """Find the shift of each pixel's spectrum against the mean spectrum.

    Channels at the ends of the axis that not every pixel has after its shift are to be dropped.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Corrected for gain, with `valid_pixel`; lazy or eager.
    options : AlignOptions
    mean : ndarray, shape (channel,)
        Of the valid pixels.
    edges : mapping, optional
        Name -> edge, of which it is said what the interpolation takes.

    Raises
    ------
    InputError
        The window is not on the axis, or too narrow for the shifts; or there are no frames to align.
    """
    if not options.enabled or options.window_eV is None:
        return _not_aligned("Energy alignment switched off.")
    energy = channel_energies(image)
    inside = points_within(energy, options.window_eV, key="corrections.align.window_eV", unit="eV")
    step = float(np.mean(np.diff(energy)))
    reach = max(1, math.ceil(options.max_shift_eV / step - 1e-9))
    window = (*_window(inside, reach, energy.size), reach)
    measured = _frames(image) if options.by == "frame" else image
    found = find_shifts(measured, mean, window)
    known = found.strength.to_numpy() > MIN_STRENGTH
    if not known.any():
        return _nothing_to_align(options)
    alignment = _aligned(found, known, options, energy)
    if options.by == "frame":
        alignment = replace(alignment, shift=_of_pixels(alignment.shift, image))
    return _without_loss(image, alignment, edges or {}, options.max_taken_percent)


def _aligned(found: xr.Dataset, known: np.ndarray, options: AlignOptions, energy: np.ndarray) -> Alignment:
    """Settle the shifts; `known`, bool (navigation): pixels with a feature."""
    step = float(np.mean(np.diff(energy)))
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


def _frames(image: xr.DataArray) -> xr.DataArray:
    """Return a series whose frames have one pixel, the sum of those of the frame."""
    if not is_series(image):
        raise InputError("corrections.align.by: frame needs a series of frames; write by: pixel")
    sums = sum_frames(image)
    spectra = xr.DataArray(sums.spectra[:, None, None], dims=image.dims, attrs=image.attrs)
    return spectra.assign_coords(valid_pixel=(image.dims[:-1], sums.n_valid[:, None, None] > 0))


def _of_pixels(shift: np.ndarray, image: xr.DataArray) -> np.ndarray:
    """Give each valid pixel the shift of its frame."""
    return np.where(image["valid_pixel"].to_numpy(), shift, np.nan)


def _without_loss(
    image: xr.DataArray, alignment: Alignment, edges: Mapping[str, Any], limit: float
) -> Correction:
    """Find what the interpolation takes from the edges, and leave the image alone where it is too much."""
    taken = _losses(alignment.apply(image), alignment.shift, edges) if edges else {}
    if not excessive(taken, limit):
        return replace(alignment, entry=with_losses(alignment.entry, taken))
    text = " ".join(loss_sentences("The interpolation of the alignment", taken, LOSS_REFUSED))
    return _not_aligned(text, taken, warnings=[text])


def _losses(aligned: xr.DataArray, shift: np.ndarray, edges: Mapping[str, Any]) -> dict[str, Loss]:
    """Blur the mean spectrum once more as the interpolation did: by p (1 - p) in square channels."""
    mean, half = mean_of_valid(aligned), float(np.nanmean((shift % 1) * (1 - shift % 1))) / 2
    blurred = np.convolve(np.pad(mean, 1, mode="edge"), [half, 1 - 2 * half, half], "valid")
    return losses(mean, blurred, channel_energies(aligned), edges, pattern=False)


def _window(inside: slice, reach: int, n_channels: int) -> tuple[int, int]:
    first, last = max(inside.start, reach + 1), min(inside.stop, n_channels - reach - 1)
    if last - first < 5:
        raise InputError(
            f"corrections.align.window_eV leaves {numbered(max(last - first, 0), 'channel')}, since "
            f"{numbered(reach, 'channel')}, the largest shift, must stay free at the ends of the axis: widen "
            "it or lower corrections.align.max_shift_eV"
        )
    return first, last


def _measured_by_all(shift: np.ndarray, n_channels: int) -> slice:
    """Channels whose counts no pixel takes from beyond the axis."""
    known = np.append(shift[np.isfinite(shift)], 0.0)
    return slice(math.ceil(-known.min()), n_channels - math.ceil(known.max()))


def _nothing_to_align(options: AlignOptions) -> Correction:
    text = (
        f"Spectra not aligned: in the window {options.window_eV} eV of corrections.align.window_eV no pixel "
        f"has a feature that stands out of its noise. Choose the range of a strong edge or of the zero-loss "
        f"peak, or switch corrections.align off."
    )
    return _not_aligned(text, warnings=[text])


def _not_aligned(text: str, taken: Mapping[str, Loss] | None = None, **words: list[str]) -> Correction:
    return NoCorrection(entry=with_losses(record("align", False, text, **words), taken or {}))


def _entry(shift_ev: np.ndarray, options: AlignOptions, **numbers: float) -> dict[str, Any]:
    known = shift_ev[np.isfinite(shift_ev)]
    low, high, spread = float(known.min()), float(known.max()), float(known.std())
    summary = (
        f"Spectra aligned on {options.window_eV} eV by {options.by}: drift of {spread:.3g} eV (sd), "
        f"from {low:.3g} to {high:.3g} eV; a shift is known to {numbers['median_deviation_eV']:.2g} eV (sd). "
        f"{options.by.capitalize()}s without a clear feature, which follow their neighbours: "
        f"{numbers['pixels_following']}; "
        f"{options.by}s left unaligned, beyond {options.max_shift_eV:g} eV: {numbers['pixels_left']}; "
        f"channels dropped at the ends, which not every pixel has: {numbers['channels_dropped']}."
    )
    return record("align", True, summary, sd_eV=spread, lowest_eV=low, highest_eV=high, **numbers)
