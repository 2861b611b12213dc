"""What a variable thickness leaves open: how many counts a pure pixel of each material has.

Where the thickness varies, endmembers of any total counts describe the pixels alike. Those of a fit make the
brightness one on average (`eelsunmix.methods.with_true_totals`), which is right where the thickness does not
go with the composition. Where it does, as of particles on a film, the pixels that hold a material are thicker
than others, or it scatters more: the image cannot tell which.
"""

import numpy as np

from eelsunmix.numerics.equal_counts import DARK
from eelsunmix.recommendation.solution import Solution
from eelsunmix.typing import Brightness, Floats
from eelsunmix.words import two_digits


def totals_deviation(solution: Solution, brightness: Brightness) -> Floats:
    """Return the standard deviations of the logarithms of the totals of endmembers, shape (endmember,).

    A total may be off by as much as the brightness of the pixels that hold the material is: the root mean
    square of its logarithm, weighted by the shares. Of a material that no pixel holds nothing is known: its
    total is taken to be as uncertain as the least known of the others.

    Parameters
    ----------
    solution : Solution
    brightness : {"constant", "variable"}
        Where it is constant, the simplex has the totals: zero, as of a single endmember.
    """
    found = solution.amounts.sum(axis=1)
    if brightness != "variable" or len(solution.endmembers) < 2 or not found.any():
        return np.zeros(len(solution.endmembers))
    learned = found > DARK * float(np.median(found[found > 0]))  # not the border of a vacuum
    shares = solution.shares[learned]
    weights = shares.sum(axis=0)
    is_held = weights > 0
    deviation = np.sqrt(np.log(found[learned]) ** 2 @ shares / np.where(is_held, weights, 1.0))
    return np.where(is_held, deviation, deviation.max())


def deviation_of_shares(shares: Floats, totals: Floats) -> Floats:
    """Return the standard deviations of shares by those of the totals, shape (pixel, endmember).

    An endmember of other counts changes its share ``s_i`` as ``s_i (1 - s_i)`` and all others as
    ``- s_i s_j``.
    """
    all_of_them = (shares**2) @ totals**2
    square = shares**2 * ((1 - 2 * shares) * totals**2 + all_of_them[:, None])
    return np.sqrt(np.maximum(square, 0.0))


def said_of_totals(deviation: Floats) -> str:
    """Say how well shares compare the two least known; empty where the brightness is constant."""
    factor = float(np.exp(2 * np.linalg.norm(np.sort(deviation)[-2:])))  # two deviations
    said = f"shares compare components to within a factor of {two_digits(factor)}, as the brightness varies"
    return said if deviation.any() else ""
