"""Mapping images with fitted models: abundances of all pixels, and what the endmembers leave unexplained."""

from eelsunmix.mapping.application import apply
from eelsunmix.mapping.models import model_for

__all__ = ["apply", "model_for"]
