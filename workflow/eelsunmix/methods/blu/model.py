"""The model that Bayesian linear unmixing returns: draws of endmembers, and abundances averaged over them."""

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from eelsunmix.methods._models import Abundances, PixelModel, StoredModel, array
from eelsunmix.methods.blu.chain_statistics import effective_sample_size, split_rhat
from eelsunmix.methods.blu.gibbs import Chain, Posterior, mean_and_sd, nearest_mixtures
from eelsunmix.numerics.propagation import Propagation
from eelsunmix.numerics.rebinning import rebinned, rebinned_deviation
from eelsunmix.typing import Bools, Floats, Indices

MAP_DRAWS = 20
"""Draws of the endmembers that the model keeps, evenly spaced along the chain."""
MAP_SWEEPS = 10
"""Sweeps over the abundances for each of them; with fewer, pixels that seldom leave a face look certain."""
_WARM_UP = 5
_KEY = 0x5EED0FB1A5ED
_LIMIT = 1.1
_FEWEST_EFFECTIVE = 50.0
"""Effective draws of the slowest coordinate: they give its mean to a seventh of its deviation."""


@dataclass(frozen=True, kw_only=True)
class BayesianModel(StoredModel, PixelModel):
    """Posterior means of the endmembers; abundances are posterior means over the draws of the endmembers.

    All pixels draw the same random numbers, so that a map depends neither on the pixels' order nor on blocks.

    Parameters
    ----------
    endmember_spectrum_sd : ndarray, shape (endmember, channel)
        Posterior standard deviation, counts.
    axes, origin : ndarray, shapes (dimension, channel) and (channel,)
        Spectra divided by the channel weight are ``origin + vertices @ axes``; rows are orthonormal.
    vertex_draws : ndarray, shape (draw, endmember, dimension)
    noise_variance : float
        Posterior mean, of counts divided by the channel weight, of an average pixel.
    face_probability : ndarray, shape (face,), optional
        Of each face of the simplex; bit r of its number stands for endmember r. None if the prior is
        uniform.
    channel_weight : ndarray, shape (channel,), optional
        Divides spectra, whose variance then goes with the total counts of a pixel; none if the noise is the
        same everywhere.
    effective_sample_size, split_rhat : ndarray, shape (endmember,)
        The worst of the endmember's coordinates.
    sum_to_one : bool
        Always.
    """

    endmember_spectrum_sd: Floats = field(metadata=array("endmember", "channel", units="counts"))
    axes: Floats = field(metadata=array("dimension", "channel"))
    origin: Floats = field(metadata=array("channel"))
    vertex_draws: Floats = field(metadata=array("draw", "endmember", "dimension"))
    effective_sample_size: Floats = field(metadata=array("endmember"))
    split_rhat: Floats = field(metadata=array("endmember"))
    noise_variance: float
    face_probability: Floats | None = field(metadata=array("face"), default=None)
    channel_weight: Floats | None = field(metadata=array("channel", units="counts"), default=None)
    sum_to_one: bool = True

    @property
    def knows_sd(self) -> bool:
        """Always."""
        return True

    def abundances(self, spectra: Floats) -> Abundances:
        """Posterior means, which sum to one, and standard deviations, of spectra (pixel, channel).

        The deviations are those of the posterior, but never below those that counting alone leaves.
        """
        from eelsunmix.methods.blu import kernels

        spectra = np.asarray(spectra, np.float64)
        weight = np.ones(spectra.shape[1]) if self.channel_weight is None else self.channel_weight
        points = (spectra / weight - self.origin) @ self.axes.T
        variance = np.ones(len(spectra))
        if self.channel_weight is not None:
            # Not their own typical counts: a map must not depend on the pixels of a block.
            variance = relative_variance(spectra, weight, float(self.endmembers.sum(axis=1).mean()))
        deviation = np.sqrt(self.noise_variance * variance)
        faces = np.empty(0) if self.face_probability is None else self.face_probability
        a = nearest_mixtures(points, self.vertex_draws.mean(axis=0))
        taking_part = a > 0
        total, squares = np.zeros_like(a), np.zeros_like(a)
        for sweep in range(_WARM_UP + MAP_SWEEPS * len(self.vertex_draws)):
            vertices = self.vertex_draws[max(sweep - _WARM_UP, 0) // MAP_SWEEPS]
            reference = sweep % a.shape[1]
            kernels.sweep_abundances(_KEY, sweep, -1, reference, 1, points, deviation, vertices, faces, a)
            if sweep >= _WARM_UP:
                total += a
                squares += a * a
        mean, deviation = mean_and_sd(total, squares, MAP_SWEEPS * len(self.vertex_draws))
        mean /= mean.sum(axis=1, keepdims=True)
        return Abundances(mean, np.maximum(deviation, self._counting_sd(mean, taking_part)))

    def _counting_sd(self, mean: Floats, taking_part: Bools) -> Floats:
        """Deviations of least squares: a prior that takes nearly pure pixels for pure ones has none."""
        if self.channel_weight is None:
            return np.zeros_like(mean)
        noise = Propagation(self.endmembers, self.channel_weight, sum_to_one=True).sd(mean, taking_part)
        return np.sqrt(self.noise_variance) * noise

    def scaled(self, factors: Floats) -> "BayesianModel":
        """Return the model with endmembers, and their standard deviations, of that many times the counts."""
        return dataclasses.replace(
            self,
            endmembers=self.endmembers * factors[:, None],
            endmember_spectrum_sd=self.endmember_spectrum_sd * factors[:, None],
        )

    def normalised(self, counts: float) -> "BayesianModel":
        """Return the model with endmembers of these total counts, in each draw and on average.

        With ``t_0`` and ``t`` the totals of origin and axes, the spectrum ``origin + v @ axes`` of the total
        ``t_0 + v @ t`` becomes ``origin * counts / t_0 + (v * counts / (t_0 + v @ t)) @ directions``, where
        the directions ``axes - outer(t / t_0, origin)`` have the total zero.
        """
        weight = np.ones(len(self.origin)) if self.channel_weight is None else self.channel_weight
        total, totals = float(self.origin @ weight), self.axes @ weight
        rows, triangle = np.linalg.qr((self.axes - np.outer(totals / total, self.origin)).T)
        factors = counts / (total + self.vertex_draws @ totals)
        return dataclasses.replace(
            self.scaled(counts / self.endmembers.sum(axis=1)),
            axes=rows.T,
            origin=self.origin * (counts / total),
            vertex_draws=(self.vertex_draws * factors[..., None]) @ triangle.T,
        )

    def resampled(self, energy: Floats, new_energy: Floats) -> "BayesianModel":
        """Integrate the model over other channels, so that no counts are lost or gained."""

        def moved(rows: Floats) -> Floats:
            flat = rebinned(rows.reshape(-1, rows.shape[-1]), energy, new_energy)
            return flat.reshape(*rows.shape[:-1], -1)

        weight = np.ones(len(energy)) if self.channel_weight is None else self.channel_weight
        new_weight = rebinned_deviation(weight[None], energy, new_energy)[0]
        weighted = self.channel_weight is not None
        scale = new_weight if weighted else 1.0
        rows, triangle = np.linalg.qr((moved(self.axes * weight) / scale).T)
        # What the draws make of it is common to all channels, the rest (least squares) is not.
        draws = (self.vertex_draws @ self.axes) * weight
        own = np.sqrt(np.maximum(self.endmember_spectrum_sd**2 - draws.var(axis=0), 0.0))
        return dataclasses.replace(
            self,
            endmembers=moved(self.endmembers),
            endmember_spectrum_sd=np.hypot(
                moved(draws).std(axis=0), rebinned_deviation(own, energy, new_energy)
            ),
            axes=rows.T,
            vertex_draws=self.vertex_draws @ triangle.T,
            origin=moved(self.origin * weight) / scale,
            channel_weight=new_weight if weighted else None,
            noise_variance=self.noise_variance * (1.0 if weighted else float(np.mean(new_weight**2))),
        )


def relative_variance(spectra: Floats, channel_weight: Floats, typical_counts: float) -> Floats:
    """Variance of each pixel in units of the squared channel weight: its total counts, never near zero.

    Totals below 5 % of the typical ones are taken as that; where these are not positive, all are the same.
    """
    if not typical_counts > 0:
        return np.ones(len(spectra))
    return np.maximum(spectra.sum(axis=1), 0.05 * typical_counts) / np.sum(channel_weight**2)


def fitted_model(
    posterior: Posterior, chain: Chain, channel_weight: Floats | None, message: str
) -> BayesianModel:
    """Turn a chain into a model, endmembers in the order of their counts."""
    scale = 1.0 if channel_weight is None else channel_weight
    endmembers = (posterior.origin + chain.vertices.mean(axis=0) @ posterior.axes) * scale
    order = np.argsort(-chain.abundance.mean(axis=0) * np.abs(endmembers).sum(axis=1), kind="stable")
    vertices = chain.vertices[:, order]
    rhat, size = split_rhat(vertices), effective_sample_size(vertices)
    rhat, size = rhat.max(axis=1, initial=1.0), size.min(axis=1, initial=float(len(vertices)))
    kept = np.linspace(0, len(vertices) - 1, min(MAP_DRAWS, len(vertices))).round().astype(int)
    return BayesianModel(
        endmembers=endmembers[order],
        endmember_spectrum_sd=_spectrum_sd(chain, posterior.axes)[order] * scale,
        axes=posterior.axes,
        origin=posterior.origin,
        vertex_draws=vertices[kept],
        noise_variance=float(chain.variance[-len(vertices) :].mean()),
        face_probability=_reordered(chain.face_probability, order),
        channel_weight=channel_weight,
        effective_sample_size=size,
        split_rhat=rhat,
        loss=chain.variance,
        status="converged" if _is_enough(rhat, size) else "not converged",
        message="; ".join(filter(None, [_quality(rhat, size, len(vertices)), message])),
    )


def _is_enough(rhat: Floats, size: Floats) -> bool:
    """Whether the halves of the chain agree, and it has moved often enough for them to be two witnesses."""
    return bool(rhat.max() < _LIMIT and size.min() >= _FEWEST_EFFECTIVE)


def _quality(rhat: Floats, size: Floats, number: int) -> str:
    found = (
        f"split R-hat at most {rhat.max():.3f}, effective sample size at least {size.min():.0f} of {number}"
    )
    if _is_enough(rhat, size):
        return found
    return f"{found} (below {_LIMIT:g} and at least {_FEWEST_EFFECTIVE:g} are needed; raise n_sweeps)"


def _spectrum_sd(chain: Chain, axes: Floats) -> Floats:
    """Return the standard deviation of each channel of each endmember.

    Within the axes from the covariance of the vertices; outside of them, where the model has no freedom, that
    of least squares on the abundances.
    """
    number = len(chain.vertices)
    centred = chain.vertices - chain.vertices.mean(axis=0)
    covariance = np.einsum("nrj,nrk->rjk", centred, centred) / max(number - 1, 1)
    inside = np.einsum("jc,rjk,kc->rc", axes, covariance, axes)
    noise = chain.variance[-number:].mean() * np.diag(np.linalg.pinv(chain.gram, hermitian=True))
    outside = noise[:, None] * (1.0 - np.sum(axes**2, axis=0))
    return np.sqrt(np.maximum(inside + outside, 0.0))


def _reordered(face_probability: Floats, order: Indices) -> Floats | None:
    """Probabilities of the faces after the endmembers have changed places."""
    if len(face_probability) == 0:
        return None
    bits = np.arange(len(face_probability))[:, None] >> np.arange(len(order)) & 1
    return face_probability[bits @ (1 << order)]
