"""The axes of the files, of which only the heads are read: windows and places are checked before any job."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from eelsunmix.background.window_check import check_windows
from eelsunmix.configuration.settings import EXAMPLE_PREFIX, SampleSettings
from eelsunmix.corrections.binning import measure_bins
from eelsunmix.corrections.cropping import measure_crop
from eelsunmix.corrections.geometry import points_within
from eelsunmix.edge_choice import resolve_edges
from eelsunmix.edge_table import split_name
from eelsunmix.edges import Edge
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.errors import InputError
from eelsunmix.image import with_valid_pixel
from eelsunmix.io.files import read_signals
from eelsunmix.io.layout import Layout, find_layout
from eelsunmix.io.signals import Signal, choose_signal
from eelsunmix.profile_geometry import profile_pixels, region_mask
from eelsunmix.storage import read_axes
from eelsunmix.words import numbered

NARROWEST_OF_X_RAYS_EV = 2.0
"""Analysers of X-rays have channels of 2.5 to 20 eV."""


def edges_on_axes(samples: Mapping[str, SampleSettings]) -> tuple[dict[str, dict[str, Edge]], list[str]]:
    """Choose and check the windows of every sample whose file can be read, and where its places lie.

    Parameters
    ----------
    samples : mapping of str to SampleSettings
        With paths in the place of examples.

    Returns
    -------
    edges : dict of str to dict
        Name of the sample -> its edges; without samples that have none, are simulated or cannot be read.
    warnings : list of str
        What is doubtful of the windows, and files that cannot be read: their jobs will fail, the others not.

    Raises
    ------
    InputError
        One line for each sample with axes that its file contradicts, a window that lies off its axis or has
        no room, a profile, region or crop that its pixels do not have, or more endmembers than these.
    """
    found: dict[str, dict[str, Edge]] = {}
    warnings, faults = [], []
    for name, sample in samples.items():
        if sample.file is None or sample.file.startswith(EXAMPLE_PREFIX):
            continue
        try:
            head = _imported_axes(name, sample) or _signal(sample)
        except InputError as error:
            warnings.append(f"sample {name}: {error}")
            continue
        doubts: list[str] = []
        try:
            layout = _layout(head, sample)
            if isinstance(head, dict):
                warnings.append(
                    f"sample {name}: {sample.file} is no longer there; windows and places are checked on "
                    "what was imported of it"
                )
            check_places(layout, sample)
            energies = kept_energies(layout, sample)
            doubts = doubts_of_x_rays(sample, energies)
            warnings += [f"sample {name}: {text}" for text in doubts]
            check_components(layout, sample, n_channels=energies.size)
            if sample.edges:
                found[name] = resolve_edges(sample.edges, energies)
                warnings += [f"sample {name}: {text}" for text in check_windows(found[name], energies)]
        except InputError as error:
            faults += [f"sample {name}: {text}" for text in (error, *doubts)]
    if faults:
        raise InputError("\n".join(faults))
    return found, warnings


def _imported_axes(name: str, sample: SampleSettings) -> dict[str, xr.Variable] | None:
    """Return the axes of what was imported, where the file is gone: a run goes on without it."""
    store = Path("results") / name / "raw.zarr"
    is_there = os.path.exists(str(sample.file))  # noqa: PTH110 - that of Path raises for folders not to enter
    return read_axes(store, "counts") if store.is_dir() and not is_there else None


def _layout(head: Signal | dict[str, xr.Variable], sample: SampleSettings) -> Layout:
    """Return the axes of a file, or of what was imported of it: these were settled then."""
    if isinstance(head, dict):
        return Layout(file_dims=tuple(head), dims=tuple(head), coords=head)
    return find_layout(head, sample.axes, Path(str(sample.file)))


def file_shape(sample: SampleSettings) -> dict[str, int]:
    """Count the points along each dim of a sample's file, of which only the head is read; energy comes last.

    Raises
    ------
    InputError
        If the head cannot be read.
    """
    layout = find_layout(_signal(sample), sample.axes, Path(str(sample.file)))
    return {dim: layout.coords[dim].size for dim in layout.dims}


def _signal(sample: SampleSettings) -> Signal:
    path = Path(str(sample.file))
    return choose_signal(read_signals(path), sample.signal, path)


def kept_energies(layout: Layout, sample: SampleSettings) -> xr.DataArray:
    """Energies of the channels that remain of a file when it is cropped and binned.

    Raises
    ------
    InputError
        If the crop is not on the axis.
    """
    dim = layout.dims[-1]
    axis = xr.DataArray(layout.coords[dim], name=dim)
    crop, number = sample.corrections.crop.energy_eV, sample.corrections.bin.energy
    energies = in_electronvolts(axis)
    if crop is not None:
        energies = energies[points_within(energies, crop, key="corrections.crop.energy_eV", unit="eV")]
    whole = energies[: energies.size // number * number].reshape(-1, number).mean(axis=1)
    return xr.DataArray(whole, dims=axis.dims, name=axis.name, attrs={**axis.attrs, "units": "eV"})


def doubts_of_x_rays(sample: SampleSettings, energies: xr.DataArray) -> list[str]:
    """Say that `dims` makes X-rays of what looks like energy losses: the two words are easily confused.

    Parameters
    ----------
    sample : SampleSettings
    energies : DataArray, shape (channel,)
        In eV, of the channels that remain.
    """
    if "energy" not in (sample.axes.dims or ()):
        return []
    width = float(np.diff(energies).min(initial=np.inf)) / sample.corrections.bin.energy
    edges = [name for name in sample.edges if (split_name(name) or ("", None))[1]]
    if edges:
        sign = f"edges.{edges[0]} is named as an edge of energy losses"
    elif width < NARROWEST_OF_X_RAYS_EV:
        sign = f"its channels of {width:g} eV are those of energy losses"
    else:
        return []
    return [
        f"axes.dims says energy, so the image is taken for one of X-rays, but {sign}; if it is of EELS, "
        "write energy_loss there"
    ]


def check_places(layout: Layout, sample: SampleSettings) -> None:
    """Refuse a crop or bins that a file has no pixels for, and profiles and regions off what remains.

    Raises
    ------
    InputError
        If one lies off the image, or is given in nm where the file has no size of a pixel.
    """
    pixels = _kept_pixels(layout, sample)
    for name, profile in sample.profiles.items():
        profile_pixels(profile, pixels, name=name)
    for name, region in sample.regions.items():
        region_mask(region, pixels, name=name)


def check_components(layout: Layout, sample: SampleSettings, *, n_channels: int) -> None:
    """Refuse more endmembers, or principal components by the configuration, than channels or pixels remain.

    Raises
    ------
    InputError
        With the largest number that there can be.
    """
    n_frames = layout.coords["frame"].size if "frame" in layout.coords else 1
    n_pixels = _kept_pixels(layout, sample).size * n_frames
    most = min(n_channels, n_pixels)
    has, asked = f"{numbered(n_channels, 'channel')} and {numbered(n_pixels, 'pixel')}", sample.components.n
    if asked != "auto" and not sample.fit_on and asked > most:
        raise InputError(f"components.n is {asked}, but the image has {has}; write {most} at most, or auto")
    given = sample.denoise.model_fields_set  # the default is no mistake: of small images all are kept
    if "n_components" in given and sample.denoise.n_components > most:
        raise InputError(
            f"denoise.n_components is {sample.denoise.n_components}, but the image has {has}; "
            f"write {most} at most"
        )


def _kept_pixels(layout: Layout, sample: SampleSettings) -> xr.DataArray:
    """Return an image of one channel with the pixels of the corrected one."""
    coords = {dim: layout.coords[dim] for dim in ("y", "x")}
    counts = np.ones([*(one.size for one in coords.values()), 1], dtype=np.uint8)
    image = with_valid_pixel(xr.DataArray(counts, dims=("y", "x", layout.dims[-1]), coords=coords))
    image = measure_crop(image, sample.corrections.crop.replaced(energy_eV=None)).apply(image)
    return measure_bins(image, sample.corrections.bin.replaced(energy=1)).apply(image)
