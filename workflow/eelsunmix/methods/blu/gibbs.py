"""Gibbs sampling of the abundances and endmembers of Bayesian linear unmixing.

The conditional distributions are those of Dobigeon et al. (2009).  All pixels draw their random numbers from
counters, and sums run over blocks of fixed size: the number of threads does not change a bit of the result.
"""

from dataclasses import dataclass

import numpy as np

from eelsunmix.execution.progress import Progress
from eelsunmix.methods.blu.threads import Run, mapping, n_threads_allowed
from eelsunmix.numerics.abundances import fully_constrained
from eelsunmix.typing import Floats

BLOCK = 1024
"""Pixels that one thread treats at a time."""

MAX_FACE_ENDMEMBERS = 10
"""Up to so many endmembers every face of the simplex has a probability of its own (1023 of 10)."""

VERTEX_PASSES = 3
"""The vertices are cheap to draw: several passes over their coordinates come near a joint draw."""


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """What the sampler draws from.

    Parameters
    ----------
    points : ndarray, shape (pixel, dimension)
        Coordinates of the spectra on the axes, from the origin; one dimension less than endmembers.
    relative_variance : ndarray, shape (pixel,)
        Variance of the noise of each pixel, up to a common factor that is sampled.
    axes : ndarray, shape (dimension, channel)
        Orthonormal rows.
    origin : ndarray, shape (channel,)
    power_outside : float
        Sum over the pixels of the square of what lies outside the axes, divided by the relative variance.
    start : ndarray, shape (endmember, dimension)
        First vertices, and the mean of their prior.
    prior_variance : float
        Of each coordinate of a vertex.
    face_prior : bool
        Abundances are a mixture of uniform distributions on the faces of the simplex, whose probabilities
        are sampled; else uniform on the simplex.
    """

    points: Floats
    relative_variance: Floats
    axes: Floats
    origin: Floats
    power_outside: float
    start: Floats
    prior_variance: float
    face_prior: bool

    def lower_limit(self) -> Floats:
        """Lower limit of the endmembers, shape (channel,): zero, or less where the data start below zero."""
        spectra = np.vstack([self.origin, self.origin + self.start @ self.axes])
        return np.minimum(spectra.min(axis=0), 0.0)


@dataclass(frozen=True, kw_only=True)
class Chain:
    """What the sampler has drawn after the burn-in.

    Parameters
    ----------
    vertices : ndarray, shape (sweep, endmember, dimension)
    variance : ndarray, shape (sweep,)
        Of the noise, all sweeps, the burn-in included.
    abundance, abundance_sd : ndarray, shape (pixel, endmember)
        Posterior mean and standard deviation.
    gram : ndarray, shape (endmember, endmember)
        Posterior mean of the abundances' products, summed over the pixels with their precision.
    face_probability : ndarray, shape (face,)
        Posterior mean; empty with a uniform prior.
    """

    vertices: Floats
    variance: Floats
    abundance: Floats
    abundance_sd: Floats
    gram: Floats
    face_probability: Floats


def run_chain(
    posterior: Posterior,
    *,
    n_sweeps: int,
    n_burn_in: int,
    n_passes: int,
    rng: np.random.Generator,
    n_threads: int | None = None,
) -> Chain:
    """Sample abundances, endmembers and the variance of the noise in turn.

    Parameters
    ----------
    n_sweeps, n_burn_in : int
        All sweeps, and those at the beginning that are left out of the statistics.
    n_passes : int
        Passes over the abundances of a pixel in each sweep.
    n_threads : int, optional
        By default as many as `n_threads_allowed` says.
    """
    sampler = _Sampler(posterior, n_passes, rng)
    vertices, variance = [], []
    progress = Progress("BLU, sweeps of the sampler", n_sweeps)
    with mapping(n_threads or n_threads_allowed()) as run:
        for sweep in range(n_sweeps):
            sampler.draw_abundances(sweep, run, keep=sweep >= n_burn_in)
            sampler.draw_the_rest()
            variance.append(sampler.variance)
            if sweep >= n_burn_in:
                vertices.append(sampler.vertices.copy())
            progress.report(sweep + 1)
    abundance, abundance_sd = mean_and_sd(sampler.total, sampler.squares, len(vertices))
    return Chain(
        vertices=np.array(vertices),
        variance=np.array(variance),
        abundance=abundance,
        abundance_sd=abundance_sd,
        gram=sampler.gram_total / len(vertices),
        face_probability=sampler.face_total / len(vertices),
    )


