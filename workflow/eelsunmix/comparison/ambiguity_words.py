"""How well each element is known, in a sentence: how far, why not better, and what would settle it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.words import listed, percent, span

SCALE, SHAPE = 1.25, 0.2
"""Factor, and part of the peak, up to which a map counts as known."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """How well one method knows the abundance of the owner of an element."""

    method: str
    shape: float
    low: float
    high: float
    pure: bool

    @property
    def is_wide(self) -> bool:
        """Whether the scale or the shape is open."""
        return self.low < 1 / SCALE or self.high > SCALE or self.shape > SHAPE


def ambiguity_sentences(
    comparison: xr.Dataset, setting: Setting, *, can_be_anchored: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Say of each element how well its abundances are known; and what of it is open.

    Parameters
    ----------
    comparison : Dataset
        With `eelsunmix.comparison.ambiguity.ambiguity_variables`.
    setting : Setting
    can_be_anchored : collection of str
        Methods whose abundances sum to one, and of which nobody has asked for ``anchor: edges`` yet.
    """
    sentences, left_open = [], []
    for element, edge in _first_edges(setting):
        known = list(_known(comparison.sel(edge=edge)))
        wide = [one for one in known if one.is_wide]
        closed = [one for one in known if not one.is_wide]
        if closed:
            taken = " if the pixels that pile up at its vertex are pure" * _found_pure(closed)
            sentences.append(
                f"{_range(element, closed)}, by noise and by what edges and spectra allow{taken}."
            )
        if wide:
            # Also where another method is sure: a mixture may pile up at its vertex as pure pixels do.
            left_open.append(f"{_range(element, wide)}, because {_reason(element, wide, can_be_anchored)}")
            sentences += left_open[-1:]
    return sentences, left_open


def _found_pure(known: Sequence[Known]) -> bool:
    return any(one.pure for one in known)


def _first_edges(setting: Setting) -> Iterator[tuple[str, str]]:
    """All edges of an element have the same owner, so that one speaks for it."""
    seen: dict[str, str] = {}
    for name, edge in setting.edges.items():
        seen.setdefault(edge.element, name)
    yield from seen.items()


def _known(at: xr.Dataset) -> Iterator[Known]:
    for method in at["label"].values.tolist():
        one = at.sel({"label": method})
        if np.isfinite(float(one["scale_low"])):
            yield Known(
                method=method,
                shape=float(one["shape_error"]),
                low=float(one["scale_low"]),
                high=float(one["scale_high"]),
                pure=float(one["pure_pixels"]) > 0,
            )


def _range(element: str, known: Sequence[Known]) -> str:
    shapes = sorted(one.shape for one in known)
    shape = span(percent(shapes[0]), percent(shapes[-1]))
    low, high = min(one.low for one in known), max(one.high for one in known)
    return (
        f"{element} of {listed([one.method for one in known])}: shape known to ± {shape} of the peak, scale "
        f"between {low:.2f} and {high:.2f} times the abundances shown"
    )


def _reason(element: str, wide: Sequence[Known], can_be_anchored: Collection[str]) -> str:
    """Say why, and what would settle it."""
    if not _found_pure(wide):
        less = any(one.low < 1 / SCALE for one in wide)
        means = f": abundances may all be less, of a material with more {element}" * less
        return (
            f"no area of one composition lies at its vertex: no pixel is pure, or too few to tell{means}. A "
            f"region of pure {element} or its reference spectrum would settle it"
            f"{_anchor(wide, can_be_anchored)}."
        )
    if any(one.shape > SHAPE for one in wide):
        return (
            "edges and backgrounds of its endmember and the others are alike within their noise. A region "
            f"known to be without {element}, or more counts would settle it."
        )
    return "noise hides how far the purest pixels reach. More counts would settle it."


def _anchor(wide: Sequence[Known], can_be_anchored: Collection[str]) -> str:
    """Advise it where it was not tried; it takes out what edges show, and leaves the scale open."""
    methods = [one.method for one in wide if one.method in can_be_anchored]
    return f"; edges of all elements and anchor: edges may narrow it for {listed(methods)}" if methods else ""
