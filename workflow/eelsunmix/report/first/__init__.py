"""The first screen of a page: maps to use, a profile, and what to make of them in a few sentences."""

from eelsunmix.report.first.screen import first_screen

__all__ = ["first_screen"]
