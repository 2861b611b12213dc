"""Vertex component analysis (VCA): the purest pixels as endmembers."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.methods._linear import LinearModel, in_order
from eelsunmix.methods._method import Method
from eelsunmix.methods._vertices import purest_spectra
from eelsunmix.options import Presets

_NOISE = 2.0
"""Variance of a picked pixel over that of any: it is noisy itself, and picked because noise drove it out."""


class VCA(Method):
    """Take the purest pixels as endmembers; abundances by fully constrained least squares.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` searches in the Poisson-weighted PCA scores, without the pixels that the components cannot
        describe.  ``published`` is the algorithm as published [1]_, on plain counts, with its switch at low
        signal.
    n_draws : int
        Independent searches; the largest simplex wins.
    weighted : bool
        Divide by the Poisson standard deviation of each channel in the least squares.

    References
    ----------
    .. [1] J. M. P. Nascimento, J. M. Bioucas-Dias, IEEE Trans. Geosci. Remote Sens. 43, 898
       (2005), algorithm 1.
    .. [2] M. R. Keenan, P. G. Kotula, Surf. Interface Anal. 36, 203 (2004), for the weights.
    """

    simplex: ClassVar[bool] = True
    presets: ClassVar[Presets] = {
        "setting": {
            "eels": {"n_draws": 30, "weighted": True},
            "published": {"n_draws": 1, "weighted": False},
        }
    }

    setting: Literal["eels", "published"] = "eels"
    n_draws: int = Field(ge=1)
    weighted: bool

    def fit(self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator) -> LinearModel:
        """Pick the vertices; a single endmember is the mean spectrum."""
        endmembers, message = purest_spectra(
            learning_set,
            n_endmembers,
            n_draws=self.n_draws,
            rng=rng,
            published=self.setting == "published",
        )
        weight = learning_set.channel_weight if self.weighted else None
        model = LinearModel(
            endmembers=endmembers,
            sum_to_one=True,
            channel_weight=weight,
            endmember_noise=_NOISE if n_endmembers > 1 else 0.0,
            message=message,
        )
        return in_order(model, learning_set.spectra)
