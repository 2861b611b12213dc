"""Training of the ``eels`` autoencoders: several small networks at once, on whitened scores.

Every network is a chain of dense layers with a softmax (the encoder) and the vertices of a simplex in score
space (the decoder).  Input and target of a training step are two noisy versions of the same pixel whose
noises are independent, so that the best encoder is the one that predicts the expected spectrum, and the
noise of a pixel cannot be learned by heart.

References
----------
.. [1] Pang, Zheng, Quan, Ji, Proc. CVPR (2021) 2043, for the pairs of noisy versions.
.. [2] Miao, Qi, IEEE Trans. Geosci. Remote Sens. 45 (2007) 765, for the penalty on the volume.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from eelsunmix.methods._networks.architecture import STEPS_PER_EPOCH
from eelsunmix.methods._networks.encoder import float32
from eelsunmix.methods._networks.scores import Patches, ScoreSpace
from eelsunmix.methods._networks.torch_loop import (
    Training,
    chosen_device,
    generator_from,
    key_of,
    reproducible,
)
from eelsunmix.typing import Floats

ROUNDING = 0.5
"""At the start, positive parts are rounded over this many standard deviations of an abundance."""

REACH = 4.0
"""Standard deviations of an abundance that an output of one means: data of high signal need small steps."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Architecture and schedule.

    Parameters
    ----------
    targets : tuple of int
        Pixels of a patch whose abundances are predicted, one head each.
    hidden : tuple of int
        Widths of the hidden layers.
    slope : float
        Of the leaky ReLU.
    n_networks : int
        Trained side by side from different weights.
    n_epochs, batch_size : int
        Length of the training, patches in a step.
    learning_rate : float
        At the start; it falls to a hundredth.
    volume : float
        Weight of the logarithm of the simplex' volume, in nats per pixel and per height of the simplex in
        units of the noise: in the balance a vertex gives way by about this over its share of pure pixels.
    split : float
        Ratio of the noise added to the input to the noise of the data.
    device : str
        ``auto``, ``cpu`` or ``cuda``.
    """

    targets: tuple[int, ...]
    hidden: tuple[int, ...]
    slope: float
    n_networks: int = 4
    n_epochs: int = 60
    batch_size: int = 1024
    learning_rate: float = 0.01
    volume: float = 0.03
    split: float = 0.5
    device: str = "auto"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The networks after training; the first axis of all arrays is the network."""

    kernels: list[NDArray[np.float32]]
    biases: list[NDArray[np.float32]]
    shortcuts: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    width: NDArray[np.float32]
    affine: NDArray[np.float32]
    origin: NDArray[np.float32]
    vertices: Floats
    losses: Floats

    def network(
        self, index: int, slope: float, space: ScoreSpace, targets: tuple[int, ...]
    ) -> dict[str, NDArray[np.float32]]:
        """Weights of one network, as `eelsunmix.methods._networks.encoder.Encoder` takes them."""
        weights: dict[str, NDArray[np.float32]] = {"sharpness": self.sharpness[index]}
        last = len(self.kernels) - 1
        for layer, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            weights[f"kernel_{layer}"], weights[f"bias_{layer}"] = kernel[index], bias[index]
            weights[f"gain_{layer}"], weights[f"shift_{layer}"] = float32(1.0), float32(0.0)
        weights["slopes"] = float32(*[slope] * last, 1.0)
        width, affine = np.tile(self.width, len(targets)), self.affine[index]
        shortcut = (self.shortcuts[index] * width).reshape(
            -1, len(space.scale), len(targets), len(self.width)
        )
        for head, pixel in enumerate(targets):
            shortcut[pixel, :, head] += space.scale[:, None] * affine
        weights["shortcut"] = shortcut.reshape(self.shortcuts[index].shape).astype(np.float32)
        weights[f"gain_{last}"] = width
        origin = self.origin[index, 0] + space.centre @ affine
        weights[f"shift_{last}"] = np.tile(origin, len(targets)).astype(np.float32)
        return weights


def stalled(history: Floats, patience: int) -> bool:
    """Whether no network has gained a ten-thousandth of its loss over the last epochs."""
    if len(history) < 2 * patience:
        return False
    before, since = history[:-patience].min(axis=0), history[-patience:].min(axis=0)
    return bool(np.all(since > before - 1e-4 * np.abs(before)))


