"""From raw counts to corrected ones: dark, gain, bad channels, spikes, alignment, crop, bin, mask."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import xarray as xr

from eelsunmix.corrections.align_options import AlignOptions
from eelsunmix.corrections.alignment import measure_drift
from eelsunmix.corrections.binning import measure_bins
from eelsunmix.corrections.channel_words import noise_peak_warnings, unmeasured_warnings
from eelsunmix.corrections.channels import BadChannelOptions
from eelsunmix.corrections.common import check_image
from eelsunmix.corrections.correction import Correction, one_after_the_other
from eelsunmix.corrections.cropping import measure_crop
from eelsunmix.corrections.detector import Detector, measure_detector
from eelsunmix.corrections.filled_ends import filled_end_warnings
from eelsunmix.corrections.frames import FrameSums, frame_warnings, is_series, measure_frames, sum_frames
from eelsunmix.corrections.gain_options import GainOptions
from eelsunmix.corrections.geometry import BinOptions, CropOptions, MaskOptions
from eelsunmix.corrections.masking import measure_mask
from eelsunmix.corrections.protected import protected_edges
from eelsunmix.corrections.remaining_dark import constant_warnings, noise_measured_again
from eelsunmix.corrections.spikes import SpikeOptions
from eelsunmix.edge_choice import is_of_x_rays
from eelsunmix.errors import InputError
from eelsunmix.execution.blocks import chunked
from eelsunmix.image import in_canonical_order, with_valid_pixel
from eelsunmix.io.counts import DetectorOptions
from eelsunmix.options import Options
from eelsunmix.typing import Floats
from eelsunmix.vacuum import Vacuum, vacuum_pixels

__all__ = [
    "AlignOptions",
    "BadChannelOptions",
    "BinOptions",
    "Corrections",
    "CropOptions",
    "GainOptions",
    "MaskOptions",
    "SpikeOptions",
    "correct_gain",
    "correct_image",
]


logger = logging.getLogger(__name__)


class Corrections(Options):
    """Options of all steps, in the order in which they are applied."""

    gain: GainOptions = GainOptions()
    bad_channels: BadChannelOptions = BadChannelOptions()
    spikes: SpikeOptions = SpikeOptions()
    align: AlignOptions = AlignOptions()
    crop: CropOptions = CropOptions()
    bin: BinOptions = BinOptions()
    mask: MaskOptions = MaskOptions()


def correct_image(
    image: xr.DataArray,
    options: Corrections | None = None,
    *,
    edges: Mapping[str, Any] | Sequence[str] | None = None,
    detector: DetectorOptions | None = None,
    vacuum: Vacuum = "auto",
) -> xr.Dataset:
    """Correct a spectrum image for its detector and cut it to size.

    Statistics are gathered in passes over blocks; the counts of a lazy image stay lazy.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Raw counts, as `open_image` returns them.
    options : Corrections, optional
        Options of the steps.
    edges : mapping or sequence of str, optional
        Names of edges or of elements, or name -> edge (a mapping or object with `onset_eV`); nothing is
        estimated from the data near an edge.
    detector : DetectorOptions, optional
        What is known of the detector, as at the import; needed where a dark reference is subtracted.
    vacuum : {"auto", "none"} or float
        How pixels without sample are found in the corrected counts; see `eelsunmix.vacuum.vacuum_pixels`.

    Returns
    -------
    Dataset
        The content of `corrected.zarr`: `counts`, `total_counts`, `vacuum`, `mean_spectrum`; on the raw axis
        `gain`, `dark` (counts subtracted) and `bad_channel`; `spike_position`, `spike_found`,
        `spike_replaced`; `energy_shift` if aligned. ``attrs["corrections"]`` lists every step and what it
        did, ``attrs["warnings"]`` what the user should look at.

    Raises
    ------
    InputError
        An option does not fit the image, or a reference cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> image = xr.DataArray(
    ...     np.full((3, 4, 50), 100),
    ...     dims=("y", "x", "energy_loss"),
    ...     coords={"energy_loss": np.arange(200.0, 250.0)},
    ... )
    >>> options = Corrections(bin=BinOptions(energy=2), gain=GainOptions(method="none"))
    >>> corrected = correct_image(image, options)
    >>> corrected.counts.shape
    (3, 4, 25)
    >>> [step["step"] for step in corrected.attrs["corrections"] if step["applied"]]
    ['bin']
    """
    options = options or Corrections()
    raw = _prepared(image)
    named = protected_edges(edges or {}, of_x_rays=is_of_x_rays(raw[raw.dims[-1]]))
    crop = measure_crop(raw, options.crop)
    found = measure_detector(raw, options.gain, options.bad_channels, options.spikes, named)
    counts, warnings = _without_detector(raw, found, options, detector or DetectorOptions())
    kept = crop.apply(raw)
    warnings += unmeasured_warnings(raw, kept, found.bad_channels.silent)
    warnings += filled_end_warnings(kept, found.mean) + noise_peak_warnings(kept, found.mean)
    measures = (
        partial(measure_drift, options=options.align, mean=found.corrected_mean, edges=named),
        lambda _: crop,
        partial(measure_bins, options=options.bin),
        partial(measure_mask, options=options.mask),
    )
    counts, done = one_after_the_other(counts, measures)
    log = [step.entry for step in (*found.steps, *done)]
    warnings += [text for entry in log for text in entry.get("warnings", [])]
    sums = sum_frames(counts) if is_series(counts) else None
    result = _dataset(counts, found.dataset(raw), sums)
    if sums is not None:
        frames = measure_frames(counts, sums)
        warnings += frame_warnings(frames, counts)
        result = result.assign(frames.data_vars)
    for text in warnings:
        logger.warning("corrections: %s", text)
    totals = _known_totals(raw, found, done, sums)
    found_vacuum = vacuum_pixels(result["counts"], vacuum, totals=totals)
    return result.assign(vacuum=(counts.dims[:-1], found_vacuum)).assign_attrs(
        corrections=log, warnings=warnings
    )


def correct_gain(
    image: xr.DataArray, *, edges: Mapping[str, Any] | Sequence[str] | None = None, **options: Any
) -> xr.DataArray:
    """Correct only dark and gain, for notebooks.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
    edges : mapping or sequence of str, optional
        As in `correct_image`.
    **options
        Those of `GainOptions`.

    Returns
    -------
    DataArray
        Like `image`; what was done is in ``attrs["corrections"]``, what to look at in ``attrs["warnings"]``.
    """
    chosen = Corrections(
        gain=GainOptions(**options),
        bad_channels=BadChannelOptions(channels="none"),
        spikes=SpikeOptions(enabled=False),
    )
    result = correct_image(image, chosen, edges=edges)
    log = {name: result.attrs[name] for name in ("corrections", "warnings")}
    return result["counts"].assign_attrs(log | {"corrections": log["corrections"][:2]})


def _without_detector(
    raw: xr.DataArray, found: Detector, options: Corrections, detector: DetectorOptions
) -> tuple[xr.DataArray, list[str]]:
    """Undo what the detector did; with sentences on a constant that the counts still hold."""
    counts, has_reference = found.apply(raw), options.gain.dark is not None
    if has_reference:
        counts = noise_measured_again(counts, detector)
    if found.bad_channels.doubts:
        counts = counts.assign_attrs(channels_without_data=found.bad_channels.doubts)
    return counts, constant_warnings(counts, has_reference=has_reference)


def _known_totals(
    raw: xr.DataArray, found: Detector, done: Sequence[Correction], sums: FrameSums | None
) -> Floats | None:
    """Return the corrected counts of each pixel; None where only the corrected image can tell."""
    if sums is not None:
        return sums.totals
    return None if any(step.entry["applied"] for step in done) else found.totals(raw)


def _prepared(image: xr.DataArray) -> xr.DataArray:
    """Check an image, load its mask, and cut it into blocks if it is lazy."""
    image = in_canonical_order(image)
    check_image(image)
    image = with_valid_pixel(image).rename("counts")
    if not image.valid_pixel.any():
        raise InputError("the image has no valid pixel: there is nothing to correct")
    return _in_blocks(image)


def _in_blocks(image: xr.DataArray) -> xr.DataArray:
    return image if image.chunks is None else chunked(image).assign_coords(image.coords)


def _dataset(counts: xr.DataArray, detector: xr.Dataset, sums: FrameSums | None) -> xr.Dataset:
    counts = _in_blocks(counts)
    energy, navigation = counts.dims[-1], counts.dims[:-1]
    shift = counts.coords.get("energy_shift")
    counts = counts.drop_vars("energy_shift", errors="ignore")
    counts.attrs.setdefault("units", "counts")
    number = int(counts.valid_pixel.sum())
    # Masked pixels hold zeros, but those that were invalid before hold what the user left in them.
    inside = counts if number == counts.valid_pixel.size else counts.where(counts.valid_pixel, 0)
    mean = inside.sum(list(navigation), dtype=float) / number
    totals = counts.sum([energy], dtype=float) if sums is None else counts[..., 0].copy(data=sums.totals)
    result = detector.assign(
        counts=counts,
        total_counts=totals.drop_attrs(deep=False).assign_attrs(units="counts"),
        mean_spectrum=mean.assign_attrs(units="counts"),
    )
    if shift is not None:
        result["energy_shift"] = shift.drop_vars("energy_shift").assign_attrs(units="eV")
    return result
