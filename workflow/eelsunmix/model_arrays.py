"""The arrays that a fitted model stores beside its endmembers, as the fields of its class declare them."""

import dataclasses

import xarray as xr

from eelsunmix.methods import has_failed, stored_class
from eelsunmix.storage import Variable


def model_arrays(stored: xr.Dataset) -> dict[str, Variable]:
    """Take the declarations of a model's own arrays from its class.

    Parameters
    ----------
    stored : Dataset
        Result of `eelsunmix.fit`.

    Returns
    -------
    dict
        Name -> declaration; empty for a method that failed.
    """
    if has_failed(stored):
        return {}
    fields = dataclasses.fields(stored_class(stored))
    return dict(
        _declaration(item.name, item.metadata["dims"], item.metadata["units"])
        for item in fields
        if "dims" in item.metadata and item.name != "endmembers"
    )


def _declaration(name: str, dims: tuple[str, ...], units: str) -> tuple[str, Variable]:
    """Declare one array, or, without dims, all those of a dict."""
    stored = tuple("energy" if dim == "channel" else dim for dim in dims)
    return name if dims else f"{name}.*", Variable(
        dims=stored or None,
        dtype="number",
        unit=units,
        meaning="parameter of the model",
        when="the model has it",
    )
