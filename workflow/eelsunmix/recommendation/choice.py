"""Which candidates pass, how they do on the twins, and which one is the best."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eelsunmix.errors import MethodFailedError
from eelsunmix.recommendation.anchored import all_anchored, is_anchored
from eelsunmix.recommendation.candidates import solutions
from eelsunmix.recommendation.data import Data, prepared
from eelsunmix.recommendation.least_squares import misfit
from eelsunmix.recommendation.solution import Solution
from eelsunmix.recommendation.twins import Trial, consensus, trial, twin_of
from eelsunmix.typing import Brightness, Floats

MOST_NEGATIVE = 0.1
"""Largest part of an endmember's counts, summed over bins, that may be below zero."""
BINS = 20
"""Bins of channels in which negative counts are no noise."""
MOST_MISFIT = 1.1
"""Largest misfit (Poisson deviance), relative to the least one, of a candidate that describes the counts."""
LEAST_MISFIT = 0.01
"""Below it no difference is noise: a perfect description, as of an image without noise."""
CONSENSUS_OF = 3
"""Fewest solutions that make a consensus."""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Errors of the candidates on twins.

    Parameters
    ----------
    errors : dict
        Label -> geometric mean over the twins of their errors, the best first.
    trials : dict
        Label -> what was found on each twin.
    misfits : dict
        Label -> mean over the twins of the misfit there.
    """

    errors: dict[str, float]
    trials: dict[str, list[Trial]]
    misfits: dict[str, float]


def passing(found: Sequence[Solution], data: Data) -> tuple[list[Solution], dict[str, str]]:
    """Leave out what has negative spectra, and what does not describe the counts.

    A fit that stopped early takes part: what that costs is measured on the twins. If nothing passes,
    everything does: a result with a warning is better than none.

    Returns
    -------
    kept : list of Solution
    excluded : dict
        Label -> reason.
    """
    misfits = {one.label: misfit(one, data) for one in found}
    least = _of_the_truth(min(misfits.values()), found[0].endmembers.shape)
    reasons = {one.label: _fault(one, misfits[one.label] / least) for one in found}
    kept = [one for one in found if not reasons[one.label]]
    return kept or list(found), {label: reason for label, reason in reasons.items() if reason}


def rank_on_twins(
    kept: Sequence[Solution],
    data: Data,
    n_endmembers: int,
    *,
    models: Sequence[Solution],
    brightness: Brightness,
    rng: np.random.Generator,
) -> Ranking:
    """Run the same chain on a twin of each of the models, and order the candidates by their errors."""
    trials: dict[str, list[Trial]] = {}
    misfits: dict[str, list[float]] = {}
    labels = [one.label for one in kept]
    members = members_of_consensus(kept)
    for model in models:
        seed = int(rng.integers(2**31))
        twin = prepared(twin_of(model, data, rng), n_endmembers, data.edges)
        found, _ = solutions(twin, n_endmembers, seed=seed, brightness=brightness, quick=True)
        found += all_anchored(found, twin, brightness)
        known = [one for one in found if one.label in labels]
        for one in with_consensus(known, twin.weight, members):
            trials.setdefault(one.label, []).append(trial(one, model, twin.weight))
            misfits.setdefault(one.label, []).append(misfit(one, twin))
    complete = {label: tried for label, tried in trials.items() if len(tried) == len(models)}
    if not complete:
        raise MethodFailedError(
            "recommend: no method gave a result on images simulated from its own; lower n_endmembers"
        )
    errors = {label: _typical([one.error for one in tried]) for label, tried in complete.items()}
    return Ranking(
        errors=dict(sorted(errors.items(), key=lambda item: item[1])),
        trials=complete,
        misfits={label: float(np.mean(misfits[label])) for label in complete},
    )


def members_of_consensus(found: Sequence[Solution]) -> list[str]:
    """Labels of the solutions of which the consensus is made: the anchored ones, or all if there are none."""
    return [one.label for one in found if is_anchored(one)] or [one.label for one in found]


def with_consensus(found: Sequence[Solution], weight: Floats, members: Sequence[str]) -> list[Solution]:
    """Add the consensus of its members, those of the image on twins too, if they are enough."""
    known = [one for one in found if one.label in members]
    return [*found, consensus(known, weight)] if len(known) >= CONSENSUS_OF else list(found)


def _of_the_truth(misfit: float, shape: tuple[int, ...]) -> float:
    """Misfit that the truth would have: a fit of each pixel follows the noise by as much as it is free to."""
    n_endmembers, n_channels = shape
    return max(misfit, LEAST_MISFIT) * n_channels / max(n_channels - n_endmembers, 1)


def _fault(solution: Solution, relative_misfit: float) -> str:
    starts = np.unique(np.linspace(0, solution.endmembers.shape[1], BINS, endpoint=False).astype(int))
    binned = np.add.reduceat(solution.endmembers, starts, axis=1)
    share = float((-np.minimum(binned, 0.0).sum(axis=1) / np.abs(binned).sum(axis=1)).max())
    if share > MOST_NEGATIVE:
        return f"{100 * share:.0f} % of an endmember are below zero"
    if relative_misfit > MOST_MISFIT:
        return f"leaves {relative_misfit:.2f} times the misfit of the best"
    return ""


def _typical(errors: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(np.maximum(errors, 1e-12)))))
