"""Whether a method shows an element, and whether background subtraction (BS) does."""

import numpy as np
import xarray as xr

from eelsunmix.comparison.setting import Setting
from eelsunmix.typing import Floats

OWNER_SD = 3.0
"""Standard deviations up to which the counts of the endmember with the most of an element may be chance: the
largest of several is so more often than each of them."""
LARGEST_SD = 1.0
"""Standard deviations by which a value is to exceed the largest that noise has among so many."""


def edges_of_elements(setting: Setting) -> dict[str, list[str]]:
    """Return the edges of each element, in their order."""
    found: dict[str, list[str]] = {}
    for name, edge in setting.edges.items():
        found.setdefault(edge.element, []).append(name)
    return found


def is_shown(one: xr.Dataset, element: str, setting: Setting) -> bool:
    """Whether the component of a method that owns the edges of an element holds one of them beyond chance.

    Parameters
    ----------
    one : Dataset, dims (edge, endmember, ...)
        A method of the comparison.
    element : str
    setting : Setting
    """
    at = one.sel(edge=edges_of_elements(setting)[element])
    owner = int(at["owner"][0])
    if owner < 0:
        return False
    own = at.isel(endmember=owner)
    net, sd, confirmed = (
        own[name].to_numpy()
        for name in ("endmember_net_counts", "endmember_net_counts_sd", "confirmed_net_counts")
    )
    # A single pixel may show by its noise what its neighbours do not; a failed BS cannot confirm anything.
    failed = [name in setting.reference_problems for name in at["edge"].values]
    least = np.where(failed, net, np.minimum(net, confirmed))
    return bool((least > OWNER_SD * sd).any())


def is_above_zero(counts: Floats, sd: Floats) -> bool:
    """Whether some counts of BS are above zero by more than the largest of so many values of noise.

    Where none is, what varies lies below zero, by backgrounds that are no power laws, and is no element.

    Parameters
    ----------
    counts, sd : ndarray
        Of the same shape; with their standard deviations.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=1000)
    >>> [is_above_zero(counts, np.ones(1000)) for counts in (noise, noise - 9.0, noise + 9.0)]
    [False, False, True]
    """
    known = np.isfinite(counts) & (sd > 0)
    of_noise = np.sqrt(2 * np.log(max(int(known.sum()), 2)))
    return bool((counts[known] > (of_noise + LARGEST_SD) * sd[known]).any())
