"""Whether the scan lines of a map come in an order: tests against permutations of whole lines.

Noise of scan lines (a camera that reads each line with another offset) is as likely in any order of the
lines. Layers, gradients, atomic planes and lattices are not: lines at some distance are alike, or opposite.
"""

import numpy as np

from eelsunmix.typing import Floats

PERMUTATIONS = 2997
BATCH = 111

CLEAR = 0.3
"""A chance above this one after the first batch is not made any more precise."""

BEYOND_CHANCE = 10.0
"""Standard deviations of the permuted statistics beyond which no further ones are needed."""

SHARES = np.array([1.5, 6.0, 6.0])
"""One over the share of each statistic in the probability."""

USUAL = 10
"""Places that the scatter along all lines counts for, beside that along one line."""

NORMAL_MEDIAN, EFFICIENCY = 0.6745, 0.37
"""Median deviation of the normal law, and its efficiency as a measure of the scatter."""

MOST_LINES = 4096
"""Neighbours are taken together where there are more: permuting them would take hours."""

LARGE = 2**18
"""Numbers of a map beyond which it is not decomposed itself, in several copies, but by its products."""

PATTERNS = 4
"""Leading singular patterns that stand for what the lines look like: permuted lines have the same ones."""


def chance_of_order(lines: Floats, rng: np.random.Generator, *, overwrite: bool = False) -> float:
    """Probability that a random order of the lines is as ordered as this one.

    Three statistics: how alike neighbours are, the largest autocorrelation of either sign at any lag up to
    half the lines, and the largest power of any period. The smallest of their probabilities counts, each
    times its share.

    Parameters
    ----------
    lines : ndarray, shape (line, place)
        Without NaN.
    rng : Generator
        Source of the permutations.
    overwrite : bool
        Whether the lines may be altered: one copy less, of what may be a map of millions of pixels.

    Examples
    --------
    >>> planes = np.cos(2 * np.pi * np.arange(40) / 2.6)[:, None] * np.ones(5)
    >>> chance_of_order(planes, np.random.default_rng(0)) < 0.01
    True
    """
    lines = _at_most(MOST_LINES, lines)
    patterns = _patterns(_equally_noisy(_centred(lines, overwrite=overwrite)))
    found, above, drawn = _statistics(patterns[None]), np.zeros(3), 0
    while drawn < PERMUTATIONS:
        random = _of_random_orders(patterns, rng)
        if np.any(found > random.mean(axis=0) + BEYOND_CHANCE * random.std(axis=0)):
            return float(SHARES.min() / (PERMUTATIONS + 1))
        above += np.sum(random >= found - 1e-9 * np.abs(found), axis=0)
        drawn += BATCH
        if np.min(SHARES * (above + 1)) / (drawn + 1) > CLEAR:
            break
    return float(min(1.0, np.min(SHARES * (above + 1)) / (drawn + 1)))


def lines_differ(lines: Floats) -> float:
    """Probability, by an F test, that the means of lines of independent pixels differ as these ones do.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(30, 8))
    >>> lines_differ(noise) > 0.01, lines_differ(noise + np.arange(30)[:, None] % 7) < 1e-9
    (True, True)
    """
    from scipy import special

    n_lines, n_places = lines.shape
    within = float(scatter_along(lines).mean())
    ratio = n_places * float(lines.mean(axis=1).var(ddof=1)) / max(within, np.finfo(float).tiny)
    return float(special.fdtrc(n_lines - 1, n_lines * (n_places - 1), ratio))


def most_lines_differ(lines: Floats) -> float:
    """Probability of chance as `lines_differ`, by a scatter that a minority of lines, a layer, leaves alone.

    References
    ----------
    Rousseeuw, Croux, J. Am. Stat. Assoc. 88 (1993) 1273 (the median deviation, and its efficiency).

    Examples
    --------
    >>> noise, place = np.random.default_rng(0).normal(size=(30, 8)), np.arange(30)[:, None]
    >>> most_lines_differ(noise + 9 * (place > 26)) > 1e-4, most_lines_differ(noise + place % 7) < 1e-9
    (True, True)
    """
    from scipy import special

    n_lines, n_places = lines.shape
    means = lines.mean(axis=1)
    scatter = float(np.median(np.abs(means - np.median(means))) / NORMAL_MEDIAN)
    within = float(scatter_along(lines).mean())
    ratio = n_places * scatter**2 / max(within, np.finfo(float).tiny)
    return float(special.fdtrc(EFFICIENCY * (n_lines - 1), n_lines * (n_places - 1), ratio))


