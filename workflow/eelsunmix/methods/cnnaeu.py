"""Convolutional autoencoder unmixing (CNNAEU): the encoder sees the neighbourhood of each pixel."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from eelsunmix.methods._contract import LearningSet
from eelsunmix.methods._networks.encoder import Encoder, PatchEncoder
from eelsunmix.methods._networks.options import check_options, with_default
from eelsunmix.methods._networks.training_on_scores import Architecture, fit_eels

__all__ = ["CNNAEU", "PatchEncoder"]


@dataclass(frozen=True, kw_only=True)
class CNNAEU:
    """Convolve the image to abundances, and decode them to spectra.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` convolves Poisson-whitened scores with 48 kernels of 5 x 5 pixels, decodes each pixel alone,
        starts at the endmembers of VCA, and takes seconds.  ``published`` is what the released code [1]_
        means to compute, on counts divided by their maximum, with a decoder of 13 x 13 pixels: half an hour
        at 200 channels and hours at 900 (``docs/decisions/008-autoencoders.md``).
    n_networks : int, optional
        Networks trained from different weights, of which the best is kept; 4, or 1 if published.
    n_epochs : int, optional
        Length of the training; 80 epochs of 25 steps, or 320 epochs of 17 if published.
    volume : float
        Weight of the volume of the simplex in the ``eels`` setting: about how far (in standard deviations of
        the noise, times the share of pure pixels) a vertex gives way inwards.

    References
    ----------
    .. [1] B. Palsson, M. O. Ulfarsson, J. R. Sveinsson, IEEE Trans. Geosci. Remote Sens. 59, 535
       (2021).
    """

    needs_tiles: ClassVar[bool] = True
    simplex: ClassVar[bool] = True
    needs_extra: ClassVar[str] = "networks"
    quick: ClassVar[dict[str, Any]] = {"n_networks": 2, "n_epochs": 12}

    setting: Literal["eels", "published"] = "eels"
    n_networks: int | None = None
    n_epochs: int | None = None
    volume: float = 0.03

    def __post_init__(self) -> None:
        with_default(self, "n_networks", eels=4, published=1)
        with_default(self, "n_epochs", eels=80, published=320)
        check_options(self)

    def fit(self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator) -> Encoder:
        """Train the networks and return the encoder of the best."""
        if self.setting == "published":
            from eelsunmix.methods._networks.torch_cnnaeu import fit_published

            return fit_published(self, learning_set, n_endmembers, rng)
        return fit_eels(
            Architecture(side=5, overlap=False, hidden=(48,), slope=0.02),
            learning_set,
            n_endmembers,
            rng,
            n_networks=self.n_networks,
            n_epochs=self.n_epochs,
            volume=self.volume,
            device=learning_set.device,
        )
