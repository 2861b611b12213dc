"""The image that a file holds of the scan of its spectra, such as HAADF."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.io.files import reading
from eelsunmix.io.layout import Layout
from eelsunmix.io.lazy import native
from eelsunmix.io.signals import FileAxis, Signal

PREFERRED = "HAADF"
"""Taken where the file holds several images of the scan."""

logger = logging.getLogger(__name__)


def scan_image(signals: Sequence[Signal], spectra: Signal, layout: Layout, path: Path) -> xr.DataArray | None:
    """Return the image that was recorded with the spectra; None where no image, or more than one, may be it.

    An image is that of the scan if it has as many pixels along each axis as the spectra, and the file gives
    both the same calibration. Of an uncalibrated file nothing is taken: equal sizes alone prove nothing.

    Parameters
    ----------
    signals : sequence of Signal
        All signals of the file.
    spectra : Signal
        The one that is imported.
    layout : Layout
        Of the spectra.
    path : Path
        For the messages.

    Returns
    -------
    DataArray, dims (navigation)
        float64, as in the file, with the attribute `title`.

    Raises
    ------
    InputError
        If it is damaged; the line names it.
    """
    axes = [axis for axis in spectra.axes if not axis.is_energy]
    fitting = [one for one in signals if one is not spectra and _is_of_scan(one, axes)]
    preferred = [one for one in fitting if PREFERRED in one.title.upper()]
    found = fitting if len(fitting) == 1 else preferred
    if len(found) != 1:
        if fitting:
            titles = ", ".join(one.title for one in fitting)
            logger.info("%s: holds several images of the scan (%s); none is taken", path, titles)
        return None
    return _labelled(found[0], layout, path)


def _is_of_scan(signal: Signal, axes: Sequence[FileAxis]) -> bool:
    return (
        signal.dtype.kind in "uif"
        and len(signal.axes) == len(axes) > 0
        and all(map(_is_same_axis, signal.axes, axes))
    )


def _is_same_axis(one: FileAxis, other: FileAxis) -> bool:
    """Whether two axes have the same pixels in the same places, and the file says where these are."""
    places = [one.offset, one.scale, other.offset, other.scale]
    if (one.size, one.name, one.units) != (other.size, other.name, other.units) or None in places:
        return False
    step = abs(float(other.scale or 0.0))
    first, scale = (float(a or 0.0) - float(b or 0.0) for a, b in zip(places[:2], places[2:], strict=True))
    return bool(one.units) and step > 0 and max(abs(first), abs(scale)) <= 1e-3 * step / one.size


def _read(signal: Signal, path: Path) -> Any:
    try:
        with reading(path):
            return np.asarray(native(signal.open(signal.shape), path))
    except InputError as error:
        raise InputError(
            f"the image of the scan, {signal.title or 'untitled'}, is left out: {error}"
        ) from error


def _labelled(signal: Signal, layout: Layout, path: Path) -> xr.DataArray:
    spectral = layout.dims[-1]
    dims = [dim for dim in layout.file_dims if dim != spectral]
    image = xr.DataArray(_read(signal, path), dims=dims).expand_dims(
        [dim for dim in layout.dims if dim not in layout.file_dims]
    )
    image = image.transpose(*layout.dims[:-1]).astype(np.float64)
    return image.assign_attrs(title=signal.title, units="1")  # files do not say what its numbers are
