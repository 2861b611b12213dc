"""What a store holds: variables and attributes, declared once, and the check of a dataset against them.

The declarations of all kinds of stores are in `eelsunmix.storage.layouts`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

import xarray as xr

from eelsunmix.plain import plain_values

NAVIGATION = ("frame", "y", "x")
SPECTRAL = ("energy_loss", "energy")
ANY_UNIT = "*"
"""Unit of what may be in any: the frames of a series."""

_DTYPES = {"float": "f", "integer": "iu", "number": "iuf", "bool": "b", "text": "UTO"}
_TYPES: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {"int": (int,), "float": (int, float), "str": (str,), "list": (list,), "dict": (dict,)}
    | {"bool": (bool,), "None": (type(None),)}
)
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Variable:
    """An array of a store.

    Parameters
    ----------
    dims : tuple of str, optional
        Names in order. ``navigation`` stands for ``y, x`` or ``frame, y, x``, ``frames`` for ``frame`` where
        the image has it, ``energy`` for the spectral dim. None: any.
    dtype : {"float", "integer", "number", "bool", "text"}
        Kind of the values.
    unit : str, optional
        Its ``attrs["units"]``; alternatives with ``|`` between them; None for what has no unit (indices,
        texts, yes or no).
    meaning : str
        One short sentence.
    when : str
        When it is there; empty for always.
    """

    dims: tuple[str, ...] | None
    dtype: str
    unit: str | None
    meaning: str
    when: str = ""


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """An attribute of a store; `types` are names of JSON's types in Python, with ``|`` between them."""

    types: str
    meaning: str
    when: str = ""


def variable(dims: str, dtype: str, unit: str | None, meaning: str, *, when: str = "") -> Variable:
    """Declare an array by one string of dims, such as ``"edge navigation"``."""
    return Variable(dims=tuple(dims.split()), dtype=dtype, unit=unit, meaning=meaning, when=when)


def attribute(types: str, meaning: str, *, when: str = "") -> Attribute:
    """Declare an attribute."""
    return Attribute(types=types, meaning=meaning, when=when)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Everything that one kind of store may hold.

    Parameters
    ----------
    path : str
        Where such stores lie, for the documentation.
    variables, coordinates : mapping of str to Variable
        By name; a name may be a pattern, such as ``weights.*``.
    attributes : mapping of str to Attribute
    may_fail : bool
        Whether ``attrs["status"]`` may be "failed"; such a store has no arrays, and of its attributes those
        that are there.
    """

    path: str
    variables: Mapping[str, Variable]
    coordinates: Mapping[str, Variable] = field(default_factory=dict)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    may_fail: bool = False

    def faults(
        self, dataset: xr.Dataset, own: Mapping[str, Variable] = _NOTHING, *, whole: bool = True
    ) -> Iterator[str]:
        """Yield what is wrong with a dataset: name, what was found and what is declared.

        Parameters
        ----------
        dataset : Dataset
        own : mapping of str to Variable
            Further arrays, declared elsewhere.
        whole : bool
            Whether everything is checked. Otherwise only that the arrays which are always there are there,
            with their dims and dtypes: enough to read a store, also one of another version.
        """
        failed = self.may_fail and dataset.attrs.get("status") == "failed"
        arrays = _NOTHING if failed else {**self.variables, **own}
        yield from _array_faults(dataset, dataset.data_vars, arrays, "variable", whole=whole)
        axes = _NOTHING if failed else self.coordinates
        yield from _array_faults(dataset, dataset.coords, axes, "coordinate", whole=whole)
        if whole:
            yield from _attribute_faults(dataset.attrs, self.attributes, failed=failed)


def _array_faults(
    dataset: xr.Dataset, found: Mapping[Any, Any], declared: Mapping[str, Variable], what: str, *, whole: bool
) -> Iterator[str]:
    for name in declared:
        if not declared[name].when and "*" not in name and name not in found:
            yield f"{what} {name} is missing"
    for name in map(str, found):
        one = _declared(name, declared)
        if one is not None:
            yield from _mismatches(f"{what} {name}", dataset, dataset[name], one, unit=whole)
        elif whole:
            yield f"{what} {name} is not declared"


def _declared(name: str, declared: Mapping[str, Variable]) -> Variable | None:
    patterns = (one for pattern, one in declared.items() if fnmatchcase(name, pattern))
    return declared.get(name) or next(patterns, None)


def _mismatches(
    name: str, dataset: xr.Dataset, array: xr.DataArray, declared: Variable, *, unit: bool
) -> Iterator[str]:
    dims = None if declared.dims is None else resolved(declared.dims, dataset)
    if dims is not None and array.dims != dims:
        yield f"{name} has dims ({', '.join(map(str, array.dims))}), declared are ({', '.join(dims)})"
    if array.dtype.kind not in _DTYPES[declared.dtype]:
        yield f"{name} is of type {array.dtype}, declared is {declared.dtype}"
    if unit and declared.unit != ANY_UNIT:
        allowed = [None] if declared.unit is None else declared.unit.split("|")
        found = array.attrs.get("units")
        if found not in allowed:
            yield f"{name} has {_unit(found)}, declared is {declared.unit or 'none'}"


def _unit(found: object) -> str:
    return "no unit" if found is None else f"the unit {found}"


def resolved(dims: tuple[str, ...], dataset: xr.Dataset) -> tuple[str, ...]:
    """Replace the symbolic dims of a declaration by those of a dataset.

    Examples
    --------
    >>> resolved(("edge", "navigation"), xr.Dataset({"counts": (("y", "x", "energy"), [[[1.0]]])}))
    ('edge', 'y', 'x')
    """
    known: dict[str, list[str]] = {
        "navigation": [dim for dim in NAVIGATION if dim in dataset.dims or dim != "frame"],
        "frames": [dim for dim in NAVIGATION[:1] if dim in dataset.dims],
        "energy": [dim for dim in SPECTRAL if dim in dataset.dims][:1] or ["energy"],
    }
    return tuple(name for dim in dims for name in known.get(dim, [dim]))


def _attribute_faults(
    attrs: Mapping[Any, Any], declared: Mapping[str, Attribute], *, failed: bool
) -> Iterator[str]:
    for name, one in declared.items():
        if name not in attrs and not one.when and not failed:
            yield f"attribute {name} is missing"
    for name, value in attrs.items():
        if name not in declared:
            yield f"attribute {name} is not declared"
        elif not _is_of_type(plain_values(value), declared[name].types):
            yield f"attribute {name} is {type(value).__name__}, declared is {declared[name].types}"


def _is_of_type(value: Any, types: str) -> bool:
    names = types.split("|")
    return ("bool" in names) if isinstance(value, bool) else any(isinstance(value, _TYPES[n]) for n in names)
