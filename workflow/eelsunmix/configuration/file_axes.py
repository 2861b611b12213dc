"""The energy axes of the files, of which only the heads are read: windows are checked before any job."""

from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from eelsunmix.background.window_check import check_windows
from eelsunmix.configuration.settings import EXAMPLE_PREFIX, SampleSettings
from eelsunmix.corrections.geometry import points_within
from eelsunmix.edge_choice import resolve_edges
from eelsunmix.edges import Edge
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.errors import InputError
from eelsunmix.io.files import read_signals
from eelsunmix.io.layout import Layout, find_layout
from eelsunmix.io.signals import choose_signal


def edges_on_axes(samples: Mapping[str, SampleSettings]) -> tuple[dict[str, dict[str, Edge]], list[str]]:
    """Choose and check the windows of every sample whose file can be read.

    Parameters
    ----------
    samples : mapping of str to SampleSettings
        With paths in the place of examples.

    Returns
    -------
    edges : dict of str to dict
        Name of the sample -> its edges; without samples that are simulated or cannot be read.
    warnings : list of str
        What is doubtful of the windows, and files that cannot be read: their jobs will fail, the others not.

    Raises
    ------
    InputError
        One line for each sample with a window that lies off its axis or has no room.
    """
    found: dict[str, dict[str, Edge]] = {}
    warnings, faults = [], []
    for name, sample in samples.items():
        if not sample.edges or sample.file is None or sample.file.startswith(EXAMPLE_PREFIX):
            continue
        try:
            whole = file_energies(sample)
        except InputError as error:
            warnings.append(f"sample {name}: {error}")
            continue
        try:
            energies = kept_energies(whole, sample)
            found[name] = resolve_edges(sample.edges, energies)
            warnings += [f"sample {name}: {text}" for text in check_windows(found[name], energies)]
        except InputError as error:
            faults.append(f"sample {name}: {error}")
    if faults:
        raise InputError("\n".join(faults))
    return found, warnings


def file_energies(sample: SampleSettings) -> xr.DataArray:
    """Energies of the channels of a sample's file, of which only the head is read, as the image has them.

    Raises
    ------
    InputError
        If the head cannot be read.
    """
    layout = _layout(sample)
    dim = layout.dims[-1]
    return xr.DataArray(layout.coords[dim], name=dim)


def file_shape(sample: SampleSettings) -> dict[str, int]:
    """Count the points along each dim of a sample's file, of which only the head is read; energy comes last.

    Raises
    ------
    InputError
        If the head cannot be read.
    """
    layout = _layout(sample)
    return {dim: layout.coords[dim].size for dim in layout.dims}


def _layout(sample: SampleSettings) -> Layout:
    path = Path(str(sample.file))
    return find_layout(choose_signal(read_signals(path), sample.signal, path), sample.axes, path)


def kept_energies(axis: xr.DataArray, sample: SampleSettings) -> xr.DataArray:
    """Energies of the channels that remain of a file when it is cropped and binned.

    Raises
    ------
    InputError
        If the crop is not on the axis.
    """
    crop, number = sample.corrections.crop.energy_eV, sample.corrections.bin.energy
    energies = in_electronvolts(axis)
    if crop is not None:
        energies = energies[points_within(energies, crop, key="corrections.crop.energy_eV", unit="eV")]
    whole = energies[: energies.size // number * number].reshape(-1, number).mean(axis=1)
    return xr.DataArray(whole, dims=axis.dims, name=axis.name, attrs={**axis.attrs, "units": "eV"})
