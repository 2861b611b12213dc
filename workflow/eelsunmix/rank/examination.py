"""The counts themselves, beside the eigenvalues: do the components predict them, and what do they miss."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.image import valid_pixels
from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.rank.outliers import Outliers, are_counts, find_outliers, take_sample
from eelsunmix.rank.prediction import AGREES, predicted_gains, predictive_number
from eelsunmix.typing import Bools
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
    predicting : int, optional
        Leading components that predict; None where the values are no counts.
    agreeing : ndarray of bool, shape (component,)
        Whether both halves of the counts show a component, if only in a pixel.
    outlying : str
        A sentence on pixels that the components do not describe; empty where there are none.
    attrs : dict
        For the store.
    n_components : int
        Components that were examined.
    """

    variables: xr.Dataset = field(default_factory=xr.Dataset)
    predicting: int | None = None
    agreeing: Bools = field(default_factory=lambda: np.zeros(0, bool))
    outlying: str = ""
    attrs: dict[str, Any] = field(default_factory=dict)
    n_components: int = 1

    @property
    def estimates(self) -> dict[str, int]:
        """The number that prediction gives, by the name of the estimator."""
        return {} if self.predicting is None else {"prediction": self.predicting}

    @property
    def second_opinion(self) -> str:
        """What prediction says, in a sentence."""
        if self.predicting is None:
            return "Held-out counts cannot be predicted: the values are not those of ideal counts."
        return f"Of components learned from half of the counts, {self.predicting} predict the other half."

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
        if self.predicting is not None and self.predicting > self.n_components:
            found.append(
                f"{self.predicting} components learned from half of the counts predict the other half better "
                f"than {self.n_components} do: the number may be too small; compare the maps with those for "
                f"components.n: {self.predicting}"
            )
        stable = self._stability(around)
        taken = estimated == self.n_components
        if taken and stable < UNSTABLE and (self.predicting is None or self.predicting < self.n_components):
            found.append(
                f"Component {self.n_components} is hardly above the noise: two halves of the pixels do not "
                f"show the same one (stability {stable:.2f}); compare the maps with those for components.n: "
                f"{self.n_components - 1}"
            )
        return found

    def _stability(self, around: xr.Dataset) -> float:
        known = self.n_components > 1 and self.n_components in around["number"]
        return float(around["stability"].sel(number=self.n_components)) if known else 1.0


def examine(image: xr.DataArray, pca: xr.Dataset, noise: Noise, *, n_components: int) -> Examined:
    """Predict held-out counts, and look for pixels that the leading components do not describe.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Read twice, block by block; its valid pixels are those to look at.
    pca : Dataset
        From `denoise`.
    noise : Noise
        Of its eigenvalues; without any noise, or any pixel, nothing can be examined.
    n_components : int
        Leading components that describe the image.
    """
    if noise.level <= np.finfo(np.float32).eps or not valid_pixels(image).any():
        return Examined(n_components=n_components)
    sample = take_sample(image, pca)
    counting = are_counts(sample, noise)
    outliers = find_outliers(image, pca, sample, noise, n_components=n_components, counting=counting)
    variables: dict[str, Any] = {"residual_deviation": (image.dims[:-1], outliers.deviation, {"units": "1"})}
    predicting, agreeing = None, np.zeros(0, bool)
    if counting:
        chi2, significance, agreement = predicted_gains(
            sample.spectra.astype(np.int64), pca.sizes["component"], np.random.default_rng(0)
        )
        predicting = predictive_number(significance)
        agreeing = agreement > AGREES
        variables["prediction_chi2"] = ("n_predicting", chi2, {"units": "1"})
    coordinates = {name: coord for name, coord in pca["pixel_weight"].coords.items()}
    return Examined(
        variables=xr.Dataset(variables, coords=coordinates),
        predicting=predicting,
        agreeing=agreeing,
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
