"""Which number is taken, why, and what the user has to know of it."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import xarray as xr
from pydantic import Field

from eelsunmix.errors import InputError
from eelsunmix.options import Options
from eelsunmix.pca.noise_eigenvalues import Noise, rounding_error
from eelsunmix.rank.neighbours import stable_number
from eelsunmix.typing import Floats
from eelsunmix.words import numbered


class ComponentOptions(Options):
    """Number of endmembers to look for, or how to find it.

    Parameters
    ----------
    n : int or "auto"
        The number, or "auto" to estimate it.
    max : int
        Largest number that an estimate may give.
    estimator : {"auto", "marchenko_pastur", "parallel_analysis", "elbow"}
        Estimate that is used if `n` is "auto"; "auto" is the calibrated edge of Marchenko and Pastur.
    """

    n: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    max: int = Field(10, ge=1)
    estimator: Literal["auto", "marchenko_pastur", "parallel_analysis", "elbow"] = "auto"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known before a number is taken.

    Parameters
    ----------
    estimates : dict of str to int
        By estimator.
    eigenvalues : ndarray, shape (index,)
        Decreasing.
    noise : Noise
        Their noise.
    n_drift : int
        Components that are the drift of the energy axis.
    empty : bool
        Whether nothing but an offset stands out.
    n_unwitnessed : int
        Components above the edge that everything else takes for noise.
    stability : ndarray, shape (component,), optional
        Of each number of leading components, in two halves of the pixels.
    """

    estimates: dict[str, int]
    eigenvalues: Floats
    noise: Noise
    n_drift: int
    empty: bool
    n_unwitnessed: int = 0
    stability: Floats | None = None

    @property
    def n_stable(self) -> int | None:
        """Leading components that two halves of the pixels show alike."""
        return None if self.stability is None else stable_number(self.stability)

    @property
    def n_standing(self) -> int:
        """Components that stand out from the noise in both halves; more are not recommended."""
        counted = self.estimates["marchenko_pastur"]
        return counted if self.n_stable is None else min(counted, self.n_stable)


def check_user(options: ComponentOptions, pca: xr.Dataset, values: Floats) -> None:
    """Refuse a number that the data cannot hold."""
    if options.n == "auto":
        return
    shape = int(pca.attrs["n_valid_pixels"]), int(pca.attrs["n_channels"])
    numerical = int(np.sum(values > rounding_error(values, *shape)))
    limits = {
        f"the image has only {numbered(shape[0], 'valid pixel')}": shape[0],
        f"the image has only {numbered(shape[1], 'channel')}": shape[1],
        f"the numerical rank of the image is {numerical}": numerical,
        f"the PCA keeps {pca.sizes['component']} components (denoise.n_components)": pca.sizes["component"],
    }
    message, limit = min(limits.items(), key=lambda item: item[1])
    if options.n > limit:
        raise InputError(f"components.n is {options.n}, but {message}; choose at most {limit}")


def choose(evidence: Evidence, options: ComponentOptions) -> tuple[int, str, str]:
    """Return the number of endmembers, the estimator chosen, and one plain sentence."""
    noise = evidence.noise
    edge = (
        f"{noise.rank} eigenvalues exceed the noise edge of {noise.edge:.3g} (noise level {noise.level:.3g})"
    )
    if options.n != "auto":
        return options.n, "user", f"{options.n} as set in components.n; {edge}.{_about_noise(evidence)}"
    chosen = "marchenko_pastur" if options.estimator == "auto" else options.estimator
    found = evidence.estimates[chosen]
    sentences = {
        "marchenko_pastur": f"{edge}{_following(evidence)}{_left_out(evidence)}",
        "parallel_analysis": f"{found} eigenvalues exceed the largest one of simulated noise (99 %)",
        "elbow": f"the scree plot has its elbow at component {found}",
    }
    materials = max(1, found - evidence.n_drift)
    number = min(materials, options.max)
    drift = (
        f"; {evidence.n_drift} of them not counted: a drift of the energy axis" if evidence.n_drift else ""
    )
    capped = f"; components.max allows {number}" if number < materials else ""
    return number, chosen, f"{sentences[chosen]}{drift}{capped}.{_about_noise(evidence)}"


