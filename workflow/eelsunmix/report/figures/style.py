"""Colours, line styles and the common look of all plots."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

REFERENCE = "BS"
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""The colour-blind-safe palette of Okabe and Ito without its yellow and black."""
COLOURS = (*OKABE_ITO, "#332288", "#8B5A2B")
"""One for each method that there is; the last two are darker than the others of their hue."""

COMPONENT_COLOURS = ("#2F9C95", "#882255", "#868A1F", "#6A6A9A", "#CC5566", "#5F5F5F", "#117733", "#9A3A9A")
"""One for each component, none of them a method's: after Paul Tol's muted scheme."""
BLACK, RED, BLUE, ORANGE, GREY, TRUTH = "#1b1f24", "#D55E00", "#0072B2", "#E69F00", "#6b7480", "#a8adb4"
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
NO_DATA = "#c4c8cd"
OUTLINE = "#e0409f"
"""Around pixels without sample: neither on the colour scales of maps nor a method's colour."""
SEQUENTIAL = "Cividis"
OFFERED = (SEQUENTIAL, "Viridis", "Greys", "Inferno", "Plasma", "Turbo")
"""Colours of maps that readers may choose; the library in the page knows only some by name."""
DIVERGING = [[0.0, "#2166ac"], [0.25, "#92c5de"], [0.5, "#f7f7f7"], [0.75, "#f4a582"], [1.0, "#b2182b"]]
MATERIAL_BS, TRUE_MAP = "material BS", "truth"
"""BS of the true spectra times the true abundances, which is no truth where a power law is no background; and
what the materials that contain the element give of it."""
LIGHTS = {"green": "✔", "amber": "▲", "red": "✖", "grey": "–"}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
WIDTH = 1080
"""Width in px for which the plots are laid out; the page's script adapts it."""
HALF_WIDTH = 500
"""The same of a plot that shares its line with its neighbour."""


def method_styles(
    labels: Sequence[str], methods: Mapping[str, str] | None = None
) -> dict[str, dict[str, Any]]:
    """Give every label the colour of its method and a dash of its own, the same in all plots.

    Parameters
    ----------
    labels : sequence of str
        Labels of the configuration, and the reference.
    methods : mapping, optional
        Label -> method, where several labels run the same one.

    Examples
    --------
    >>> styles = method_styles(["BS", "nmf", "nmf_published"], {"nmf_published": "nmf"})
    >>> styles["nmf"], styles["nmf_published"]["dash"]
    ({'color': '#0072B2', 'dash': 'solid', 'width': 3.0}, 'dash')
    """
    styles: dict[str, dict[str, Any]] = {}
    known = {label: (methods or {}).get(label) or label for label in labels if label != REFERENCE}
    order, used = list(dict.fromkeys(known.values())), Counter[str]()
    for label in labels:
        if label == REFERENCE:
            styles[label] = {"color": BLACK, "dash": "solid", "width": 2}
        else:
            colour = COLOURS[order.index(known[label]) % len(COLOURS)]
            i, dash = used.total(), DASHES[used[colour] % len(DASHES)]
            # Thinner from label to label: lines that coincide stay visible.
            styles[label] = {"color": colour, "dash": dash, "width": round(max(1.2, 3.0 - 0.35 * i), 2)}
            used[colour] += 1
    return styles


def component_colour(place: int) -> str:
    """Return the colour of a component by its place among all of a page."""
    return COMPONENT_COLOURS[place % len(COMPONENT_COLOURS)]


def axis(title: str = "", **options: Any) -> dict[str, Any]:
    """Return an axis in the house style."""
    return {
        "title": {"text": title, "font": {"size": 12}, "standoff": 6},
        "ticks": "outside",
        "ticklen": 4,
        "tickfont": {"size": 11},
        "tickcolor": "#8a929c",
        "linecolor": "#8a929c",
        "showline": True,
        "mirror": True,
        "gridcolor": "#e9ecef",
        "zeroline": False,
        "automargin": False,
        **options,
    }


def base_layout(height: float, **options: Any) -> dict[str, Any]:
    """Return the layout that all plots start from; `height` in px."""
    return {
        "height": height,
        "font": {"family": FONT, "size": 12, "color": BLACK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "margin": {"l": 74, "r": 20, "t": 30, "b": 48},
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1,
            "yanchor": "bottom",
            "font": {"size": 11},
            "bgcolor": "rgba(0,0,0,0)",
        },
        "hoverlabel": {"font": {"family": FONT, "size": 12}},
        "hovermode": "closest",
        **options,
    }


def label(text: str, **options: Any) -> dict[str, Any]:
    """Return a text annotation without arrow, placed in paper coordinates unless told otherwise."""
    return {
        "text": text,
        "showarrow": False,
        "xref": "paper",
        "yref": "paper",
        "font": {"size": 12, "color": BLACK},
        **options,
    }


def line(x: Any, y: Any, name: str, style: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Return a line trace."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "name": name,
        "line": style,
        **options,
    }


def band(x: Any, low: Any, high: Any, *, colour: str, name: str, **options: Any) -> list[dict[str, Any]]:
    """Return the traces of a shaded band between two lines."""
    common = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "line": {"width": 0},
        "hoverinfo": "skip",
        **options,
    }
    fill = {"fill": "tonexty", "fillcolor": colour, "name": name}
    return [{**common, "y": low, "showlegend": False}, {**common, "y": high, **fill}]


def see_through(colour: str, opacity: float) -> str:
    """Return a colour that lets others through.

    Examples
    --------
    >>> see_through("#D55E00", 0.2)
    'rgba(213,94,0,0.2)'
    """
    red, green, blue = bytes.fromhex(colour[1:])
    return f"rgba({red},{green},{blue},{opacity:g})"


def one_legend_entry(data: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return traces of which only the first of each name stands in the legend."""
    seen: set[str] = set()
    found = []
    for trace in data:
        name = str(trace.get("name", ""))
        found.append({**trace, "showlegend": name not in seen and trace.get("showlegend", True)})
        if found[-1]["showlegend"]:
            seen.add(name)
    return found


def sequential_colours(name: str = SEQUENTIAL) -> list[str]:
    """Return the colours that a name stands for, from dark to bright."""
    from plotly.colors import sequential

    return ["#000000", "#ffffff"] if name == "Greys" else list(getattr(sequential, name))
