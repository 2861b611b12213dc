"""A second opinion: how many components of one half of the counts predict the other half.

Counts are thinned: each one goes to one half or the other by the toss of a coin, which makes two independent
images of the same specimen. That needs counts as a counting detector gives them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eelsunmix.pca.few_pixels import LARGEST_MATRIX
from eelsunmix.typing import Floats

PREDICTS = 3.0
"""Standard deviations by which a component must lower the deviance of the other half."""

AGREES = 4.0
"""Standard deviations by which its scores in both halves agree, if only in one pixel."""


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """What counts that were held out say of the components of a sample of the pixels.

    Parameters
    ----------
    chi2 : ndarray, shape (components + 1,), optional
        From `predicted_gains`; None where the values are no counts.
    predicting : int, optional
        Leading components that predict the other half.
    agreeing : int
        Components that both halves show, if only in one pixel.
    complete : bool
        Whether the sample is all pixels.
    """

    chi2: Floats | None = None
    predicting: int | None = None
    agreeing: int = 0
    complete: bool = False


def ask_held_out(counts: NDArray[Any], n_components: int, *, complete: bool) -> HeldOut:
    """Ask the counts (pixel, channel) of a sample how many components they show twice."""
    rng = np.random.default_rng(0)
    chi2, significance, agreement = predicted_gains(counts.astype(np.int64), n_components, rng)
    return HeldOut(
        chi2=chi2,
        predicting=predictive_number(significance),
        agreeing=int(np.sum(agreement > AGREES)),
        complete=complete,
    )


def predicted_gains(
    counts: NDArray[Any], n_components: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Learn components from one half of the counts and measure what they explain of the other half.

    Parameters
    ----------
    counts : ndarray, shape (pixel, channel)
        Whole numbers, not negative.
    n_components : int
        Components that are tried; fewer where there are fewer pixels or channels.
    rng : Generator
        Tosses the coins.

    Returns
    -------
    chi2 : ndarray, shape (components + 1,)
        Mean square deviation of the other half in units of the noise, with none, one, two ... components.
    significance : ndarray, shape (components,)
        What each component lowers it by, in standard deviations over the pixels. Scores are shrunk by what
        noise adds to them, so that a component of signal never makes the prediction worse on average.
    agreement : ndarray, shape (components,)
        Scores of one half times those of the other, in standard deviations of their noise: a phase in a few
        pixels, which scatter as much as they gain, agrees without being significant.

    References
    ----------
    Neufeld, Dharamshi, Gao, Witten, JMLR 25 (2024) 57 (thinning); Owen, Perry, Ann. Appl. Stat. 3 (2009) 564.
    """
    counts = counts[counts.sum(axis=1) > 0]
    counts = counts[:, counts.sum(axis=0) > 0]
    pixel, channel = counts.sum(axis=1), counts.mean(axis=0)
    weight = np.sqrt(pixel / pixel.mean())[:, None] * np.sqrt(channel)
    half = rng.binomial(counts.astype(np.int64), 0.5)
    learned, other = half / weight, (counts - half) / weight
    directions, values = _principal(learned, min(n_components, min(counts.shape) - 1))
    edge = 0.5 * (1 + np.sqrt(counts.shape[1] / len(counts))) ** 2
    shrinkage = np.maximum(1 - edge / np.maximum(values, edge), 0.0)
    mine, theirs = (learned @ directions) * shrinkage, other @ directions
    gains = 2 * mine * theirs - mine**2
    scatter = np.maximum(gains.std(axis=0) * np.sqrt(len(gains)), np.finfo(float).tiny)
    lowered = np.concatenate([[0.0], np.cumsum(gains.sum(axis=0))])
    chi2 = (np.sum(other**2) - lowered) / (0.5 * other.size)
    noise = np.sqrt(np.maximum(0.5 * (mine**2).sum(axis=0), np.finfo(float).tiny))
    return chi2, gains.sum(axis=0) / scatter, (mine * theirs).sum(axis=0) / noise


def predictive_number(significance: Floats) -> int:
    """Count the leading components that predict.

    Examples
    --------
    >>> predictive_number(np.array([200.0, 31.0, 5.0, 0.4, 3.1]))
    3
    """
    fails = np.flatnonzero(significance <= PREDICTS)
    return int(fails[0]) if fails.size else len(significance)


def _principal(rows: Floats, number: int) -> tuple[Floats, Floats]:
    """Leading eigenvectors (channel, component) and eigenvalues of rows^T rows / number of rows."""
    from scipy.sparse.linalg import eigsh

    if len(rows) < rows.shape[1] and rows.shape[1] ** 2 > LARGEST_MATRIX:
        return _principal_of_few(rows, number)
    products = rows.T @ rows / len(rows)
    start = np.ones(len(products))
    values, vectors = eigsh(products, k=number, v0=start)
    return vectors[:, ::-1], values[::-1]


def _principal_of_few(rows: Floats, number: int) -> tuple[Floats, Floats]:
    """Find the same by the products of the rows, where there are too many channels for theirs."""
    values, vectors = np.linalg.eigh(rows @ rows.T / len(rows))
    leading, vectors = values[: -number - 1 : -1], vectors[:, : -number - 1 : -1]
    return np.linalg.qr(rows.T @ vectors)[0], leading
