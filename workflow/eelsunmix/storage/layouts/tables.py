"""The declared layouts as tables in Markdown."""

from collections.abc import Iterator, Mapping

from eelsunmix.storage.layout import Attribute, Layout, Variable
from eelsunmix.storage.layouts import LAYOUTS
from eelsunmix.storage.layouts.axes import IMAGE

BEGIN = "<!-- begin of the tables; written by python -m eelsunmix.storage.layouts -->"
END = "<!-- end of the tables -->"


def with_tables(page: str) -> str:
    """Return a page with the tables of all stores between its two markers.

    Raises
    ------
    ValueError
        If the page lacks a marker.
    """
    before, _, rest = page.partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        raise ValueError(f"the page needs the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def tables() -> str:
    """One section for each kind of store."""
    return "\n".join(line for kind, layout in LAYOUTS.items() for line in _section(kind, layout)) + "\n"


def _section(kind: str, layout: Layout) -> Iterator[str]:
    yield f"### `{layout.path}` ({kind})\n"
    yield "| variable | dims | type | unit | meaning |"
    yield "|---|---|---|---|---|"
    yield from _rows(layout.variables)
    yield f"\nCoordinates: {_coordinates(layout.coordinates)}.\n"
    yield "| attribute | type | meaning |"
    yield "|---|---|---|"
    for name, one in layout.attributes.items():
        yield f"| `{name}` | {one.types.replace('|', ' or ')} | {_meaning(one)} |"
    yield ""


def _rows(variables: Mapping[str, Variable]) -> Iterator[str]:
    for name, one in variables.items():
        yield f"| `{name}` | {', '.join(one.dims or ())} | {one.dtype} | {_unit(one)} | {_meaning(one)} |"


def _coordinates(coordinates: Mapping[str, Variable]) -> str:
    """Name the axes of the image, which the page explains; explain the others."""
    known = [f"`{name}`" for name in coordinates if name in IMAGE]
    others = [f"`{name}` ({_meaning(one)})" for name, one in coordinates.items() if name not in IMAGE]
    return "; ".join([", ".join(known), *others] if known else others)


def _unit(one: Variable) -> str:
    return "–" if one.unit is None else one.unit.replace("|", " or ")


def _meaning(one: Variable | Attribute) -> str:
    return f"{one.meaning}; only if {one.when}" if one.when else one.meaning
