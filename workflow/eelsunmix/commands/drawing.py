"""`eelsunmix check --draw`: the windows on the mean spectra, and whether the edges fit the energy axes."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import xarray as xr

from eelsunmix.background.energy_axis import check_energy_axis
from eelsunmix.background.group_spectra import sum_groups
from eelsunmix.commands.checking import Checked
from eelsunmix.configuration.settings import SampleSettings
from eelsunmix.edges import CURVES, Edge
from eelsunmix.energy.units import channel_energies
from eelsunmix.errors import InputError
from eelsunmix.image import valid_pixels
from eelsunmix.io import open_image
from eelsunmix.noise import counts_per_electron
from eelsunmix.proposal.drawing import is_windows_page, page_of_edges
from eelsunmix.proposal.proposing import mean_spectrum
from eelsunmix.storage.whole_files import write_page


def draw_windows(checked: Checked, folder: Path) -> list[str]:
    """Draw the windows of each sample on the mean spectrum of its file, and look whether edges fit the axis.

    The files are read whole. The spectrum is as read, with the axis as configured, before any correction.
    Where edges rise elsewhere than configured, the log says so, and the page.

    Parameters
    ----------
    checked : Checked
    folder : Path
        Where `SAMPLE.windows.html` is written.

    Returns
    -------
    list of str
        What was written.

    Raises
    ------
    InputError
        If a file cannot be read, or another file stands where a page would be written.
    """
    said = []
    for name, edges in checked.edges.items():
        page = folder / f"{name}.windows.html"
        if os.path.lexists(page) and not is_windows_page(page):
            raise InputError(f"{page}: is there already and was not made by this command; move it aside")
        image = _image(checked.configuration.samples[name])
        doubts = _axis_doubts(image, edges)
        write_page(page, _page(name, image, edges, doubts))
        said.append(f"wrote {page}")
    return said


def _image(sample: SampleSettings) -> xr.DataArray:
    return open_image(
        str(sample.file),
        signal=sample.signal,
        axes=sample.axes,
        detector=sample.detector,
        invalid_pixels=sample.invalid_pixels,
    )


def _axis_doubts(image: xr.DataArray, edges: Mapping[str, Edge]) -> list[str]:
    """Say where the edges of the image rise elsewhere than they were said to, as BS will."""
    if image.dims[-1] != "energy_loss":
        return []
    everywhere = np.where(valid_pixels(image), 0.0, np.nan)
    groups = sum_groups(image, dict.fromkeys(edges, everywhere))
    found = check_energy_axis(image, groups, edges, counts_per_electron=counts_per_electron(image))
    return list(found.warnings)


def _page(name: str, image: xr.DataArray, edges: Mapping[str, Edge], doubts: list[str]) -> str:
    spectrum = (channel_energies(image), mean_spectrum(image))
    marked = [(label.replace("_", " "), edge) for label, edge in edges.items()]
    fitted = {label: edge for label, edge in edges.items() if not edge.is_line}
    curves = [f"{label.replace('_', ' ')}: {CURVES[edge.background]}" for label, edge in fitted.items()]
    lines = [*doubts, *([f"The background before {'; before '.join(curves)}."] if curves else [])]
    return page_of_edges(name, spectrum, marked, is_loss=image.dims[-1] == "energy_loss", said=lines)
