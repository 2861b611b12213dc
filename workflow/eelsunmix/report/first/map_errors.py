"""By how much each map is likely off: one number, and the parts that it is the largest of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.comparison.words import listed
from eelsunmix.report.areas import SLIGHT
from eelsunmix.report.candidates import errors_of
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import Shown
from eelsunmix.report.first.presence import NOT_FOUND, detectable, why_no_peak
from eelsunmix.report.first.rare import highest, is_rare
from eelsunmix.report.formatting import DASH, number
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.systematics import ADDED, DIVIDED, disturbed_percent, pattern_counts
from eelsunmix.twin_errors import MOST_ERROR
from eelsunmix.words import RECOMMENDED

NOISE, TWINS, MISFIT, PATTERN = "counting noise", "simulated images", "difference from BS", "fixed pattern"
SPECTRUM = "noise of its spectrum"
OTHERS = "other spectra allow"
PARTS = (NOISE, SPECTRUM, TWINS, MISFIT, PATTERN)


@dataclass(frozen=True, kw_only=True)
class MapError:
    """By how much one map is off.

    Parameters
    ----------
    shown : Shown
        The map.
    parts : mapping of str to float
        Those that are known, by their names; over the peak of the map.
    pattern : float
        Counts of a typical pixel that a fixed pattern makes; NaN where there is none.
    of_mean : float
        The same over the mean counts.
    adds : bool
        Whether it does so in every pixel.
    allowed : float
        Of a map of shares, by how much it may differ for other spectra that describe the image as well.
    of_background : float
        Counts over those of the background, if it may be off by as much unnoticed; NaN where they are more.
    no_peak : str
        Why the map has no peak that errors could be parts of; there is no part then.
    scale_end : float
        Counts at which the colours of the map of what is not found end; NaN of others.
    """

    shown: Shown
    parts: Mapping[str, float]
    pattern: float = float("nan")
    of_mean: float = float("nan")
    adds: bool = False
    allowed: float = float("nan")
    of_background: float = float("nan")
    no_peak: str = ""
    scale_end: float = float("nan")

    @property
    def origin(self) -> str:
        """The largest part; empty where none is known."""
        return max(self.parts, key=lambda part: self.parts[part], default="")

    @property
    def likely(self) -> float:
        """How large it is."""
        return self.parts[self.origin] if self.parts else float("nan")

    @property
    def said(self) -> str:
        """Both in a few words, or why there is no peak; empty where nothing is known."""
        if not self.parts:
            return self.no_peak or self._slight.removeprefix("; ")
        return (
            f"{rough(self.likely)} of the peak ({self.origin}{self._unchecked}){self._allowed}{self._slight}"
        )

    @property
    def _unchecked(self) -> str:
        """Say what looks at the map besides: of two materials in one component noise knows nothing."""
        if self.origin not in (NOISE, TWINS) or MISFIT in self.parts or self.shown.source == REFERENCE:
            return ""
        if self.shown.edge:
            return "; BS cannot check it"
        return "" if TWINS in self.parts else "; nothing else is known"

    @property
    def _allowed(self) -> str:
        return f"; {OTHERS} ±\u00a0{rough(self.allowed)}" if self.allowed > self.likely else ""

    @property
    def _slight(self) -> str:
        part = f"{number(100 * self.of_background, 2)} % of the background"
        return f"; {part}, which may be off by as much" if np.isfinite(self.of_background) else ""

    @property
    def worst(self) -> float:
        """The largest part, of the peak or of the mean."""
        return float(np.fmax(self.likely, self.of_mean))

    @property
    def doubt(self) -> str:
        """What speaks against the counts of the map, in a few words; empty where little does."""
        if self.of_mean > MOST_ERROR:
            where = "every" if self.adds else "a typical"
            counts = f"a {PATTERN} may make ±\u00a0{number(self.pattern, 2)} in {where} pixel"
            parts = (
                f"{rough(self.parts.get(PATTERN))} of the peak and {rough(self.of_mean)} of the mean of BS"
            )
            return f"{counts}, {parts}" + "; widths hardly change" * self.adds
        is_far = self.likely > MOST_ERROR and self.origin != TWINS
        return self.in_words if is_far or np.isfinite(self.of_background) else ""

    @property
    def in_words(self) -> str:
        """By how much it is off, or what else there is to say."""
        return f"likely off by {self.said}" if self.parts else self.said


def rough(part: float | None) -> str:
    """Write an error as per cent, with the two digits that it deserves.

    Examples
    --------
    >>> rough(0.2021), rough(0.0412), rough(0.0), rough(None)
    ('20 %', '4.1 %', '0 %', '–')
    """
    text = number(part) if part is None else number(100 * part, 2)
    return text if text == DASH else f"{text} %"


def map_errors(inputs: Inputs, maps: Sequence[Shown]) -> list[MapError]:
    """Return by how much each map is off, as far as the stores know."""
    return [_error(inputs, one) for one in maps]


def not_found(errors: Sequence[MapError]) -> list[str]:
    """Name, in a sentence, the elements that neither BS nor a component shows."""
    names = [one.shown.name for one in errors if one.no_peak == NOT_FOUND]
    verb, them = ("is", "it") if len(names) == 1 else ("are", "them")
    text = (
        f"{listed(names)} {verb} not found: neither BS nor a component shows {them} beyond noise. Single "
        "pixels may hold some, unseen."
    )
    return [text] if names else []


def _error(inputs: Inputs, one: Shown) -> MapError:
    if reason := why_no_peak(inputs, one):
        # Noise over its whole scale would look like a map.
        end = detectable(inputs, one) if reason == NOT_FOUND else float("nan")
        return MapError(shown=one, parts={}, no_peak=reason, scale_end=end)
    top = highest(one.values.to_numpy(), one.deviation) or float("nan")
    noise = float("nan") if one.deviation is None else relative_noise(one.values, one.deviation)
    pattern = pattern_counts(inputs, one.edge) if one.edge else float("nan")
    found = {NOISE: noise, SPECTRUM: _of_spectrum(inputs, one), MISFIT: _misfit(inputs, one)}
    found |= {TWINS: _on_twins(inputs, one, top), PATTERN: pattern / top}
    added, divided = (disturbed_percent(inputs, step).get(one.edge, 0.0) for step in (ADDED, DIVIDED))
    return MapError(
        shown=one,
        parts={
            name: part for name, part in found.items() if np.isfinite(part) and (part > 0 or name == MISFIT)
        },
        pattern=pattern,
        of_mean=max(added, divided) / 100,
        adds=added > divided,
        allowed=_allowed(inputs, one, top),
        of_background=_slight(inputs, one, top),
    )


def relative_noise(values: xr.DataArray, deviation: xr.DataArray) -> float:
    """Median deviation where a map is above half of its peak, over the peak; NaN where none is known."""
    image = values.to_numpy()
    return _where_strong(image, deviation.to_numpy(), highest(image, deviation))


def _where_strong(image: NDArray[Any], sd: NDArray[Any], top: float) -> float:
    strong = np.isfinite(sd) & (image > 0.5 * top)
    return float(np.median(sd[strong]) / top) if top > 0 and strong.any() else float("nan")


def _of_spectrum(inputs: Inputs, one: Shown) -> float:
    """Deviation of the net counts that the owner of the edge has, over these, which scale the whole map."""
    if not one.edge or one.source == REFERENCE:
        return float("nan")
    at = inputs.comparison.sel({"label": one.source, "edge": one.edge})
    owner = int(at["owner"])
    net, sd = (float(at[name][owner]) for name in ("endmember_net_counts", "endmember_net_counts_sd"))
    return sd / net if owner >= 0 and net > 0 else float("nan")


def _on_twins(inputs: Inputs, one: Shown, top: float) -> float:
    """Root mean square error of all maps over their size, as it were of this one; over its peak.

    Of a map of few pixels it is taken to lie in these: over all pixels it would be next to nothing.
    """
    known = dict(inputs.comparison.attrs.get("recommended") or {})
    errors = errors_of(known) if one.source == RECOMMENDED else {}
    if not errors or not np.isfinite(top):
        return float("nan")
    image = one.values.to_numpy().astype(float)
    inside = image > top / 2 if is_rare(image, one.deviation) else np.isfinite(image)
    size = float(np.sqrt(np.square(image[inside]).mean()))
    return errors.get(str(known.get("method")), float("nan")) / 100 * size / top


def _allowed(inputs: Inputs, one: Shown, top: float) -> float:
    """Deviation of the shares of a component, by errors on twins and other simplices; over its peak."""
    store = inputs.maps.get(one.source)
    if one.edge or one.source != RECOMMENDED or store is None:
        return float("nan")
    deviation = store["abundance_sd"].isel(endmember=one.number).to_numpy()
    return _where_strong(one.values.to_numpy(), deviation, top)


def _slight(inputs: Inputs, one: Shown, top: float) -> float:
    """Return the counts over those of the background, where the map is strong and they may all be of it."""
    if not one.edge:
        return float("nan")
    background = inputs.bs["background_counts"].sel(edge=one.edge)
    image = one.values.to_numpy()
    under = background.transpose(*one.values.dims).to_numpy()
    strong = (image > top / 2) & np.isfinite(under)
    part = float(image[strong].mean() / under[strong].mean()) if strong.any() else float("nan")
    return part if 0 < part < SLIGHT else float("nan")


def _misfit(inputs: Inputs, one: Shown) -> float:
    """Difference from background subtraction beyond noise, in shape or by a factor, over the peak."""
    rows: Sequence[Mapping[str, Any]] = inputs.comparison.attrs.get("verdict_by_element", [])
    own = [row for row in rows if (row["method"], row["element"]) == (one.source, one.name)]
    found = [own[0].get(name) for name in ("misfit", "scale")] if own and one.edge else []
    return max((float(value) for value in found if value is not None), default=float("nan"))
