"""From raw counts to corrected ones: dark, gain, bad channels, spikes, alignment, crop, bin, mask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.corrections.alignment import AlignOptions, align
from eelsunmix.corrections.application import apply_corrections
from eelsunmix.corrections.channels import BadChannelOptions, find_bad_channels
from eelsunmix.corrections.common import check_image, record, with_valid_pixel
from eelsunmix.corrections.gain import ChannelCorrection, find_gain, read_dark
from eelsunmix.corrections.gain_options import GainOptions
from eelsunmix.corrections.geometry import BinOptions, CropOptions, MaskOptions, bin_image, crop, mask
from eelsunmix.corrections.spikes import SpikeOptions, Spikes
from eelsunmix.corrections.statistics import gather_statistics, spectral_groups
from eelsunmix.errors import InputError
from eelsunmix.execution.blocks import chunked

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


@dataclass(frozen=True, kw_only=True)
class Corrections:
    """Options of all steps, in the order in which they are applied."""

    gain: GainOptions = field(default_factory=GainOptions)
    bad_channels: BadChannelOptions = field(default_factory=BadChannelOptions)
    spikes: SpikeOptions = field(default_factory=SpikeOptions)
    align: AlignOptions = field(default_factory=AlignOptions)
    crop: CropOptions = field(default_factory=CropOptions)
    bin: BinOptions = field(default_factory=BinOptions)
    mask: MaskOptions = field(default_factory=MaskOptions)


def correct_image(
    image: xr.DataArray, options: Corrections | None = None, *, edges: Mapping[str, Any] | None = None
) -> xr.Dataset:
    """Correct a spectrum image for its detector and cut it to size.

    Statistics are gathered in passes over blocks; the counts of a lazy image stay lazy.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Raw counts, as `open_image` returns them.
    options : Corrections, optional
        Options of the steps.
    edges : mapping, optional
        Name -> edge (a mapping or object with `onset_eV`); nothing is estimated from the data near an edge.

    Returns
    -------
    Dataset
        The content of `corrected.zarr`: `counts`, `total_counts`, `mean_spectrum`; on the raw axis `gain`,
        `dark` (counts subtracted) and `bad_channel`; `spike_position`, `spike_found`, `spike_replaced`;
        `energy_shift` if aligned. ``attrs["corrections"]`` lists every step and what it did.

    Raises
    ------
    InputError
        An option does not fit the image, or a reference cannot be used.

    Examples
    --------
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
    check_image(image)
    image = with_valid_pixel(image).rename("counts")
    if not image.valid_pixel.any():
        raise InputError("the image has no valid pixel: there is nothing to correct")
    lazy = image.chunks is not None
    raw = chunked(image).assign_coords(image.coords) if lazy else image
    counts, detector, log = _correct_detector(raw, options, edges or {})
    counts, log_align = align(counts, options.align)
    counts, log_crop = crop(counts, options.crop)
    counts, log_bin = bin_image(counts, options.bin)
    counts, log_mask = mask(counts, options.mask)
    log = [*log, log_align, log_crop, log_bin, log_mask]
    counts = chunked(counts).assign_coords(counts.coords) if lazy else counts
    return _dataset(counts, detector, log)


def correct_gain(
    image: xr.DataArray, *, edges: Mapping[str, Any] | None = None, **options: Any
) -> xr.DataArray:
    """Correct only dark and gain, for notebooks.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
    edges : mapping, optional
        As in `correct_image`.
    **options
        Those of `GainOptions`.

    Returns
    -------
    DataArray
        Like `image`; what was done is in ``attrs["corrections"]``.
    """
    chosen = Corrections(
        gain=GainOptions(**options),
        bad_channels=BadChannelOptions(channels="none"),
        spikes=SpikeOptions(enabled=False),
    )
    result = correct_image(image, chosen, edges=edges)
    return result["counts"].assign_attrs(corrections=result.attrs["corrections"][:2])


def _correct_detector(
    image: xr.DataArray, options: Corrections, edges: Mapping[str, Any]
) -> tuple[xr.DataArray, xr.Dataset, list[dict[str, Any]]]:
    """Dark, gain, bad channels and spikes."""
    statistics = gather_statistics(image, spectral_groups(image), options.spikes.sigma)
    dark = read_dark(image, options.gain)
    bad, log_bad = find_bad_channels(image, statistics, dark, options.bad_channels, edges)
    correction = find_gain(image, statistics, bad, dark, options.gain, edges)
    spikes, log_spikes = _chosen_spikes(statistics.spikes, bad, image, options.spikes)
    counts = apply_corrections(image, spikes, correction.dark, correction.gain, bad)
    detector = _detector_dataset(image, correction, bad, spikes)
    return counts, detector, [*correction.records, log_bad, log_spikes]


def _chosen_spikes(
    spikes: Spikes, bad: np.ndarray, image: xr.DataArray, options: SpikeOptions
) -> tuple[Spikes, dict[str, Any]]:
    if not options.enabled:
        return Spikes.none(image.ndim), record("spikes", False, "Search for spikes switched off.", replaced=0)
    spikes = spikes[~bad[spikes.position[:, -1]]]
    number = len(spikes.found)
    if not number:
        text = f"No voxel lies {options.sigma:g} standard deviations above its surroundings."
        if image.valid_pixel.size == 1:
            text = "Not searched for spikes: a single pixel has no neighbours to compare with."
        return spikes, record("spikes", False, text, replaced=0)
    text = (
        f"{number} of {image.size} voxels replaced: more than {options.sigma:g} standard deviations above "
        f"their spectrum and their neighbours; the largest held {spikes.found.max():.6g} counts."
    )
    return spikes, record("spikes", True, text, replaced=number, largest=spikes.found.max())


def _detector_dataset(
    image: xr.DataArray, correction: ChannelCorrection, bad: np.ndarray, spikes: Spikes
) -> xr.Dataset:
    energy = image.dims[-1]
    axis = image.coords[energy]
    return xr.Dataset(
        {
            "gain": ("raw_energy", correction.gain, {"units": "1"}),
            "dark": ("raw_energy", correction.dark, {"units": "counts"}),
            "bad_channel": ("raw_energy", bad),
            "spike_position": (("spike", "axis"), spikes.position),
            "spike_found": ("spike", spikes.found, {"units": "counts"}),
            "spike_replaced": ("spike", spikes.replaced, {"units": "counts"}),
        },
        coords={
            "raw_energy": ("raw_energy", axis.to_numpy(), axis.attrs),
            "axis": [str(dim) for dim in image.dims],
        },
    )


def _dataset(counts: xr.DataArray, detector: xr.Dataset, log: list[dict[str, Any]]) -> xr.Dataset:
    energy, navigation = counts.dims[-1], counts.dims[:-1]
    shift = counts.coords.get("energy_shift")
    counts = counts.drop_vars("energy_shift", errors="ignore")
    counts.attrs.setdefault("units", "counts")
    number = int(counts.valid_pixel.sum())
    # pixels that are not valid hold zeros, so the sum over all is the sum over the valid ones
    mean = counts.sum(list(navigation), dtype=float) / number
    result = detector.assign(
        counts=counts,
        total_counts=counts.sum([energy], dtype=float).assign_attrs(units="counts"),
        mean_spectrum=mean.assign_attrs(units="counts"),
    )
    if shift is not None:
        result["energy_shift"] = shift.drop_vars("energy_shift").assign_attrs(units="eV")
    return result.assign_attrs(corrections=log)
