"""The number that is taken, once the counts themselves and halves of the pixels have been asked."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from eelsunmix.rank.choice import ComponentOptions, Evidence, choose
from eelsunmix.rank.examination import UNSTABLE, Examined, examine
from eelsunmix.rank.neighbours import neighbouring_numbers, stable_number
from eelsunmix.typing import Floats


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A number of components, and what the counts and their halves say of it.

    Parameters
    ----------
    evidence : Evidence
    number : int
        Of endmembers.
    chosen, reason : str
        The estimator, and a sentence.
    examined : Examined
    around : Dataset
        From `neighbouring_numbers`.
    """

    evidence: Evidence
    number: int
    chosen: str
    reason: str
    examined: Examined
    around: xr.Dataset

    def witnessed(self, coherence: Floats) -> int:
        """Count the components above the edge that more than their size speaks for; all, where none can.

        Held-out counts predict them, two halves of the counts or of the pixels show them, or their maps have
        an order. Without any of it they are single counts where few are expected.
        """
        counted, rank = self.evidence.estimates["marchenko_pastur"], self.evidence.noise.rank
        predicting = self.examined.predicting
        if predicting is None or self.evidence.stability is None or self.evidence.empty:
            return counted
        index, shown = np.arange(min(rank, len(coherence))), self.examined.agreeing
        seen = (index < max(predicting, stable_number(self.evidence.stability, UNSTABLE))) | (
            coherence[: len(index)] > 0
        )
        seen[: len(shown)] |= shown[: len(index)]
        beyond = rank - len(index) if seen.all() else 0
        return max(1, int(seen.sum()) + beyond)


def take_number(
    image: xr.DataArray, pca: xr.Dataset, evidence: Evidence, coherence: Floats, options: ComponentOptions
) -> Taken:
    """Take a number of endmembers; fewer where the last components are noise by all signs but their size.

    Components left out because their maps have no order are taken after all where held-out counts show them.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Read twice, block by block.
    pca : Dataset
        From `denoise`.
    evidence : Evidence
    coherence : ndarray, shape (component,)
        From `map_coherence`.
    options : ComponentOptions
    """
    number, chosen, reason = choose(evidence, options)
    # A component that half of the pixels do not show may be a rare phase: its pixels are to be named.
    described = max(1, number, min(evidence.n_standing, pca.sizes["component"]))
    around = neighbouring_numbers(pca, number, evidence.noise.level)  # before there is a map of deviations
    found = Taken(
        evidence=evidence,
        number=number,
        chosen=chosen,
        reason=reason,
        examined=examine(image, pca, evidence.noise, n_components=described),
        around=around,
    )
    counted, better = evidence.estimates["marchenko_pastur"], found.witnessed(coherence)
    if better == counted:
        return found
    evidence = replace(
        evidence,
        estimates=evidence.estimates | {"marchenko_pastur": better},
        n_by_chance=evidence.noise.rank - better,
    )
    return take_number(image, pca, evidence, coherence, options)
