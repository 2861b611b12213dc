"""Whether components hold the derivative of the mean spectrum: spectra that drift in energy make one."""

import numpy as np
import xarray as xr

from eelsunmix.pca.score_maps import ScoreMaps
from eelsunmix.typing import Floats

SMOOTH_DEGREE = 3
"""Smooth factors of the mean spectrum are left out: polynomials of the channel up to this degree. A slope
that changes with the thickness looks like a drift of the background."""

NEIGHBOURS = 5
"""Channels whose median stands for the level of one that is dead."""

PARTS = 4
ALIKE = 0.5
"""Parts of the spectrum with equal shares of the derivative; the least shift over the largest one."""

SHIFT_DEGREE = 6
"""Of the polynomial of the shift that the scores of a drift follow."""

PIXELS = 2**18
"""Pixels that are looked at, evenly chosen where there are more."""

DRIFT = 0.8
"""Correlation that is a drift; without one it is 0.4 at most, with a visible one 0.85 and more."""


def drift_warnings(pca: xr.Dataset, n_endmembers: int, *, left_out: int | None = None) -> list[str]:
    """Say that the leading components hold a drift of the energy axis, and what to do about it.

    Parameters
    ----------
    pca : Dataset
        From `denoise`; the square of ``channel_weight`` stands for the mean spectrum.
    n_endmembers : int
        Leading components that are looked at.
    left_out : int, optional
        How many of them are not counted as endmembers, where that has been decided.
    """
    found = _correlation(pca, n_endmembers)
    if found < DRIFT:
        return []
    advice = "Align the spectra first (corrections.align), and ask for one component less."
    if left_out == 0:
        advice = (
            "But not all features shift alike, or too little to tell, so it is counted: align the spectra "
            "(corrections.align) and see whether it stays; then the shift is chemical."
        )
    if left_out:
        those = "This component is" if left_out == 1 else f"These {left_out} components are"
        advice = (
            f"{those} not counted. Align the spectra first (corrections.align); if the shift is chemical, "
            "set components.n."
        )
    return [
        f"The components hold the derivative of the mean spectrum (correlation {found:.2f}): the energy axis "
        "drifts between pixels, or the one edge in the range shifts chemically; where there is no edge, "
        "thickness that bends the background looks alike. Neither is a material. " + advice
    ]


def drift_components(pca: xr.Dataset, n_components: int, noise_edge: float) -> int:
    """Count the leading components that are there because the energy axis drifts.

    A drift as wide as the features of the spectrum takes several components, but all of them follow from one
    number, the shift of the pixel. So what a polynomial of the score of the derivative explains is drift;
    what exceeds the edge of noise without it is left for materials, and the mean spectrum. None where parts
    of the spectrum shift and others do not: that is chemistry.

    Parameters
    ----------
    pca : Dataset
        From `denoise`.
    n_components : int
        Leading components that are signal.
    noise_edge : float
        The largest eigenvalue of noise.
    """
    n_components = min(n_components, pca.sizes["component"])
    if _correlation(pca, n_components) < DRIFT:
        return 0
    scores = _scores(pca, n_components)
    mean, weight = _spectrum(pca), pca["channel_weight"].to_numpy().astype(float)
    loadings = pca["loading"][:n_components].to_numpy().astype(float) / weight
    derivative = _without(np.gradient(mean) / weight, _smooth(mean, weight))
    if not _shifts_as_a_whole(derivative, loadings):
        return 0
    left = _unexplained(scores, scores @ (loadings @ derivative))
    values = np.linalg.eigvalsh(left.T @ left / len(left))
    return max(n_components - 1 - int(np.sum(values > noise_edge)), 1)


def _scores(pca: xr.Dataset, n_components: int) -> Floats:
    """Scores (pixel, component) of the bright pixels; of a large image those of every n-th one."""
    maps = ScoreMaps(pca, n_components)
    every = -(-int(np.prod(maps.shape[:-1])) // PIXELS)
    scores = np.concatenate([rows[::every] for rows in maps.rows()])
    bright: Floats = scores[np.isfinite(scores).all(axis=1) & (np.abs(scores[:, 0]) > 0)]
    return bright


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
    basis = _smooth(mean, weight)
    derivative = _without(np.gradient(mean) / weight, basis)
    others = _without(loadings / weight, basis)
    left, values, _ = np.linalg.svd(others.T, full_matrices=False)
    span = left[:, values > 1e-6 * values.max(initial=0.0)]
    length = float(np.linalg.norm(derivative))
    return float(np.linalg.norm(derivative @ span)) / length if length > 0 else 0.0


def _correlation(pca: xr.Dataset, n_components: int) -> float:
    if n_components < 2:
        return 0.0
    return drift_correlation(pca["loading"][:n_components].to_numpy().astype(float), _spectrum(pca))


def _spectrum(pca: xr.Dataset) -> Floats:
    mean: Floats = pca["channel_weight"].to_numpy().astype(float) ** 2
    return mean


def _smooth(mean: Floats, weight: Floats) -> Floats:
    """Basis (channel, factor) of the mean spectrum times polynomials, in units of the weight."""
    factors = np.linspace(-1.0, 1.0, mean.size)[None] ** np.arange(SMOOTH_DEGREE + 1)[:, None]
    basis: Floats = np.linalg.qr((mean / weight * factors).T)[0]
    return basis


def _shifts_as_a_whole(derivative: Floats, loadings: Floats) -> bool:
    """Whether parts of the range that hold equal shares of the derivative are shifted alike."""
    found = (loadings @ derivative) @ loadings
    share = np.cumsum(derivative**2) / np.sum(derivative**2)
    part = np.minimum((share * PARTS).astype(int), PARTS - 1)
    part = np.unique(part, return_inverse=True)[1]  # one channel may hold several shares
    shifts = np.bincount(part, found * derivative) / np.bincount(part, derivative**2)
    return bool(np.min(shifts) > ALIKE * np.max(shifts))


def _unexplained(scores: Floats, of_derivative: Floats) -> Floats:
    """Leave out of scores (pixel, component) the mean, and what is a polynomial of the shift of a pixel."""
    shift = of_derivative / scores[:, 0]
    low, high = np.quantile(shift, [0.001, 0.999])
    place = np.clip(2 * (shift - low) / max(high - low, np.finfo(float).tiny) - 1, -1, 1)
    terms = np.polynomial.legendre.legvander(place, SHIFT_DEGREE) * scores[:, :1]
    left: Floats = scores - terms @ np.linalg.lstsq(terms, scores, rcond=None)[0]
    return left


def _without(rows: Floats, basis: Floats) -> Floats:
    left: Floats = rows - (rows @ basis) @ basis.T
    return left
