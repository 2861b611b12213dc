"""Whether the dataset of a stored model holds what its class declares; words for what is wrong with it."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, get_type_hints

import numpy as np
import xarray as xr
from pydantic import ConfigDict, TypeAdapter, ValidationError

from eelsunmix.errors import in_brief
from eelsunmix.methods._models import COUNTS_ATTRIBUTE, RECORD, StoredModel, variable_name

_ANY_TYPE = ConfigDict(arbitrary_types_allowed=True, strict=True)


def faults(dataset: xr.Dataset, kind: type[StoredModel]) -> Iterator[str]:
    """Yield what is wrong with the dataset of a model.

    Parameters
    ----------
    dataset : Dataset
        Result of `eelsunmix.fit`, or of `to_dataset` of a model, perhaps damaged or of another version.
    kind : type
        Class of the model that it should hold.
    """
    for name in RECORD:
        if not isinstance(dataset.attrs.get(name), str):
            yield f"attribute {name} is {in_brief(dataset.attrs.get(name))} instead of text"
    for item in dataclasses.fields(kind):
        if item.metadata.get("dims"):
            yield from _array_faults(dataset, item)
        elif "dims" in item.metadata and not any(str(name).startswith(f"{item.name}.") for name in dataset):
            yield f"variables {item.name}.* are missing"
    yield from _settings_faults(dataset.attrs.get("model_settings"), kind)
    yield from _counts_faults(dataset)


def _array_faults(dataset: xr.Dataset, item: dataclasses.Field[Any]) -> Iterator[str]:
    name = variable_name(item.name)
    if name not in dataset:
        if _is_needed(item):
            yield f"variable {name} is missing"
        return
    array, energy = dataset[name], _energy_dim(dataset)
    dims = tuple(energy if dim == "channel" else dim for dim in item.metadata["dims"])
    if array.dims != dims:
        yield f"variable {name} has the dims {array.dims} instead of {dims}"
    elif array.dtype.kind not in "biuf":
        yield f"variable {name} holds no numbers"
    elif item.name == "endmembers" and not (array.size and np.isfinite(array.to_numpy()).all()):
        yield f"variable {name} is empty, or has values that are not finite"


def _energy_dim(dataset: xr.Dataset) -> Any:
    """Name that the channels have in this dataset."""
    spectra = dataset.get("endmember_spectrum")
    return "channel" if spectra is None or not spectra.ndim else spectra.dims[-1]


def _settings_faults(settings: Any, kind: type[StoredModel]) -> Iterator[str]:
    if not isinstance(settings, dict):
        yield f"attribute model_settings is {in_brief(settings)} instead of a mapping"
        return
    types = get_type_hints(kind)
    plain = {
        item.name: item
        for item in dataclasses.fields(kind)
        if "dims" not in item.metadata and item.name not in RECORD
    }
    for name in settings.keys() - plain.keys():
        yield f"model_settings has {in_brief(name)}, which a {kind.__name__} does not have"
    for name, item in plain.items():
        if name not in settings and _is_needed(item):
            yield f"model_settings lacks {name}"
        if name in settings and not _is_of_type(settings[name], types[name]):
            yield f"{name} of model_settings cannot be {in_brief(settings[name])}"


def _counts_faults(dataset: xr.Dataset) -> Iterator[str]:
    counts = dataset.attrs.get(COUNTS_ATTRIBUTE, 1.0)
    is_number = isinstance(counts, int | float | np.number) and not isinstance(counts, bool)
    if not is_number or not (math.isfinite(counts) and counts > 0):
        yield f"attribute {COUNTS_ATTRIBUTE} is {in_brief(counts)} instead of a number above 0"


def _is_needed(item: dataclasses.Field[Any]) -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def _is_of_type(value: Any, kind: Any) -> bool:
    value = value.item() if isinstance(value, np.generic) else value
    try:
        TypeAdapter(kind, config=_ANY_TYPE).validate_python(value)
    except ValidationError:
        return False
    return True
