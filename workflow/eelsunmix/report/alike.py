"""Which methods find a component: those whose spectrum is more like it than another component is."""

from collections.abc import Sequence

import numpy as np

from eelsunmix.comparison.words import listed
from eelsunmix.metrics import sad_whitened
from eelsunmix.report.inputs import Inputs
from eelsunmix.words import numbered

Member = tuple[str, int]


def found_by(inputs: Inputs, shown: Member, matched: Sequence[Member]) -> str:
    """Say how many methods find a component, and of which others it is not, or hardly, the same.

    Matching gives each component a partner if there is one, however unlike: only a partner nearer to it than
    any other component of its own method counts.

    Parameters
    ----------
    inputs : Inputs
    shown : (str, int)
        Method and endmember of the component.
    matched : sequence of (str, int)
        Those that are matched to each other, itself among them.

    Returns
    -------
    str
        As of a card: "5 of 6 methods; ...".
    """
    absent = [one for one in inputs.working if one not in {label for label, _ in matched}]
    unlike = [one[0] for one in matched if not _is_alike(inputs, shown, one)]
    found = len(matched) - len(unlike)
    text = f"{found} of {numbered(len(inputs.working), 'method')}"
    if unlike:
        text += f"; in {listed(unlike)} the matched one is no nearer to it than another component is"
    return text + (f"; not by {listed(absent)}" if absent else "")


def _is_alike(inputs: Inputs, shown: Member, other: Member) -> bool:
    """Whether the angle between two spectra, in units of noise, is below those of one to its own others."""
    mean = inputs.corrected["mean_spectrum"].to_numpy().astype(float)
    known = np.isfinite(mean)
    own, theirs = (inputs.fits[one[0]]["endmember_spectrum"].to_numpy()[:, known] for one in (shown, other))
    others = np.delete(own, shown[1], axis=0)
    if other == shown or not len(others):
        return True
    mean = mean[known]
    noise = np.sqrt(np.maximum(mean, 1e-6 * mean.max()))
    to_others = sad_whitened(others, own[shown[1]], noise)
    return bool(sad_whitened(theirs[other[1]], own[shown[1]], noise) < np.min(to_others))
