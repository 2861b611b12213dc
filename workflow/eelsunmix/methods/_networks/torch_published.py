"""What the published settings of the three networks share: input, loss, optimiser, dropout, export."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from eelsunmix.errors import MethodFailedError
from eelsunmix.methods._learning_set import LearningSet, Resources
from eelsunmix.methods._networks.encoder import PatchEncoder, SpectrumEncoder
from eelsunmix.methods._networks.fitting import fault_of
from eelsunmix.methods._networks.torch_loop import (
    Training,
    chosen_device,
    generator_from,
    key_of,
    reproducible,
)
from eelsunmix.typing import Floats

EPS, MOMENTUM = 1e-3, 0.01
"""Of batch normalisation: the defaults of Keras."""

Batches = Callable[[torch.Tensor], torch.Tensor]
"""Function of the indices of samples that gives these samples."""


class Options(Protocol):
    """The options of an autoencoder that its training needs."""

    @property
    def n_networks(self) -> int:
        """Networks to train."""

    @property
    def n_epochs(self) -> int:
        """Epochs of each."""


class PublishedNetwork(torch.nn.Module):
    """A network with a non-negative linear decoder; subclasses say how it computes and what remains."""

    generator: torch.Generator
    decoder: torch.nn.Parameter

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Loss of a batch."""
        raise NotImplementedError

    def encoder(self, largest: float) -> SpectrumEncoder | PatchEncoder:
        """Return the trained network as a model whose endmembers have an arbitrary common scale."""
        raise NotImplementedError

    def dropped(
        self, values: torch.Tensor, rate: float, shape: tuple[int, ...] | None = None
    ) -> torch.Tensor:
        """Set a part of the values to zero while training, and enlarge the others."""
        if not self.training:
            return values
        kept = torch.rand(shape or tuple(values.shape), generator=self.generator) >= rate
        return values * kept.to(values.device) / (1 - rate)


class BatchNorm(torch.nn.BatchNorm1d):
    """Batch normalisation of Keras, which records the variance of the batch as it is.

    Torch enlarges it by n / (n - 1), a fifth in the batches of six of DAEU.
    """

    def __init__(self, n_features: int) -> None:
        super().__init__(n_features, eps=EPS, momentum=MOMENTUM)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Normalise values, shape (sample, feature)."""
        if not self.training:
            result: torch.Tensor = super().forward(values)
            return result
        found = values.detach()
        for name, value in (("mean", found.mean(dim=0)), ("var", found.var(dim=0, correction=0))):
            self.get_buffer(f"running_{name}").lerp_(value, MOMENTUM)
        return torch.nn.functional.batch_norm(
            values, None, None, self.weight, self.bias, training=True, eps=EPS
        )


def train_published(
    options: Options,
    learning: LearningSet,
    rng: np.random.Generator,
    resources: Resources,
    *,
    build: Callable[[torch.Generator], PublishedNetwork],
    samples: Batches,
    n_samples: int,
    batch_size: int,
    learning_rate: Callable[[int], float],
    judged: Floats,
) -> SpectrumEncoder | PatchEncoder:
    """Train one network after the other with RMSprop and return the one that describes the counts best.

    Parameters
    ----------
    options : Options
    learning : LearningSet
    rng : numpy.random.Generator
    resources : Resources
    build : callable
        Makes the network, with the generator of its weights and of its dropout.
    samples : callable
        `Batches` of the input, divided by `largest_count`.
    n_samples, batch_size : int
        Size of the training set and of a batch.
    learning_rate : callable
        Function of the number of the epoch.
    judged : ndarray
        What the encoder maps (spectra or a tile), by which scale and choice of the network are settled.
    """
    steps = -(-n_samples // batch_size)
    found: list[tuple[float, SpectrumEncoder | PatchEncoder]] = []
    trainings: list[Training] = []
    with reproducible():
        device = chosen_device(resources.device)
        for number in range(options.n_networks):
            generator = generator_from(rng)
            network = build(generator).to(device)
            network.generator = generator
            training = Training(
                module=network,
                optimizer=torch.optim.RMSprop(network.parameters(), alpha=0.9, eps=1e-7),
                generator=generator,
                checkpoint=_numbered(resources.checkpoint, number),
                key=key_of(options, generator, network, learning.frame_shape, learning.spectra),
            )
            order = Shuffled(n_samples, batch_size, generator)
            history = training.run(
                lambda: _constrained_loss(network, samples(order.batch()).to(device)),  # noqa: B023
                n_epochs=options.n_epochs,
                steps_per_epoch=steps,
                learning_rate=learning_rate,
            )
            found.append(_judged(network, history[:, 0], learning, judged))
            trainings.append(training)
    for training in trainings:
        training.finish()
    return _best(found)


class Shuffled:
    """All samples in random order, epoch after epoch, in batches of indices."""

    def __init__(self, n_samples: int, batch_size: int, generator: torch.Generator) -> None:
        self.n_samples, self.batch_size, self.generator = n_samples, batch_size, generator
        self.waiting: list[torch.Tensor] = []

    def batch(self) -> torch.Tensor:
        """Return the next indices; the last batch of an epoch may be smaller."""
        if not self.waiting:
            order = torch.randperm(self.n_samples, generator=self.generator)
            self.waiting = list(order.split(self.batch_size))
        return self.waiting.pop(0)


def largest_count(learning: LearningSet) -> float:
    """Largest value of the learning set, by which the published codes divide."""
    largest = float(learning.spectra.max())
    if largest <= 0:
        raise MethodFailedError("the image has no positive counts to divide by; check the corrections")
    return largest


def mean_cosine_angle(inputs: torch.Tensor, outputs: torch.Tensor) -> torch.Tensor:
    """Released loss of DAEU and MTAEU: arc cosine of the mean, over samples and channels, of the products.

    It falls with the mean cosine, divided by the number of channels; never at the singular ends of the arc.
    """
    unit = torch.nn.functional.normalize
    return torch.arccos((unit(inputs, dim=-1) * unit(outputs, dim=-1)).mean())


def mean_angle(inputs: torch.Tensor, outputs: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """Mean spectral angle; flat, not singular, where spectra agree or are zero."""
    unit = torch.nn.functional.normalize
    cosine = (unit(inputs, dim=dim) * unit(outputs, dim=dim)).sum(dim=dim)
    return torch.arccos(cosine.clamp(-1 + 1e-6, 1 - 1e-6)).mean()


def folded(
    norm: torch.nn.BatchNorm1d | torch.nn.BatchNorm2d, factor: float = 1.0
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Gain and shift that a trained batch normalisation, times a factor, amounts to."""
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    gain = factor * norm.weight / torch.sqrt(variance + norm.eps)
    shift = factor * norm.bias - mean * gain
    return gain.detach().cpu().numpy(), shift.detach().cpu().numpy()


