"""The number that is taken, once the counts themselves and halves of the pixels have been asked."""

from dataclasses import dataclass, replace

import xarray as xr

from eelsunmix.rank.choice import ComponentOptions, Evidence, choose
from eelsunmix.rank.examination import Examined, examine
from eelsunmix.rank.neighbours import neighbouring_numbers
from eelsunmix.typing import Floats

JUST_ABOVE = 1.1
"""Eigenvalues up to this many times the edge are noise in one image of a hundred."""


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

    def is_by_chance(self, coherence: Floats) -> bool:
        """Whether the last component is just above the edge, and noise by all other signs."""
        evidence, number = self.evidence, self.number
        counted = self.chosen == "marchenko_pastur" and 1 < number == evidence.noise.rank <= len(coherence)
        if not counted or evidence.eigenvalues[number - 1] > JUST_ABOVE * evidence.noise.edge:
            return False
        return bool(coherence[number - 1] <= 0) and self.examined.denied_by(self.around)


def take_number(
    image: xr.DataArray, pca: xr.Dataset, evidence: Evidence, coherence: Floats, options: ComponentOptions
) -> Taken:
    """Take a number of endmembers; one less where the last component is noise by all signs but its size.

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
    if not found.is_by_chance(coherence):
        return found
    estimates = evidence.estimates | {"marchenko_pastur": number - 1}
    return take_number(image, pca, replace(evidence, estimates=estimates, n_by_chance=1), coherence, options)
