"""How well each element is known, in a sentence: how far, why not better, and what would settle it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.comparison.presence import edges_of_elements, is_shown
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.words import listed, percent
from eelsunmix.words import RECOMMENDED

SCALE, SHAPE = 1.25, 0.2
"""Factor, and part of the peak, up to which a map counts as known."""
NO_EDGES = (
    "how far other simplices change the maps is told for elements, by their edges, and none are named: "
    "without edges nothing bounds the scale of a map but spectra and abundances that are not negative, and "
    "pure areas"
)
"""Said where no edges or lines are named, of losses and X-rays alike."""
_ELEMENT = "{element}"
"""Where the elements stand in a sentence until it is known which ones share it."""


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
    if not setting.edges:
        held = "; the standard deviations of recommended hold what these allow"
        return [f"{NO_EDGES}{held * (RECOMMENDED in comparison['label'].values)}."], []
    sentences: dict[str, list[str]] = {}
    left_open: dict[str, list[str]] = {}
    # All edges of an element have the same owner, so that one speaks for it.
    for element, (edge, *_) in edges_of_elements(setting).items():
        known = list(_known(comparison, element, edge, setting))
        wide = [one for one in known if one.is_wide]
        closed = [one for one in known if not one.is_wide]
        if closed:
            taken = " if the pixels that pile up at its vertex are pure" * _found_pure(closed)
            text = f"{_range(closed)}, by noise and by what edges and spectra allow{taken}."
            sentences.setdefault(text, []).append(element)
        if wide:
            # Also where another method is sure: a mixture may pile up at its vertex as pure pixels do.
            text = f"{_range(wide)}, because {_reason(wide, can_be_anchored)}"
            left_open.setdefault(text, []).append(element)
            sentences.setdefault(text, []).append(element)
    return _named(sentences), _named(left_open)


def _named(texts: Mapping[str, Sequence[str]]) -> list[str]:
    """Put the elements into their sentence: those of one component share it."""
    return [text.replace(_ELEMENT, listed(elements)) for text, elements in texts.items()]


def _found_pure(known: Sequence[Known]) -> bool:
    return any(one.pure for one in known)


def _known(comparison: xr.Dataset, element: str, edge: str, setting: Setting) -> Iterator[Known]:
    """Yield how well each method knows an element; not if its component is not seen to hold it."""
    for method in comparison["label"].values.tolist():
        own = comparison.sel({"label": method})
        one = own.sel(edge=edge)
        if np.isfinite(float(one["scale_low"])) and is_shown(own, element, setting):
            yield Known(
                method=method,
                shape=float(one["shape_error"]),
                low=float(one["scale_low"]),
                high=float(one["scale_high"]),
                pure=float(one["pure_pixels"]) > 0,
            )


def _range(known: Sequence[Known]) -> str:
    first = _leading(known)
    shape, scale = _shape(first), _scale(first)
    text = (
        f"{_ELEMENT} of {listed([one.method for one in known])}: shape known to {shape}, scale "
        f"{scale} times the abundances shown"
    )
    others = [one for one in known if one not in first]
    if not others:
        return text
    return f"{text} by {RECOMMENDED} ({_shape(others)}, {_scale(others)} by the others)"


def _leading(known: Sequence[Known]) -> Sequence[Known]:
    """Return the recommended result alone where it is among them: it is what the page shows first."""
    return [one for one in known if one.method == RECOMMENDED] or known


def _shape(known: Sequence[Known]) -> str:
    best, worst = (percent(end(one.shape for one in known)) for end in (min, max))
    return f"± {best} of the peak" + f" at best and ± {worst} at worst" * (best != worst)


def _scale(known: Sequence[Known]) -> str:
    return f"between {min(one.low for one in known):.2f} and {max(one.high for one in known):.2f}"


def _reason(wide: Sequence[Known], can_be_anchored: Collection[str]) -> str:
    """Say why, and what would settle it."""
    if not _found_pure(wide):
        shown = _leading(wide)
        less = any(one.low < 1 / SCALE for one in shown) and all(one.high <= SCALE for one in shown)
        means = f": abundances may all be less, of a material with more {_ELEMENT}" * less
        return (
            f"no area of one composition lies at its vertex: no pixel is pure, or too few to tell{means}. A "
            f"region of pure {_ELEMENT} would settle it"
            f"{_anchor(wide, can_be_anchored)}."
        )
    if any(one.shape > SHAPE for one in wide):
        return (
            "edges and backgrounds of its endmember and the others are alike within their noise. A region "
            f"known to be without {_ELEMENT}, or more counts would settle it."
        )
    return "noise hides how far the purest pixels reach. More counts would settle it."


def _anchor(wide: Sequence[Known], can_be_anchored: Collection[str]) -> str:
    """Advise it where it was not tried; it takes out what edges show, and leaves the scale open."""
    methods = [one.method for one in wide if one.method in can_be_anchored]
    return f"; edges of all elements and anchor: edges may narrow it for {listed(methods)}" if methods else ""