def _following(evidence: Evidence) -> str:
    rank, values = evidence.noise.rank, evidence.eigenvalues
    return f", the next one is {values[rank]:.3g}" if rank < len(values) else ""


def _left_out(evidence: Evidence) -> str:
    left_out = evidence.noise.rank - evidence.estimates["marchenko_pastur"] - evidence.n_unwitnessed
    reasons = []
    if left_out > 0 and not evidence.empty:
        maps = "its map has" if left_out == 1 else "their maps have"
        reasons = [f"{left_out} of them, near the edge, not counted: {maps} no order in space"]
    if evidence.n_unwitnessed:
        it, maps = ("it", "its map has") if evidence.n_unwitnessed == 1 else ("them", "their maps have")
        reasons.append(
            f"{evidence.n_unwitnessed} of them not counted: held-out counts do not show {it}, "
            f"half of the pixels do not show {it}, and {maps} no order"
        )
    return "".join(f"; {reason}" for reason in reasons)


def _about_noise(evidence: Evidence) -> str:
    """Explain eigenvalues that are not those of white noise; the edge allows for them."""
    if evidence.noise.is_white or evidence.empty:
        return ""
    return (
        f" The eigenvalues of the noise reach {evidence.noise.stretch:.2f} times as far as those of white "
        "noise, as where channels share noise or much of the image is vacuum; the edge is measured on them "
        "and allows for that, parallel analysis does not."
    )


def choice_warnings(number: int, evidence: Evidence, options: ComponentOptions) -> list[str]:
    """Say what is wrong with the number itself, or with the noise that it rests on."""
    if evidence.empty:
        return [_emptiness(number)]
    noise = evidence.noise
    warnings = [*_too_many(number, noise, options), *_too_few(number, evidence, options)]
    if options.n == "auto" and options.estimator == "parallel_analysis" and not noise.is_white:
        warnings.append(
            f"parallel analysis takes the noise for white, but its eigenvalues reach {noise.stretch:.2f} "
            "times as far: it may find too many components; set components.estimator to auto"
        )
    return warnings


def _too_many(number: int, noise: Noise, options: ComponentOptions) -> list[str]:
    standing = max(1, noise.rank)
    if number <= standing:
        return []
    asked, advice = (
        f"{number} endmembers are asked for",
        f"lower components.n to {standing}, or set it to auto",
    )
    if options.n == "auto":
        asked = f"The estimate of {options.estimator} is {number} endmembers"
        advice = "set components.estimator to auto"
    return [
        f"{asked}, but {_components(standing)} out from the noise; the others will be fitted to noise: "
        f"{advice}"
    ]


def _too_few(number: int, evidence: Evidence, options: ComponentOptions) -> list[str]:
    standing = evidence.n_standing - evidence.n_drift
    mixed = "endmembers will be mixtures of materials"
    if options.n != "auto" and number < standing:
        return [
            f"{number} endmembers are asked for, but {_components(standing)} out from the noise; {mixed}: "
            f"raise components.n to {standing}, or set it to auto"
        ]
    if options.n == "auto" and standing > options.max:
        return [
            f"{_components(standing)} out from the noise, but components.max is {options.max}; {mixed}: "
            f"raise components.max to {standing}"
        ]
    return []


def _components(number: int) -> str:
    return "1 component stands" if number == 1 else f"{number} components stand"


def _emptiness(number: int) -> str:
    held = "1 endmember, the mean spectrum, is" if number == 1 else f"{number} endmembers are"
    return (
        "There is no structure above the noise: the image holds at most an offset that is the same in all "
        f"channels. {held} fitted all the same and stands for no material; check that the file is the right "
        "one, its energy range, and whether the dark spectrum was subtracted from a dark image."
    )
