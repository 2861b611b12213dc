"""The number that is taken, once the counts themselves and halves of the pixels have been asked."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from eelsunmix.rank.choice import ComponentOptions, Evidence, choose
from eelsunmix.rank.examination import Examined, examine
from eelsunmix.rank.neighbours import neighbouring_numbers
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

    @property
    def confirmed(self) -> int:
        """Components above the edge that the counts of one half predict, whatever their maps look like."""
        return min(self.examined.predicting or 0, self.evidence.noise.rank)

    def without_chance(self, coherence: Floats) -> int:
        """Components up to the last one that anything but its size speaks for."""
        evidence, number = self.evidence, self.evidence.estimates["marchenko_pastur"]
        counted = self.chosen == "marchenko_pastur" and number == evidence.noise.rank and not evidence.n_drift
        if not counted or not self.examined.denied_by(self.around):
            return number
        ordered = (np.flatnonzero(coherence[:number] > 0) + 1).tolist()
        seen = max(1, evidence.n_stable or 1, self.examined.predicting or 0, self.examined.agreeing, *ordered)
        return min(number, seen)


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
    standing = min(evidence.estimates["marchenko_pastur"], evidence.n_stable or pca.sizes["component"])
    described = max(1, number, min(standing, pca.sizes["component"]))
    around = neighbouring_numbers(pca, number, evidence.noise.level)  # before there is a map of deviations
    found = Taken(
        evidence=evidence,
        number=number,
        chosen=chosen,
        reason=reason,
        examined=examine(image, pca, evidence.noise, n_components=described),
        around=around,
    )
    counted = evidence.estimates["marchenko_pastur"]
    better = counted if evidence.empty else max(found.confirmed, found.without_chance(coherence))
    if better == counted:
        return found
    evidence = replace(
        evidence,
        estimates=evidence.estimates | {"marchenko_pastur": better},
        n_by_chance=max(0, counted - better),
    )
    return take_number(image, pca, evidence, coherence, options)
