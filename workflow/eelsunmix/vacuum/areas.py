"""Connected areas of pixels, each within a frame."""

import numpy as np

from eelsunmix.typing import Bools, Indices


def areas_of(mask: Bools) -> tuple[Indices, Indices]:
    """Give connected areas numbers from 1, each within a frame; also their sizes, that of no area first."""
    from scipy.ndimage import label

    areas = label(mask, neighbours(mask.ndim))[0]
    return areas, np.bincount(areas.ravel())


def neighbours(n_dims: int) -> Bools:
    """Pixels that touch the one in the middle, within its frame."""
    structure = np.zeros((3,) * n_dims, bool)
    structure[(1,) * (n_dims - 2)] = True
    return structure
