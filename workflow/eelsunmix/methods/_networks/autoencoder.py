"""What the three autoencoders share: their options, and the way from them to a trained encoder."""

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from eelsunmix.methods._learning_set import LearningSet, Resources
from eelsunmix.methods._method import Method, Need
from eelsunmix.methods._networks.architecture import Architecture
from eelsunmix.methods._networks.encoder import PatchEncoder, SpectrumEncoder
from eelsunmix.methods._networks.fitting import fit_eels

_ALONE = Resources()


class Autoencoder(Method):
    """Learn endmembers as the weights of a linear decoder, and abundances as the code of a spectrum.

    Subclasses say of which architecture the encoder is, and how the published network is trained.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` learns from Poisson-whitened scores, starts at the endmembers of VCA, and predicts one noisy
        version of a spectrum from another.  ``published`` is what the released code computes, on counts
        divided by their maximum (``docs/decisions/008-autoencoders.md``).
    n_networks : int
        Networks trained from different weights, of which the best is kept.
    n_epochs : int
        Length of the training.
    volume : float
        Weight of the volume of the simplex in the ``eels`` setting: about how far (in standard deviations of
        the noise, times the share of pure pixels) a vertex gives way inwards.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"resources"})
    simplex: ClassVar[bool] = True
    needs_extra: ClassVar[str | None] = "networks"
    quick: ClassVar[dict[str, Any]] = {"n_networks": 2, "n_epochs": 12}
    """Options of a short training, for tests."""

    setting: Literal["eels", "published"] = "eels"
    n_networks: int = Field(ge=1)
    n_epochs: int = Field(ge=1)
    volume: float = Field(0.03, ge=0)

    def architecture(self, n_endmembers: int) -> Architecture:
        """Return the architecture of the ``eels`` setting."""
        raise NotImplementedError

    def fit_published(
        self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator, resources: Resources
    ) -> SpectrumEncoder | PatchEncoder:
        """Train the published network."""
        raise NotImplementedError

    def fit(
        self,
        learning_set: LearningSet,
        n_endmembers: int,
        rng: np.random.Generator,
        resources: Resources = _ALONE,
    ) -> SpectrumEncoder | PatchEncoder:
        """Train the networks and return the encoder of the best."""
        if self.setting == "published":
            return self.fit_published(learning_set, n_endmembers, rng, resources)
        return fit_eels(
            self.architecture(n_endmembers),
            learning_set,
            n_endmembers,
            rng,
            resources,
            n_networks=self.n_networks,
            n_epochs=self.n_epochs,
            volume=self.volume,
        )
