"""Multitask autoencoder unmixing (MTAEU): several neighbouring pixels, each with a head of its own."""

from typing import ClassVar

import numpy as np

from eelsunmix.methods._learning_set import LearningSet, Resources
from eelsunmix.methods._method import Need
from eelsunmix.methods._networks.architecture import Architecture
from eelsunmix.methods._networks.autoencoder import Autoencoder
from eelsunmix.methods._networks.encoder import PatchEncoder, SpectrumEncoder
from eelsunmix.options import Presets


class MTAEU(Autoencoder):
    """Encode neighbouring spectra together, and decode each with the same endmembers.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` learns from patches of 2 x 2 pixels of Poisson-whitened scores, starts at the endmembers of
        VCA, and averages the abundances of a pixel over its four patches.  ``published`` is what the
        released code [1]_ computes, on counts divided by their maximum
        (``docs/decisions/008-autoencoders.md``).
    n_networks : int
        Networks trained from different weights, of which the best is kept.
    n_epochs : int
        Length of the training, in epochs of 25 steps, or of 134 if published.
    volume : float
        Weight of the volume of the simplex in the ``eels`` setting: about how far (in standard deviations of
        the noise, times the share of pure pixels) a vertex gives way inwards.

    References
    ----------
    .. [1] B. Palsson, J. R. Sveinsson, M. O. Ulfarsson, IEEE Access 7, 148861 (2019).
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"tiles", "resources"})
    presets: ClassVar[Presets] = {
        "setting": {
            "eels": {"n_networks": 4, "n_epochs": 60},
            "published": {"n_networks": 1, "n_epochs": 60},
        }
    }

    def architecture(self, n_endmembers: int) -> Architecture:
        """One hidden layer on patches of 2 x 2 pixels, all of which are predicted."""
        # Twice the step of the others: at high signal its vertices may else stop halfway.
        return Architecture(side=2, overlap=True, hidden=(48,), slope=0.2, learning_rate=0.02)

    def fit_published(
        self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator, resources: Resources
    ) -> SpectrumEncoder | PatchEncoder:
        """Train on rows of spectra."""
        from eelsunmix.methods._networks.torch_published_mtaeu import fit_published

        return fit_published(self, learning_set, n_endmembers, rng, resources)
