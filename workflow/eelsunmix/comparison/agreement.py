"""How well a map or profile follows the reference, and how well it could at best."""

import numpy as np

from eelsunmix.typing import Floats

FEWEST_POINTS = 3
LEAST_CHI2, CHI2_SD = 1.5, 4.0
"""A chi-square is above noise from here on, and beyond so many standard deviations of its own."""


def correlation(reference: Floats, other: Floats) -> float:
    """Pearson correlation over the points that both have; NaN where either does not vary."""
    x, y = _common(reference, other)
    if x.size < FEWEST_POINTS:
        return np.nan
    x, y = x - x.mean(), y - y.mean()
    power = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / power) if power > 0 else np.nan


def scale(reference: Floats, other: Floats, sd: Floats) -> float:
    """Factor on `other` that fits `reference` best in weighted least squares."""
    x, y, noise = _common(reference, other, sd)
    weight = np.divide(1.0, noise**2, out=np.zeros_like(noise), where=noise > 0)
    power = float(weight @ y**2)
    return float(weight @ (x * y)) / power if power > 0 else np.nan


def scale_sd(other: Floats, sd: Floats) -> float:
    """Return the standard deviation that the noise of the reference gives `scale`."""
    y, noise = _common(other, sd)
    used = noise > 0
    power = float(np.sum((y[used] / noise[used]) ** 2))
    return float(1 / np.sqrt(power)) if power > 0 else np.nan


def excess(error: float, chi2: float, n_points: int) -> float:
    """Part of a relative error that the noise does not explain; zero where chi-square may be noise.

    Parameters
    ----------
    error, chi2 : float
        `scaled_error` and `reduced_chi2` of the same values.
    n_points : int

    Examples
    --------
    >>> excess(0.05, 1.2, 50), round(excess(0.05, 4.0, 50), 4)
    (0.0, 0.0433)
    """
    likely = max(LEAST_CHI2, 1 + CHI2_SD * np.sqrt(2 / max(n_points - 1, 1)))
    return 0.0 if chi2 <= likely else error * float(np.sqrt(1 - 1 / chi2))


def scaled_error(reference: Floats, other: Floats, factor: float) -> float:
    """Root mean square of ``reference - factor * other`` relative to the largest reference value."""
    x, y = _common(reference, other)
    if x.size < FEWEST_POINTS or not x.max() > 0:
        return np.nan
    return float(np.sqrt(np.mean((x - factor * y) ** 2)) / x.max())


def reduced_chi2(reference: Floats, other: Floats, sd: Floats, factor: float) -> float:
    """Chi-square per degree of freedom of ``reference - factor * other``; one parameter is fitted."""
    x, y, noise = _common(reference, other, sd)
    used = noise > 0
    if used.sum() < FEWEST_POINTS:
        return np.nan
    terms = ((x - factor * y)[used] / noise[used]) ** 2
    return float(terms.sum() / (used.sum() - 1))


def noise_ceiling(values: Floats, sd: Floats) -> float:
    """Correlation that the noise-free truth itself would have with these noisy values.

    Parameters
    ----------
    values, sd : ndarray, same shape
        Measurement and its standard deviation.

    Returns
    -------
    float
        ``sqrt(reliability)``; the reliability, ``1 - noise variance / total variance``, is the correlation of
        two such measurements with each other. 0 where noise explains all of the variance.

    Examples
    --------
    >>> noise_ceiling(np.array([0.0, 3.0, 0.0, 3.0]), np.zeros(4))
    1.0
    """
    x, noise = _common(values, sd)
    if x.size < FEWEST_POINTS or not x.var() > 0:
        return np.nan
    reliability = 1.0 - np.mean(noise**2) / x.var(ddof=1)
    return float(np.sqrt(max(reliability, 0.0)))


def _common(*arrays: Floats) -> list[Floats]:
    flat = [np.asarray(values, dtype=float).ravel() for values in arrays]
    finite = np.all([np.isfinite(values) for values in flat], axis=0)
    return [values[finite] for values in flat]
