"""Whether a dataset is laid out as its kind declares."""

from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from eelsunmix.errors import StoreError, in_brief
from eelsunmix.storage.layout import Variable
from eelsunmix.storage.layouts import LAYOUTS


def check_layout(
    dataset: xr.Dataset,
    kind: str,
    own: Mapping[str, Variable] | None = None,
    *,
    place: str | Path = "dataset",
    whole: bool = True,
) -> None:
    """Refuse a dataset that is not laid out as its kind declares.

    Parameters
    ----------
    dataset : Dataset
        Before it is published, or as it was opened.
    kind : str
        One of `LAYOUTS`.
    own : mapping of str to Variable, optional
        Further arrays that it may hold, declared elsewhere: those of a model.
    place : path-like
        What the message calls it.
    whole : bool
        Whether everything is checked (see `Layout.faults`).

    Raises
    ------
    StoreError
        With the first fault: store, variable, what was found and what is declared.

    Examples
    --------
    >>> check_layout(xr.Dataset({"estimate": ("estimator", [3.0])}), "rank", place="rank.zarr", whole=False)
    Traceback (most recent call last):
    ...
    eelsunmix.errors.StoreError: rank.zarr: not a store of kind rank: variable parallel_eigenvalue is missing
    """
    if kind not in LAYOUTS:
        raise StoreError(
            f"{place}: no kind of store is called {in_brief(kind)}; choose from {', '.join(LAYOUTS)}"
        )
    fault = next(LAYOUTS[kind].faults(dataset, own or {}, whole=whole), None)
    if fault is not None:
        raise StoreError(f"{place}: not a store of kind {kind}: {fault}{_hint(dataset, kind)}")


def _hint(dataset: xr.Dataset, wanted: str) -> str:
    if not dataset.data_vars:
        return ""
    fitting = [
        kind for kind in LAYOUTS if kind != wanted and not any(LAYOUTS[kind].faults(dataset, whole=False))
    ]
    return f"; it looks like one of kind {fitting[0]}" if len(fitting) == 1 else ""
