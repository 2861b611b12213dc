"""Whether a dark area has a spectrum of its own: a dark phase, and no vacuum."""

import functools
import operator

import numpy as np
import xarray as xr

from eelsunmix.execution import blocks
from eelsunmix.noise import counts_per_electron
from eelsunmix.typing import Bools, Floats, Indices
from eelsunmix.vacuum.areas import areas_of, neighbours
from eelsunmix.vacuum.dark import BRIGHT, EMPTY

OWN_SIGNIFICANCE, OWN_PART = 4.0, 0.3
"""Standard deviations, and part of the counts of a band of channels, that are beyond those of the sample."""

TELLING, FEW = 8000.0, 1000.0
"""Electrons of an area that would show features of its own: one with fewer is taken for what others are; one
with very few, and these not for want of signal (`DIM`), stays with the sample."""

DIM = 0.005
"""Part of the counts of the sample that no dark phase stays below."""

N_BANDS, MOST_AREAS, RIM_PX = 20, 63, 6
"""Bands of channels that are looked at; areas, the largest first; how far away sample is beside one."""


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
    own = np.array([_has_features(area, sample) for area in areas], bool)
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


def _has_features(dark: Floats, sample: Floats) -> bool:
    """Whether a sum of spectra has, in a band of channels, much that the sample and a constant lack."""
    from scipy.optimize import nnls

    bands = np.array_split(np.arange(len(dark)), min(N_BANDS, len(dark)))
    found = np.array([dark[band].sum() for band in bands])
    shapes = np.vstack([[spectrum[band].sum() for band in bands] for spectrum in sample])
    shapes = np.vstack([shapes, [len(band) for band in bands]])
    scale = shapes.sum(axis=1, keepdims=True)
    shapes = shapes / np.where(scale > 0, scale, 1.0)
    # Counts below zero are noise of the read-out, which is not in the counts.
    sd = np.maximum(np.sqrt(np.maximum(found, 1.0)), -found.min())
    fitted = nnls((shapes / sd).T, found / sd)[0] @ shapes
    excess = found - fitted
    return bool(np.any((excess > OWN_SIGNIFICANCE * sd) & (excess > OWN_PART * found)))
