"""The tournament: which candidate is best on twins of an image, `choose`."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.background.net_counts import net_counts_of_spectra
from eelsunmix.edges import Edge
from eelsunmix.errors import MethodFailedError
from eelsunmix.recommendation.anchored import (
    ANCHORED,
    all_anchored,
    anchored,
    is_anchored,
    known_owners,
    shared_elements,
)
from eelsunmix.recommendation.bending import find_bending
from eelsunmix.recommendation.candidates import first_solution, measured_brightness, solutions
from eelsunmix.recommendation.choice import (
    Ranking,
    members_of_consensus,
    passing,
    rank_on_twins,
    with_consensus,
)
from eelsunmix.recommendation.data import Data, prepared, without_bending
from eelsunmix.recommendation.doubts import doubts, doubts_of_anchoring
from eelsunmix.recommendation.solution import Solution
from eelsunmix.recommendation.totals import said_of_totals, totals_deviation
from eelsunmix.recommendation.twins import CONSENSUS
from eelsunmix.typing import Brightness

MODELS = (
    ("BLU, posterior of many neighbours", "BLU, many neighbours"),
    ("uDAS, many neighbours",),
)
"""Twins are made of the first of each that passed; of the first solution of all if none did.

The maps have the least noise that there is: of more, a twin takes it for the sample, and whoever smooths it
away, or knows that most pixels lack some material, errs there. Posterior means are neither anchored nor made
of large images: there the second of BLU's takes their place.
"""
UNKNOWN = "without edges it is not known which pixels have none, nor how thickness bends the background"
ICA_REASON = "ICA is no candidate: shares that sum to one are not independent"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """The candidate that is best on twins of an image.

    Parameters
    ----------
    best : Solution
        Of that image.
    ranking : Ranking
    data : Data
        The image that was looked at.
    brightness : {"constant", "variable"}
    edges : mapping of str to Edge
        Those of the user.
    record : dict
        Attributes of the result.
    """

    best: Solution
    ranking: Ranking
    data: Data
    brightness: Brightness
    edges: Mapping[str, Edge]
    record: dict[str, Any]


def choose(
    image: xr.DataArray, n_endmembers: int, edges: Mapping[str, Edge], *, seed: int, of_averages: bool = False
) -> Choice:
    """Fit all candidates to an image, run them on its twins, and take the best.

    Parameters
    ----------
    image : DataArray, dims (navigation, energy)
        Loaded; `valid_pixel` is False where there is no sample.
    n_endmembers, seed
        As in `recommend`.
    edges : mapping of str to Edge
    of_averages : bool
        Whether only candidates compete that map averages by least squares, as other pixels can be.
    """
    data = prepared(image, n_endmembers, edges)
    data, brightness, bending = straightened(data, n_endmembers, seed=seed)
    found, failed = solutions(data, n_endmembers, seed=seed, brightness=brightness)
    if not found:
        raise MethodFailedError("recommend: no method gave a result; " + "; ".join(failed.values()))
    data, shared = known_owners(found, data)
    found += all_anchored(found, data, brightness)
    found, refusal = without_repeated([one for one in found if one.average or not of_averages])
    kept, excluded = passing(found, data)
    models = twin_models(kept)
    if not any(is_anchored(one) for one in kept):
        data = dataclasses.replace(data, edges={})
    rng = np.random.default_rng([seed, n_endmembers])
    ranking = rank_on_twins(kept, data, n_endmembers, models=models, brightness=brightness, rng=rng)
    members = [] if of_averages else members_of_consensus(kept)
    known = {one.label: one for one in with_consensus(kept, data.weight, members)}
    best = next(known[label] for label in ranking.errors if label in known)
    record = {
        "method": best.label,
        "status": best.status,
        "reason": _reason(ranking, kept, excluded | failed, len(models)),
        "twin_error": ranking.errors,
        "excluded": excluded | failed,
        "brightness": brightness,
        "totals": said_of_totals(totals_deviation(best, brightness)),
        "seed": seed,
        "n_endmembers": n_endmembers,
        "anchoring": shared or refusal,
        "nuisance": int(data.nuisance is not None),
        "nuisance_reason": bending,
        "edge_owner": _owners(best, edges, data),
        "warnings": doubts(best, ranking, data, excluded if len(excluded) == len(found) else {})
        + doubts_of_anchoring(_shared(best, kept, found, data)),
    }
    return Choice(best=best, ranking=ranking, data=data, brightness=brightness, edges=edges, record=record)


def straightened(data: Data, n_endmembers: int, *, seed: int) -> tuple[Data, Brightness, str]:
    """Measure the brightness, and take out how it bends the background; also why that was done or not."""
    brightness = measured_brightness(data, n_endmembers, seed=seed)
    if not data.edges or brightness != "variable":
        return data, brightness, UNKNOWN if not data.edges else "the brightness does not vary"
    first = first_solution(data, n_endmembers, seed=seed, brightness=brightness)
    if first is None:
        return data, brightness, "no first result to look for pixels without edges"
    known, _ = known_owners([first], data)
    bending = find_bending(anchored(first, known, brightness), data)
    if bending.nuisance is None:
        return data, brightness, bending.reason
    return without_bending(data, bending.nuisance, n_endmembers), brightness, bending.reason


def _shared(
    best: Solution, kept: Sequence[Solution], found: Sequence[Solution], data: Data
) -> dict[str, float]:
    """Name elements that anchoring took out of a spectrum, where the best rests on it."""
    labels = {one.label for one in kept if is_anchored(one)}
    if not (is_anchored(best) or best.label == CONSENSUS):  # which is made of the anchored ones
        return {}
    before = [one for one in found if ANCHORED.format(one.label) in labels]
    return shared_elements(before, data) if before else {}


def twin_models(kept: Sequence[Solution]) -> list[Solution]:
    """Choose the solutions of which twins are made: with clean edges, where the image has named ones."""
    known = {one.label: one for one in kept}
    ranked = [(*map(ANCHORED.format, labels), *labels) for labels in MODELS]
    chosen = [next((known[name] for name in names if name in known), None) for names in ranked]
    return [one for one in chosen if one is not None] or list(kept[:1])


def without_repeated(found: Sequence[Solution]) -> tuple[list[Solution], str]:
    """Leave out anchored solutions that are as before; say why, and once where only numbers differ."""
    reasons: dict[str, str] = {}
    for one in found:
        if one.fault:
            reasons.setdefault(re.sub(r"\d+(\.\d+)?", "#", one.fault), one.fault)
    return [one for one in found if not one.fault], "; ".join(reasons.values())


def _reason(ranking: Ranking, kept: Sequence[Solution], excluded: Mapping[str, str], n_twins: int) -> str:
    """Say in one line how the candidates did, which did not converge, and why others took no part."""
    errors = ", ".join(f"{label} {_percent(error)}" for label, error in ranking.errors.items())
    parts = [f"on {n_twins} images simulated from results, error of the maps: {errors}"]
    early = [one.label for one in kept if one.status != "converged"]
    parts += [f"did not converge: {', '.join(early)}"] if early else []
    parts += [f"left out: {label} ({reason})" for label, reason in excluded.items()]
    return "; ".join([*parts, ICA_REASON])


def _percent(error: float) -> str:
    """Relative error of the maps: root of the relative squared error."""
    return f"{100 * np.sqrt(error):.2g} %"


def _owners(best: Solution, edges: Mapping[str, Edge], data: Data) -> dict[str, int]:
    if not edges:
        return {}
    energy, mean = data.image[data.image.dims[-1]], data.spectra.mean(axis=0)
    net = net_counts_of_spectra(best.endmembers, energy, edges, exponent_from=mean)
    return {name: int(owner) for name, owner in zip(edges, net.argmax(axis=0), strict=True)}
