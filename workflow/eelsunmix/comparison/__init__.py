"""Comparison of the methods with background subtraction, with each other, and with the truth if known."""

from eelsunmix.comparison.comparing import compare

__all__ = ["compare"]
