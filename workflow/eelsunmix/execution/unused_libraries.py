"""Libraries that xarray and Dask load in every process only to ask whether an array is one of theirs."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import xarray as xr

_OF_OTHER_ARRAYS = ("cupy", "pint", "sparse", "scipy.sparse", "scipy.fftpack")
"""Kinds of arrays that no result is made of, and transforms that only `dask.array.fft` offers."""


def leave_out_unused_libraries() -> None:
    """Let xarray and Dask answer their questions once, while these libraries seem not to be installed.

    They are installed for other uses: units, and readers of some files. To load them takes as long as all
    else that a small job loads, mostly because sparse loads numba. Whoever imports them later finds them.
    """
    with hidden(*_OF_OTHER_ARRAYS):
        importlib.import_module("dask.array")
        xr.DataArray(np.zeros(1), dims="x").assign_coords(x=[0]).to_numpy()


@contextmanager
def hidden(*names: str) -> Iterator[None]:
    """Let modules that are not loaded yet seem not to be installed, inside this context."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
