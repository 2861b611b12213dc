"""Independent component analysis (ICA) of the PCA loadings."""

import warnings
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from eelsunmix.errors import MethodFailedError
from eelsunmix.methods._contract import Array, LearningSet
from eelsunmix.methods._linear import LinearModel, in_order, with_equal_totals


@dataclass(frozen=True, kw_only=True)
class ICA:
    """Rotate the PCA loadings until they are as independent as they can be.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` takes the Poisson-weighted PCA, and the differences between neighbouring channels relative to
        the mean spectrum, in which edges stand out from the background that all components share.
        ``published`` is what HyperSpy does with its own defaults: unweighted PCA, plain differences.
    contrast : {"logcosh", "exp", "cube"}
        Measure of independence [1]_.
    max_iter : int
        Limit of iterations; reaching it gives the status "not converged".
    tolerance : float
        Change of the rotation at which to stop, as one minus the cosine of the angle.

    Notes
    -----
    Abundances are signed.  Sign: the mean abundance of each component is positive.  Scale: all endmembers
    have the same sum of absolute counts, and the abundances of an average pixel sum to one.  Order: by
    contribution to the counts, largest first.

    References
    ----------
    .. [1] Hyvarinen, Oja, Neural Networks 13 (2000) 411; computed by scikit-learn.
    """

    needs_tiles: ClassVar[bool] = False

    setting: Literal["eels", "published"] = "eels"
    contrast: Literal["logcosh", "exp", "cube"] = "logcosh"
    max_iter: int = 1000
    tolerance: float = 1e-10

    def __post_init__(self) -> None:
        if self.setting not in ("eels", "published"):
            raise ValueError(f"setting must be 'eels' or 'published', not {self.setting!r}")
        if self.contrast not in ("logcosh", "exp", "cube"):
            raise ValueError(f"contrast must be 'logcosh', 'exp' or 'cube', not {self.contrast!r}")
        if self.max_iter < 1 or not self.tolerance > 0:
            raise ValueError(f"max_iter ({self.max_iter}) and tolerance ({self.tolerance}) must be positive")

    def fit(self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator) -> LinearModel:
        """Find the rotation; endmembers are the rotated loadings."""
        published = self.setting == "published"
        weight = learning_set.channel_weight
        if published:
            loadings = _unweighted_loadings(learning_set.spectra, n_endmembers)
            signals = np.diff(loadings, axis=1)
        else:
            loadings = learning_set.basis(n_endmembers) * weight
            signals = np.diff(loadings, axis=1) / (weight[1:] * weight[:-1])
        unmixing, n_iterations = self._unmixing(signals, rng)
        converged = n_iterations < self.max_iter
        model = LinearModel(
            endmembers=unmixing @ loadings,
            non_negative=False,
            channel_weight=None if published else weight,
            status="converged" if converged else "not converged",
            message=f"{n_iterations} iterations" + ("" if converged else f" (the limit is {self.max_iter})"),
        )
        return in_order(with_equal_totals(model, learning_set.spectra), learning_set.spectra)

    def _unmixing(self, signals: Array, rng: np.random.Generator) -> tuple[Array, int]:
        from sklearn.decomposition import FastICA
        from sklearn.exceptions import ConvergenceWarning

        if len(signals) == 1:
            return np.ones((1, 1)), 0
        _check_rank(signals)
        engine = FastICA(
            fun=self.contrast,
            max_iter=self.max_iter,
            tol=self.tolerance,
            whiten="unit-variance",
            random_state=int(rng.integers(2**31)),
        )
        with warnings.catch_warnings():
            # The number of iterations says the same, and becomes the status of the model.
            warnings.simplefilter("ignore", ConvergenceWarning)
            engine.fit(signals.T)
        return engine.components_, int(engine.n_iter_)


def _unweighted_loadings(spectra: Array, n_components: int) -> Array:
    """Leading right singular vectors of the counts as they are, with the sign of `LearningSet.basis`."""
    vectors = np.linalg.eigh(spectra.T @ spectra)[1][:, ::-1][:, :n_components].T
    peaks = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=1)[:, None], axis=1)
    return vectors * np.sign(peaks)


def _check_rank(signals: Array) -> None:
    centred = signals - signals.mean(axis=1, keepdims=True)
    sizes = np.linalg.svd(centred, compute_uv=False)
    rank = int(np.sum(sizes > 1e-10 * sizes[0]))
    if rank < len(signals):
        raise MethodFailedError(
            f"{len(signals)} components, but their channels differ in {rank} independent ways only; "
            f"lower n_endmembers"
        )
