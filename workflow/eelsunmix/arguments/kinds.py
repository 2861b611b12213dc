"""What arguments must be beyond their annotations: the same in all functions, by their names."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeGuard

import numpy as np
import xarray as xr
from pydantic import AfterValidator, Field, GetCoreSchemaHandler, InstanceOf
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from eelsunmix.arguments.images import usable_image
from eelsunmix.edges import EdgeRequest
from eelsunmix.errors import InputError, in_brief, suggestion
from eelsunmix.plain import plain_values
from eelsunmix.storage import MANIFEST, Variable
from eelsunmix.typing import Anchor, Brightness, Device
from eelsunmix.units import electronvolts_per

_LONGEST_NAME = 255
_TAKEN = frozenset({"", ".", "..", "zarr.json", MANIFEST})
"""Names that no file of an array may have."""


@dataclass(frozen=True)
class ResultOf:
    """Annotation of a dataset: the function that makes it, what it holds at least (attributes: numbers)."""

    function: str
    variables: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    dims: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"const": f"the result of {self.function}"}

    def _checked(self, dataset: xr.Dataset) -> xr.Dataset:
        missing = [f"variable {name}" for name in self.variables if name not in dataset]
        missing += [f"attribute {name}" for name in self.attributes if name not in dataset.attrs]
        missing += [f"dim {name}" for name in self.dims if name not in dataset.dims]
        missing += [f"number {name}" for name in self.attributes if not _is_number(dataset.attrs.get(name))]
        if missing:
            raise ValueError(f"needs the result of {self.function}, but has no {missing[0]}")
        return dataset


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _mask(values: xr.DataArray) -> xr.DataArray:
    if values.dtype != bool:
        raise ValueError(f"needs True or False for each pixel, found numbers of type {values.dtype}")
    return values


def _energies(axis: xr.DataArray) -> xr.DataArray:
    per = electronvolts_per(str(axis.attrs.get("units")))
    if axis.ndim != 1 or axis.size < 2 or axis.dtype.kind not in "uif" or per is None:
        raise ValueError("needs the energies of two channels or more, with units of eV or keV")
    return axis


def _usable_path(path: str | Path) -> str | Path:
    name = str(path)
    if {"\0", "\n"} & {*name} or any(
        len(part.encode("utf-8", "replace")) > _LONGEST_NAME for part in Path(name).parts
    ):
        raise ValueError(f"needs the path of a file or folder, not {in_brief(name)}")
    return path


def _edges(edges: Any) -> Any:
    if isinstance(edges, list | tuple):
        if strange := [name for name in edges if not isinstance(name, str)]:
            raise ValueError(f"needs names of edges, such as Ti_L23, not {in_brief(strange[0])}")
        return edges
    if not isinstance(edges, Mapping):
        raise ValueError(f"needs a mapping (key: value) or a list of names, not {in_brief(edges)}")
    for name, edge in edges.items():
        if fault := _edge_fault(name, edge):
            raise ValueError(f"[{in_brief(name)}] {fault}")
    return edges


def _edge_fault(name: Any, edge: Any) -> str | None:
    if not isinstance(name, str):
        return "needs a name that is text"
    if not name or not name.isprintable():
        return "needs a name of letters on one line"
    if isinstance(edge, EdgeRequest):
        return None
    if not isinstance(edge, Mapping):
        return f"needs the fields of an edge, {{}} for none, not {in_brief(edge)}"
    if strange := [key for key in edge if key not in EdgeRequest.model_fields]:
        advice = suggestion(str(strange[0]), EdgeRequest.model_fields)
        return f"has the unknown key {in_brief(strange[0])}; {advice}"
    try:
        EdgeRequest(**edge)
    except InputError as error:
        words = str(error).removeprefix("EdgeRequest: ").replace(" or null", "")
        return f"{words}; see eelsunmix.edges.EdgeRequest"
    return None


def _plain(value: Any) -> Any:
    try:
        plain_values(value)
    except TypeError as error:
        raise ValueError(f"needs plain values (numbers, texts, lists, mappings); {error}") from None
    return value


def _storable(dataset: xr.Dataset) -> xr.Dataset:
    _check_attributes(dataset.attrs)
    for name, array in dataset.variables.items():
        _check_name(name)
        _check_attributes(array.attrs)
        if array.dtype.kind == "O" and not all(isinstance(value, str) for value in array.to_numpy().flat):
            raise ValueError(f"has objects of Python in {name}; store numbers or texts")
        if array.dtype.char in "gG":
            raise ValueError(f"has {name} of type {array.dtype}, which no store can hold; use float64")
        if array.dtype.kind in "mM" and "units" in array.attrs:
            raise ValueError(f"has dates {name} with the attribute units, which stores write; remove it")
    if strange := [dim for dim in dataset.dims if not isinstance(dim, str)]:
        raise ValueError(f"has the dim {in_brief(strange[0])}, whose name is no text; rename it")
    levels = [name for name, index in dataset.indexes.items() if index.nlevels > 1]
    if levels:
        raise ValueError(f"has an index of several levels, {levels[0]}; make coordinates of it: reset_index")
    return dataset


def _check_attributes(attrs: Mapping[Any, Any]) -> None:
    if strange := [key for key in attrs if not isinstance(key, str)]:
        raise ValueError(f"has the attribute {in_brief(strange[0])}, whose name is no text")
    _plain(attrs)


def _check_name(name: Hashable) -> None:
    parts = name.split("/") if isinstance(name, str) else [""]
    if any(part in _TAKEN or "\0" in part or len(part.encode()) > _LONGEST_NAME for part in parts):
        raise ValueError(f"has a variable {in_brief(name)}, which cannot be the name of a file; rename it")


Image = Annotated[xr.DataArray, AfterValidator(usable_image)]
AnyPath = Annotated[str | Path, AfterValidator(_usable_path)]
_PCA = ("eigenvalue", "loading", "score", "channel_weight", "pixel_weight")
_DIMS = ("index", "component")
_NUMBERS = ("n_valid_pixels", "n_channels", "n_channels_with_counts")

KINDS: dict[str, Any] = {
    "image": Image,
    "counts": Image,
    "raw_energy": Annotated[xr.DataArray, AfterValidator(_energies)],
    "edge_free": Annotated[xr.DataArray, AfterValidator(_mask)],
    "n_endmembers": Annotated[int, Field(ge=1)],
    "seed": Annotated[int, Field(ge=0)],
    "n_learning_pixels": Annotated[int, Field(ge=1)],
    "brightness": Brightness,
    "anchor": Anchor,
    "device": Device,
    "edges": Annotated[Any, AfterValidator(_edges)],
    "path": AnyPath,
    "checkpoint": AnyPath,
    "inputs": Sequence[AnyPath],
    "dataset": Annotated[xr.Dataset, AfterValidator(_storable)],
    "own": Mapping[str, InstanceOf[Variable]],
    "settings": Annotated[Mapping[str, Any], AfterValidator(_plain)],
    "pca": Annotated[xr.Dataset, ResultOf("eelsunmix.denoise", _PCA, dims=_DIMS)],
    "estimate_endmembers.pca": Annotated[xr.Dataset, ResultOf("eelsunmix.denoise", _PCA, _NUMBERS, _DIMS)],
    "model": Annotated[xr.Dataset, ResultOf("eelsunmix.fit")],
    "bs": Annotated[xr.Dataset, ResultOf("eelsunmix.subtract_background", ("net_counts",))],
}
"""What an argument of this name is; of one function alone, where its name stands before it."""

MAY_BE_NONE = frozenset({"counts", "vacuum", "edge_free", "raw_energy", "pca", "edges", "checkpoint"})
"""Arguments of which None means that there are none, also where a function passes them on."""

Function = Callable[..., Any]


def kind_of(function: Function, name: str, annotation: Any) -> Any:
    """Return what an argument of a function must be: as listed here, or as annotated."""
    return KINDS.get(f"{function.__name__}.{name}") or KINDS.get(name) or annotation
