"""Multitask autoencoder unmixing (MTAEU): several neighbouring pixels, each with a head of its own."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from eelsunmix.methods._contract import LearningSet
from eelsunmix.methods._networks.encoder import Encoder, PatchEncoder, SpectrumEncoder
from eelsunmix.methods._networks.options import check_options, with_default
from eelsunmix.methods._networks.training_on_scores import Architecture, fit_eels

__all__ = ["MTAEU", "PatchEncoder", "SpectrumEncoder"]


@dataclass(frozen=True, kw_only=True)
class MTAEU:
    """Encode neighbouring spectra together, and decode each with the same endmembers.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` learns from patches of 2 x 2 pixels of Poisson-whitened scores, starts at the endmembers of
        VCA, and averages the abundances of a pixel over its four patches.  ``published`` is what the
        released code [1]_ computes, on counts divided by their maximum
        (``docs/decisions/008-autoencoders.md``).
    n_networks : int, optional
        Networks trained from different weights, of which the best is kept; 4, or 1 if published.
    n_epochs : int, optional
        Length of the training; 60 epochs of 25 steps, or 60 epochs of 134 if published.
    volume : float
        Weight of the volume of the simplex in the ``eels`` setting: about how far (in standard deviations of
        the noise, times the share of pure pixels) a vertex gives way inwards.

    References
    ----------
    .. [1] B. Palsson, J. R. Sveinsson, M. O. Ulfarsson, IEEE Access 7, 148861 (2019).
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
        with_default(self, "n_epochs", eels=60, published=60)
        check_options(self)

    def fit(self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator) -> Encoder:
        """Train the networks and return the encoder of the best."""
        if self.setting == "published":
            from eelsunmix.methods._networks.torch_mtaeu import fit_published

            return fit_published(self, learning_set, n_endmembers, rng)
        return fit_eels(
            Architecture(side=2, overlap=True, hidden=(48,), slope=0.2),
            learning_set,
            n_endmembers,
            rng,
            n_networks=self.n_networks,
            n_epochs=self.n_epochs,
            volume=self.volume,
            # Twice the step of the others: at high signal its vertices may else stop halfway.
            learning_rate=0.02,
            device=learning_set.device,
        )
