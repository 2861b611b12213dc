"""Non-negative matrix factorisation (NMF)."""

import logging
import warnings
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from eelsunmix.errors import MethodFailedError
from eelsunmix.execution.progress import sign_of_life
from eelsunmix.methods._brightness import brightness_spread, equalised_learning_set
from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.methods._linear import LinearModel, in_order, with_sums_near_one
from eelsunmix.methods._method import Method
from eelsunmix.methods._vertices import purest_spectra
from eelsunmix.methods.udas import UDAS
from eelsunmix.numerics.abundances import non_negative
from eelsunmix.options import BrokenRuleError, Presets
from eelsunmix.typing import Floats

logger = logging.getLogger(__name__)

_VARIABLE = 1.5
"""Spread of the brightness from which on it varies, as for methods whose abundances sum to one."""
_FROM_AFAR = {"tolerance": 1e-4}
"""Where the start is not near the optimum, as the vertices are."""
_SETTLED = 1e-4
"""Relative change in a step below which a single endmember is found."""


class NMF(Method):
    """Factor the counts into non-negative spectra and abundances.

    Parameters
    ----------
    setting : {"eels", "published"}
        Gives the defaults of the other options. ``published`` is what HyperSpy does with its own defaults:
        plain Frobenius norm, start from a singular value decomposition, 200 iterations.
    loss : {"frobenius", "kullback-leibler"}
        Least squares, or the deviance of Poisson counts (slower).
    weighted : bool
        Scale rows and columns to equal Poisson variance first [2]_; for the Frobenius loss only.
    init : {"simplex", "vca", "nndsvda", "nndsvd", "nndsvdar", "random"}
        Start. Many factorisations fit equally well, and noise drives the descent away from the best of them:
        it begins at the simplex that uDAS fits to all pixels, or at the purest pixels (``vca``).
    max_iter : int
        Limit of iterations; reaching it gives the status "not converged".
    tolerance : float
        Where to stop: the violation of optimality relative to the start's (Frobenius), or the relative
        decrease of the deviance in ten iterations (Kullback-Leibler). The simplex and the
        vertices are starts near the optimum; from elsewhere, and for the deviance, it is 1e-4.

    Notes
    -----
    Scale: the abundances of each pixel sum to one as nearly as they can, those of an average pixel exactly.

    References
    ----------
    .. [1] D. D. Lee, H. S. Seung, Nature 401, 788 (1999); computed by scikit-learn.
    .. [2] M. R. Keenan, P. G. Kotula, Surf. Interface Anal. 36, 203 (2004), for the weights.
    """

    presets: ClassVar[Presets] = {
        "setting": {
            "eels": {"weighted": True, "init": "simplex", "max_iter": 1000, "tolerance": 0.5},
            "published": {"weighted": False, "init": "nndsvda", "max_iter": 200, "tolerance": 1e-4},
        },
        "loss": {"kullback-leibler": {"weighted": False, "tolerance": 1e-4}},
        "init": dict.fromkeys(("nndsvda", "nndsvd", "nndsvdar", "random"), _FROM_AFAR),
    }

    setting: Literal["eels", "published"] = "eels"
    loss: Literal["frobenius", "kullback-leibler"] = "frobenius"
    weighted: bool
    init: Literal["simplex", "vca", "nndsvda", "nndsvd", "nndsvdar", "random"]
    max_iter: int = Field(ge=1)
    tolerance: float = Field(gt=0)

    @model_validator(mode="after")
    def _weights_go_with_least_squares(self) -> Self:
        if self.weighted and self.loss != "frobenius":
            raise BrokenRuleError(
                "weighted", "true goes with loss: frobenius; kullback-leibler knows the Poisson noise"
            )
        return self

    def fit(self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator) -> LinearModel:
        """Factor the learning set; negative counts are set to zero and counted in the message."""
        spectra = np.maximum(learning_set.spectra, 0.0)
        channel, pixel = np.ones(spectra.shape[1]), np.ones(len(spectra))
        if self.weighted:
            channel = learning_set.channel_weight
            pixel = np.maximum(learning_set.pixel_weight, 1e-3 * learning_set.pixel_weight.max())
        start = self._start(learning_set, n_endmembers, rng) if self.init in ("simplex", "vca") else None
        scaled = spectra / channel / pixel[:, None]
        if start is not None:
            start = (start[0] / pixel[:, None], start[1] / channel)
        rows, n_iterations = self._factor(scaled, n_endmembers, start, rng)
        done, note = n_iterations < self.max_iter, ""
        if not done and n_endmembers == 1:
            # The criterion is relative to the first step, which nearly does it all: it may never be met.
            change = _change_of_next_step(scaled, rows[0], self.loss)
            done = change < _SETTLED
            note = f"another step changes the one endmember by {change:.1g} of it"
        model = LinearModel(
            endmembers=rows * channel,
            channel_weight=learning_set.channel_weight if self.weighted else None,
            status="converged" if done else "not converged",
            message=_message(learning_set.spectra, n_iterations, note if done else self._limit(n_iterations)),
        )
        return in_order(with_sums_near_one(model, spectra), spectra)

    def _limit(self, n_iterations: int) -> str:
        reached = n_iterations >= self.max_iter
        return f"the limit is {self.max_iter}" if reached else ""

    def _start(
        self, learning: LearningSet, n_endmembers: int, rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        endmembers = None
        if self.init == "simplex" and n_endmembers > 1:
            endmembers = _simplex(learning, n_endmembers, rng)
        if endmembers is None:
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
        with warnings.catch_warnings(), sign_of_life(f"NMF, {self.max_iter} iterations at most"):
            # The number of iterations says the same, and becomes the status of the model.
            warnings.simplefilter("ignore", ConvergenceWarning)
            if start is None:
                engine.fit(scaled)
            else:
                engine.fit_transform(
                    scaled, W=np.ascontiguousarray(start[0]), H=np.ascontiguousarray(start[1])
                )
        return engine.components_, int(engine.n_iter_)


def _simplex(learning: LearningSet, n_endmembers: int, rng: np.random.Generator) -> Floats | None:
    """Vertices of the simplex around the pixels, brought to the same counts where their brightness varies.

    None, and a line in the log, where uDAS cannot tell.
    """
    if brightness_spread(learning, n_endmembers) > _VARIABLE:
        learning = equalised_learning_set(learning).learning
    try:
        return UDAS().fit(learning, n_endmembers, rng).endmembers
    except (MethodFailedError, np.linalg.LinAlgError) as error:
        logger.warning("NMF starts at the purest spectra: the simplex of uDAS failed (%s)", error)
        return None


def _change_of_next_step(scaled: Floats, row: Floats, loss: str) -> float:
    """Relative change of the only endmember in one more step of alternating least squares (or deviance)."""
    total = scaled.sum(axis=0) if loss != "frobenius" else (scaled @ row) @ scaled
    first, second = row / np.linalg.norm(row), total / np.linalg.norm(total)
    return float(np.linalg.norm(second - first))


def _message(spectra: Floats, n_iterations: int, note: str) -> str:
    parts = [f"{n_iterations} iterations" + (f" ({note})" if note else "")]
    negative = spectra < 0
    if negative.any():
        share = -spectra[negative].sum() / max(np.abs(spectra).sum(), np.finfo(float).tiny)
        parts.append(f"{negative.sum()} negative counts set to zero ({100 * share:.2g} % of all counts)")
    return "; ".join(parts)