def mean_and_sd(total: Floats, squares: Floats, number: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation from sums over `number` draws."""
    mean = total / number
    return mean, np.sqrt(np.maximum(squares / number - mean**2, 0.0))


def nearest_mixtures(points: Floats, vertices: Floats) -> Floats:
    """Abundances, shape (pixel, endmember), of the points of the simplex nearest to the given points."""
    # A coordinate that all have in common changes nothing, but keeps every vertex away from zero.
    common = float(np.abs(vertices).max(initial=0.0)) or 1.0
    ones = np.full((len(points), 1), common)
    return fully_constrained(
        np.hstack([points, ones]), np.hstack([vertices, np.full((len(vertices), 1), common)])
    )


class _Sampler:
    """State of the chain: abundances, vertices, variance of the noise, probabilities of the faces."""

    def __init__(self, posterior: Posterior, n_passes: int, rng: np.random.Generator) -> None:
        n_pixels, (n_endmembers, n_dimensions) = len(posterior.points), posterior.start.shape
        self.posterior, self.n_passes, self.rng = posterior, n_passes, rng
        self.key = int(rng.integers(2**63))
        self.vertices = posterior.start.copy()
        self.a = nearest_mixtures(posterior.points, posterior.start)
        self.total, self.squares = np.zeros_like(self.a), np.zeros_like(self.a)
        n_faces = 2**n_endmembers if posterior.face_prior else 0
        self.face_probability = np.full(n_faces, 1.0 / max(n_faces, 1))
        self.face_total = np.zeros(n_faces)
        self.gram_total = np.zeros((n_endmembers, n_endmembers))
        self.precision = 1.0 / posterior.relative_variance
        self.power = float(np.sum(self.precision[:, None] * posterior.points**2)) + posterior.power_outside
        self.blocks = [slice(start, min(start + BLOCK, n_pixels)) for start in range(0, n_pixels, BLOCK)]
        self.sums = np.zeros((len(self.blocks), n_endmembers, n_endmembers + n_dimensions))
        self.faces = np.zeros((len(self.blocks), n_faces), np.int64)
        self.limit = posterior.lower_limit()
        self.variance = self._first_variance()

    def draw_abundances(self, sweep: int, run: Run, *, keep: bool) -> None:
        """One sweep over all pixels, in blocks."""
        from eelsunmix.methods.blu import kernels

        reference = int(self.rng.integers(self.a.shape[1]))
        deviation = np.sqrt(self.variance * self.posterior.relative_variance)

        def draw(number: int) -> None:
            block = self.blocks[number]
            points, a = self.posterior.points[block], self.a[block]
            kernels.sweep_abundances(
                self.key, sweep, block.start, reference, self.n_passes,
                points, deviation[block], self.vertices, self.face_probability, a,
            )  # fmt: skip
            kernels.gather(points, self.precision[block], a, self.sums[number])
            if len(self.face_probability):
                kernels.count_faces(a, self.faces[number])
            if keep:
                self.total[block] += a
                self.squares[block] += a * a

        run(draw, len(self.blocks))
        if keep:
            self.face_total += self.face_probability
            self.gram_total += self.sums.sum(axis=0)[:, : self.a.shape[1]]

    def draw_the_rest(self) -> None:
        """Vertices, variance of the noise and probabilities of the faces, given the abundances."""
        from eelsunmix.methods.blu import kernels

        sums = self.sums.sum(axis=0)
        posterior = self.posterior
        room = posterior.origin + self.vertices @ posterior.axes - self.limit
        uniforms = 1.0 - self.rng.random((VERTEX_PASSES, *self.vertices.shape))
        kernels.sweep_vertices(
            uniforms, sums, self.variance, posterior.start, posterior.prior_variance,
            posterior.axes, room, self.vertices,
        )  # fmt: skip
        self.variance = self._drawn_variance(sums)
        if len(self.face_probability):
            # A flat Dirichlet prior; no pixel is on the empty face, which keeps the bits simple.
            drawn = self.rng.standard_gamma(1.0 + self.faces.sum(axis=0))
            self.face_probability = drawn / drawn.sum()

    def _drawn_variance(self, sums: Floats) -> float:
        """Inverse gamma distribution of the misfit that is left (Jeffreys' prior)."""
        n_endmembers = len(self.vertices)
        gram, pull = sums[:, :n_endmembers], sums[:, n_endmembers:]
        misfit = self.power + float(np.sum((gram @ self.vertices - 2 * pull) * self.vertices))
        # Denoised data can leave nothing but rounding.
        misfit = max(misfit, 1e-12 * self.power, np.finfo(float).tiny)
        size = 0.5 * len(self.a) * self.posterior.axes.shape[1]
        return 0.5 * misfit / float(self.rng.gamma(size))

    def _first_variance(self) -> float:
        left = max(self.posterior.power_outside, 1e-12 * self.power, np.finfo(float).tiny)
        n_channels, n_dimensions = self.posterior.axes.shape[1], self.posterior.axes.shape[0]
        return left / (len(self.a) * max(n_channels - n_dimensions, 1))
