"""Marginalised linear denoising autoencoders, from the scatter matrix of the data alone."""

from dataclasses import dataclass

import numpy as np

from eelsunmix.typing import Floats


@dataclass(frozen=True, kw_only=True)
class AffineMap:
    """A map of spectra, ``spectra @ matrix.T + offset``.

    Parameters
    ----------
    matrix : ndarray, shape (channel, channel)
    offset : ndarray, shape (channel,)
    """

    matrix: Floats
    offset: Floats

    def __call__(self, spectra: Floats) -> Floats:
        """Map spectra, shape (pixel, channel)."""
        return spectra @ self.matrix.T + self.offset


def stacked_denoiser(spectra: Floats, *, n_layers: int, corruption: float, ridge: float) -> AffineMap:
    """Compose linear autoencoders, each trained on what the one before it gives.

    Each reconstructs its input from copies in which every channel is zero with a small probability, averaged
    over all such copies, in closed form.

    Parameters
    ----------
    spectra : ndarray, shape (pixel, channel)
        Only their scatter matrix is used.
    n_layers : int
        Number of autoencoders.
    corruption : float
        Probability that a channel is zero.
    ridge : float
        Added to the diagonal of the scatter matrix, the constant input excepted.

    References
    ----------
    .. [1] Chen, Xu, Weinberger, Sha, Proc. ICML (2012), equations 3 to 5.
    .. [2] Qu, Qi, IEEE Trans. Geosci. Remote Sens. 57 (2019) 1698.
    """
    extended = np.hstack([spectra, np.ones((len(spectra), 1))])
    scatter = extended.T @ extended
    composed = np.eye(len(scatter))
    for _ in range(n_layers):
        layer = denoising_layer(scatter, corruption=corruption, ridge=ridge)
        scatter = layer @ scatter @ layer.T
        composed = layer @ composed
    return AffineMap(matrix=composed[:-1, :-1], offset=composed[:-1, -1])


def denoising_layer(scatter: Floats, *, corruption: float, ridge: float) -> Floats:
    """Train one autoencoder on data of a given scatter matrix.

    Parameters
    ----------
    scatter : ndarray, shape (channel + 1, channel + 1)
        Sum of the products of the inputs, whose last one is the constant 1.

    Returns
    -------
    ndarray, shape (channel + 1, channel + 1)
        Map of the inputs; the constant is kept.
    """
    kept = np.full(len(scatter), 1.0 - corruption)
    kept[-1] = 1.0
    corrupted = scatter * np.outer(kept, kept)
    np.fill_diagonal(corrupted, kept * np.diag(scatter))
    penalty = np.full(len(scatter), ridge)
    penalty[-1] = 0.0
    corrupted[np.diag_indices_from(corrupted)] += penalty
    layer = np.zeros_like(scatter)
    layer[:-1] = (1.0 - corruption) * np.linalg.solve(corrupted, (scatter * kept)[:-1].T).T
    layer[-1, -1] = 1.0
    return layer
