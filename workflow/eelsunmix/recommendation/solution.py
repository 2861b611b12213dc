"""What a candidate makes of an image."""

from dataclasses import dataclass

import numpy as np

from eelsunmix.typing import Floats


@dataclass(frozen=True, kw_only=True)
class Solution:
    """What a candidate makes of an image, for the pixels that have sample.

    Parameters
    ----------
    label : str
    endmembers : ndarray, shape (endmember, channel)
        Counts of a pixel of amount one.
    amounts : ndarray, shape (pixel, endmember)
        Shares times brightness.
    status : str
        "converged" or "not converged".
    average : str
        Name of the averages that were mapped (`eelsunmix.recommendation.data.AVERAGES`); empty: the counts.
    fault : str
        Why it is the same as another one; empty if it is not.
    """

    label: str
    endmembers: Floats
    amounts: Floats
    status: str = "converged"
    average: str = ""
    fault: str = ""

    @property
    def shares(self) -> Floats:
        """Amounts divided by their sum; equal shares where there is nothing, shape (pixel, endmember)."""
        sums = self.amounts.sum(axis=1, keepdims=True)
        equal = np.full_like(self.amounts, 1 / self.amounts.shape[1])
        return np.divide(self.amounts, sums, out=equal, where=sums > 0)
