"""`verdict.json`: what the page says of a sample, for machines and for the index of all samples."""

from eelsunmix.report.record.content import SCHEMA, verdict_of

__all__ = ["SCHEMA", "verdict_of"]
