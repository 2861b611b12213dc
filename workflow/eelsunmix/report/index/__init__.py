"""The page of all samples: their verdicts in, one self-contained HTML page out."""

from eelsunmix.report.index.page import write_index
from eelsunmix.report.index.rows import Missing

__all__ = ["Missing", "write_index"]
