"""Bayesian linear unmixing (BLU): endmembers and abundances with their uncertainties, by Gibbs sampling."""

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from eelsunmix.errors import MethodFailedError
from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.methods._method import Method
from eelsunmix.methods._vertices import clean_pixels, purest_spectra
from eelsunmix.methods.blu.gibbs import MAX_FACE_ENDMEMBERS, Posterior, run_chain
from eelsunmix.methods.blu.model import BayesianModel, fitted_model, relative_variance
from eelsunmix.numerics.directions import leading_directions, power_outside, with_settled_signs
from eelsunmix.options import BrokenRuleError, Presets
from eelsunmix.typing import Floats

_DRAWS = 30
_FEWEST_DRAWS = 20


class BLU(Method):
    """Sample endmembers and abundances from their joint posterior distribution.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` works on counts in units of their Poisson noise, starts from the largest of many simplices,
        and lets abundances be exactly zero.  ``published`` is the model as published [1]_, with the
        constants of its released codes: counts divided by their maximum, one variance for all, one search by
        VCA.
    prior : {"faces", "uniform"}
        Of the abundances. ``uniform`` on the simplex, as published [1]_, holds that hardly a pixel lacks an
        endmember, and pushes the endmembers outwards where many do. ``faces`` is a mixture of uniform
        distributions on all faces of the simplex, with probabilities that are sampled too; above 10
        endmembers it is always uniform.
    n_sweeps, n_burn_in : int
        Draws of every quantity, and those at the beginning that are not used.
    n_passes : int
        Passes over the abundances of a pixel in a sweep.

    Notes
    -----
    The endmembers lie in the affine space of the leading principal components, one less than endmembers, and
    stay non-negative (or above the start, where that is negative).  Their prior is a normal distribution
    around the VCA result: in ``eels`` as wide as the simplex itself, in ``published`` with the variance 10 in
    units of the maximum, which is flat.  Published codes start the abundances from least squares; so do we.
    Standard deviations of the endmembers take the part outside this space from least squares on the
    abundances; those of the abundances hold if the mixing is linear and the noise as assumed.

    References
    ----------
    .. [1] N. Dobigeon, S. Moussaoui, M. Coulon, J.-Y. Tourneret, A. O. Hero, IEEE Trans. Signal Process.
       57, 4355 (2009).
    .. [2] N. Dobigeon, N. Brun, Ultramicroscopy 120, 25 (2012).
    """

    simplex: ClassVar[bool] = True
    presets: ClassVar[Presets] = {
        "setting": {
            "eels": {"prior": "faces", "n_sweeps": 2000, "n_burn_in": 500, "n_passes": 1},
            "published": {"prior": "uniform", "n_sweeps": 100, "n_burn_in": 33, "n_passes": 5},
        }
    }

    setting: Literal["eels", "published"] = "eels"
    prior: Literal["faces", "uniform"]
    n_sweeps: int = Field(ge=1)
    n_burn_in: int = Field(ge=0)
    n_passes: int = Field(ge=1)

    @model_validator(mode="after")
    def _enough_draws_are_used(self) -> Self:
        if self.n_sweeps - self.n_burn_in < _FEWEST_DRAWS:
            raise BrokenRuleError(
                "n_sweeps", f"must exceed n_burn_in ({self.n_burn_in}) by {_FEWEST_DRAWS} at least"
            )
        return self

    def fit(self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator) -> BayesianModel:
        """Run the chain; the endmembers are posterior means."""
        published = self.setting == "published"
        start, _ = purest_spectra(
            learning_set, n_endmembers, n_draws=1 if published else _DRAWS, rng=rng, published=published
        )
        weight = None if published else learning_set.channel_weight
        prepared = _published if published else _weighted
        posterior, message = prepared(learning_set, start, faces=self._with_faces(n_endmembers))
        chain = run_chain(
            posterior,
            n_sweeps=self.n_sweeps,
            n_burn_in=self.n_burn_in,
            n_passes=self.n_passes,
            rng=rng,
        )
        return fitted_model(posterior, chain, weight, message)

    def _with_faces(self, n_endmembers: int) -> bool:
        return self.prior == "faces" and n_endmembers <= MAX_FACE_ENDMEMBERS


def _weighted(learning: LearningSet, start: Floats, *, faces: bool) -> tuple[Posterior, str]:
    """Spectra in units of their noise, without the pixels that no mixture describes."""
    weight, spectra = learning.channel_weight, learning.spectra
    variance = relative_variance(spectra, weight, float(np.median(spectra.sum(axis=1))))
    whitened = spectra / weight
    basis = learning.basis(len(start))
    scores = whitened @ basis.T
    clean = clean_pixels(power_outside(whitened, scores) / variance / len(weight), variance)
    if clean.sum() < len(start):
        raise MethodFailedError(
            f"only {clean.sum()} pixels have signal that {len(start)} components describe; "
            f"check hot pixels and the mask, or lower n_endmembers"
        )
    left_out = len(spectra) - int(clean.sum())
    message = f"{left_out} of {len(spectra)} pixels left out of the fit (dark, or badly described)"
    precision = 1.0 / variance[clean]
    centred = scores[clean] - scores[clean].mean(axis=0)
    axes = _leading(centred * np.sqrt(precision)[:, None], len(start) - 1) @ basis
    origin = whitened[clean].mean(axis=0)
    posterior = _posterior(whitened[clean], variance[clean], axes, origin, start / weight, faces=faces)
    return posterior, message if left_out else ""


def _published(learning: LearningSet, start: Floats, *, faces: bool) -> tuple[Posterior, str]:
    """Take counts as they are; the prior variance is 10 for counts divided by their maximum."""
    spectra = learning.spectra
    origin = spectra.mean(axis=0)
    axes = _leading(spectra - origin, len(start) - 1)
    variance = 10.0 * float(np.abs(spectra).max()) ** 2
    posterior = _posterior(
        spectra, np.ones(len(spectra)), axes, origin, np.abs(start), faces=faces, prior_variance=variance
    )
    return posterior, ""


def _posterior(
    spectra: Floats,
    variance: Floats,
    axes: Floats,
    origin: Floats,
    start: Floats,
    *,
    faces: bool,
    prior_variance: float | None = None,
) -> Posterior:
    centred = spectra - origin
    order = np.lexsort((centred @ axes.T).T) if len(axes) else np.arange(len(spectra))
    # Pixels in an order of their own: theirs in the image must not decide on their random numbers.
    centred, variance = centred[order], variance[order]
    points, vertices = centred @ axes.T, (start - origin) @ axes.T
    size = float(np.mean(np.sum((vertices - vertices.mean(axis=0)) ** 2, axis=1)))
    if len(axes) and not size > 0:
        raise MethodFailedError("the starting endmembers coincide; lower n_endmembers")
    return Posterior(
        points=np.ascontiguousarray(points),
        relative_variance=variance,
        axes=np.ascontiguousarray(axes),
        origin=origin,
        power_outside=float(np.sum(power_outside(centred, points) / variance)),
        start=vertices,
        prior_variance=prior_variance or size or 1.0,
        face_prior=faces,
    )


def _leading(rows: Floats, number: int) -> Floats:
    """Leading right singular vectors, shape (number, column)."""
    return with_settled_signs(leading_directions(rows.T @ rows, number))
