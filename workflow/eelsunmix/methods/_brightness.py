"""Images whose thickness or beam current varies: whether they do, and the fit of spectra of equal counts."""

import dataclasses
from typing import NamedTuple

import numpy as np

from eelsunmix.methods._dark_pixels import averages_of_dark_pixels
from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.methods._method import Method
from eelsunmix.methods._models import StoredModel
from eelsunmix.methods._vertices import described_pixels
from eelsunmix.numerics.abundances import fully_constrained
from eelsunmix.numerics.equal_counts import DARK, EMPTY, with_equal_counts
from eelsunmix.typing import Floats

_SCALE_RANGE = 5.0
"""How far the total counts of two pure pixels of the same brightness may be apart."""

FARTHEST, NEAREST_SD = 0.01, 0.9617
"""Part of the pixels that may be anything; standard deviation of the others where all are normal."""


def suits_variable_brightness(method: Method) -> bool:
    """Whether pixels may be brought to the same counts: abundances sum to one, setting not `published`."""
    return method.simplex and getattr(method, "setting", "eels") == "eels"


def brightness_spread(learning: LearningSet, n_endmembers: int) -> float:
    """How much the brightness of the pixels varies, in units of what the noise makes of a constant one.

    Mixtures with a constant brightness lie on a plane of score space; this is the root mean square of the
    pixels' distances from the best plane, relative to their noise: 1 for a constant brightness. The farthest
    `FARTHEST` of the pixels are left out. A median would leave out whatever less than half of the pixels
    have, such as particles on a film.
    """
    points = learning.scores(n_endmembers)
    clean, deviation = described_pixels(learning, points)
    if clean.sum() <= 2 * n_endmembers:
        return 0.0
    rows, sd = points[clean] / deviation[clean, None], deviation[clean]
    plane = np.linalg.lstsq(rows, 1.0 / sd, rcond=None)[0]
    distance = (rows @ plane - 1.0 / sd) / max(float(np.linalg.norm(plane)), np.finfo(float).tiny)
    nearest = np.sort(distance**2)[: int(np.ceil((1 - FARTHEST) * len(distance)))]
    return float(np.sqrt(nearest.mean())) / NEAREST_SD


class Equalised(NamedTuple):
    """A learning set of pixels of the same counts.

    Parameters
    ----------
    learning : LearningSet
    counts : float
        These counts.
    brightness : ndarray, shape (pixel,)
        Counts that its pixels had, over these.
    """

    learning: LearningSet
    counts: float
    brightness: Floats


def equalised_learning_set(learning: LearningSet) -> Equalised:
    """Bring the pixels of a learning set, and its tiles, to their median counts.

    Dark ones are left out, or averaged where they have a spectrum of their own (`averages_of_dark_pixels`).
    """
    totals = learning.spectra.sum(axis=1)
    counts = float(np.median(totals[totals > 0])) if (totals > 0).any() else 1.0
    bright = totals >= DARK * counts
    dark, dark_weight = averages_of_dark_pixels(learning, counts)
    spectra = np.concatenate([learning.spectra[bright], dark])
    weight = np.concatenate([learning.pixel_weight[bright], dark_weight])
    totals = spectra.sum(axis=1)
    sampler = learning.tiles

    def equalised_tiles(number: int, side: int, rng: np.random.Generator) -> Floats:
        return with_equal_counts(sampler(number, side, rng), counts)  # type: ignore[misc]

    equal = dataclasses.replace(
        learning,
        spectra=with_equal_counts(spectra, counts, least=EMPTY),
        pixel_weight=weight * counts / totals,
        tiles=None if sampler is None else equalised_tiles,
    )
    return Equalised(equal, counts, totals / counts)


def with_true_totals(model: StoredModel, equal: Equalised) -> StoredModel:
    """Give the endmembers of a model of spectra of equal counts the totals that they have in the image.

    A pixel of share ``b_m`` of its counts and brightness ``s`` has the abundances ``s b_m / T_m``, which sum
    to one on average for the right relative totals ``T_m`` of the endmembers: least squares.

    Parameters
    ----------
    model : StoredModel
        Fitted to `equal`.
    equal : Equalised
    """
    from scipy.optimize import lsq_linear

    learning = equal.learning
    shares = fully_constrained(learning.spectra, model.endmembers, channel_weight=learning.channel_weight)
    limits = (1 / _SCALE_RANGE, _SCALE_RANGE)
    amounts = shares * equal.brightness[:, None]
    inverse = lsq_linear(amounts, np.ones(len(shares)), limits, method="bvls").x
    return model.scaled(1.0 / inverse)
