"""Pixels without sample: holes, vacuum, beam stopped."""

import numpy as np
import xarray as xr

from eelsunmix.image import valid_pixels
from eelsunmix.typing import Bools

DARK_PART = 0.1
"""Vacuum has at most this part of the counts of the sample (median of the pixels above it)."""

LEAST_PIXELS, LEAST_COUNTS = 9, 25.0
"""Fewer dark pixels, or a limit below so many electrons, cannot be told from the tail of the noise."""


def vacuum_pixels(image: xr.DataArray) -> Bools:
    """Find the valid pixels without sample, shape of the navigation dims; energy is the last dim.

    They are much darker than the sample, and alike: what little they have scatters no more than counting
    alone explains (robust dispersion, five standard deviations). The thin end of a wedge is dark, not alike.
    """
    valid = valid_pixels(image)
    totals = image.sum([image.dims[-1]], dtype=np.float64).to_numpy()
    electrons = totals / float(image.attrs.get("counts_per_electron", 1.0))
    empty = np.zeros(valid.shape, bool)
    known = electrons[valid]
    bright = known[known > DARK_PART * known.max(initial=0.0)]
    limit = DARK_PART * float(np.median(bright)) if len(bright) else 0.0
    dark = known[known < limit]
    if len(dark) < LEAST_PIXELS or limit < LEAST_COUNTS:
        return empty
    middle = float(np.median(dark))
    spread = 1.4826 * float(np.median(np.abs(dark - middle)))
    noise = np.sqrt(max(middle, 1.0))
    if spread > noise * (1.0 + 5.0 * 1.17 / np.sqrt(len(dark))):
        return empty
    return valid & (electrons <= min(limit, middle + 4.0 * noise))
