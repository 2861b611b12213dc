"""Figures of the report, and how they look."""
