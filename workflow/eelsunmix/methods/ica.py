"""Independent component analysis (ICA) of the PCA loadings."""

import dataclasses
import warnings
from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pydantic import Field

from eelsunmix.errors import MethodFailedError
from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.methods._linear import LinearModel, in_order, with_equal_totals
from eelsunmix.methods._method import Method
from eelsunmix.numerics.directions import leading_directions, with_settled_signs
from eelsunmix.options import Presets
from eelsunmix.typing import Floats

_CONTRASTS: dict[str, tuple[Callable[[Floats], Floats], float]] = {
    "logcosh": (lambda x: np.logaddexp(x, -x) - np.log(2.0), 0.374567207),
    "exp": (lambda x: -np.exp(-(x**2) / 2), -np.sqrt(0.5)),
    "cube": (lambda x: x**4 / 4, 0.75),
}
"""The functions whose mean is compared with that of a standard normal variable, and the latter."""

_PIECES = 16
_STEEPEST = 6.0
_CERTAIN = 4.0
"""Standard deviations below zero that are no noise."""
_MOST_BELOW = 0.1
"""Part of a spectrum, summed over bins, that may be below zero."""


class ICA(Method):
    """Rotate the PCA loadings until they are as independent as they can be.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` takes the Poisson-weighted PCA, divides by the power law that the mean spectrum follows
        between its edges, and looks at differences between neighbouring channels: of the background that all
        components share they hold next to nothing, of the edges everything.
        ``published`` is what HyperSpy does with its own defaults: unweighted PCA, plain differences.
    contrast : {"logcosh", "exp", "cube"}
        Measure of independence [1]_.
    n_starts : int
        Random rotations to start from; the result that is farthest from normal distributions wins.
    max_iter : int
        Limit of iterations; reaching it gives the status "not converged".
    tolerance : float
        Change of the rotation at which to stop, as one minus the cosine of the angle.

    Notes
    -----
    Abundances are signed.  Where spectra or abundances are below zero beyond the noise, the message says that
    independence is refuted.  Sign: the mean abundance of each component is positive.  Scale: all endmembers
    have the same sum of absolute counts, and the abundances of an average pixel sum to one.  Order: by
    contribution to the counts, largest first.

    References
    ----------
    .. [1] A. Hyvärinen, IEEE Trans. Neural Netw. 10, 626 (1999), FastICA; computed by scikit-learn.
    .. [2] A. Hyvärinen, E. Oja, Neural Networks 13, 411 (2000).
    """

    presets: ClassVar[Presets] = {"setting": {"eels": {"n_starts": 20}, "published": {"n_starts": 1}}}

    setting: Literal["eels", "published"] = "eels"
    contrast: Literal["logcosh", "exp", "cube"] = "logcosh"
    n_starts: int = Field(ge=1)
    max_iter: int = Field(1000, ge=1)
    tolerance: float = Field(1e-10, gt=0)

    def fit(self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator) -> LinearModel:
        """Find the rotation; endmembers are the rotated loadings."""
        published = self.setting == "published"
        weight = learning_set.channel_weight
        if published:
            loadings = _unweighted_loadings(learning_set.spectra, n_endmembers)
            signals = np.diff(loadings)
        else:
            loadings = learning_set.basis(n_endmembers) * weight
            signals = np.diff(loadings / power_law(learning_set.spectra.mean(axis=0), learning_set.energy))
        unmixing, n_iterations = self._unmixing(signals, rng)
        converged = n_iterations < self.max_iter
        model = LinearModel(
            endmembers=unmixing @ loadings,
            non_negative=False,
            channel_weight=None if published else weight,
            status="converged" if converged else "not converged",
            message=f"{n_iterations} iterations" + ("" if converged else f" (the limit is {self.max_iter})"),
        )
        model = in_order(with_equal_totals(model, learning_set.spectra), learning_set.spectra)
        # A rotation that has not settled says nothing of independence.
        parts = (model.message, refuted_independence(model, learning_set) if converged else "")
        return dataclasses.replace(model, message="; ".join(filter(None, parts)))

    def _unmixing(self, signals: Floats, rng: np.random.Generator) -> tuple[Floats, int]:
        if len(signals) == 1:
            return np.ones((1, 1)), 0
        _check_rank(signals)
        found = [self._from_one_start(signals, rng) for _ in range(self.n_starts)]
        unmixing, n_iterations, _ = max(found, key=lambda result: result[2])
        return unmixing, n_iterations

    def _from_one_start(self, signals: Floats, rng: np.random.Generator) -> tuple[Floats, int, float]:
        """Rotation, number of iterations, and how far the components are from normal (negentropy) [1]_."""
        from sklearn.decomposition import FastICA
        from sklearn.exceptions import ConvergenceWarning

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
            sources = engine.fit_transform(signals.T)
        function, of_normal = _CONTRASTS[self.contrast]
        distances = function(sources / sources.std(axis=0)).mean(axis=0) - of_normal
        return engine.components_, int(engine.n_iter_), float(np.sum(distances**2))