def train(
    plan: Plan,
    patches: Patches,
    space: ScoreSpace,
    start: Floats,
    rng: np.random.Generator,
    checkpoint: Path | None = None,
) -> Trained:
    """Train the networks from starting vertices, shape (endmember, component)."""
    generator = generator_from(rng)
    with reproducible():
        device = chosen_device(plan.device)
        networks = Networks(plan, patches.scores.shape[1], space, start, generator).to(device)
        sampler = Sampler(plan, patches, generator, device)
        training = Training(
            module=networks,
            optimizer=torch.optim.Adam(networks.groups(plan.n_epochs // 5), lr=plan.learning_rate),
            generator=generator,
            checkpoint=checkpoint,
            key=key_of(plan, generator, patches.scores, patches.deviation, start),
        )
        held_out = sampler.held_out()
        history = training.run(
            lambda: networks.loss(*sampler.batch()),
            n_epochs=plan.n_epochs,
            steps_per_epoch=STEPS_PER_EPOCH,
            learning_rate=lambda epoch: plan.learning_rate * 0.01 ** (epoch / plan.n_epochs),
            evaluate=lambda: networks.loss(*held_out),
            stop=lambda history: stalled(history, max(plan.n_epochs // 3, 1)),
        )
        training.finish()
        return networks.trained(history)


class Networks(torch.nn.Module):
    """Encoders and simplices of all networks."""

    start: torch.Tensor
    centre: torch.Tensor
    scale: torch.Tensor
    width: torch.Tensor

    def __init__(
        self, plan: Plan, n_pixels: int, space: ScoreSpace, start: Floats, generator: torch.Generator
    ) -> None:
        super().__init__()
        n_endmembers, n_components = start.shape
        widths = [n_pixels * n_components, *plan.hidden, len(plan.targets) * n_endmembers]
        shapes = [(plan.n_networks, *pair) for pair in itertools.pairwise(widths)]
        self.plan = plan
        self.kernels = torch.nn.ParameterList(
            [torch.randn(shape, generator=generator) * np.sqrt(1.5 / shape[1]) for shape in shapes]
        )
        self.biases = torch.nn.ParameterList([torch.zeros(shape[0], 1, shape[2]) for shape in shapes])
        # At first the last layer is silent and the shortcut alone gives the abundances.
        self.kernels[-1].data *= 0.01
        self.shortcut = torch.nn.Parameter(torch.zeros(plan.n_networks, widths[0], widths[-1]))
        self.moved = torch.nn.Parameter(torch.zeros(plan.n_networks, n_endmembers, n_components))
        spread = float(np.linalg.norm(start - start.mean(axis=0)) / max(n_endmembers, 1) ** 0.5)
        self.step = max(30 * space.noise, 0.1 * spread)
        self.noise = space.noise
        self.register_buffer("start", torch.tensor(start, dtype=torch.float32), persistent=False)
        self.register_buffer("centre", torch.tensor(space.centre, dtype=torch.float32), persistent=False)
        with torch.no_grad():
            kernel = self.affine()[0][:1]
        width = (space.noise * torch.linalg.vector_norm(kernel, dim=1, keepdim=True)).clamp(1e-4, 0.1)
        self.register_buffer("width", REACH * width, persistent=False)
        self.sharpness = torch.nn.Parameter(-torch.log(ROUNDING * width).repeat(plan.n_networks, 1, 1))
        # The inverse of an abundance's standard deviation is a height of the simplex in units of the noise.
        self.volume = plan.volume * float(torch.exp(-torch.log(width).mean()))
        self.register_buffer("scale", torch.tensor(space.scale, dtype=torch.float32), persistent=False)

    def groups(self, warm_up: int) -> list[dict[str, Any]]:
        """Parameters for the optimiser; the decoder rests at its start until the encoder knows it."""
        encoders = [*self.kernels, *self.biases, self.shortcut, self.sharpness]
        return [{"params": encoders}, {"params": [self.moved], "from_epoch": warm_up}]

    def vertices(self) -> torch.Tensor:
        """Vertices of the simplices, shape (network, endmember, component)."""
        return self.start + self.step * self.moved

    def shares(self, scores: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """Abundances, shape (network, patch, target, endmember), of scores (patch, pixel, component)."""
        features = values = ((scores - self.centre) / self.scale * known[..., None]).flatten(1)[None]
        for layer, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            if layer:
                values = torch.nn.functional.leaky_relu(values, self.plan.slope)
            values = values @ kernel + bias
        kernel, origin = self.affine()
        values = (values + features @ self.shortcut).unflatten(2, (len(self.plan.targets), -1))
        own = scores[:, list(self.plan.targets)] @ kernel[:, None] + origin[:, None]
        sharp = self.sharpness.exp()[:, None]
        positive = torch.nn.functional.softplus((self.width[:, None] * values + own) * sharp) / sharp
        return positive / positive.sum(dim=-1, keepdim=True)

    def loss(self, scores: torch.Tensor, targets: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
        """Misfit of the targets in units of their noise, and the volume, shape (network,)."""
        shares = self.shares(scores, deviation > 0)
        fitted = (shares.flatten(1, 2) @ self.vertices()).unflatten(1, shares.shape[1:3])
        seen = deviation[:, list(self.plan.targets)]
        known = seen > 0
        misfit = ((targets - fitted) / torch.where(known, seen, 1.0)[..., None]) ** 2
        misfit = (misfit.sum(dim=-1) * known).sum(dim=(1, 2)) / known.sum().clamp(min=1)
        return misfit / 2 + self.volume * self.log_volume()

    def affine(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Kernel and origin of the affine coordinates in the simplices, which sum to one.

        They tie the encoder to the decoder: what remains for the layers to learn does not change with the
        vertices.
        """
        last = self.vertices()[:, -1:]
        sides = self.vertices()[:, :-1] - last
        ridge = 1e-6 * self.step**2 * torch.eye(sides.shape[1], device=sides.device)
        inverse = torch.linalg.solve(sides @ sides.mT + ridge, sides).mT
        kernel = torch.cat([inverse, -inverse.sum(dim=-1, keepdim=True)], dim=-1)
        unit = torch.eye(kernel.shape[-1], device=sides.device)[-1:]
        return kernel, unit - last @ kernel

    def log_volume(self) -> torch.Tensor:
        """Logarithm of the volumes of the simplices in units of the noise, up to a constant."""
        vertices = self.vertices() / self.noise
        sides = vertices[:, :-1] - vertices[:, -1:]
        gram = sides @ sides.mT
        return torch.linalg.slogdet(gram + 1e-3 * torch.eye(gram.shape[-1], device=gram.device))[1] / 2

    def trained(self, history: Floats) -> Trained:
        """Return everything as arrays."""
        kernel, origin = self.affine()
        return Trained(
            kernels=[_numbers(value) for value in self.kernels],
            biases=[_numbers(value)[:, 0] for value in self.biases],
            shortcuts=_numbers(self.shortcut),
            sharpness=_numbers(self.sharpness.exp())[:, 0],
            width=_numbers(self.width)[0, 0],
            affine=_numbers(kernel),
            origin=_numbers(origin),
            vertices=_numbers(self.vertices()).astype(np.float64),
            losses=history,
        )


def _numbers(tensor: torch.Tensor) -> NDArray[np.float32]:
    values: NDArray[np.float32] = tensor.detach().cpu().numpy()
    return values


class Sampler:
    """Gives batches: scores with noise added, targets with independent noise, standard deviations."""

    def __init__(
        self, plan: Plan, patches: Patches, generator: torch.Generator, device: torch.device
    ) -> None:
        order = torch.randperm(len(patches.scores), generator=generator)
        n_kept_back = max(1, len(order) // 10) if len(order) >= 20 else 0
        self.plan, self.generator, self.device = plan, generator, device
        self.scores = torch.tensor(patches.scores, dtype=torch.float32, device=device)
        self.deviation = torch.tensor(patches.deviation, dtype=torch.float32, device=device)
        self.learned = order[n_kept_back:]
        self.kept_back = order[:n_kept_back] if n_kept_back else order

    def batch(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Draw patches to learn from."""
        chosen = self.learned
        if len(chosen) > self.plan.batch_size:
            chosen = chosen[torch.randint(len(chosen), (self.plan.batch_size,), generator=self.generator)]
        return self._noisy_pair(chosen)

    def held_out(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Give the patches that are not learned from, always with the same noise."""
        return self._noisy_pair(self.kept_back)

    def _noisy_pair(self, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        targets = list(self.plan.targets)
        scores, deviation = self.scores[chosen.to(self.device)], self.deviation[chosen.to(self.device)]
        shape = (len(chosen), len(targets), scores.shape[-1])
        noise = torch.randn(shape, generator=self.generator).to(self.device) * deviation[:, targets, None]
        # With variances v s^2 and v / s^2 and opposite signs the two noises are uncorrelated.
        target = scores[:, targets] - noise / self.plan.split
        noisy = scores.clone()
        noisy[:, targets] += self.plan.split * noise
        return noisy, target, deviation