def _constrained_loss(network: PublishedNetwork, batch: torch.Tensor) -> torch.Tensor:
    # Keras projects the weights after each step, which is before the next loss and once at the end.
    with torch.no_grad():
        network.decoder.clamp_(min=0)
    return network.loss(batch)


def _judged(
    network: PublishedNetwork, history: Floats, learning: LearningSet, judged: Floats
) -> tuple[float, SpectrumEncoder | PatchEncoder]:
    network.eval()
    with torch.no_grad():
        network.decoder.clamp_(min=0)
        model = network.encoder(largest_count(learning))
    found = (
        model.abundances(model.features(judged))
        if isinstance(model, PatchEncoder)
        else model.abundances(judged)
    )
    abundances = found.mean.reshape(-1, len(model.endmembers))
    spectra = judged.reshape(len(abundances), -1)
    fitted = abundances @ model.endmembers
    # Angles leave one scale free: the counts settle it.
    factor = spectra.sum() / max(float(fitted.sum()), 1e-300)
    misfit = float(np.mean(((spectra - factor * fitted) / learning.channel_weight) ** 2))
    fault = fault_of(abundances, model.endmembers / learning.channel_weight)
    message = f"{len(history)} epochs, loss {history[-1]:.6g}"
    return misfit, dataclasses.replace(
        model,
        endmembers=factor * model.endmembers,
        loss=history,
        status="not converged" if fault else "converged",
        message=f"{fault}; {message}" if fault else message,
    )


def _best(found: list[tuple[float, SpectrumEncoder | PatchEncoder]]) -> SpectrumEncoder | PatchEncoder:
    finite = [pair for pair in found if np.isfinite(pair[0])]
    if not finite:
        raise MethodFailedError("no network describes the counts with finite numbers")
    return min(finite, key=lambda pair: (pair[1].status != "converged", pair[0]))[1]


def _numbered(checkpoint: Path | None, number: int) -> Path | None:
    return None if checkpoint is None else checkpoint.with_name(f"{checkpoint.name}.{number}")
