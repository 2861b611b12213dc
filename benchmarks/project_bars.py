"""The bars that the project has set itself: ratios of medians at the middle dose, met or not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.benchmark.results import Place, Results
from eelsunmix.typing import Floats

_NAMES = {"nmse": "NMSE", "nmse_scale_free": "scale-free NMSE", "sad": "SAD"}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One comparison.

    Parameters
    ----------
    what : str
        Ours against theirs, in words.
    scene : str
    counts : float
    ours, theirs : float
        Medians over the images that both have of the mean over the endmembers; numbers of components or
        images for the last bars.
    limit : float
        Largest ratio (or number) that is good enough.
    n_images : int
        Images that both have.
    """

    what: str
    scene: str
    counts: float
    ours: float
    theirs: float
    limit: float
    n_images: int

    @property
    def ratio(self) -> float:
        """Ours relative to theirs; the number itself where the limit is 0; NaN where one is missing."""
        if self.limit == 0:
            return self.ours
        return self.ours / self.theirs if self.theirs > 0 else np.nan

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None where it could not be judged."""
        return None if np.isnan(self.ratio) else bool(self.ratio <= self.limit)


@dataclass(frozen=True)
class _Rule:
    ours: str
    theirs: str
    score: str
    limit: float
    setting: str = "published"
    peer: str = ""


RULES: Sequence[_Rule] = (
    _Rule("vca", "vca", "nmse", 0.5),
    _Rule("nmf", "nmf", "nmse_scale_free", 0.5, peer="hyperspy_nmf"),
    _Rule("ica", "ica", "nmse_scale_free", 0.5, peer="hyperspy_ica"),
    _Rule("blu", "blu", "nmse", 0.6),
    _Rule("udas", "udas", "nmse", 0.5),
    _Rule("daeu", "daeu", "nmse", 0.35),
    _Rule("daeu", "daeu", "sad", 0.35),
    _Rule("mtaeu", "daeu", "nmse", 1.2, setting="eels"),
    _Rule("cnnaeu", "daeu", "nmse", 1.2, setting="eels"),
)


_FAULTS: Mapping[str, Callable[[xr.Dataset], int]] = {
    "dead components": lambda run: int(run["n_dead"].sum()),
    "duplicated components": lambda run: int(run["n_duplicated"].sum()),
    # A failed image has no component that could be dead.
    "failed images": lambda run: int((run["status"] == "failed").sum()),
}


def bars(results: Results) -> list[Bar]:
    """Judge every bar on every scene; the last ones count what went wrong at all doses.

    A bar against HyperSpy takes HyperSpy itself where it was run, else our NMF or ICA in the setting that
    computes what HyperSpy does by default.
    """
    places = [place for place in results.places if place[1] == results.middle]
    found = [bar for place in places for rule in RULES if (bar := _ratio(results, place, rule)) is not None]
    return found + list(_faulty(results))


def as_lines(found: Sequence[Bar]) -> list[str]:
    r"""Write bars as lines of a plain table.

    Examples
    --------
    >>> bar = Bar(what="a", scene="ru3", counts=1e3, ours=0.2, theirs=0.5, limit=0.5, n_images=5)
    >>> print(*as_lines([bar]), sep="\n")
    scene  counts  ours  against  ratio  bar  met  images  what
    ru3    1000    0.2   0.5      0.4    0.5  yes  5       a
    """
    head = ("scene", "counts", "ours", "against", "ratio", "bar", "met", "images", "what")
    rows = [head, *map(_cells, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _cells(bar: Bar) -> tuple[str, ...]:
    met = {True: "yes", False: "NO", None: "-"}[bar.met]
    numbers = (f"{value:.3g}" for value in (bar.ours, bar.theirs, bar.ratio, bar.limit))
    return (bar.scene, f"{bar.counts:g}", *numbers, met, str(bar.n_images), bar.what)


def _ratio(results: Results, place: Place, rule: _Rule) -> Bar | None:
    ours, theirs = results.find(rule.ours, "eels"), results.find(rule.theirs, rule.setting)
    if rule.peer and results.get(place, rule.peer) is not None:
        theirs = rule.peer
    if ours is None or theirs is None or results.get(place, ours) is None:
        return None
    first, second = results.paired(place, (ours, theirs), rule.score)
    return Bar(
        what=f"{ours} against {theirs}, {_NAMES[rule.score]}",
        scene=place[0],
        counts=place[1],
        ours=_median(first),
        theirs=_median(second),
        limit=rule.limit,
        n_images=len(first),
    )


def _median(values: Floats) -> float:
    return float(np.median(values)) if len(values) else np.nan


def _faulty(results: Results) -> Iterator[Bar]:
    labels = [
        label for label in results.labels if results.is_unmixing(label) and results.setting(label) == "eels"
    ]
    for place in results.places:
        runs = [run for label in labels if (run := results.get(place, label)) is not None]
        if runs:
            for what, count in _FAULTS.items():
                yield Bar(
                    what=f"{what} of all methods in the eels setting",
                    scene=place[0],
                    counts=place[1],
                    ours=float(sum(map(count, runs))),
                    theirs=np.nan,
                    limit=0.0,
                    n_images=max(run.sizes["replicate"] for run in runs),
                )
