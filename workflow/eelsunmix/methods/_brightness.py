"""Images whose thickness or beam current varies: pixels are brought to the same counts, then unmixed.

A mixture whose abundances sum to one is a point of a simplex.  Where the brightness varies, pixels leave the
simplex along their own direction, and a method that insists on the sum takes thickness for composition.
Divided by their total counts, spectra lie in a simplex again, whatever their brightness; what remains of the
method does not change.

References
----------
.. [1] Craig, IEEE Trans. Geosci. Remote Sens. 32 (1994) 542, for the projection onto the plane of equal sums.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from eelsunmix.methods._contract import LearningSet, Method, Model
from eelsunmix.methods._vertices import described_pixels
from eelsunmix.numerics.abundances import fully_constrained
from eelsunmix.typing import Floats

DARK = 0.2
"""Pixels with less than this part of the typical counts are not learned from, nor made brighter than that."""

_SCALE_RANGE = 5.0
"""How far the total counts of two pure pixels of the same brightness may be apart."""


def suits_variable_brightness(method: Method) -> bool:
    """Whether pixels may be brought to the same counts: abundances sum to one, setting not `published`."""
    return getattr(method, "simplex", False) and getattr(method, "setting", "eels") == "eels"


def brightness_spread(learning: LearningSet, n_endmembers: int) -> float:
    """How much the brightness of the pixels varies, in units of what the noise makes of a constant one.

    Mixtures with a constant brightness lie on a plane of score space; this is the robust spread of the
    pixels' distances from the best plane, relative to their noise: 1 for a constant brightness.
    """
    points = learning.scores(n_endmembers)
    clean, deviation = described_pixels(learning, points)
    if clean.sum() <= 2 * n_endmembers:
        return 0.0
    rows, sd = points[clean] / deviation[clean, None], deviation[clean]
    plane = np.linalg.lstsq(rows, 1.0 / sd, rcond=None)[0]
    distance = (rows @ plane - 1.0 / sd) / max(float(np.linalg.norm(plane)), np.finfo(float).tiny)
    return 1.4826 * float(np.median(np.abs(distance - np.median(distance))))


def with_even_counts(spectra: Floats, counts: float) -> Floats:
    """Scale spectra, shape (..., channel), to the same total counts; dark ones stay darker."""
    totals = np.maximum(spectra.sum(axis=-1, keepdims=True), DARK * counts)
    return spectra * (counts / totals)


def even_learning_set(learning: LearningSet) -> tuple[LearningSet, float]:
    """Bring the pixels of a learning set, and its tiles, to their median counts; also that number."""
    totals = learning.spectra.sum(axis=1)
    counts = float(np.median(totals[totals > 0])) if (totals > 0).any() else 1.0
    bright = totals >= DARK * counts
    sampler = learning.tiles

    def even_tiles(number: int, side: int, rng: np.random.Generator) -> Floats:
        return with_even_counts(sampler(number, side, rng), counts)  # type: ignore[misc]

    even = dataclasses.replace(
        learning,
        spectra=with_even_counts(learning.spectra[bright], counts),
        pixel_weight=learning.pixel_weight[bright] * counts / totals[bright],
        tiles=None if sampler is None else even_tiles,
    )
    return even, counts


def with_brightness(model: Model, learning: LearningSet, even: LearningSet, counts: float) -> Model:
    """Give a model of even spectra the scales of its endmembers, and let it even out what it maps.

    A pixel of share ``b_m`` of its counts and brightness ``s`` has the abundances ``s b_m / T_m``, which sum
    to one on average for the right relative totals ``T_m`` of the endmembers: least squares.
    """
    from scipy.optimize import lsq_linear

    shares = fully_constrained(even.spectra, model.endmembers, channel_weight=learning.channel_weight)
    totals = learning.spectra.sum(axis=1)
    brightness = totals[totals >= DARK * counts] / counts
    limits = (1 / _SCALE_RANGE, _SCALE_RANGE)
    inverse = lsq_linear(shares * brightness[:, None], np.ones(len(shares)), limits, method="bvls").x
    return dataclasses.replace(model.scaled(1.0 / inverse), even_counts=counts)


def mapped(model: Model, spectra: Floats) -> tuple[Floats, ...]:
    """Abundances of spectra, shape (pixel, endmember); also their deviations where the model knows them."""
    if model.even_counts is None:
        return model.abundance_and_sd(spectra) if model.has_abundance_sd else (model.abundances(spectra),)
    scales = model.even_counts / model.endmembers.sum(axis=1)
    even = dataclasses.replace(model.scaled(scales), even_counts=None)
    shares = mapped(even, with_even_counts(spectra, model.even_counts))
    sums = shares[0] @ scales
    return tuple(values * scales / sums[:, None] for values in shares)


def mapped_features(model: Model, spectra: Floats) -> NDArray[np.float32]:
    """Features of spectra, shape (pixel, feature), for a model that maps images."""
    return model.features(
        spectra if model.even_counts is None else with_even_counts(spectra, model.even_counts)
    )


def mapped_frame(model: Model, features: NDArray[np.float32]) -> Floats:
    """Abundances, shape (y, x, endmember), from the features of a frame."""
    shares = model.abundances_of_features(features)
    if model.even_counts is None:
        return shares
    scaled = shares / model.endmembers.sum(axis=1)
    return scaled / scaled.sum(axis=-1, keepdims=True)
