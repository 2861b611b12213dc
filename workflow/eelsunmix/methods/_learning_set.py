"""What a method learns from, and what it may use while it does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.numerics.directions import with_settled_signs
from eelsunmix.typing import Bools, Floats

TileSampler = Callable[[int, int, np.random.Generator], Floats]
"""Function of (number of tiles, side in pixels, rng) that gives spectra, shape (tile, y, x, channel)."""


@dataclass(frozen=True, kw_only=True)
class LearningSet:
    """The bounded part of an image that a method learns from; made by `eelsunmix.learning.learning_set`.

    Parameters
    ----------
    spectra : ndarray of float64, shape (pixel, channel)
        Counts of valid pixels: all of them, or a sample that keeps extremes and rare phases.
    channel_weight : ndarray, shape (channel,)
        Root of the Poisson variance of a channel, up to a factor common to all.
    pixel_weight : ndarray, shape (pixel,)
        The same for each pixel of `spectra`.
    loadings : ndarray, shape (component, channel)
        Of the weighted PCA of the whole image, in counts, most important first.
    energy : ndarray, shape (channel,)
        Centres of the channels.
    counts_per_electron : float
        Variance of the counts divided by their mean.
    tiles : callable, optional
        `TileSampler` over the image, for methods that need ``tiles``; None for the others.
    frame_shape : (int, int), optional
        Pixels along y and x of the image that the tiles come from.
    edges : mapping, optional
        Name -> `Edge`, as the user names them, for methods that need ``edges``; None for the others.
    mask : ndarray of bool, shape (..., y, x), optional
        Valid pixels of the whole image, for methods that need a ``mask``; None for the others.
    """

    spectra: Floats
    channel_weight: Floats
    pixel_weight: Floats
    loadings: Floats
    energy: Floats
    counts_per_electron: float = 1.0
    tiles: TileSampler | None = None
    frame_shape: tuple[int, int] | None = None
    edges: Mapping[str, Any] | None = None
    mask: Bools | None = None

    def basis(self, n_components: int) -> Floats:
        """Orthonormal rows that span the first loadings in weighted space, shape (n_components, channel).

        The sign of each row is settled (its largest value is positive), so that it does not depend on the
        order of the pixels.
        """
        weighted = self.loadings[:n_components] / self.channel_weight
        return with_settled_signs(np.linalg.qr(weighted.T)[0].T)

    def scores(self, n_components: int) -> Floats:
        """Coordinates of ``spectra / channel_weight`` on `basis`, shape (pixel, n_components)."""
        return (self.spectra / self.channel_weight) @ self.basis(n_components).T


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a long fit may use; it never changes what is fitted.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        Where networks are trained.
    checkpoint : Path, optional
        File in which the fit may keep its state, to go on after an interruption.
    """

    device: str = "auto"
    checkpoint: Path | None = None
