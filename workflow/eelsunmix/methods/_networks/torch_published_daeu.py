"""The published network of DAEU (Palsson et al., IEEE Access 6 (2018) 25646, table 1)."""

import itertools

import numpy as np
import torch

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

SLOPE = 0.1
N_SPECTRA = 2000


def fit_published(
    options: Options,
    learning: LearningSet,
    n_endmembers: int,
    rng: np.random.Generator,
    resources: Resources,
) -> SpectrumEncoder | PatchEncoder:
    """Train on 2000 spectra drawn with replacement, in batches of six."""
    drawn = learning.spectra[rng.integers(len(learning.spectra), size=N_SPECTRA)]
    inputs = torch.tensor(drawn / largest_count(learning), dtype=torch.float32)
    n_channels = drawn.shape[1]
    return train_published(
        options,
        learning,
        rng,
        resources,
        build=lambda generator: Network(n_channels, n_endmembers, generator),
        samples=lambda indices: inputs[indices],
        n_samples=N_SPECTRA,
        batch_size=6,
        learning_rate=lambda epoch: 1e-3,
        judged=learning.spectra,
    )


class Network(PublishedNetwork):
    """Four dense layers, batch normalisation, a learned threshold, and abundances that sum to one."""

    def __init__(self, n_channels: int, n_endmembers: int, generator: torch.Generator) -> None:
        super().__init__()
        widths = [n_channels, 9 * n_endmembers, 6 * n_endmembers, 3 * n_endmembers, n_endmembers]
        self.kernels = torch.nn.ParameterList(
            [glorot(rows, columns, generator) for rows, columns in itertools.pairwise(widths)]
        )
        self.norm = BatchNorm(n_endmembers)
        self.threshold = torch.nn.Parameter(torch.zeros(n_endmembers))
        self.decoder = torch.nn.Parameter(glorot(n_endmembers, n_channels, generator))

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Released loss; see `mean_cosine_angle`."""
        with torch.no_grad():
            self.threshold.clamp_(min=0)
        values = batch
        for kernel in self.kernels:
            values = torch.nn.functional.leaky_relu(values @ kernel, SLOPE)
        positive = torch.relu(self.norm(values) - self.threshold)
        abundances = positive / (positive.sum(dim=-1, keepdim=True) + 1e-7)
        return mean_cosine_angle(batch, abundances @ self.decoder)[None]

    def encoder(self, largest: float) -> SpectrumEncoder:
        """Fold batch normalisation and threshold into the last layer."""
        weights = {f"kernel_{layer}": kernel.cpu().numpy() for layer, kernel in enumerate(self.kernels)}
        for layer in range(4):
            weights[f"bias_{layer}"] = weights[f"shift_{layer}"] = float32(0.0)
            weights[f"gain_{layer}"] = float32(1.0)
        gain, shift = folded(self.norm)
        weights |= {"gain_3": gain, "shift_3": shift - self.threshold.clamp(min=0).cpu().numpy()}
        n_channels = self.decoder.shape[1]
        return SpectrumEncoder(
            endmembers=largest * self.decoder.cpu().numpy().astype(np.float64),
            centre=np.zeros(n_channels),
            scale=np.full(n_channels, largest),
            weights={**weights, "slopes": float32(*[SLOPE] * 4)},
            ending="ratio",
        )


def glorot(rows: int, columns: int, generator: torch.Generator) -> torch.Tensor:
    """Uniform weights with the variance of Glorot and Bengio (2010), the default of Keras."""
    limit = (6 / (rows + columns)) ** 0.5
    return (2 * torch.rand(rows, columns, generator=generator) - 1) * limit
