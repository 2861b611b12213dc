"""Where the panels of a figure lie: counted in px, handed to plotly as fractions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eelsunmix.report.figures.style import WIDTH


@dataclass(frozen=True, kw_only=True)
class Panels:
    """A grid of panels of equal size.

    Parameters
    ----------
    count, columns : int
        Panels, filled row by row, and panels per row.
    panel_width, panel_height : float
        Size of the plotting area of one panel in px.
    gap_x, gap_y : float
        Space between neighbours in px, for tick labels and colour bars.
    left, right, top, bottom : float
        Margins in px.
    """

    count: int
    columns: int
    panel_width: float
    panel_height: float
    gap_x: float
    gap_y: float
    left: float
    right: float
    top: float
    bottom: float

    @property
    def rows(self) -> int:
        """Number of rows."""
        return -(-self.count // self.columns)

    @property
    def plot_width(self) -> float:
        """Width inside the margins in px."""
        return self.columns * self.panel_width + (self.columns - 1) * self.gap_x

    @property
    def plot_height(self) -> float:
        """Height inside the margins in px."""
        return self.rows * self.panel_height + (self.rows - 1) * self.gap_y

    @property
    def width(self) -> float:
        """Whole width in px."""
        return self.left + self.plot_width + self.right

    @property
    def height(self) -> float:
        """Whole height in px."""
        return self.top + self.plot_height + self.bottom

    def place(self, index: int) -> tuple[int, int]:
        """Return row and column of a panel, both from 0."""
        return divmod(index, self.columns)

    def domain_x(self, index: int) -> tuple[float, float]:
        """Return the horizontal extent of a panel as fractions."""
        start = self.place(index)[1] * (self.panel_width + self.gap_x)
        return start / self.plot_width, min(1.0, (start + self.panel_width) / self.plot_width)

    def domain_y(self, index: int) -> tuple[float, float]:
        """Return the vertical extent of a panel as fractions, from the bottom."""
        start = self.place(index)[0] * (self.panel_height + self.gap_y)
        top = self.plot_height - start
        return max(0.0, (top - self.panel_height) / self.plot_height), top / self.plot_height

    def is_lowest(self, index: int) -> bool:
        """Tell whether no panel lies below this one."""
        return index + self.columns >= self.count

    def layout(self, *, scale_height: bool) -> dict[str, Any]:
        """Return height, margins and what the page's script needs to adapt the height to the width."""
        side, fixed = self.left + self.right, self.top + self.bottom
        meta = {"width": self.width, "side": side, "fixed": fixed, "plot": self.plot_height}
        margin = {"l": self.left, "r": self.right, "t": self.top, "b": self.bottom}
        if not scale_height:
            return {"height": round(self.height), "margin": margin}
        # Plotly would keep a margin that it has widened for the colour bars of the variant shown before.
        return {"height": round(self.height), "margin": {**margin, "autoexpand": False}, "meta": meta}


def grid_of(
    panels: Panels, methods: Sequence[str], *, titled: bool = False, bars: str = ""
) -> dict[str, Any]:
    """Describe the panels of a figure, so that the page's script can close the gaps of hidden methods.

    Parameters
    ----------
    panels : Panels
    methods : sequence of str
        Method of each panel; empty where it belongs to none, so that nothing hides it.
    titled : bool
        Whether rows and columns have titles, so that a panel cannot move to another row or column.
    bars : str
        Where colour bars stand, see `eelsunmix.report.figures.grid_colours.Bars`.
    """
    size = {"width": panels.panel_width, "height": panels.panel_height}
    gaps = {"gapX": panels.gap_x, "gapY": panels.gap_y}
    return {
        "columns": panels.columns,
        **size,
        **gaps,
        "methods": list(methods),
        "titled": titled,
        "bars": bars,
    }


def line_panels(
    count: int,
    *,
    columns: int,
    panel_height: float = 190,
    top: float = 56,
    gap_x: float = 64.0,
    width: float = WIDTH,
) -> Panels:
    """Return panels for line plots that fill the width of the page, or another one."""
    columns = max(1, min(columns, count))
    left, right = 88.0, 18.0
    panel_width = (width - left - right - (columns - 1) * gap_x) / columns
    return Panels(
        count=max(1, count),
        columns=columns,
        panel_width=panel_width,
        panel_height=panel_height,
        gap_x=gap_x,
        gap_y=52,
        left=left,
        right=right,
        top=top,
        bottom=52,
    )


def balanced(count: int) -> int:
    """Return how many panels side by side leave few holes.

    Examples
    --------
    >>> [balanced(count) for count in (1, 2, 3, 4, 5, 6, 7, 9)]
    [1, 2, 3, 2, 3, 3, 3, 3]
    """
    return {1: 1, 2: 2, 4: 2}.get(count, 3)


def legend_height(names: Sequence[str]) -> float:
    """Return the height in px of a legend that lies above the panels, over their whole width.

    Examples
    --------
    >>> legend_height(["BS", "nmf"]), legend_height([f"{name}_published" for name in "abcdefghij"])
    (22.0, 44.0)
    """
    rows, left = 1, 0.0
    for name in names:
        width = 46 + 6.6 * len(name)
        rows, left = (rows, left + width) if left + width <= WIDTH - 100 else (rows + 1, width)
    return 22.0 * rows


def axis_name(letter: str, index: int) -> str:
    """Return plotly's name of an axis in traces.

    Examples
    --------
    >>> axis_name("x", 0), axis_name("y", 2)
    ('x', 'y3')
    """
    return letter if index == 0 else f"{letter}{index + 1}"


def axis_key(letter: str, index: int) -> str:
    """Return plotly's name of an axis in the layout.

    Examples
    --------
    >>> axis_key("x", 0), axis_key("y", 2)
    ('xaxis', 'yaxis3')
    """
    return f"{letter}axis" if index == 0 else f"{letter}axis{index + 1}"
