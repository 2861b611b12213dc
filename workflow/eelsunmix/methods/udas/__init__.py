"""Untied denoising autoencoder with sparsity (uDAS), and its successor for counted spectra."""

import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from eelsunmix.errors import MethodFailedError
from eelsunmix.execution.progress import Progress
from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.methods._linear import LinearModel, in_order
from eelsunmix.methods._method import Method
from eelsunmix.methods._models import Abundances, PixelModel, StoredModel, array
from eelsunmix.methods._vertices import described_pixels, purest_spectra
from eelsunmix.methods.udas.denoising import stacked_denoiser
from eelsunmix.methods.udas.objective import Autoencoder, bounded_least_squares
from eelsunmix.methods.udas.sparse_mixtures import SparseMixtures
from eelsunmix.numerics.abundances import fully_constrained, non_negative
from eelsunmix.numerics.directions import leading_directions
from eelsunmix.numerics.rebinning import rebinned, rebinning_matrix
from eelsunmix.numerics.simplex import largest_simplex
from eelsunmix.options import Presets
from eelsunmix.typing import Floats

_DELTA = 20.0
_GAMMA = 1e-4


@dataclass(frozen=True, kw_only=True)
class RectifiedEncoder(StoredModel, PixelModel):
    """Abundances are the rectified output of a linear encoder, ``max(E y, 0)``; their sum is near one.

    Parameters
    ----------
    encoder : ndarray, shape (endmember, channel)
    """

    encoder: Floats = field(metadata=array("endmember", "channel", units="1/counts"))

    @property
    def knows_sd(self) -> bool:
        """Always: the encoder is linear."""
        return True

    @property
    def sd_of_counts(self) -> bool:
        """Always."""
        return True

    def abundances(self, spectra: Floats) -> Abundances:
        """Encode spectra, shape (pixel, channel); the deviations are those before the rectifier."""
        variance = np.maximum(spectra, 0.0) @ (self.encoder**2).T
        return Abundances(np.maximum(spectra @ self.encoder.T, 0.0), np.sqrt(variance))

    def resampled(self, energy: Floats, new_energy: Floats) -> "RectifiedEncoder":
        """Share the counts of an image out to the model's channels before they are encoded."""
        return dataclasses.replace(
            self,
            endmembers=rebinned(self.endmembers, energy, new_energy),
            encoder=self.encoder @ rebinning_matrix(new_energy, energy).T,
        )


