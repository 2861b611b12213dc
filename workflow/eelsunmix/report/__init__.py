"""The report: sealed stores in, one self-contained HTML page out; it computes nothing new."""

from eelsunmix.report.benchmarks import read_benchmarks
from eelsunmix.report.sample import write_report

__all__ = ["read_benchmarks", "write_report"]