def refuted_independence(model: LinearModel, learning: LearningSet) -> str:
    """Say why independent components are no materials: spectra or amounts below zero beyond the noise.

    Materials share their background and occupy the same pixels, so that nothing makes them independent; what
    is farthest from normal distributions may then be a difference of materials, which no pixel can contain
    less than nothing of.
    """
    if len(model.endmembers) == 1:
        return ""
    binned = np.add.reduceat(model.endmembers, _bins(model.endmembers.shape[1]), axis=1)
    spectra = -np.minimum(binned, 0.0).sum(axis=1) / np.abs(binned).sum(axis=1)
    whitened = model.endmembers / learning.channel_weight
    inverse = np.linalg.pinv(whitened @ whitened.T, hermitian=True)
    amounts = learning.spectra / learning.channel_weight @ whitened.T @ inverse
    deviation = np.sqrt(learning.counts_per_electron * np.diag(inverse)) * learning.pixel_weight[:, None]
    pixels = np.mean(amounts < -_CERTAIN * deviation, axis=0)
    faults = [
        f"{100 * values.max():.0f} % of {what} component {values.argmax()} are below zero"
        for what, values, limit in (("the counts of", spectra, _MOST_BELOW), ("the pixels in", pixels, 0.01))
        if values.max() > limit
    ]
    return f"independence is refuted: {' and '.join(faults)}, beyond noise" if faults else ""


def _bins(n_channels: int) -> NDArray[np.intp]:
    """First channels of bins in which a negative sum is no noise."""
    starts: NDArray[np.intp] = np.unique(np.linspace(0, n_channels, _PIECES, endpoint=False).astype(np.intp))
    return starts


def power_law(mean_spectrum: Floats, energy: Floats) -> Floats:
    """Power law with the exponent that a mean spectrum has between its edges, shape (channel,).

    The exponent is the upper quartile of the slopes, in double logarithmic scale, of pieces of a sixteenth of
    the channels: an edge makes the decay slower in the few pieces that it lies in.

    Parameters
    ----------
    mean_spectrum : ndarray, shape (channel,)
    energy : ndarray, shape (channel,)
        Channels at or below zero have no part in the slopes, and the value of the first one above it.

    Examples
    --------
    >>> energy = np.linspace(200.0, 800.0, 201)
    >>> law = power_law(1e9 * energy**-3.0 + 5.0 * (energy > 500), energy)
    >>> bool(np.ptp(law * energy**3.0) < 0.02 * (law * energy**3.0).max())
    True
    """
    known = (energy > 0) & (mean_spectrum > 0)
    length = max(len(energy) // _PIECES, 3)
    if known.sum() < length:
        return np.ones(len(energy))
    x, y = np.log(energy[known]), np.log(mean_spectrum[known])
    x, y, weight = (sliding_window_view(values, length) for values in (x, y, mean_spectrum[known]))
    x = x - np.average(x, axis=1, weights=weight)[:, None]
    slopes = np.sum(weight * x * y, axis=1) / np.sum(weight * x * x, axis=1)
    exponent = np.clip(np.quantile(-slopes, 0.75), 0.0, _STEEPEST)
    law: Floats = (np.maximum(energy, energy[known][0]) / energy[-1]) ** -exponent
    return law


def _unweighted_loadings(spectra: Floats, n_components: int) -> Floats:
    """Leading right singular vectors of the counts as they are, with the sign of `LearningSet.basis`."""
    return with_settled_signs(leading_directions(spectra.T @ spectra, n_components))


def _check_rank(signals: Floats) -> None:
    centred = signals - signals.mean(axis=1, keepdims=True)
    sizes = np.linalg.svd(centred, compute_uv=False)
    rank = int(np.sum(sizes > 1e-10 * sizes[0]))
    if rank < len(signals):
        raise MethodFailedError(
            f"{len(signals)} components, but their channels differ in {rank} independent ways only; "
            f"lower n_endmembers"
        )
