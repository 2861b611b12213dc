"""Whether components hold the derivative of the mean spectrum: spectra that drift in energy make one."""

import numpy as np
import xarray as xr

from eelsunmix.typing import Floats

SMOOTH_DEGREE = 3
"""Smooth factors of the mean spectrum are left out: polynomials of the channel up to this degree. A slope
that changes with the thickness looks like a drift of the background."""

NEIGHBOURS = 5
"""Channels whose median stands for the level of one that is dead."""

DRIFT = 0.8
"""Correlation that is a drift; without one it is 0.4 at most, with a visible one 0.85 and more."""


def drift_warnings(pca: xr.Dataset, n_endmembers: int) -> list[str]:
    """Say that the leading components hold a drift of the energy axis, and what to do about it.

    Parameters
    ----------
    pca : Dataset
        From `denoise`; the square of ``channel_weight`` stands for the mean spectrum.
    n_endmembers : int
        Leading components that are used.
    """
    loadings = pca["loading"][:n_endmembers].to_numpy().astype(float)
    found = drift_correlation(loadings, pca["channel_weight"].to_numpy().astype(float) ** 2)
    if len(loadings) < 2 or found < DRIFT:
        return []
    return [
        f"The components hold the derivative of the mean spectrum (correlation {found:.2f}): the energy axis "
        "drifts between pixels, or the one edge in the range shifts chemically. Drift is no material: align "
        "the spectra first (corrections.align), and ask for one component less."
    ]


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
    from scipy import ndimage

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