def scatter_along(lines: Floats) -> Floats:
    """Variance along each line, of some of them at a time: NumPy copies what it is taken of."""
    step = max(1, LARGE // lines.shape[1])
    parts = [lines[first : first + step].var(axis=1, ddof=1) for first in range(0, len(lines), step)]
    return np.concatenate(parts)


def _centred(lines: Floats, *, overwrite: bool) -> Floats:
    return np.subtract(lines, lines.mean(axis=0), out=lines if overwrite else None)


def _equally_noisy(lines: Floats) -> Floats:
    """Divide lines, in place, by the scatter along them: noisy lines side by side are no order."""
    if (degrees := lines.shape[1] - 1) == 0:
        return lines
    within = scatter_along(lines)
    if within.mean() <= np.finfo(float).eps * np.einsum("ij,ij->", lines, lines) / lines.size:
        return lines
    # Of few places it is hardly known, and then that of all lines counts more.
    variance = (degrees * within + USUAL * within.mean()) / (degrees + USUAL)
    lines /= np.sqrt(np.maximum(variance, np.finfo(float).tiny))[:, None]
    lines -= lines.mean(axis=0)
    return lines


def _at_most(most: int, lines: Floats) -> Floats:
    """Mean neighbouring lines where there are more; those that are left over at the end are dropped."""
    width = -(-len(lines) // most)
    whole = len(lines) // width * width
    return lines if width == 1 else lines[:whole].reshape(-1, width, lines.shape[1]).mean(axis=1)


def _patterns(lines: Floats) -> Floats:
    if lines.size > LARGE:
        return _patterns_of_products(lines)
    left, values, _ = np.linalg.svd(lines, full_matrices=False)
    patterns: Floats = (left * values)[:, :PATTERNS]
    return patterns


def _patterns_of_products(lines: Floats) -> Floats:
    """Find the leading patterns from the products of lines or of places, whichever are fewer."""
    if len(lines) > lines.shape[1]:
        patterns: Floats = lines @ _leading(lines.T @ lines)[1]
        return patterns
    values, vectors = _leading(lines @ lines.T)
    leading: Floats = vectors * np.sqrt(np.maximum(values, 0.0))
    return leading


def _leading(products: Floats) -> tuple[Floats, Floats]:
    """Leading eigenvalues and eigenvectors, largest first; the others would take three times the matrix.

    Of symmetric products, the transpose is what LAPACK can overwrite: it would copy rows that lie one after
    the other.
    """
    from scipy import linalg

    last = len(products) - 1
    values, vectors = linalg.eigh(
        products.T, overwrite_a=True, check_finite=False, subset_by_index=[max(0, last + 1 - PATTERNS), last]
    )
    return values[::-1], vectors[:, ::-1]


def _of_random_orders(patterns: Floats, rng: np.random.Generator) -> Floats:
    """Statistics of `BATCH` random orders of the lines, so many of them in memory as are not large."""
    together = max(1, min(BATCH, LARGE // patterns.size))
    found = []
    for first in range(0, BATCH, together):
        number = min(together, BATCH - first)
        order = rng.permuted(np.tile(np.arange(len(patterns)), (number, 1)), axis=1)
        found.append(_statistics(patterns[order]))
    return np.concatenate(found)


def _statistics(patterns: Floats) -> Floats:
    """Neighbours', largest autocorrelation, largest power of sets (set, line, pattern), but for factors."""
    n_lines = patterns.shape[1]
    lag = np.arange(1, n_lines // 2 + 1)
    power = np.sum(np.abs(np.fft.rfft(patterns, axis=1)) ** 2, axis=2)[:, 1:]
    padded = np.sum(np.abs(np.fft.rfft(patterns, 2 * n_lines, axis=1)) ** 2, axis=2)
    products = np.fft.irfft(padded, axis=1)
    # Centred lines have a sum of zero, so that two different ones are slightly opposite on average.
    expected = -products[:, :1] * (n_lines - lag) / (n_lines * (n_lines - 1))
    correlation = (products[:, lag] - expected) / np.sqrt(n_lines - lag)
    return np.stack([correlation[:, 0], np.abs(correlation).max(axis=1), power.max(axis=1)], axis=1)
