"""What a page is made of: sections of texts, notices, tables and figures, without a word of HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple


@dataclass(frozen=True)
class Text:
    """A paragraph, or a list where there are several lines."""

    lines: tuple[str, ...]
    kind: ClassVar[str] = "text"

    def __init__(self, *lines: str) -> None:
        object.__setattr__(self, "lines", tuple(lines))


@dataclass(frozen=True)
class Notice:
    """Something that the reader must not miss; `level` is info, warning or error."""

    text: str
    level: str = "info"
    title: str = ""
    kind: ClassVar[str] = "notice"


class Fact(NamedTuple):
    """Something to know at once, and the section that says why."""

    name: str
    text: str
    section: str = ""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of a table, with a smaller note, and the light and the tooltip that it may have."""

    text: str
    note: str = ""
    light: str = ""
    title: str = ""
    numeric: bool = False
    colour: str = ""
    dash: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row; `method` lets the reader hide it."""

    cells: tuple[Cell, ...]
    method: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table; `columns` are the headings, whose tooltips are `titles`; a `half` one shares its line."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    titles: tuple[str, ...] = ()
    heading: str = ""
    css: str = ""
    half: bool = False
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Control:
    """A choice that the reader has for a figure; a slider where the options have an order."""

    label: str
    options: tuple[str, ...]
    slider: bool = False


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A plot: one plotly figure per combination of the controls' options.

    Parameters
    ----------
    name : str
        Identifier within the page: letters, digits and dashes.
    caption : str
        What is shown, in which unit, summed over how many pixels, and what to look for.
    variants : mapping
        Indices of the chosen options -> plotly figure (``data`` and ``layout``, NumPy arrays allowed).
        A figure without controls has the key ``()``.
    controls : tuple of Control
    half : bool
        Whether the figure shares its line with its neighbour.
    """

    name: str
    caption: str
    variants: Mapping[Any, dict[str, Any]]
    controls: tuple[Control, ...] = ()
    half: bool = False
    kind: ClassVar[str] = "figure"


@dataclass(frozen=True, kw_only=True)
class Card:
    """One thing at a glance: figures beside each other, and facts below the last one of them.

    Where the last figure is flat it stands above the others, as wide as the card.
    """

    name: str
    figures: tuple[Figure, ...]
    facts: tuple[tuple[str, str], ...]
    note: str = ""
    flat: bool = False
    kind: ClassVar[str] = "card"


@dataclass(frozen=True)
class Key:
    """Names of lines and how they are drawn, for figures that share them: label -> line style."""

    styles: Mapping[str, Mapping[str, Any]]
    kind: ClassVar[str] = "key"


@dataclass(frozen=True, kw_only=True)
class Explorer:
    """The spectrum of any pixel or area, computed by the page's script from `data`; one on a page."""

    data: Mapping[str, Any]
    caption: str
    controls: tuple[Control, ...] = ()
    kind: ClassVar[str] = "explorer"


@dataclass(frozen=True)
class Code:
    """Preformatted text; folded away on the screen where it is long."""

    text: str
    title: str = ""
    kind: ClassVar[str] = "code"


Block = Text | Notice | Table | Figure | Card | Key | Explorer | Code


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page with a heading of its own."""

    name: str
    title: str
    intro: str = ""
    blocks: tuple[Block, ...] = field(default_factory=tuple)


def figures_of(block: Block) -> tuple[Figure, ...]:
    """Return the figures of a block."""
    if isinstance(block, Card):
        return block.figures
    return (block,) if isinstance(block, Figure) else ()


def cell(text: str, **options: Any) -> Cell:
    """Return a cell of text."""
    return Cell(text=text, **options)


def figure_cell(text: str, **options: Any) -> Cell:
    """Return a cell that holds a number, which is set to the right."""
    return Cell(text=text, numeric=True, **options)


def pairs(caption: str, rows: Sequence[tuple[str, str]]) -> Table:
    """Return a table of names and values."""
    return Table(
        caption=caption,
        columns=(),
        rows=tuple(Row(cells=(cell(name), cell(text))) for name, text in rows),
        css="pairs",
        half=True,
    )
