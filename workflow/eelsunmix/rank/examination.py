"""The counts themselves, beside the eigenvalues: do the components predict them, and what do they miss."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.rank.outliers import Outliers, Sample, find_outliers
from eelsunmix.rank.prediction import HeldOut
from eelsunmix.words import place_in_words

FEW = 0.02
"""Part of the pixels looked at up to which outliers are a rare phase; beyond it the description is wrong."""

UNSTABLE = 0.4
"""Stability that noise reaches: the cosine of random directions among ten."""

NAMED = 4
"""Pixels that a warning names."""


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What the counts say of a number of components.

    Parameters
    ----------
    variables : Dataset
        For the store.
    held_out : HeldOut
        What they say that were held out.
    n_outlying : int
        Pixels that the components do not describe.
    outlying : str
        A sentence on pixels that the components do not describe; empty where there are none.
    attrs : dict
        For the store.
    n_components : int
        Components that were examined.
    """

    variables: xr.Dataset = field(default_factory=xr.Dataset)
    held_out: HeldOut = field(default_factory=HeldOut)
    n_outlying: int = 0
    outlying: str = ""
    attrs: dict[str, Any] = field(default_factory=dict)
    n_components: int = 1

    @property
    def estimates(self) -> dict[str, int]:
        """The number that prediction gives, by the name of the estimator."""
        predicting = self.held_out.predicting
        return {} if predicting is None else {"prediction": predicting}

    @property
    def second_opinion(self) -> str:
        """What prediction says, in a sentence."""
        predicting = self.held_out.predicting
        if predicting is None:
            return "Held-out counts cannot be predicted: the values are not those of ideal counts."
        return f"Of components learned from half of the counts, {predicting} predict the other half."

    def warnings(self, around: xr.Dataset, *, estimated: int | None) -> list[str]:
        """Sentences for the user.

        Parameters
        ----------
        around : Dataset
            From `neighbouring_numbers`.
        estimated : int, optional
            The number that was estimated; none where it was given.
        """
        found = [self.outlying] if self.outlying else []
        if estimated is None:
            return found
        predicting = self.held_out.predicting
        if predicting is not None and predicting > self.n_components:
            found.append(
                f"{predicting} components learned from half of the counts predict the other half better "
                f"than {self.n_components} do: the number may be too small; compare the maps with those for "
                f"components.n: {predicting}"
            )
        stable = self._stability(around)
        taken = estimated == self.n_components
        unseen = predicting is None or max(predicting, self.held_out.agreeing) < self.n_components
        if taken and stable < UNSTABLE and unseen:
            found.append(
                f"Component {self.n_components} is hardly above the noise: two halves of the pixels do not "
                f"show the same one (stability {stable:.2f}); compare the maps with those for components.n: "
                f"{self.n_components - 1}"
            )
        return found

    def _stability(self, around: xr.Dataset) -> float:
        known = self.n_components > 1 and self.n_components in around["number"]
        return float(around["stability"].sel(number=self.n_components)) if known else 1.0


def examine(
    image: xr.DataArray,
    pca: xr.Dataset,
    noise: Noise,
    sample: Sample,
    held_out: HeldOut,
    *,
    n_components: int,
) -> Examined:
    """Look for pixels that the leading components do not describe.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Read once, block by block; its valid pixels are those to look at.
    pca : Dataset
        From `denoise`.
    noise : Noise
        Of its eigenvalues.
    sample : Sample
        Of the image.
    held_out : HeldOut
        What its counts said.
    n_components : int
        Leading components that describe the image.
    """
    counting = held_out.predicting is not None
    outliers = find_outliers(image, pca, sample, noise, n_components=n_components, counting=counting)
    variables: dict[str, Any] = {"residual_deviation": (image.dims[:-1], outliers.deviation, {"units": "1"})}
    if held_out.chi2 is not None:
        variables["prediction_chi2"] = ("n_predicting", held_out.chi2, {"units": "1"})
    coordinates = {name: coord for name, coord in pca["pixel_weight"].coords.items()}
    return Examined(
        variables=xr.Dataset(variables, coords=coordinates),
        held_out=held_out,
        n_outlying=int(outliers.found.sum()),
        outlying=_outlying(image, outliers, n_components),
        attrs={"residual_limit": outliers.limit},
        n_components=n_components,
    )


def _outlying(image: xr.DataArray, outliers: Outliers, n_components: int) -> str:
    found = outliers.found
    if not found.any():
        return ""
    places = np.argwhere(found)[np.argsort(-outliers.deviation[found])[:NAMED]]
    names = "; ".join(place_in_words(image, place.tolist()) for place in places)
    more = "; ..." if found.sum() > NAMED else ""
    energy = image.dims[-1]
    at = place_in_words(
        image.isel({dim: 0 for dim in image.dims[:-1]}), [int(outliers.window[tuple(places[0])])]
    )
    pixels = "1 pixel holds" if found.sum() == 1 else f"{found.sum()} pixels hold"
    what = (
        f"{pixels} more than the {n_components} components describe ({names}{more}; up to "
        f"{np.nanmax(outliers.deviation):.3g} standard deviations, near {energy} of {at.split('= ')[-1]})"
    )
    if found.sum() > max(NAMED, FEW * np.isfinite(outliers.deviation).sum()):
        return (
            f"{what}: a component is missing, or the spectra are not sums of a few (drift, gain, thickness); "
            "look at residual_deviation in rank.zarr, correct the cause or set components.n higher"
        )
    return (
        f"{what}: a rare phase, or a spike. Look at residual_deviation in rank.zarr and at these spectra; "
        "for a phase set components.n one higher, spikes are removed by corrections.spikes"
    )