class UDAS(Method):
    """Denoise, start from the purest pixels, then fit endmembers and sparse abundances in turn.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``published`` is the autoencoder as published [1]_, with the constants of its released code.  ``eels``
        keeps its plan (denoising, geometric start, alternation, sparsity) but works in the Poisson-weighted
        principal components, sets abundances to zero that the noise explains, and iterates until nothing
        moves.
    n_draws : int
        Searches for the purest pixels, of which the largest simplex wins.
    n_iterations : int
        Limit of the alternation; if published, all are done.
    threshold : float
        Only ``eels``: abundances below so many standard deviations count as zero in the fit.
    tolerance : float
        Only ``eels``: largest move of an endmember at which to stop, in standard deviations of a pixel.

    Notes
    -----
    Published setting.  The encoder of the released code is what its paper describes, with three exceptions
    where we follow the paper: the derivative of the rectifier is zero where it is closed; the best of the
    VCA searches is taken, not the first; the denoised data of the term of weight gamma are those of the whole
    stack of denoisers.  The group sparsity acts on the rows of the encoder.  The bounded least squares of the
    decoder step is solved by rows until nothing moves, in place of a limited projected gradient.  The scale
    is that of data divided by their maximum, on which all constants hang.  Abundances are those of the
    encoder.

    Setting ``eels``.  A projection onto the simplex moves noise that points outwards back to a face, and lets
    the other half be: endmembers fitted to such abundances creep outwards.  The threshold treats both halves
    alike.  Maps are weighted, fully constrained least squares on the endmembers, without a threshold, which
    would erase faint phases.  The loss is the objective per pixel; no half-step raises it.

    References
    ----------
    .. [1] Y. Qu, H. Qi, IEEE Trans. Geosci. Remote Sens. 57, 1698 (2019).
    """

    simplex: ClassVar[bool] = True
    presets: ClassVar[Presets] = {
        "setting": {
            "eels": {"n_draws": 30, "n_iterations": 1000},
            "published": {"n_draws": 100, "n_iterations": 10},
        }
    }

    setting: Literal["eels", "published"] = "eels"
    n_draws: int = Field(ge=1)
    n_iterations: int = Field(ge=1)
    threshold: float = Field(2.0, ge=0)
    tolerance: float = Field(1e-3, gt=0)

    def fit(
        self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator
    ) -> LinearModel | RectifiedEncoder:
        """Fit endmembers and, if published, an encoder."""
        if self.setting == "published":
            return self._fit_published(learning_set.spectra, n_endmembers, rng)
        return self._fit_eels(learning_set, n_endmembers, rng)

    def _fit_eels(self, learning: LearningSet, n_endmembers: int, rng: np.random.Generator) -> LinearModel:
        start, message = purest_spectra(learning, n_endmembers, n_draws=self.n_draws, rng=rng)
        weight, basis = learning.channel_weight, learning.basis(n_endmembers)
        points = learning.scores(n_endmembers)
        clean, deviation = described_pixels(learning, points)
        mixtures = SparseMixtures(points=points[clean], deviation=deviation[clean], threshold=self.threshold)
        vertices, losses, move = self._alternated(mixtures, (start / weight) @ basis.T)
        done = move <= self.tolerance
        model = LinearModel(
            endmembers=vertices @ basis * weight,
            sum_to_one=True,
            channel_weight=weight,
            loss=losses,
            status="converged" if done else "not converged",
            message=f"{len(losses)} iterations, last move {move:.1g} standard deviations; {message}".strip(
                "; "
            ),
        )
        return in_order(model, learning.spectra)

    def _alternated(self, mixtures: SparseMixtures, vertices: Floats) -> tuple[Floats, Floats, float]:
        """Abundances and vertices in turn; also the loss of each iteration and the last move."""
        abundances, move = None, np.inf
        losses: list[float] = []
        unit = float(np.median(mixtures.deviation))
        progress = Progress("uDAS, iterations", self.n_iterations)
        while len(losses) < self.n_iterations and move > self.tolerance:
            abundances = mixtures.improved_abundances(abundances, vertices)
            found = mixtures.improved_vertices(abundances, vertices)
            move = float(np.linalg.norm(found - vertices, axis=1).max()) / unit
            vertices = found
            losses.append(float(mixtures.cost(abundances, vertices).mean()))
            progress.report(len(losses))
        return vertices, np.array(losses), move

    def _fit_published(
        self, spectra: Floats, n_endmembers: int, rng: np.random.Generator
    ) -> LinearModel | RectifiedEncoder:
        largest = float(spectra.max())
        if not largest > 0:
            raise MethodFailedError("no pixel has positive counts, by whose maximum uDAS divides")
        network = _published_network(spectra / largest)
        decoder, hidden = _published_start(network.targets, n_endmembers, self.n_draws, rng)
        encoder: Floats = np.linalg.lstsq(network.inputs, hidden, rcond=None)[0].T.astype(np.float64)
        losses, progress = [], Progress("uDAS, iterations", self.n_iterations)
        for _ in range(self.n_iterations):
            decoder = network.decoder_step(decoder, encoder)
            encoder = network.encoder_step(decoder, encoder)
            losses.append(network.objective(decoder, encoder))
            progress.report(len(losses))
        counts = network.hidden(encoder).mean(axis=0) * decoder.sum(axis=1)
        order = np.argsort(-counts, kind="stable")
        return RectifiedEncoder(
            endmembers=largest * decoder[order],
            encoder=encoder[order] / largest,
            loss=np.array(losses),
            message=f"objective {losses[0]:.3g} after the first iteration, {losses[-1]:.3g} after the last",
        )


def _published_network(inputs: Floats) -> Autoencoder:
    return Autoencoder(
        inputs=inputs,
        targets=stacked_denoiser(inputs, n_layers=12, corruption=1e-5, ridge=1.0)(inputs),
        delta=_DELTA,
        penalty=1e-6 * float(np.sqrt(len(inputs) / 1000)),
        gain=1.0 + _GAMMA,
        upper=1.0,
    )


def _published_start(
    targets: Floats, n_endmembers: int, n_draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Purest pixels in the affine space of the denoised data, then one round of constrained factorisation."""
    mean = targets.mean(axis=0)
    decoder = mean[None]
    if n_endmembers > 1:
        centred = targets - mean
        axes = leading_directions(centred.T @ centred, n_endmembers - 1)
        scores = centred @ axes.T
        points = scores / (scores.std(axis=0) + 1e-6)
        radius = np.linalg.norm(points, axis=1).max() or 1.0
        points = np.column_stack([points, np.full(len(points), radius)])
        decoder = mean + scores[largest_simplex(points, n_draws=n_draws, rng=rng)] @ axes
    decoder = np.clip(decoder, 0.0, 1.0)
    hidden = fully_constrained(targets, decoder)
    decoder = bounded_least_squares(hidden.T @ hidden, hidden.T @ targets, decoder, upper=1.0)
    summed = [np.hstack([rows, np.full((len(rows), 1), _DELTA)]) for rows in (targets, decoder)]
    return decoder, non_negative(summed[0], summed[1])
