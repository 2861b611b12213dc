"""Deep autoencoder unmixing (DAEU): a dense encoder of single spectra, a linear decoder."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from eelsunmix.methods._contract import LearningSet
from eelsunmix.methods._networks.encoder import Encoder, SpectrumEncoder
from eelsunmix.methods._networks.options import check_options, with_default
from eelsunmix.methods._networks.training_on_scores import Architecture, fit_eels

__all__ = ["DAEU", "SpectrumEncoder"]


@dataclass(frozen=True, kw_only=True)
class DAEU:
    """Learn endmembers as the weights of a linear decoder, and abundances as the code of a spectrum.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` learns from Poisson-whitened scores, starts at the endmembers of VCA, and predicts one noisy
        version of a spectrum from another.  ``published`` is what the released code [1]_ computes, on counts
        divided by their maximum (``docs/decisions/008-autoencoders.md``).
    n_networks : int, optional
        Networks trained from different weights, of which the best is kept; 4, or 1 if published.
    n_epochs : int, optional
        Length of the training; 60 epochs of 25 steps, or 40 epochs of 334 if published.
    volume : float
        Weight of the volume of the simplex in the ``eels`` setting: about how far (in standard deviations of
        the noise, times the share of pure pixels) a vertex gives way inwards.

    References
    ----------
    .. [1] B. Palsson, J. Sigurdsson, J. R. Sveinsson, M. O. Ulfarsson, IEEE Access 6, 25646 (2018).
    """

    needs_tiles: ClassVar[bool] = False
    simplex: ClassVar[bool] = True
    needs_extra: ClassVar[str] = "networks"
    quick: ClassVar[dict[str, Any]] = {"n_networks": 2, "n_epochs": 12}

    setting: Literal["eels", "published"] = "eels"
    n_networks: int | None = None
    n_epochs: int | None = None
    volume: float = 0.03

    def __post_init__(self) -> None:
        with_default(self, "n_networks", eels=4, published=1)
        with_default(self, "n_epochs", eels=60, published=40)
        check_options(self)

    def fit(self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator) -> Encoder:
        """Train the networks and return the encoder of the best."""
        if self.setting == "published":
            from eelsunmix.methods._networks.torch_daeu import fit_published

            return fit_published(self, learning_set, n_endmembers, rng)
        widths = (9 * n_endmembers, 6 * n_endmembers, 3 * n_endmembers)
        architecture = Architecture(side=1, overlap=False, hidden=widths, slope=0.1)
        return fit_eels(
            architecture,
            learning_set,
            n_endmembers,
            rng,
            n_networks=self.n_networks,
            n_epochs=self.n_epochs,
            volume=self.volume,
            device=learning_set.device,
        )
