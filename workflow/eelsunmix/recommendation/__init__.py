"""The result that is best on images like the user's: `recommend`."""

from eelsunmix.recommendation.recommending import recommend

__all__ = ["recommend"]
