"""The number that is taken, once the counts themselves and halves of the pixels have been asked."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from eelsunmix.image import valid_pixels
from eelsunmix.rank.choice import ComponentOptions, Evidence, choose
from eelsunmix.rank.coherence import last_in_order
from eelsunmix.rank.examination import UNSTABLE, Examined, examine
from eelsunmix.rank.neighbours import neighbouring_numbers, stable_number
from eelsunmix.rank.outliers import Sample, are_counts, take_sample
from eelsunmix.rank.prediction import HeldOut, ask_held_out
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


def take_number(
    image: xr.DataArray, pca: xr.Dataset, evidence: Evidence, coherence: Floats, options: ComponentOptions
) -> Taken:
    """Take a number of endmembers, of ideal counts that of the components that more than their size shows.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Read twice, block by block; once more where a component is left out and pixels miss it.
    pca : Dataset
        From `denoise`.
    evidence : Evidence
    coherence : ndarray, shape (component,)
        From `map_coherence`.
    options : ComponentOptions
    """
    if evidence.noise.level <= np.finfo(np.float32).eps or not valid_pixels(image).any():
        return _taken(image, pca, evidence, options, None, HeldOut())
    sample, held_out = take_sample(image, pca), HeldOut()
    if are_counts(sample, evidence.noise):
        held_out = ask_held_out(sample.spectra, pca.sizes["component"], complete=sample.complete)
    counted, number = evidence.estimates["marchenko_pastur"], _witnessed(evidence, held_out, coherence)
    found = _taken(image, pca, _with_number(evidence, number), options, sample, held_out)
    if number < counted and not held_out.complete and found.examined.n_outlying:
        # A phase in a few pixels, none of them in the sample.
        before = _taken(image, pca, evidence, options, sample, held_out)
        return min(found, before, key=lambda one: one.examined.n_outlying)
    return found


def _witnessed(evidence: Evidence, held_out: HeldOut, coherence: Floats) -> int:
    """Count the components above the edge that more than their size speaks for; all, where none can.

    Held-out counts predict them, both halves of the counts or of the pixels show them, or a map has an order.
    Without any of it they are single counts where few are expected. Each witness has an order of its own, so
    the largest of their numbers is taken.
    """
    counted = evidence.estimates["marchenko_pastur"]
    if held_out.predicting is None or evidence.stability is None or evidence.empty or evidence.n_drift:
        return counted
    shown = max(
        1,
        held_out.predicting,
        held_out.agreeing,
        stable_number(evidence.stability, UNSTABLE),
        last_in_order(coherence[: evidence.noise.rank]),
    )
    return min(shown, evidence.noise.rank) if shown < len(coherence) else counted


def _with_number(evidence: Evidence, number: int) -> Evidence:
    counted = evidence.estimates["marchenko_pastur"]
    if number == counted:
        return evidence
    estimates = evidence.estimates | {"marchenko_pastur": number}
    return replace(evidence, estimates=estimates, n_unwitnessed=evidence.noise.rank - number)


def _taken(
    image: xr.DataArray,
    pca: xr.Dataset,
    evidence: Evidence,
    options: ComponentOptions,
    sample: Sample | None,
    held_out: HeldOut,
) -> Taken:
    number, chosen, reason = choose(evidence, options)
    # A component that half of the pixels do not show may be a rare phase: its pixels are to be named.
    described = max(1, number, min(evidence.n_standing, pca.sizes["component"]))
    around = neighbouring_numbers(pca, number, evidence.noise.level)  # before there is a map of deviations
    examined = Examined(n_components=described)
    if sample is not None:
        examined = examine(image, pca, evidence.noise, sample, held_out, n_components=described)
    return Taken(
        evidence=evidence, number=number, chosen=chosen, reason=reason, examined=examined, around=around
    )
