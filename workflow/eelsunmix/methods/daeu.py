"""Deep autoencoder unmixing (DAEU): a dense encoder of single spectra, a linear decoder."""

from typing import ClassVar

import numpy as np

from eelsunmix.methods._learning_set import LearningSet, Resources
from eelsunmix.methods._networks.architecture import Architecture
from eelsunmix.methods._networks.autoencoder import Autoencoder
from eelsunmix.methods._networks.encoder import PatchEncoder, SpectrumEncoder
from eelsunmix.options import Presets


class DAEU(Autoencoder):
    """Learn endmembers as the weights of a linear decoder, and abundances as the code of a spectrum.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` learns from Poisson-whitened scores, starts at the endmembers of VCA, and predicts one noisy
        version of a spectrum from another.  ``published`` is what the released code [1]_ computes, on counts
        divided by their maximum (``docs/decisions/008-autoencoders.md``).
    n_networks : int
        Networks trained from different weights, of which the best is kept.
    n_epochs : int
        Length of the training, in epochs of 25 steps, or of 334 if published.
    volume : float
        Weight of the volume of the simplex in the ``eels`` setting: about how far (in standard deviations of
        the noise, times the share of pure pixels) a vertex gives way inwards.

    References
    ----------
    .. [1] B. Palsson, J. Sigurdsson, J. R. Sveinsson, M. O. Ulfarsson, IEEE Access 6, 25646 (2018).
    """

    presets: ClassVar[Presets] = {
        "setting": {
            "eels": {"n_networks": 4, "n_epochs": 60},
            "published": {"n_networks": 1, "n_epochs": 40},
        }
    }

    def architecture(self, n_endmembers: int) -> Architecture:
        """Three hidden layers on single spectra, as wide as published."""
        widths = (9 * n_endmembers, 6 * n_endmembers, 3 * n_endmembers)
        return Architecture(side=1, overlap=False, hidden=widths, slope=0.1)

    def fit_published(
        self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator, resources: Resources
    ) -> SpectrumEncoder | PatchEncoder:
        """Train on 2000 spectra."""
        from eelsunmix.methods._networks.torch_published_daeu import fit_published

        return fit_published(self, learning_set, n_endmembers, rng, resources)
