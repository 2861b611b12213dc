"""Whether components hold the derivative of the mean spectrum: spectra that drift in energy make one."""

import numpy as np
from scipy import ndimage

from eelsunmix.typing import Floats

SMOOTH_DEGREE = 3
"""Smooth factors of the mean spectrum are left out: polynomials of the channel up to this degree. A slope
that changes with the thickness looks like a drift of the background."""

NEIGHBOURS = 5
"""Channels whose median stands for the level of one that is dead."""


def drift_correlation(loadings: Floats, mean_spectrum: Floats) -> float:
    """Multiple correlation of the derivative of the mean spectrum with what the components span.

    Both in units of the Poisson noise, and without smooth factors of the mean spectrum. A drift by much less
    than the width of the features adds the derivative, and hardly anything else, to the components; edges
    of other materials are steps, which correlate little with it.

    Parameters
    ----------
    loadings : ndarray, shape (component, channel)
        Those of signal; any basis of the space does.
    mean_spectrum : ndarray, shape (channel,)
        Counts.

    Returns
    -------
    float
        From 0 to 1; 0 where the spectrum has no features.
    """
    mean = np.asarray(mean_spectrum, dtype=float)
    # A dead channel must not weigh more than its neighbours.
    level = np.maximum(mean, ndimage.median_filter(mean, NEIGHBOURS))
    weight = np.sqrt(np.maximum(level, max(1e-3 * float(level.max(initial=0.0)), np.finfo(float).tiny)))
    place = np.linspace(-1.0, 1.0, mean.size)
    smooth = mean / weight * place[None] ** np.arange(SMOOTH_DEGREE + 1)[:, None]
    basis = np.linalg.qr(smooth.T)[0]
    derivative = _without(np.gradient(mean) / weight, basis)
    others = _without(loadings / weight, basis)
    left, values, _ = np.linalg.svd(others.T, full_matrices=False)
    span = left[:, values > 1e-6 * values.max(initial=0.0)]
    length = float(np.linalg.norm(derivative))
    return float(np.linalg.norm(derivative @ span)) / length if length > 0 else 0.0


def _without(rows: Floats, basis: Floats) -> Floats:
    left: Floats = rows - (rows @ basis) @ basis.T
    return left
