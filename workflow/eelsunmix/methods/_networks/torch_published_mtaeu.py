"""The published network of MTAEU (Palsson et al., IEEE Access 7 (2019) 148861)."""

import numpy as np
import torch
from numpy.typing import NDArray

from eelsunmix.errors import MethodFailedError
from eelsunmix.methods._learning_set import LearningSet, Resources
from eelsunmix.methods._networks.encoder import PatchEncoder, SpectrumEncoder, float32
from eelsunmix.methods._networks.torch_published import (
    BatchNorm,
    Options,
    PublishedNetwork,
    folded,
    largest_count,
    mean_cosine_angle,
    train_published,
)

SLOPE = 0.2
N_INPUTS, N_PATCHES, SIDE = 4, 2000, 4
SHARPNESS = 3.0


def fit_published(
    options: Options,
    learning: LearningSet,
    n_endmembers: int,
    rng: np.random.Generator,
    resources: Resources,
) -> SpectrumEncoder | PatchEncoder:
    """Train on the first row of 2000 patches of 4 x 4 pixels: the released code uses no other."""
    inputs = torch.tensor(_rows(learning, rng) / largest_count(learning), dtype=torch.float32)
    return train_published(
        options,
        learning,
        rng,
        resources,
        build=lambda generator: Network(inputs.shape[-1], n_endmembers, generator),
        samples=lambda indices: inputs[indices],
        n_samples=N_PATCHES,
        batch_size=15,
        learning_rate=lambda epoch: 1e-3 / (1 + 1e-4 * epoch * -(-N_PATCHES // 15)),
        judged=learning.spectra,
    )


def _rows(learning: LearningSet, rng: np.random.Generator) -> np.ndarray:
    if learning.tiles is None or learning.frame_shape is None or min(learning.frame_shape) < SIDE:
        raise MethodFailedError(
            f"patches of {SIDE} x {SIDE} pixels do not fit in an image of {learning.frame_shape} pixels; "
            f"take the setting 'eels'"
        )
    return np.stack([learning.tiles(1, SIDE, rng)[0, 0] for _ in range(N_PATCHES)])


class Network(PublishedNetwork):
    """One hidden layer for all pixels, a head and a softmax for each, and one decoder."""

    def __init__(self, n_channels: int, n_endmembers: int, generator: torch.Generator) -> None:
        super().__init__()

        def normal(*shape: int) -> torch.nn.Parameter:
            return torch.nn.Parameter(0.01 + 0.1 * torch.randn(shape, generator=generator))

        self.hidden = normal(N_INPUTS, n_channels, n_channels)
        self.hidden_norm = BatchNorm(n_channels)
        self.heads = normal(n_channels, N_INPUTS * n_endmembers)
        self.head_bias = torch.nn.Parameter(torch.zeros(N_INPUTS * n_endmembers))
        self.head_norm = BatchNorm(N_INPUTS * n_endmembers)
        self.decoder = normal(n_endmembers, n_channels)

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Released loss, mean over the four pixels; noise of 5 % of the maximum on the input."""
        noise = torch.randn(tuple(batch.shape), generator=self.generator).to(batch.device)
        values = torch.einsum("nic,icd->nd", batch + 0.05 * noise, self.hidden)
        values = self.hidden_norm(self.dropped(torch.nn.functional.leaky_relu(values, SLOPE), 0.5))
        values = self.dropped(self.head_norm(values @ self.heads + self.head_bias), 0.1)
        abundances = (SHARPNESS * values.unflatten(1, (N_INPUTS, -1))).softmax(dim=-1)
        outputs = abundances @ self.decoder
        losses = [mean_cosine_angle(batch[:, pixel], outputs[:, pixel]) for pixel in range(N_INPUTS)]
        return torch.stack(losses).mean()[None]

    def encoder(self, largest: float) -> SpectrumEncoder:
        """Return the network that sees the same pixel at each input, as the released code maps images."""
        n_channels = self.decoder.shape[1]
        gain, shift = folded(self.hidden_norm)
        head_gain, head_shift = folded(self.head_norm, SHARPNESS)
        weights: dict[str, NDArray[np.float32]] = {
            "kernel_0": self.hidden.sum(dim=0).cpu().numpy(),
            "bias_0": float32(0.0),
            "gain_0": gain,
            "shift_0": shift,
            "kernel_1": self.heads.cpu().numpy(),
            "bias_1": self.head_bias.cpu().numpy(),
            "gain_1": head_gain,
            "shift_1": head_shift,
            "slopes": float32(SLOPE, 1.0),
        }
        return SpectrumEncoder(
            endmembers=largest * self.decoder.cpu().numpy().astype(np.float64),
            centre=np.zeros(n_channels),
            scale=np.full(n_channels, largest),
            weights=weights,
            heads=N_INPUTS,
        )
