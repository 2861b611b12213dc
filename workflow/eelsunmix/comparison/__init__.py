"""Comparison of the methods with background subtraction, with each other, and with the truth if known.

`docs/data-model.md` lists what ``comparison.zarr`` holds (`eelsunmix.storage.layouts.comparison`). Its dim
``label`` is ``"BS"``, then the labels of the methods in the order of the configuration (not ``method``:
xarray's ``sel`` has a keyword of this name). A failed method keeps its place, with NaN (-1 for indices,
``""`` for labels).
"""

from eelsunmix.comparison.comparing import compare

__all__ = ["compare"]
