"""What a variable thickness leaves open: how many counts a pure pixel of each material has.

Where the thickness varies, endmembers of any total counts describe the pixels alike. Those of a fit make the
brightness one on average (`eelsunmix.methods.factors_to_one`), which is right where the thickness does not go
with the composition. Where it does, as of particles on a film, the pixels that hold a material are thicker
than others, or it scatters more: the image cannot tell which.
"""

import numpy as np

from eelsunmix.methods import factors_to_one
from eelsunmix.numerics.equal_counts import DARK
from eelsunmix.recommendation.solution import Solution
from eelsunmix.typing import Brightness, Floats


def totals_deviation(solution: Solution, brightness: Brightness) -> Floats:
    """Return the standard deviations of the logarithms of the totals of endmembers, shape (endmember,).

    Two signs that the brightness is not one at every composition, added in squares: how far from one it is in
    the pixels that hold a material (root mean square, weighted by the shares), and half of the difference
    between the totals by the darker and by the brighter half of the pixels.

    Parameters
    ----------
    solution : Solution
    brightness : {"constant", "variable"}
        Where it is constant, the simplex has the totals: zero, as of a single endmember.
    """
    found = solution.amounts.sum(axis=1)
    if brightness != "variable" or len(solution.endmembers) < 2 or not found.any():
        return np.zeros(len(solution.endmembers))
    return np.hypot(_unlike_one(solution, found), _unlike_each_other(solution, found))


def _unlike_one(solution: Solution, found: Floats) -> Floats:
    middle = float(np.median(found[found > 0]))
    learned = found > DARK * middle  # not the border of a vacuum, as in a fit
    shares = solution.shares[learned]
    weights = np.maximum(shares.sum(axis=0), np.finfo(float).tiny)
    deviation: Floats = np.sqrt(np.log(found[learned]) ** 2 @ shares / weights)
    return deviation


def _unlike_each_other(solution: Solution, found: Floats) -> Floats:
    middle = np.median(found)
    halves = [factors_to_one(solution.amounts[half]) for half in (found <= middle, found >= middle)]
    ratio = np.log(halves[0] / halves[1])
    # A factor that all totals have in common changes no share.
    deviation: Floats = np.abs(ratio - ratio.mean()) / 2
    return deviation


def deviation_of_shares(shares: Floats, totals: Floats) -> Floats:
    """Return the standard deviations of shares by those of the totals, shape (pixel, endmember).

    An endmember of other counts changes its share ``s_i`` as ``s_i (1 - s_i)`` and all others as
    ``- s_i s_j``.
    """
    all_of_them = (shares**2) @ totals**2
    square = shares**2 * ((1 - 2 * shares) * totals**2 + all_of_them[:, None])
    return np.sqrt(np.maximum(square, 0.0))


def said_of_totals(deviation: Floats) -> str:
    """Say how well shares compare materials, two deviations; empty where the brightness is constant."""
    largest = float(np.exp(2 * deviation.max()))
    said = f"shares compare components to within a factor of {largest:.2g}, as the brightness varies"
    return said if deviation.any() else ""
