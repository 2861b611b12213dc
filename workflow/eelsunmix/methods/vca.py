"""Vertex component analysis (VCA): the purest pixels as endmembers."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from eelsunmix.errors import MethodFailedError
from eelsunmix.methods._contract import Array, LearningSet
from eelsunmix.methods._linear import LinearModel, in_order


@dataclass(frozen=True, kw_only=True)
class VCA:
    """Take the purest pixels as endmembers; abundances by fully constrained least squares.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` searches in the Poisson-weighted PCA scores, without the pixels that the components cannot
        describe.  ``published`` is the algorithm of [1]_ on plain counts, with its switch at low signal.
    n_draws : int, optional
        Independent searches; the largest simplex wins. 30 by default, 1 if published.
    weighted : bool, optional
        Divide by the Poisson standard deviation of each channel in the least squares; by default unless
        published.

    References
    ----------
    .. [1] Nascimento, Bioucas-Dias, IEEE Trans. Geosci. Remote Sens. 43 (2005) 898, algorithm 1.
    .. [2] Keenan, Kotula, Surf. Interface Anal. 36 (2004) 203, for the weights.
    """

    needs_tiles: ClassVar[bool] = False

    setting: Literal["eels", "published"] = "eels"
    n_draws: int | None = None
    weighted: bool | None = None

    def __post_init__(self) -> None:
        if self.setting not in ("eels", "published"):
            raise ValueError(f"setting must be 'eels' or 'published', not {self.setting!r}")
        published = self.setting == "published"
        object.__setattr__(
            self, "n_draws", (1 if published else 30) if self.n_draws is None else self.n_draws
        )
        object.__setattr__(self, "weighted", not published if self.weighted is None else self.weighted)
        if not isinstance(self.n_draws, int) or self.n_draws < 1:
            raise ValueError(f"n_draws must be a whole number of at least 1, not {self.n_draws!r}")

    def fit(self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator) -> LinearModel:
        """Pick the vertices; the endmembers are the picked pixels, projected onto the components.

        A single endmember has no simplex: it is the mean spectrum.
        """
        if n_endmembers == 1:
            mean = learning_set.spectra.mean(axis=0, keepdims=True)
            return self._model(learning_set, mean, "one endmember is the mean spectrum")
        if self.setting == "published":
            points, projected, message = _published_points(learning_set.spectra, n_endmembers)
        else:
            points, projected, message = _weighted_points(learning_set, n_endmembers)
        vertices = largest_simplex(points, n_draws=self.n_draws or 1, rng=rng)
        return in_order(self._model(learning_set, projected(vertices), message), learning_set.spectra)

    def _model(self, learning_set: LearningSet, endmembers: Array, message: str) -> LinearModel:
        weight = learning_set.channel_weight if self.weighted else None
        return LinearModel(endmembers=endmembers, sum_to_one=True, channel_weight=weight, message=message)


def largest_simplex(points: Array, *, n_draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Search the vertices several times and keep those that span the largest volume.

    Parameters
    ----------
    points : ndarray, shape (pixel, dimension)
        Homogeneous coordinates: all points lie on one hyperplane that misses the origin, so that the volume
        of a simplex goes with the determinant of its vertices.
    n_draws : int
        Number of searches.

    Returns
    -------
    ndarray of int, shape (dimension,)
        Indices of points.
    """
    draws = [find_vertices(points, rng) for _ in range(n_draws)]
    return max(draws, key=lambda draw: float(np.linalg.slogdet(points[draw])[1]))


def find_vertices(points: Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """One search: each vertex is the farthest point along a random direction orthogonal to those found.

    References
    ----------
    .. [1] Nascimento, Bioucas-Dias (2005), algorithm 1, lines 14 to 20; the first vertex is found likewise.
    """
    found: list[int] = []
    for _ in range(points.shape[1]):
        direction = np.asarray(rng.uniform(size=points.shape[1]))
        if found:
            span = np.linalg.qr(points[found].T)[0]
            direction = direction - span @ (span.T @ direction)
        found.append(int(np.abs(points @ direction).argmax()))
    return np.array(found)


def clean_pixels(residual_chi2: Array, signal: Array) -> NDArray[np.bool_]:
    """Choose the pixels that may be vertices.

    Parameters
    ----------
    residual_chi2 : ndarray, shape (pixel,)
        Misfit of each pixel outside the components, in units of its noise.
    signal : ndarray, shape (pixel,)
        Amount of the mean spectrum in each pixel.

    Returns
    -------
    ndarray of bool, shape (pixel,)
        False for dark pixels, whose shape is noise, and for outliers that the components do not describe.
    """
    bright = signal > 0.1 * np.median(signal)
    if not bright.any():
        return bright
    middle = float(np.median(residual_chi2[bright]))
    deviation = 1.4826 * np.median(np.abs(residual_chi2[bright] - middle))
    # A tiny spread (denoised data) must not make outliers of ordinary pixels: the factor of two.
    return bright & (residual_chi2 <= max(middle + 8 * deviation, 2 * middle + 1e-9))


def _weighted_points(learning: LearningSet, n_endmembers: int) -> tuple[Array, "_Projection", str]:
    scores = learning.scores(n_endmembers)
    centre = scores.mean(axis=0)
    signal = scores @ centre / (np.linalg.norm(centre) or 1.0)
    power = np.sum((learning.spectra / learning.channel_weight) ** 2, axis=1) - np.sum(scores**2, axis=1)
    chi2 = np.maximum(power, 0.0) / np.maximum(learning.pixel_weight, 1e-9 * learning.pixel_weight.max()) ** 2
    chosen = np.flatnonzero(clean_pixels(chi2 / learning.spectra.shape[1], signal))
    if len(chosen) < n_endmembers:
        raise MethodFailedError(
            f"only {len(chosen)} pixels have signal that {n_endmembers} components describe; "
            f"check hot pixels and the mask, or lower n_endmembers"
        )
    basis = learning.basis(n_endmembers) * learning.channel_weight
    left_out = len(scores) - len(chosen)
    message = f"{left_out} of {len(scores)} pixels not considered as vertices (dark, or badly described)"
    # The projective scale takes the thickness out of the search, as line 10 of algorithm 1 does.
    points = scores[chosen] / signal[chosen, None]
    return points, _Projection(scores[chosen], basis), message if left_out else ""


def _published_points(spectra: Array, n_endmembers: int) -> tuple[Array, "_Projection", str]:
    mean = spectra.mean(axis=0)
    centred = spectra - mean
    n_pixels, n_channels = spectra.shape
    rows = _leading(centred.T @ centred / n_pixels, n_endmembers)
    scores = centred @ rows.T
    power = np.sum(spectra**2) / n_pixels
    explained = np.sum(scores**2) / n_pixels + mean @ mean
    noise = max(power - explained, 1e-15 * power)
    signal = max(explained - n_endmembers / n_channels * power, 1e-15 * power)
    ratio, threshold = 10 * np.log10(signal / noise), 15 + 10 * np.log10(n_endmembers)
    message = f"signal-to-noise ratio {ratio:.1f} dB, threshold {threshold:.1f} dB"
    if ratio < threshold:
        low = scores[:, : n_endmembers - 1]
        radius = np.linalg.norm(low, axis=1).max(initial=0.0) or 1.0
        points = np.column_stack([low, np.full(n_pixels, radius)])
        return points, _Projection(low, rows[: n_endmembers - 1], mean), f"{message}: affine projection"
    rows = _leading(spectra.T @ spectra / n_pixels, n_endmembers)
    scores = spectra @ rows.T
    length = scores @ scores.mean(axis=0)
    if length.min() <= 0:
        raise MethodFailedError(
            "a pixel without signal breaks the projective scaling of the published VCA; mask it"
        )
    return scores / length[:, None], _Projection(scores, rows), f"{message}: projective projection"


def _leading(scatter: Array, number: int) -> Array:
    return np.linalg.eigh(scatter)[1][:, ::-1][:, :number].T


@dataclass(frozen=True)
class _Projection:
    """Spectra of chosen pixels, as far as the components describe them."""

    scores: Array
    rows: Array
    origin: Array | float = 0.0

    def __call__(self, pixels: NDArray[np.intp]) -> Array:
        return self.scores[pixels] @ self.rows + self.origin
