"""Arguments of the public functions, checked at the border: one line for what is wrong."""

from eelsunmix.arguments.checking import checked
from eelsunmix.arguments.kinds import KINDS

__all__ = ["KINDS", "checked"]
