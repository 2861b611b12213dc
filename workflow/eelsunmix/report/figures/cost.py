"""Plot of run times and memory."""

from collections.abc import Mapping, Sequence
from typing import Any

from eelsunmix.report.figures.style import BLUE, ORANGE, axis, base_layout
from eelsunmix.report.formatting import duration, number
from eelsunmix.report.texts import plain


def cost_bars(benchmarks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Draw wall time and peak memory of every rule.

    Parameters
    ----------
    benchmarks : sequence of mapping
        With ``rule``, ``seconds`` and ``max_rss_mb``.
    """
    rules = [plain(entry["rule"]) for entry in benchmarks]
    seconds = [entry.get("seconds") for entry in benchmarks]
    memory = [entry.get("max_rss_mb") for entry in benchmarks]
    layout = base_layout(80 + 22 * len(rules), showlegend=False, margin={"l": 190, "r": 60, "t": 16, "b": 50})
    layout["xaxis"] = axis("wall time (s)", domain=[0, 0.46], range=_room(seconds))
    layout["xaxis2"] = axis("peak memory (MB)", domain=[0.54, 1], range=_room(memory))
    layout["yaxis"] = axis(type="category", autorange="reversed", showgrid=False, ticks="")
    layout["yaxis2"] = {**layout["yaxis"], "anchor": "x2", "matches": "y", "showticklabels": False}
    texts = [duration(value) for value in seconds], [number(value) for value in memory]
    return {
        "data": [
            _bars(rules, seconds, texts[0], BLUE, "wall time"),
            _bars(rules, memory, texts[1], ORANGE, "peak memory") | {"xaxis": "x2", "yaxis": "y2"},
        ],
        "layout": layout,
    }


def _room(values: list[Any]) -> list[float]:
    """From zero to where the longest bar and its number have room."""
    return [0.0, 1.3 * max((value for value in values if value), default=1.0)]


def _bars(rules: list[str], values: list[Any], texts: list[str], colour: str, name: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "orientation": "h",
        "y": rules,
        "x": values,
        "text": texts,
        "textposition": "outside",
        "cliponaxis": False,
        "textfont": {"size": 10},
        "marker": {"color": colour},
        "name": name,
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }
