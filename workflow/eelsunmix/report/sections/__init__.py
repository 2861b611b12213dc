"""Sections of the report, from the data to the run."""
