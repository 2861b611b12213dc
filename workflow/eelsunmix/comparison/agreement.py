"""How well a map or profile follows the reference, and how well it could at best."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from eelsunmix.typing import Floats

FEWEST_POINTS = 3
_PIECE = 2**16
LEAST_CHI2, CHI2_SD = 1.5, 4.0
"""A chi-square is above noise from here on, and beyond so many standard deviations of its own."""


def correlation(reference: Floats, other: Floats) -> float:
    """Pearson correlation over the points that both have; NaN where either does not vary."""
    n_points, *totals = _summed(lambda x, y: (x.size, x.sum(), y.sum()), reference, other)
    if n_points < FEWEST_POINTS:
        return np.nan
    x_mean, y_mean = (total / n_points for total in totals)

    def products(x: Floats, y: Floats) -> tuple[Any, ...]:
        x, y = x - x_mean, y - y_mean
        return x @ x, y @ y, x @ y

    xx, yy, xy = _summed(products, reference, other)
    power = np.sqrt(xx * yy)
    return float(xy / power) if power > 0 else np.nan


def scale(reference: Floats, other: Floats, sd: Floats) -> float:
    """Factor on `other` that fits `reference` best in weighted least squares."""

    def weighted(x: Floats, y: Floats, noise: Floats) -> tuple[Any, ...]:
        weight = np.divide(1.0, noise**2, out=np.zeros_like(noise), where=noise > 0)
        return weight @ y**2, weight @ (x * y)

    power, product = _summed(weighted, reference, other, sd)
    return float(product) / float(power) if power > 0 else np.nan


def scale_sd(other: Floats, sd: Floats) -> float:
    """Return the standard deviation that the noise of the reference gives `scale`."""

    def power_of(y: Floats, noise: Floats) -> tuple[Any, ...]:
        used = noise > 0
        return (np.sum((y[used] / noise[used]) ** 2),)

    (power,) = _summed(power_of, other, sd)
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
    n_points, squares = _summed(lambda x, y: (x.size, np.sum((x - factor * y) ** 2)), reference, other)
    highest = max(float(x.max(initial=-np.inf)) for x, _ in _pieces(reference, other))
    if n_points < FEWEST_POINTS or not highest > 0:
        return np.nan
    return float(np.sqrt(squares / n_points) / highest)


def reduced_chi2(reference: Floats, other: Floats, sd: Floats, factor: float) -> float:
    """Chi-square per degree of freedom of ``reference - factor * other``; one parameter is fitted."""

    def terms(x: Floats, y: Floats, noise: Floats) -> tuple[Any, ...]:
        used = noise > 0
        return used.sum(), np.sum(((x - factor * y)[used] / noise[used]) ** 2)

    n_points, total = _summed(terms, reference, other, sd)
    return float(total / (n_points - 1)) if n_points >= FEWEST_POINTS else np.nan


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
    n_points, total, noise = _summed(lambda x, noise: (x.size, x.sum(), np.sum(noise**2)), values, sd)
    if n_points < FEWEST_POINTS:
        return np.nan
    mean = total / n_points
    (squares,) = _summed(lambda x, _: (np.sum((x - mean) ** 2),), values, sd)
    if not squares > 0:
        return np.nan
    reliability = 1.0 - (noise / n_points) / (squares / (n_points - 1))
    return float(np.sqrt(max(reliability, 0.0)))


def _summed(terms: Callable[..., tuple[Any, ...]], *arrays: Floats) -> Floats:
    """Add up what a function says of each piece of the points."""
    total: Floats = np.array([terms(*piece) for piece in _pieces(*arrays)], dtype=float).sum(axis=0)
    return total


def _pieces(*arrays: Floats) -> Iterator[list[Floats]]:
    """Yield the points that all arrays have, so many at a time that they need no memory."""
    flat = [np.asarray(values).ravel() for values in arrays]
    for first in range(0, max(flat[0].size, 1), _PIECE):
        yield _common(*(values[first : first + _PIECE] for values in flat))


def _common(*arrays: Floats) -> list[Floats]:
    numbers = [values.astype(float) for values in arrays]
    finite = np.logical_and.reduce([np.isfinite(values) for values in numbers])
    return [values[finite] for values in numbers]
