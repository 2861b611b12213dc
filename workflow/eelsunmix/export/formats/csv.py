"""CSV: spectra, profiles and line scans as tables that Excel, Origin and pandas open.

One line of headings with units, a decimal point, commas between; UTF-8 with the mark by which Excel knows it.
What is said of a table stands in a JSON file of its name, so that no program trips over comments.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr

from eelsunmix.export.axes import axis_of, frame_names
from eelsunmix.export.describing import as_text
from eelsunmix.export.package import Package
from eelsunmix.export.quantities import Quantity, Single

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First letters by which a table program takes a text for a formula."""


def write(package: Package, folder: Path) -> None:
    """Write every spectrum and profile, and the maps of a line scan."""
    for one in package.quantities:
        if is_line(one):
            place = one.folder_in(folder)
            write_table(place / f"{one.stem}.csv", one)
            about = {"title": one.title, "unit": one.unit, "names": dict(one.names), **one.about}
            (place / f"{one.stem}.json").write_text(as_text(about), encoding="utf-8")


def is_line(one: Quantity) -> bool:
    """Whether a quantity is a set of lines: all but the maps of an image."""
    return one.kind != "map" or 1 in (one.array.sizes["y"], one.array.sizes["x"])


def write_table(path: Path, one: Quantity) -> None:
    """Write the axis and one column for each line, its deviation beside it."""
    axis = axis_of(one.array, _along(one))
    heads, columns = [_head(axis.name, axis.unit)], [axis.values]
    for single in one.single():
        for head, values in _lines(single):
            heads.append(head)
            columns.append(values)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        table = csv.writer(stream)
        table.writerow([harmless(head) for head in heads])
        table.writerows([_number(value) for value in row] for row in zip(*columns, strict=True))


def harmless(text: str) -> str:
    """Keep a text from being run as a formula.

    Examples
    --------
    >>> harmless("=HYPERLINK(1)"), harmless("Ti_L23 (counts)")
    ("'=HYPERLINK(1)", 'Ti_L23 (counts)')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def _along(one: Quantity) -> str:
    """Return the dim that the lines run along."""
    if one.kind == "map":
        return "x" if one.array.sizes["y"] == 1 else "y"
    return one.own_dims[-1]


def _lines(single: Single) -> Iterator[tuple[str, np.ndarray]]:
    """Yield heading and values of each line; of a series one for each frame."""
    unit, name = single.quantity.unit, " ".join(single.names.values()) or single.quantity.variable
    for array, what in ((single.array, ""), (single.deviation, "sd of ")):
        if array is not None:
            for frame, line in _frames(array, _along(single.quantity)):
                yield _head(f"{what}{name}{frame}", unit), line


def _frames(array: xr.DataArray, along: str) -> Iterator[tuple[str, np.ndarray]]:
    array = array.squeeze([dim for dim in ("y", "x") if dim in array.dims and dim != along])
    if "frame" not in array.dims:
        yield "", np.asarray(array.values, dtype=float)
        return
    for number, name in enumerate(frame_names(array)):
        yield f" {name}", np.asarray(array.isel(frame=number).values, dtype=float)


def _head(name: str, unit: str) -> str:
    words = name.replace("energy_loss", "energy loss").replace("raw_energy", "energy of the raw image")
    return f"{words} ({unit})" if unit and unit != "1" else words


def _number(value: float) -> str:
    """Write a number so that it is read back the same; nothing where there is none."""
    return repr(float(value)) if np.isfinite(value) else ""
