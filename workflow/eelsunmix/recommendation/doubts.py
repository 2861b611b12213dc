"""What the user should know of a recommended result before it is trusted."""

from collections.abc import Mapping

import numpy as np

from eelsunmix.recommendation.choice import LEAST_MISFIT, Ranking
from eelsunmix.recommendation.data import Data
from eelsunmix.recommendation.least_squares import misfit
from eelsunmix.recommendation.solution import Solution
from eelsunmix.twin_errors import MOST_ERROR

MOST_EXCESS = 1.5
"""Misfit of the counts, relative to that of the same candidate on the twins, that needs no warning."""


def doubts(best: Solution, ranking: Ranking, data: Data, excluded: Mapping[str, str]) -> list[str]:
    """Return plain sentences, the worst first; none for a result without doubt.

    The misfit on the twins, of which the noise is known, stands for the degrees of freedom of the candidate:
    how many parameters an average over alike neighbours has is not known, nor the deviance of hardly a count.

    Parameters
    ----------
    best : Solution
        The recommended one.
    ranking : Ranking
        Its errors and misfits on the twins.
    data : Data
    excluded : mapping of str to str
        Label -> why, where no candidate passed; empty otherwise.
    """
    found = [_none_passed(excluded)] if excluded else []
    error = float(np.sqrt(ranking.errors[best.label]))
    if error > MOST_ERROR:
        found.append(_uncertain(error))
    excess = misfit(best, data) / max(ranking.misfits[best.label], LEAST_MISFIT)
    if excess > MOST_EXCESS:
        found.append(_ill_described(excess))
    return found


def doubts_of_anchoring(shared: Mapping[str, float]) -> list[str]:
    """Say what anchoring supposes: in one image a compound and a mixture that is never unmixed look alike.

    Parameters
    ----------
    shared : mapping of str to float
        Element -> part of its edge that was taken out of another spectrum.
    """
    if not shared:
        return []
    names = ", ".join(f"{100 * part:.0f} % of the edge of {name}" for name, part in shared.items())
    return [
        f"anchoring assumes that only one material holds an element, and took {names} away from another "
        "component. If several hold it, write shared: true at its edges and run again; an edge of another "
        "element that only one of them holds anchors it then"
    ]


def _none_passed(excluded: Mapping[str, str]) -> str:
    reasons = "; ".join(f"{label} {reason}" for label, reason in excluded.items())
    return f"no method passed all checks ({reasons}); check the number of endmembers and the corrections"


def _uncertain(error: float) -> str:
    return (
        f"even the best method is off by {100 * error:.0f} % on images simulated from this result: "
        "do not trust details of the maps; more counts, binning or another number of endmembers may help"
    )


def _ill_described(excess: float) -> str:
    return (
        f"the counts differ from the result by {excess:.1f} times as much as counting noise explains, so its "
        "standard deviations are too small: check n_endmembers (too few?), the attribute counts_per_electron "
        "of the image and the corrections"
    )
