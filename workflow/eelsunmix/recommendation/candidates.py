"""The methods that compete, and what each makes of an image."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import xarray as xr

from eelsunmix.fitting import fit
from eelsunmix.mapping import apply
from eelsunmix.mapping.brightness import sums_to_one
from eelsunmix.recommendation.data import Data
from eelsunmix.recommendation.least_squares import mapped_linearly, misfit
from eelsunmix.recommendation.solution import Solution
from eelsunmix.typing import Brightness, Floats


@dataclass(frozen=True, kw_only=True)
class Learner:
    """A method, and what it learns from.

    Parameters
    ----------
    method : str
    learns : {"counts", "averages"}
        Counts as they are, or averaged over alike neighbours.
    posterior_of : str
        Name of the averages (`AVERAGES`) of which maps are posterior means too; empty: none.
    """

    method: str
    learns: Literal["counts", "averages"] = "counts"
    posterior_of: str = ""


LEARNERS = MappingProxyType(
    {
        "VCA": Learner(method="vca"),
        "VCA of averages": Learner(method="vca", learns="averages"),
        "uDAS": Learner(method="udas"),
        "BLU": Learner(method="blu", posterior_of="many neighbours"),
    }
)
"""Label -> learner. Each is mapped on counts, as the method does, and on the averages by least squares."""
QUICK: Mapping[str, Mapping[str, Any]] = MappingProxyType({"blu": {"n_sweeps": 600, "n_burn_in": 200}})
"""Options for twins, where half a result in a fourth of the time tells as much."""

ILL_FITTING = 1.15
"""Misfit of a constant brightness, relative to that of a variable one, from which on it is refuted.

Measured on 15 images by chi-square: 1.00 to 1.06 where the brightness is constant, 1.34 and 1.37 with
particles.
"""
SETTLED = 1.1
"""Split R-hat of a chain that has forgotten where it began."""


def solutions(
    data: Data, n_endmembers: int, *, seed: int, brightness: Brightness, quick: bool = False
) -> tuple[list[Solution], dict[str, str]]:
    """Run all candidates on an image, none of them anchored.

    Parameters
    ----------
    data : Data
    n_endmembers, seed
        As in `eelsunmix.fit`.
    brightness : {"constant", "variable"}
        As `measured_brightness` finds it.
    quick : bool
        With the options `QUICK`.

    Returns
    -------
    found : list of Solution
    failed : dict
        Label -> reason, of methods that gave nothing.
    """
    found, failed = list[Solution](), dict[str, str]()
    for label, learner in LEARNERS.items():
        model = _fitted(learner, data, n_endmembers, seed=seed, brightness=brightness, quick=quick)
        if model.attrs["status"] == "failed":
            failed[label] = str(model.attrs["message"])
        else:
            found += _mapped(label, learner, model, data)
    return found, failed


def measured_brightness(data: Data, n_endmembers: int, *, seed: int) -> Brightness:
    """Say whether the brightness varies: as the fit measures it, or because a constant one fits ill.

    The measure of the fit leaves the farthest 1 % of the pixels out, and hardly sees particles of few counts
    on a film of constant thickness; they raise the misfit.
    """
    if n_endmembers == 1:
        return "variable"
    fits = functools.partial(_fitted, LEARNERS["uDAS"], data, n_endmembers, seed=seed)
    constant = fits(brightness="auto")
    if constant.attrs["status"] == "failed" or constant.attrs["brightness"] == "variable":
        return "variable"
    variable = fits(brightness="variable")
    if variable.attrs["status"] == "failed":
        return "constant"
    first = [_mapped("uDAS", LEARNERS["uDAS"], one, data)[0] for one in (constant, variable)]
    misfits = [misfit(one, data) for one in first]
    return "variable" if misfits[0] > ILL_FITTING * misfits[1] else "constant"


def first_solution(data: Data, n_endmembers: int, *, seed: int, brightness: Brightness) -> Solution | None:
    """Return uDAS of averages over many neighbours; None if it failed."""
    model = _fitted(LEARNERS["uDAS"], data, n_endmembers, seed=seed, brightness=brightness)
    return None if model.attrs["status"] == "failed" else _mapped("uDAS", LEARNERS["uDAS"], model, data)[-1]


def _fitted(
    learner: Learner, data: Data, n_endmembers: int, *, seed: int, brightness: Brightness, quick: bool = False
) -> xr.Dataset:
    options = QUICK.get(learner.method, {}) if quick else {}
    return fit(
        data.image if learner.learns == "counts" else data.smoothed,
        learner.method,
        n_endmembers=n_endmembers,
        seed=seed,
        pca=data.pca,
        counts=data.image,
        brightness=brightness,
        **options,
    )


def _status(model: xr.Dataset) -> str:
    """Status of a fit; a chain that has settled counts: what too few draws cost is measured on twins."""
    settled = "split_rhat" in model and bool(model["split_rhat"].max() < SETTLED)
    return "converged" if settled else str(model.attrs["status"])


def _mapped(label: str, learner: Learner, model: xr.Dataset, data: Data) -> list[Solution]:
    """Map the counts as the method does, and the averages by least squares on its endmembers.

    The latter are not below zero, where the counts are not: what is below comes of noise.
    """
    endmembers = np.asarray(model["endmember_spectrum"].to_numpy(), dtype=np.float64)
    physical = np.maximum(endmembers, np.minimum(data.spectra.mean(axis=0), 0.0))
    solved = functools.partial(
        mapped_linearly, endmembers=physical, weight=data.weight, brightness=model.attrs["brightness"]
    )
    solution = functools.partial(Solution, status=_status(model))
    averaged = [
        solution(label=f"{label}, {name}", endmembers=physical, amounts=solved(spectra), average=name)
        for name, spectra in data.averages.items()
    ]
    if learner.learns == "averages":
        return averaged
    own = functools.partial(_own, model, data=data)
    found = [solution(label=label, endmembers=endmembers, amounts=own(data.spectra)), *averaged]
    if learner.posterior_of:
        # With the noise of a pixel: the prior weighs more than it would. Twins tell what that costs.
        name, spectra = f"{label}, posterior of {learner.posterior_of}", data.averages[learner.posterior_of]
        found.append(solution(label=name, endmembers=physical, amounts=own(spectra)))
    return found


def _own(model: xr.Dataset, spectra: Floats, data: Data) -> Floats:
    """Abundances of counts or averages as the method gives them, times the brightness where that varies."""
    counts = data.image.to_numpy().astype(np.float64)
    counts[data.chosen] = spectra
    found = apply(model, data.image.copy(data=counts), counts=data.image)
    maps = found["abundance"].to_numpy()[data.chosen].astype(np.float64)
    if model.attrs["brightness"] != "variable" or not sums_to_one(model):
        return maps
    mixture = maps @ model["endmember_spectrum"].to_numpy().astype(np.float64).sum(axis=1)
    bright = np.maximum(spectra.sum(axis=1), 0.0) / np.maximum(mixture, np.finfo(float).tiny)
    amounts: Floats = maps * bright[:, None]
    return amounts
