"""Non-negative matrix factorisation (NMF)."""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from eelsunmix.methods._contract import LearningSet
from eelsunmix.methods._linear import LinearModel, in_order, with_even_sums
from eelsunmix.methods._vertices import purest_spectra
from eelsunmix.numerics.abundances import non_negative
from eelsunmix.typing import Floats

_INITS = ("vca", "nndsvda", "nndsvd", "nndsvdar", "random")


@dataclass(frozen=True, kw_only=True)
class NMF:
    """Factor the counts into non-negative spectra and abundances.

    Parameters
    ----------
    setting : {"eels", "published"}
        Gives the defaults of the other options. ``published`` is what HyperSpy does with its own defaults:
        plain Frobenius norm, start from a singular value decomposition, 200 iterations.
    loss : {"frobenius", "kullback-leibler"}
        Least squares, or the deviance of Poisson counts (slower).
    weighted : bool, optional
        Scale rows and columns to equal Poisson variance first [2]_; for the Frobenius loss only.
    init : {"vca", "nndsvda", "nndsvd", "nndsvdar", "random"}, optional
        Start. Many factorisations fit equally well: the start from the vertices chooses one with pure pixels.
    max_iter : int, optional
        Limit of iterations; reaching it gives the status "not converged".
    tolerance : float, optional
        Where to stop: the violation of optimality relative to the start's (Frobenius), or the relative
        decrease of the deviance in ten iterations (Kullback-Leibler). 0.1 for the Frobenius loss from the
        vertices, which is a start near the optimum, otherwise 1e-4.

    Notes
    -----
    Scale: the abundances of each pixel sum to one as nearly as they can, those of an average pixel exactly.

    References
    ----------
    .. [1] D. D. Lee, H. S. Seung, Nature 401, 788 (1999); computed by scikit-learn.
    .. [2] M. R. Keenan, P. G. Kotula, Surf. Interface Anal. 36, 203 (2004), for the weights.
    """

    needs_tiles: ClassVar[bool] = False

    setting: Literal["eels", "published"] = "eels"
    loss: Literal["frobenius", "kullback-leibler"] = "frobenius"
    weighted: bool | None = None
    init: Literal["vca", "nndsvda", "nndsvd", "nndsvdar", "random"] | None = None
    max_iter: int | None = None
    tolerance: float | None = None

    def __post_init__(self) -> None:
        if self.setting not in ("eels", "published"):
            raise ValueError(f"setting must be 'eels' or 'published', not {self.setting!r}")
        published = self.setting == "published"
        defaults: dict[str, Any] = {
            "weighted": not published and self.loss == "frobenius",
            "init": "nndsvda" if published else "vca",
            "max_iter": 200 if published else 1000,
            "tolerance": 0.1
            if self.loss == "frobenius" and self.init in (None, "vca") and not published
            else 1e-4,
        }
        for name, default in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)
        self._check()

    def _check(self) -> None:
        if self.loss not in ("frobenius", "kullback-leibler"):
            raise ValueError(f"loss must be 'frobenius' or 'kullback-leibler', not {self.loss!r}")
        if self.weighted and self.loss != "frobenius":
            raise ValueError(
                "weighted: true goes with loss: frobenius; kullback-leibler knows the Poisson noise"
            )
        if self.init not in _INITS:
            raise ValueError(f"init must be one of {', '.join(_INITS)}, not {self.init!r}")
        if not isinstance(self.max_iter, int) or self.max_iter < 1:
            raise ValueError(f"max_iter must be a whole number of at least 1, not {self.max_iter!r}")
        if self.tolerance is None or not self.tolerance > 0:
            raise ValueError(f"tolerance must be positive, not {self.tolerance!r}")

    def fit(self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator) -> LinearModel:
        """Factor the learning set; negative counts are set to zero and counted in the message."""
        spectra = np.maximum(learning_set.spectra, 0.0)
        channel, pixel = np.ones(spectra.shape[1]), np.ones(len(spectra))
        if self.weighted:
            channel = learning_set.channel_weight
            pixel = np.maximum(learning_set.pixel_weight, 1e-3 * learning_set.pixel_weight.max())
        start = self._start(learning_set, n_endmembers, rng) if self.init == "vca" else None
        scaled = spectra / channel / pixel[:, None]
        if start is not None:
            start = (start[0] / pixel[:, None], start[1] / channel)
        rows, n_iterations = self._factor(scaled, n_endmembers, start, rng)
        # One endmember is found at once; the criterion, relative to the first step, is then never met.
        done = n_iterations < (self.max_iter or 0) or n_endmembers == 1
        model = LinearModel(
            endmembers=rows * channel,
            channel_weight=learning_set.channel_weight if self.weighted else None,
            status="converged" if done else "not converged",
            message=_message(learning_set.spectra, n_iterations, self.max_iter or 0),
        )
        return in_order(with_even_sums(model, spectra), spectra)

    def _start(
        self, learning: LearningSet, n_endmembers: int, rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        endmembers, _ = purest_spectra(learning, n_endmembers, n_draws=30, rng=rng)
        # A zero can never grow again in multiplicative updates.
        endmembers = np.maximum(endmembers, 1e-3 * endmembers.mean(axis=0).clip(min=0) + 1e-12)
        abundances = non_negative(learning.spectra, endmembers, channel_weight=learning.channel_weight)
        return np.maximum(abundances, 1e-3 * abundances.mean()), endmembers

    def _factor(
        self, scaled: Floats, n_endmembers: int, start: tuple[Floats, Floats] | None, rng: np.random.Generator
    ) -> tuple[Floats, int]:
        from sklearn.decomposition import NMF as Factorisation  # noqa: N811
        from sklearn.exceptions import ConvergenceWarning

        engine = Factorisation(
            n_endmembers,
            init="custom" if start is not None else self.init,
            solver="cd" if self.loss == "frobenius" else "mu",
            beta_loss=self.loss,
            tol=self.tolerance,
            max_iter=self.max_iter,
            random_state=int(rng.integers(2**31)),
        )
        with warnings.catch_warnings():
            # The number of iterations says the same, and becomes the status of the model.
            warnings.simplefilter("ignore", ConvergenceWarning)
            if start is None:
                engine.fit(scaled)
            else:
                engine.fit_transform(
                    scaled, W=np.ascontiguousarray(start[0]), H=np.ascontiguousarray(start[1])
                )
        return engine.components_, int(engine.n_iter_)


def _message(spectra: Floats, n_iterations: int, limit: int) -> str:
    parts = [f"{n_iterations} iterations" + (f" (the limit is {limit})" if n_iterations >= limit else "")]
    negative = spectra < 0
    if negative.any():
        share = -spectra[negative].sum() / max(np.abs(spectra).sum(), np.finfo(float).tiny)
        parts.append(f"{negative.sum()} negative counts set to zero ({100 * share:.2g} % of all counts)")
    return "; ".join(parts)
