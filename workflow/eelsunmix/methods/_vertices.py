"""The purest pixels of a learning set: what VCA returns, and where other methods start."""

from dataclasses import dataclass

import numpy as np

from eelsunmix.errors import MethodFailedError
from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.numerics.directions import leading_directions, power_outside
from eelsunmix.numerics.simplex import largest_simplex
from eelsunmix.typing import Bools, Floats, Indices


def purest_spectra(
    learning: LearningSet,
    n_endmembers: int,
    *,
    n_draws: int,
    rng: np.random.Generator,
    published: bool = False,
) -> tuple[Floats, str]:
    """Search the vertices of the learning set; a single one has no simplex: it is the mean spectrum.

    Parameters
    ----------
    learning : LearningSet
        Its spectra are searched.
    n_endmembers : int
        Number of vertices.
    n_draws : int
        Independent searches; the largest simplex wins.
    rng : Generator
        Random directions.
    published : bool
        Search plain counts as in [1]_, with its switch at low signal, instead of the Poisson-weighted PCA
        scores [2]_ of the pixels that the components describe.

    Returns
    -------
    endmembers : ndarray, shape (endmember, channel)
        The picked pixels, projected onto the components.
    message : str
        What a user should know of the search.

    References
    ----------
    .. [1] Nascimento, Bioucas-Dias, IEEE Trans. Geosci. Remote Sens. 43 (2005) 898, algorithm 1.
    .. [2] Keenan, Kotula, Surf. Interface Anal. 36 (2004) 203.
    """
    if n_endmembers == 1:
        return learning.spectra.mean(axis=0, keepdims=True), "one endmember is the mean spectrum"
    if published:
        points, projected, message = _published_points(learning.spectra, n_endmembers)
    else:
        points, projected, message = _weighted_points(learning, n_endmembers)
    return projected(largest_simplex(points, n_draws=n_draws, rng=rng, published=published)), message


def clean_pixels(residual_chi2: Floats, signal: Floats) -> Bools:
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


def described_pixels(learning: LearningSet, points: Floats) -> tuple[Bools, Floats]:
    """Pixels that the components describe, and the standard deviation of each pixel's scores.

    Parameters
    ----------
    learning : LearningSet
    points : ndarray, shape (pixel, component)
        Its scores.

    Returns
    -------
    clean : ndarray of bool, shape (pixel,)
    deviation : ndarray, shape (pixel,)
    """
    variance = np.maximum(learning.pixel_weight, 1e-3 * learning.pixel_weight.max()) ** 2
    outside = power_outside(learning.spectra / learning.channel_weight, points)
    chi2 = outside / variance / max(learning.spectra.shape[1] - points.shape[1], 1)
    clean = clean_pixels(chi2, variance)
    level = float(np.median(chi2[clean])) if clean.any() else 0.0
    # Denoised data say nothing of the noise that is left among the components: take Poisson's.
    if level < 0.1 * learning.counts_per_electron:
        level = learning.counts_per_electron
    return clean, np.sqrt(level * variance)


def _weighted_points(learning: LearningSet, n_endmembers: int) -> tuple[Floats, "_Projection", str]:
    scores = learning.scores(n_endmembers)
    centre = scores.mean(axis=0)
    signal = scores @ centre / (np.linalg.norm(centre) or 1.0)
    outside = power_outside(learning.spectra / learning.channel_weight, scores)
    chi2 = outside / np.maximum(learning.pixel_weight, 1e-9 * learning.pixel_weight.max()) ** 2
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


def _published_points(spectra: Floats, n_endmembers: int) -> tuple[Floats, "_Projection", str]:
    mean = spectra.mean(axis=0)
    centred = spectra - mean
    n_pixels, n_channels = spectra.shape
    rows = leading_directions(centred.T @ centred / n_pixels, n_endmembers)
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
    rows = leading_directions(spectra.T @ spectra / n_pixels, n_endmembers)
    scores = spectra @ rows.T
    length = scores @ scores.mean(axis=0)
    if length.min() <= 0:
        raise MethodFailedError(
            "a pixel without signal breaks the projective scaling of the published VCA; mask it"
        )
    return scores / length[:, None], _Projection(scores, rows), f"{message}: projective projection"


@dataclass(frozen=True)
class _Projection:
    """Spectra of chosen pixels, as far as the components describe them."""

    scores: Floats
    rows: Floats
    origin: Floats | float = 0.0

    def __call__(self, pixels: Indices) -> Floats:
        return self.scores[pixels] @ self.rows + self.origin
