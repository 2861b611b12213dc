"""Whether a dark area has a spectrum of its own: a dark phase, and no vacuum."""

import functools
import operator

import numpy as np
import xarray as xr

from eelsunmix.execution import blocks
from eelsunmix.noise import counts_per_electron
from eelsunmix.numerics.features import has_features
from eelsunmix.typing import Bools, Floats, Indices
from eelsunmix.vacuum.areas import areas_of, neighbours
from eelsunmix.vacuum.dark import BRIGHT, EMPTY

TELLING, FEW = 8000.0, 1000.0
"""Electrons of an area that would show features of its own: one with fewer is taken for what others are; one
with very few, and these not for want of signal (`DIM`), stays with the sample."""

DIM = 0.005
"""Part of the counts of the sample that no dark phase stays below."""

MOST_AREAS, RIM_PX = 63, 6
"""Areas that are looked at, the largest first; how far away sample is beside one."""


def without_features(image: xr.DataArray, core: Bools, electrons: Floats, level: float) -> Bools:
    """Leave out areas whose spectrum is not that of the sample, beside them or of all, and a constant (c)."""
    from scipy.ndimage import binary_dilation

    areas, sizes = areas_of(core)
    order = np.argsort(sizes[1:])[::-1][:MOST_AREAS] + 1
    number = np.zeros(len(sizes), int)
    number[order] = np.arange(1, len(order) + 1)
    # A film beside vacuum may be much darker than particles on it.
    rim = binary_dilation(core, neighbours(core.ndim), iterations=RIM_PX) & (electrons > 3 * EMPTY * level)
    bright = electrons >= BRIGHT * level
    marks = {"_area": number[areas], "_bright": bright, "_rim": rim}
    marked = image.assign_coords({name: (image.dims[:-1], mark) for name, mark in marks.items()})
    kernel = functools.partial(_sums_of_block, n_areas=len(order))
    sums = blocks.fold(kernel, marked, operator.add)
    dim = DIM * level * sizes[order].astype(np.float64)
    empty = _empty_areas(sums / counts_per_electron(image), dim)
    # Areas beyond the largest ones are not examined, and stay with the sample.
    return core & np.isin(number[areas], empty)


def _empty_areas(sums: Floats, dim: Floats) -> Indices:
    """Return the numbers of the areas without features, from sums of spectra in electrons (area, channel)."""
    areas, sample = sums[1:-2], sums[-2:]
    electrons = areas.sum(axis=1)
    own = np.array([has_features(area, sample) for area in areas], bool)
    unclear = (electrons < TELLING) & own.any() | (electrons < FEW) & (electrons > dim)
    found: Indices = np.flatnonzero(~own & ~unclear) + 1
    return found


def _sums_of_block(block: xr.DataArray, n_areas: int) -> Floats:
    spectra = block.to_numpy().reshape(-1, block.shape[-1])
    area = block["_area"].to_numpy().ravel()
    sums = np.zeros((n_areas + 3, spectra.shape[1]))
    for n in np.unique(area[area > 0]):
        sums[n] = spectra[area == n].sum(axis=0, dtype=float)
    for row, name in ((-2, "_rim"), (-1, "_bright")):
        sums[row] = spectra[block[name].to_numpy().ravel()].sum(axis=0, dtype=float)
    return sums
