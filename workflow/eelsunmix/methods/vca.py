"""Vertex component analysis (VCA): the purest pixels as endmembers."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from eelsunmix.methods._contract import LearningSet
from eelsunmix.methods._linear import LinearModel, in_order
from eelsunmix.methods._vertices import purest_spectra


@dataclass(frozen=True, kw_only=True)
class VCA:
    """Take the purest pixels as endmembers; abundances by fully constrained least squares.

    Parameters
    ----------
    setting : {"eels", "published"}
        ``eels`` searches in the Poisson-weighted PCA scores, without the pixels that the components cannot
        describe.  ``published`` is the algorithm as published [1]_, on plain counts, with its switch at low
        signal.
    n_draws : int, optional
        Independent searches; the largest simplex wins. 30 by default, 1 if published.
    weighted : bool, optional
        Divide by the Poisson standard deviation of each channel in the least squares; by default unless
        published.

    References
    ----------
    .. [1] J. M. P. Nascimento, J. M. Bioucas-Dias, IEEE Trans. Geosci. Remote Sens. 43, 898
       (2005), algorithm 1.
    .. [2] M. R. Keenan, P. G. Kotula, Surf. Interface Anal. 36, 203 (2004), for the weights.
    """

    needs_tiles: ClassVar[bool] = False
    simplex: ClassVar[bool] = True

    setting: Literal["eels", "published"] = "eels"
    n_draws: int | None = None
    weighted: bool | None = None

    def __post_init__(self) -> None:
        if self.setting not in ("eels", "published"):
            raise ValueError(f"setting must be 'eels' or 'published', not {self.setting!r}")
        published = self.setting == "published"
        object.__setattr__(
            self, "n_draws", (1 if published else 30) if self.n_draws is None else self.n_draws
        )
        object.__setattr__(self, "weighted", not published if self.weighted is None else self.weighted)
        if not isinstance(self.n_draws, int) or self.n_draws < 1:
            raise ValueError(f"n_draws must be a whole number of at least 1, not {self.n_draws!r}")

    def fit(self, learning_set: LearningSet, n_endmembers: int, rng: np.random.Generator) -> LinearModel:
        """Pick the vertices; a single endmember is the mean spectrum."""
        endmembers, message = purest_spectra(
            learning_set,
            n_endmembers,
            n_draws=self.n_draws or 1,
            rng=rng,
            published=self.setting == "published",
        )
        weight = learning_set.channel_weight if self.weighted else None
        model = LinearModel(endmembers=endmembers, sum_to_one=True, channel_weight=weight, message=message)
        return in_order(model, learning_set.spectra)
