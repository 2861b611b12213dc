"""The first screen: what it shows, gathered, and its HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import jinja2
import xarray as xr
from markupsafe import Markup

from eelsunmix.comparison.words import listed
from eelsunmix.report.figures.mapview import MapView, nice_length, view_of
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import Shown, chosen_label, composite_of, shown_maps
from eelsunmix.report.first.map_errors import MapError, map_errors, not_found
from eelsunmix.report.first.pictures import composite_png, gradient, map_png
from eelsunmix.report.first.profile import COLOURS, Drawing, drawing
from eelsunmix.report.first.sentences import Said, sentences
from eelsunmix.report.first.sides import beside_peaks
from eelsunmix.report.formatting import in_words, number, tidy
from eelsunmix.report.glossary import Marker
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.line_words import in_words_of_lines
from eelsunmix.report.materials import in_short
from eelsunmix.words import RECOMMENDED

PIXELS = 400_000
"""Pixels that all pictures together may have."""
NO_PROFILE = " To see a profile here, name one under profiles in the configuration."
MOST_MAPS = 8
"""Maps that one looks at; the section of maps has all."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A map or composite.

    Parameters
    ----------
    name : str
    address : str
        Of the image, whose bytes it holds.
    low, high : str
        Ends of the scale; empty for the composite.
    note : str
        One short line.
    key : tuple of (str, str)
        Of the composite: colours and names.
    """

    name: str
    address: str
    low: str = ""
    high: str = ""
    note: str = ""
    key: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Screen:
    """All that the template shows."""

    said: list[Said]
    pictures: list[Picture]
    caption: str
    profile: Drawing | None
    profile_caption: str
    aspect: float
    bar: str
    bar_percent: float
    gradient: str
    has_errors: bool
    where: list[str]


def first_screen(inputs: Inputs) -> Markup:
    """Return the first screen as HTML."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["terms"] = Marker().mark
    template = files("eelsunmix.report.first").joinpath("first.html").read_text(encoding="utf-8")
    return Markup(environment.from_string(template).render(screen=gathered(inputs)))  # noqa: S704


def gathered(inputs: Inputs) -> Screen:
    """Gather what the first screen shows."""
    label = chosen_label(inputs)
    maps = shown_maps(inputs, label)
    errors = map_errors(inputs, maps)
    three = composite_of([one.shown for one in errors if not one.no_peak])
    total = inputs.corrected["total_counts"]
    view = view_of(total, n_maps=len(maps) + 3, budget=PIXELS)
    pictures = [*_of_scan(inputs, view), _total(total.where(_valid(inputs)), view)]
    pictures += [_composite(three, view, _left_out(maps, three))] if len(three) > 1 else []
    pictures += [_map(one, view, label) for one in errors[:MOST_MAPS]]
    bar = nice_length(max(view.extent(view.across), 1e-12) / 2.5)
    profile, sides = drawing(inputs, label, three), beside_peaks(inputs, maps)
    where = (
        [one.text for one in sides]
        + not_found(errors)
        + in_short(inputs, {one.edge for one in sides if one.is_whole})
    )
    return Screen(
        said=[in_words_of_lines(one) if inputs.has_lines else one for one in sentences(inputs, label, maps)],
        pictures=pictures,
        caption=_caption(maps, view, label) + NO_PROFILE * (bool(inputs.edges) and not inputs.profiles),
        profile=profile,
        profile_caption=_profile_caption(profile, label, _left_out(maps, three)),
        aspect=1 / view.aspect,
        bar=f"{tidy(bar, 3)} {view.unit}",
        bar_percent=100 * bar / view.extent(view.across),
        gradient=gradient(),
        has_errors=any(one.said for one in errors),
        where=[in_words_of_lines(one) if inputs.has_lines else one for one in where],
    )


def _left_out(maps: Sequence[Shown], three: Sequence[Shown]) -> str:
    """Name the maps that three colours leave out."""
    return listed([one.name for one in maps if all(one is not other for other in three)])


def _valid(inputs: Inputs) -> xr.DataArray:
    total = inputs.corrected["total_counts"]
    valid: xr.DataArray = inputs.counts.coords.get("valid_pixel", xr.ones_like(total, dtype=bool))
    return valid.astype(bool)


def _of_scan(inputs: Inputs, view: MapView) -> list[Picture]:
    """Return the image that was recorded with the spectra, where the file holds one."""
    image = inputs.scan_image
    if image is None:
        return []
    address, low, high = map_png(view.image(image), from_zero=False)
    name = str(image.attrs["title"])
    return [Picture(name=name, address=address, low=number(low), high=number(high), note="as in the file")]


def _total(total: xr.DataArray, view: MapView) -> Picture:
    address, low, high = map_png(view.image(total), from_zero=False)
    return Picture(
        name="Total counts", address=address, low=number(low), high=number(high), note="all channels"
    )


def _composite(maps: Sequence[Shown], view: MapView, without: str) -> Picture:
    key = tuple(zip(COLOURS, (one.name for one in maps), strict=False))
    images = [view.image(one.values) for one in maps]
    ends = [one.scale_end(image) for one, image in zip(maps, images, strict=True)]
    address = composite_png(images, ends)
    note = "each from 0 to its maximum" + f"; without {without}" * bool(without)
    return Picture(name="Composite", address=address, note=note, key=key)


def _map(error: MapError, view: MapView, label: str) -> Picture:
    one = error.shown
    image = view.image(one.values)
    end = error.scale_end if error.no_peak else one.scale_end(image)
    address, low, high = map_png(image, end=end)
    source = "" if one.source == label else f"by {one.source}: {label} has none"
    note = "; ".join(filter(None, (source, error.in_words)))
    return Picture(
        name=one.title, address=address, low=number(low), high=f"{number(high)} {one.unit}", note=note
    )


def _caption(maps: Sequence[Shown], view: MapView, label: str) -> str:
    whose = "background subtraction (BS)" if label == REFERENCE else label
    if label == RECOMMENDED:
        whose = "the recommended result"
    what = "counts of each element" if any(one.edge for one in maps) else "each component"
    more = f" {len(maps) - MOST_MAPS} further ones are in the section of maps." * (len(maps) > MOST_MAPS)
    if not maps:
        return f"Total counts of each pixel. {view.remark}".strip()
    return f"Maps of {whose}: {what}; dark means none found.{more} {view.remark}".strip()


def _profile_caption(profile: Drawing | None, label: str, without: str) -> str:
    if profile is None:
        return ""
    peaks = ", ".join(f"{curve.name} {curve.peak}" for curve in profile.curves)
    lines = "Dots: background subtraction (BS)"
    if label != REFERENCE:
        lines += f"; lines: {label}" + _bands(profile)
    return (
        f"Profile “{in_words(profile.name)}”. {lines}. "
        f"100 % is the peak of BS, in counts{_summed(profile)}: {peaks}. "
        "Where a line leaves its dots, look at the section of profiles"
        + f", which has {without} too" * bool(without)
        + "."
    )


def _bands(profile: Drawing) -> str:
    if not any(curve.band for curve in profile.curves):
        return ""
    narrow = ", too narrow to be seen beside them" * profile.hides_bands
    return f", with one standard deviation by the noise of the counts{narrow}"


def _summed(profile: Drawing) -> str:
    n = profile.n_pixels
    return f" summed over a width of {n} pixels" if n > 1 else ""
