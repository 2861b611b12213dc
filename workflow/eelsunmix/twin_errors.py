"""Errors of maps on simulated images (twins) that decide what is said of the result."""

MOST_ERROR = 0.2
"""Relative error up to which maps are to be used without a warning."""
