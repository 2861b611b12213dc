"""Counts of an element by the components that show it: the map that a method stands for.

Summed over all endmembers, counts of an edge hardly depend on which endmembers a method has chosen, because
net counts are nearly linear in the spectrum: that sum tests the subspace alone. What differs between methods
is which component holds an element, and how much of it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.comparison.components import Setting
from eelsunmix.comparison.thresholds import SHOWN
from eelsunmix.typing import Bools, Floats, Indices


def members(talk: Floats, shared: Floats, owner: Indices, setting: Setting) -> Bools:
    """Whether the counts of an endmember belong to the map of an edge, shape (endmember, edge).

    Those of the owner do; those of each endmember that shows all edges of the element at least half as
    strongly (`SHOWN`), which has it in its name; and those of an endmember in whose own pixels background
    subtraction confirms half of what it shows: a material that contains little of the element. What is
    left out is cross-talk.

    Parameters
    ----------
    talk, shared : ndarray, shape (endmember, edge)
        `cross_talk` and `shared_strength`.
    owner : ndarray, shape (edge,)
    setting : Setting
    """
    void = np.array([edge in setting.reference_problems for edge in setting.edges], dtype=bool)
    confirmed = (talk > 0) & (shared >= SHOWN * talk) & ~void
    named = _by_element(talk >= SHOWN, np.all, setting)
    contained = _by_element(confirmed, np.any, setting) & _by_element(confirmed | void, np.all, setting)
    return named | contained | (np.arange(len(talk))[:, None] == owner)


def counts_of_members(scaled: xr.DataArray, net_counts: Floats, belongs: Bools) -> xr.DataArray:
    """Turn abundances that have been brought to counts into those of each edge, dims (navigation, edge)."""
    net = xr.DataArray(np.where(belongs, net_counts, 0.0), dims=("endmember", "edge"))
    return xr.dot(scaled.drop_vars("endmember", errors="ignore"), net, dim="endmember")


def _by_element(shown: Bools, together: Callable[..., Any], setting: Setting) -> Bools:
    """Give all edges of an element the same answer: that of all, or of any of them."""
    result = np.zeros(shown.shape, dtype=bool)
    elements = np.array([edge.element for edge in setting.edges.values()])
    for element in set(elements.tolist()):
        columns = elements == element
        result[:, columns] = together(shown[:, columns], axis=1, keepdims=True)
    return result
