"""What the networks of the ``eels`` setting learn from: Poisson-whitened PCA scores, and their noise."""

from dataclasses import dataclass

import numpy as np

from eelsunmix.errors import MethodFailedError
from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.methods._networks.encoder import patches_of
from eelsunmix.numerics.directions import power_outside
from eelsunmix.typing import Floats

MAX_PIXELS = 20_000
"""Patches are taken from about this many pixels at most."""


@dataclass(frozen=True, kw_only=True)
class ScoreSpace:
    """Whitened scores of spectra, and back.

    Parameters
    ----------
    projection : ndarray, shape (component, channel)
        ``scores = spectra @ projection.T``.
    loadings : ndarray, shape (component, channel)
        ``spectra ~ scores @ loadings``.
    centre, scale : ndarray, shape (component,)
        Location and width of the scores.
    noise : float
        Standard deviation of the scores in a pixel of `typical_counts`.
    typical_counts : float
        Counts of the average pixel.
    """

    projection: Floats
    loadings: Floats
    centre: Floats
    scale: Floats
    noise: float
    typical_counts: float

    def deviation(self, spectra: Floats) -> Floats:
        """Return the standard deviation of each score, shape (...); zero in a pixel without counts."""
        counts = np.maximum(spectra.sum(axis=-1), 0.0)
        # A nearly dark pixel would else outweigh all others.
        counts = np.where(counts > 0, np.maximum(counts, 0.05 * self.typical_counts), 0.0)
        return self.noise * np.sqrt(counts / self.typical_counts)


def score_space(learning: LearningSet, n_endmembers: int, n_components: int) -> ScoreSpace:
    """Build the space of the first components, and measure the noise by what lies outside of them.

    The residual of denoised images is nearly zero; so is then the noise, and the networks fit all of it.
    """
    number = min(max(n_components, n_endmembers), len(learning.loadings))
    basis, scores = learning.basis(number), learning.scores(number)
    totals = learning.spectra.sum(axis=1)
    typical = float(totals.mean())
    if not np.isfinite(scores).all() or typical <= 0:
        raise MethodFailedError("the image has no positive counts to learn from; check the corrections")
    width = scores.std(axis=0)
    floor = max(float(np.median(width[:n_endmembers])), 1e-9 * float(np.abs(scores).max()))
    return ScoreSpace(
        projection=basis / learning.channel_weight,
        loadings=basis * learning.channel_weight,
        centre=scores.mean(axis=0),
        # Components of noise alone must not be blown up to the width of the signal.
        scale=np.maximum(width, floor),
        noise=_noise(learning, scores, totals / typical, floor),
        typical_counts=typical,
    )


def _noise(learning: LearningSet, scores: Floats, relative: Floats, floor: float) -> float:
    whitened = learning.spectra / learning.channel_weight
    freedom = max(whitened.shape[1] - scores.shape[1], 1)
    residual = power_outside(whitened, scores) / freedom
    bright = relative > 0.05
    return max(float(np.sqrt(np.median(residual[bright] / relative[bright]))), 1e-3 * floor)


@dataclass(frozen=True, kw_only=True)
class Patches:
    """Scores and noise of patches, shapes (patch, pixel, component) and (patch, pixel)."""

    scores: Floats
    deviation: Floats


def spectra_as_patches(learning: LearningSet, space: ScoreSpace) -> Patches:
    """Patches of one pixel: the spectra of the learning set."""
    scores = learning.spectra @ space.projection.T
    return Patches(scores=scores[:, None], deviation=space.deviation(learning.spectra)[:, None])


def sampled_patches(
    learning: LearningSet, space: ScoreSpace, side: int, rng: np.random.Generator, *, overlap: bool
) -> Patches:
    """All patches of tiles of the image; the whole image if it is small and square.

    Tiles are mirrored at their borders, as images are when they are mapped.
    """
    number, tile_side = tiling(learning.frame_shape)
    scores, deviations = [], []
    for _ in range(number):
        tile = learning.tiles(1, tile_side, rng)[0]  # type: ignore[misc]
        both = np.dstack([tile @ space.projection.T, space.deviation(tile)])
        patches = patches_of(both, side, overlap=overlap)
        flat = patches.reshape(-1, side * side, both.shape[-1])
        scores.append(flat[..., :-1])
        deviations.append(flat[..., -1])
    return Patches(scores=np.concatenate(scores), deviation=np.concatenate(deviations))


def tiling(frame_shape: tuple[int, int] | None) -> tuple[int, int]:
    """Choose number and side of tiles that show most of an image, or a fair sample of a large one.

    Examples
    --------
    >>> tiling((64, 64)), tiling((60, 75)), tiling((3, 500)), tiling((4000, 4000))
    ((1, 64), (3, 60), (334, 3), (78, 16))
    """
    if frame_shape is None:
        raise MethodFailedError("the image has no rows and columns to take patches from")
    height, width = frame_shape
    small, area = min(height, width), height * width
    if area > MAX_PIXELS:
        small = min(small, 16)
        return max(1, MAX_PIXELS // small**2), small
    return (1 if height == width else -(-2 * area // small**2)), small
