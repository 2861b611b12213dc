"""Which component of one method is which of another: matching by the shapes of the spectra."""

import functools
from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.comparison.components import Components
from eelsunmix.metrics import match, sad_whitened
from eelsunmix.typing import Floats, Indices


def match_whitened(first: Floats, second: Floats, noise: Floats) -> Indices:
    """Index in `second` of the partner of each spectrum of `first` (-1: none), by their whitened angles."""
    return match(first, second, distance=functools.partial(sad_whitened, standard_deviation=noise))


def groups(components: Sequence[Components], noise: Floats, n_endmembers: int) -> NDArray[np.int64]:
    """Endmember of the first method with a result that each endmember belongs to, shape (method, endmember).

    -1 where there is no such endmember, or none left to match.
    """
    result = np.full((len(components), n_endmembers), -1)
    with_result = [component for component in components if len(component.spectra)]
    if not with_result:
        return result
    reference = with_result[0].spectra
    for row, component in zip(result, components, strict=True):
        if len(component.spectra):
            partners = match_whitened(reference, component.spectra, noise)
            row[partners[partners >= 0]] = np.flatnonzero(partners >= 0)
    return result


def sad_between(components: Sequence[Components], noise: Floats) -> Floats:
    """Mean angle of the matched, whitened endmembers of each pair of methods, shape (method, method)."""
    size = len(components)
    result = np.full((size, size), np.nan)
    for i, first in enumerate(components):
        for j, second in enumerate(components):
            if len(first.spectra) and len(second.spectra):
                result[i, j] = mean_angle(first.spectra, second.spectra, noise)
    return result


def mean_angle(first: Floats, second: Floats, noise: Floats) -> float:
    """Mean whitened spectral angle of the best matching of two sets of spectra, radians."""
    partners = match_whitened(first, second, noise)
    found = partners >= 0
    return float(np.mean(sad_whitened(first[found], second[partners[found]], noise)))


def matching_variables(
    components: Sequence[Components], noise: Floats, n_endmembers: int, *, reference_first: bool = True
) -> xr.Dataset:
    """Variables `group` and `sad_between`, with the reference as a first row without endmembers."""
    extra = int(reference_first)
    group = np.pad(groups(components, noise, n_endmembers), ((extra, 0), (0, 0)), constant_values=-1)
    angles = np.pad(sad_between(components, noise), ((extra, 0), (extra, 0)), constant_values=np.nan)
    return xr.Dataset(
        {
            "group": (("label", "endmember"), group),
            "sad_between": (("label", "other_label"), angles, {"units": "rad"}),
        }
    )
