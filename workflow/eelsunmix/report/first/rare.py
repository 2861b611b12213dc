"""What stands for the peak of a map, also where a few pixels hold nearly all of it, as of a rare phase."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.comparison.peaks import peak
from eelsunmix.report.areas import CLEAR_SD

NEXT_TO_NOTHING = 0.05
"""Part of the highest value that all others but a few have at most."""


def highest(image: NDArray[Any], deviation: xr.DataArray | None) -> float:
    """Return the peak of a map; its highest value where too few pixels stand out to reach a quantile.

    Elsewhere such a map is far below, so that its errors would be many times its peak.

    Examples
    --------
    >>> one, many = np.zeros(1000), np.linspace(0.0, 100.0, 1001)
    >>> one[7] = 100.0
    >>> [highest(image, xr.ones_like(xr.DataArray(image))) for image in (one, many)]
    [100.0, 99.5]
    """
    return float(np.nanmax(image)) if is_rare(image, deviation) else peak(image)


def is_rare(image: NDArray[Any], deviation: xr.DataArray | None) -> bool:
    """Whether few pixels hold nearly all of a map: they stand out of noise, and the others do not.

    A spike on a map that is strong elsewhere is none of it: its peak is that of the others.
    """
    found = peak(image)
    if deviation is None or not np.isfinite(found):
        return False
    sd, place = deviation.to_numpy(), np.nanargmax(image)
    top = image.flat[place]
    noise = np.nanmedian(sd) if np.isfinite(sd).any() else 0.0
    is_nothing = found < max(CLEAR_SD * noise, NEXT_TO_NOTHING * top)
    return bool(is_nothing and found < top / 2 and top - found > CLEAR_SD * sd.flat[place])
