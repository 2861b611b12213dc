"""Fine axes on coarser ones: what pixels and channels became when an image was cropped and binned."""

from collections.abc import Hashable
from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.typing import Floats

Known = TypeVar("Known", xr.Dataset, xr.DataArray)


def groups_of(fine: Floats, coarse: Floats) -> tuple[NDArray[np.int64], int] | None:
    """Bin of each fine position (-1 outside) and how many each bin holds; None unless all hold as many."""
    step = coarse[1] - coarse[0] if coarse.size > 1 else (fine[1] - fine[0] if fine.size > 1 else 1.0)
    bins = np.floor((fine - coarse[0]) / step + 0.5 + 1e-6).astype(int)
    bins[(bins < 0) | (bins >= coarse.size)] = -1
    sizes = np.bincount(bins[bins >= 0], minlength=coarse.size)
    return None if sizes.min() < 1 or sizes.min() != sizes.max() else (bins, int(sizes[0]))


def binned(known: Known, dim: Hashable, members: NDArray[np.int64], n: int, *, add: bool) -> Known:
    """Sum or average what lies in each bin of `groups_of`; what is outside of all is left out."""
    inside = known.drop_vars([dim], errors="ignore").isel({dim: np.flatnonzero(members >= 0)})
    coarse = inside.coarsen({dim: n})
    return coarse.sum() if add else coarse.mean()
