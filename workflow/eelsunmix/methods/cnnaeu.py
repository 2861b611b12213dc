"""Convolutional autoencoder unmixing (CNNAEU): the encoder sees the neighbourhood of each pixel."""

from typing import ClassVar

import numpy as np

from eelsunmix.methods._learning_set import LearningSet, Resources
from eelsunmix.methods._method import Need
from eelsunmix.methods._networks.architecture import Architecture
from eelsunmix.methods._networks.autoencoder import Autoencoder
from eelsunmix.methods._networks.encoder import PatchEncoder, SpectrumEncoder
from eelsunmix.options import Presets


class CNNAEU(Autoencoder):
    """Convolve the image to abundances, and decode them to spectra.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` convolves Poisson-whitened scores with 48 kernels of 5 x 5 pixels, decodes each pixel alone,
        starts at the endmembers of VCA, and takes seconds.  ``published`` is what the released code [1]_
        means to compute, on counts divided by their maximum, with a decoder of 13 x 13 pixels: half an hour
        at 200 channels and hours at 900 (``docs/decisions/008-autoencoders.md``).
    n_networks : int
        Networks trained from different weights, of which the best is kept.
    n_epochs : int
        Length of the training, in epochs of 25 steps, or of 17 if published.
    volume : float
        Weight of the volume of the simplex in the ``eels`` setting: about how far (in standard deviations of
        the noise, times the share of pure pixels) a vertex gives way inwards.

    References
    ----------
    .. [1] B. Palsson, M. O. Ulfarsson, J. R. Sveinsson, IEEE Trans. Geosci. Remote Sens. 59, 535
       (2021).
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"tiles", "resources"})
    presets: ClassVar[Presets] = {
        "setting": {
            "eels": {"n_networks": 4, "n_epochs": 80},
            "published": {"n_networks": 1, "n_epochs": 320},
        }
    }

    def architecture(self, n_endmembers: int) -> Architecture:
        """One hidden layer on patches of 5 x 5 pixels, whose middle is predicted."""
        return Architecture(side=5, overlap=False, hidden=(48,), slope=0.02)

    def fit_published(
        self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator, resources: Resources
    ) -> SpectrumEncoder | PatchEncoder:
        """Train on 250 patches of the image."""
        from eelsunmix.methods._networks.torch_published_cnnaeu import fit_published

        return fit_published(self, learning_set, n_endmembers, rng, resources)
