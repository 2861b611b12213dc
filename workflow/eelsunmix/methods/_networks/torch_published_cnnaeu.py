"""The published network of CNNAEU (Palsson et al., IEEE TGRS 59 (2021) 535)."""

import numpy as np
import torch
from numpy.typing import NDArray

from eelsunmix.errors import MethodFailedError
from eelsunmix.methods._learning_set import LearningSet, Resources
from eelsunmix.methods._networks.encoder import PatchEncoder, SpectrumEncoder, float32
from eelsunmix.methods._networks.torch_published import (
    EPS,
    MOMENTUM,
    Options,
    PublishedNetwork,
    folded,
    largest_count,
    mean_angle,
    train_published,
)

SLOPE = 0.02
SHARPNESS = 3.0
N_PATCHES, SIDE, N_KERNELS, DECODER_SIDE = 250, 40, 48, 13


def fit_published(
    options: Options,
    learning: LearningSet,
    n_endmembers: int,
    rng: np.random.Generator,
    resources: Resources,
) -> SpectrumEncoder | PatchEncoder:
    """Train on 250 patches of 40 x 40 pixels, or of the smaller side of the image."""
    if learning.tiles is None or learning.frame_shape is None:
        raise MethodFailedError("the image has no rows and columns to take patches from")
    tiles, side, largest = learning.tiles, min(SIDE, *learning.frame_shape), largest_count(learning)
    seeds = rng.integers(2**62, size=N_PATCHES)

    def samples(indices: torch.Tensor) -> torch.Tensor:
        # Cut anew each time: all patches together would take gigabytes.
        patches = [tiles(1, side, np.random.default_rng(seeds[index]))[0] for index in indices.tolist()]
        return torch.tensor(np.stack(patches) / largest, dtype=torch.float32).permute(0, 3, 1, 2)

    return train_published(
        options,
        learning,
        rng,
        resources,
        build=lambda generator: Network(learning.spectra.shape[1], n_endmembers, generator),
        samples=samples,
        n_samples=N_PATCHES,
        batch_size=15,
        learning_rate=lambda epoch: 3e-3,
        judged=tiles(1, side, rng)[0],
    )


class Network(PublishedNetwork):
    """Convolution 3 x 3, convolution 1 x 1, softmax, and a linear convolution 13 x 13 as decoder."""

    def __init__(self, n_channels: int, n_endmembers: int, generator: torch.Generator) -> None:
        super().__init__()

        def normal(*shape: int) -> torch.nn.Parameter:
            return torch.nn.Parameter(0.3 * torch.randn(shape, generator=generator))

        self.first = normal(N_KERNELS, n_channels, 3, 3)
        self.first_norm = torch.nn.BatchNorm2d(N_KERNELS, eps=EPS, momentum=MOMENTUM)
        self.second = normal(n_endmembers, N_KERNELS, 1, 1)
        self.second_norm = torch.nn.BatchNorm2d(n_endmembers, eps=EPS, momentum=MOMENTUM)
        self.decoder = normal(n_channels, n_endmembers, DECODER_SIDE, DECODER_SIDE)

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Mean spectral angle over all pixels, as the paper means it."""
        convolve, leaky = torch.nn.functional.conv2d, torch.nn.functional.leaky_relu
        values = self.first_norm(leaky(convolve(batch, self.first, padding=1), SLOPE))
        values = self.dropped(values, 0.2, (*values.shape[:2], 1, 1))
        values = self.second_norm(leaky(convolve(values, self.second), SLOPE))
        values = self.dropped(values, 0.2, (*values.shape[:2], 1, 1))
        abundances = (SHARPNESS * values).softmax(dim=1)
        outputs = convolve(abundances, self.decoder, padding=DECODER_SIDE // 2)
        return mean_angle(batch, outputs, dim=1)[None]

    def encoder(self, largest: float) -> PatchEncoder:
        """Return the convolutions as dense layers on patches of 3 x 3; endmembers are sums of kernels."""
        n_channels = len(self.decoder)
        gain, shift = folded(self.first_norm)
        last_gain, last_shift = folded(self.second_norm, SHARPNESS)
        weights: dict[str, NDArray[np.float32]] = {
            "kernel_0": self.first.permute(2, 3, 1, 0).reshape(-1, N_KERNELS).cpu().numpy(),
            "bias_0": float32(0.0),
            "gain_0": gain,
            "shift_0": shift,
            "kernel_1": self.second[:, :, 0, 0].T.contiguous().cpu().numpy(),
            "bias_1": float32(0.0),
            "gain_1": last_gain,
            "shift_1": last_shift,
            "slopes": float32(SLOPE, SLOPE),
        }
        endmembers = self.decoder.sum(dim=(2, 3)).T.cpu().numpy().astype(np.float64)
        return PatchEncoder(
            endmembers=largest * endmembers,
            centre=np.zeros(n_channels),
            scale=np.full(n_channels, largest),
            weights=weights,
            side=3,
        )
