"""Saturation seen in the counts: values that pile up at the highest one, whatever the limit of the type.

Noise thins out towards the highest counts: values are at the highest one no more often than at the next
lower one. Clipping collects there all that lay above. So the numbers at the two are tested against a fair
coin, once for the image and once for each channel, since a gain correction after the clipping gives each
channel a highest value of its own. Clipping of one-digit counts, where noise thins out in a step or two, is
often missed.
"""

from dataclasses import dataclass

import numpy as np
import scipy

from eelsunmix.image import spectra_of

FALSE_ALARMS = 1e-6
"""Chance by which the highest values of an image without clipping are called a pile-up."""


@dataclass(frozen=True)
class Heights:
    """The two highest values of each channel, how often they occur, and the moments of the channel.

    All arrays have shape (channel,); values are -inf and counts 0 where there is none.
    """

    top: np.ndarray
    n_top: np.ndarray
    second: np.ndarray
    n_second: np.ndarray
    n: np.ndarray
    total: np.ndarray
    squares: np.ndarray

    def __add__(self, other: "Heights") -> "Heights":
        values = np.stack([self.top, self.second, other.top, other.second])
        numbers = np.stack([self.n_top, self.n_second, other.n_top, other.n_second])
        top = values.max(axis=0)
        second = np.where(values < top, values, -np.inf).max(axis=0)
        n_top, n_second = ((numbers * (values == height)).sum(axis=0) for height in (top, second))
        n, total, squares = self.n + other.n, self.total + other.total, self.squares + other.squares
        return Heights(top, n_top, second, n_second, n, total, squares)

    @property
    def variance(self) -> np.ndarray:
        """Variance of each channel over the pixels."""
        n = np.maximum(self.n, 1)
        return np.maximum(self.squares / n - (self.total / n) ** 2, 0)


@dataclass(frozen=True)
class PileUp:
    """Highest value (None where each channel has its own), values at it, and the channels concerned."""

    level: float | None
    n_values: int
    channels: np.ndarray


def heights_of_block(cube: np.ndarray, valid: np.ndarray) -> Heights:
    """Find the highest values of a block.

    Parameters
    ----------
    cube : ndarray, shape (..., channel)
        Counts.
    valid : bool ndarray, shape (...)
        Pixels to use.
    """
    spectra = spectra_of(cube, valid)
    if not len(spectra):
        none, lowest = np.zeros(cube.shape[-1]), np.full(cube.shape[-1], -np.inf)
        return Heights(lowest, none, lowest, none, none, none, none)
    top = spectra.max(axis=0)
    at_top = spectra == top
    n_top = at_top.sum(axis=0)
    second = np.where(at_top, spectra.min(), spectra).max(axis=0)
    has_second = n_top < len(spectra)
    n_second = np.where(has_second, (spectra == second).sum(axis=0), 0)
    return Heights(
        top.astype(float),
        n_top,
        np.where(has_second, second.astype(float), -np.inf),
        n_second,
        np.full(len(top), len(spectra)),
        spectra.sum(axis=0, dtype=float),
        np.einsum("ij,ij->j", spectra, spectra, dtype=float, casting="unsafe"),
    )


def pile_up(heights: Heights) -> PileUp | None:
    """Return where counts pile up at a highest value; None where they do not.

    An image without clipping is called saturated once in 5e5 at most, if its noise is not finer than the
    step between its values.
    """
    found = [piled for piled in (_of_image(heights), _of_channels(heights)) if piled]
    return max(found, key=lambda piled: piled.n_values, default=None)


def _of_image(heights: Heights) -> PileUp | None:
    level = heights.top.max()
    reached = heights.top == level
    candidates = np.where(reached, heights.second, heights.top)
    lower = candidates.max()
    if not np.isfinite(lower) or level <= 0:
        return None
    n_top = heights.n_top[reached].sum()
    n_lower = (heights.n_top * (heights.top == lower) + heights.n_second * (heights.second == lower)).sum()
    # One channel that is constant may be a stuck one; several at the same value are no coincidence.
    clipped = _is_spread(heights) | (np.sum(reached & (heights.n_top == heights.n)) > 1)
    if not (reached & clipped).any() or _chance(n_top, n_lower) > FALSE_ALARMS:
        return None
    return PileUp(float(level), int(n_top), np.flatnonzero(reached))


def _of_channels(heights: Heights) -> PileUp | None:
    chance = _chance(heights.n_top, heights.n_second)
    found = (chance * len(chance) < FALSE_ALARMS) & _is_spread(heights) & (heights.top > 0)
    if not found.any():
        return None
    return PileUp(None, int(heights.n_top[found].sum()), np.flatnonzero(found))


def _chance(n_top: np.ndarray, n_lower: np.ndarray) -> np.ndarray:
    """Chance of a fair coin to show its head as often, or more often, among as many throws."""
    # The binomial distribution without scipy.stats, whose import takes longer than the check of an image.
    chance: np.ndarray = scipy.special.betainc(np.maximum(n_top, 1), n_lower + 1, 0.5)
    return np.where(n_top > 0, chance, 1.0)


def _is_spread(heights: Heights) -> np.ndarray:
    """Whether noise is wider than the step between values; else most values are equal without clipping."""
    several = np.isfinite(heights.second)
    step = np.subtract(heights.top, heights.second, where=several, out=np.full(several.shape, np.inf))
    return heights.variance >= step**2
