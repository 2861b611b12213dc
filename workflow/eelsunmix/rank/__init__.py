"""How many endmembers the data hold: several estimates, the evidence, and the one that is chosen."""

from eelsunmix.rank.choice import ComponentOptions
from eelsunmix.rank.estimates import elbow, estimate_endmembers

__all__ = ["ComponentOptions", "elbow", "estimate_endmembers"]
