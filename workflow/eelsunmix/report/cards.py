"""One card for each component: its spectrum, its map, the edges it holds, and how well all that is known."""

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from eelsunmix.comparison.words import listed
from eelsunmix.report.alike import Member, found_by
from eelsunmix.report.content import Card, Control, Figure
from eelsunmix.report.figures.endmembers import (
    component_spectra,
    cut_methods,
    group_names,
    is_too_wide,
    members_of,
)
from eelsunmix.report.figures.grid import is_flat
from eelsunmix.report.figures.maps import single_map
from eelsunmix.report.figures.style import HALF_WIDTH, WIDTH
from eelsunmix.report.first.choice import chosen_label
from eelsunmix.report.first.map_errors import relative_noise, rough
from eelsunmix.report.first.presence import is_edge_found
from eelsunmix.report.formatting import in_words, number, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.texts import one_style
from eelsunmix.report.unlike import unlike
from eelsunmix.words import RECOMMENDED

FOREIGN = 0.02
"""Part of an edge of the owner's above which a component is said to hold it too."""
OTHERS = "their counts in the component where they are"
WHERE_STRONG = "a pixel above half of its peak"
BY_NOISE = "noise alone"
BEYOND_NOISE = (
    "errors on simulated images, other spectra that fit as well, and the brightness of the component"
)
"""What deviations hold: those of most methods, and those of recommended shares."""


def component_cards(inputs: Inputs, displays: Sequence[str]) -> list[Card]:
    """Return a card for each matched component, and one for what no other method finds.

    Parameters
    ----------
    inputs : Inputs
    displays : sequence of str
        Ways to show spectra, the first one first.
    """
    members = members_of(inputs.comparison, inputs.working)
    names = group_names(inputs.comparison, members)
    label = chosen_label(inputs)
    cards = []
    for place, (group, found) in enumerate(members.items()):
        shown = next((one for one in found if one[0] == label), found[0])
        on_top = sorted(found, key=lambda one: one == shown)
        figures = (_spectra(inputs, place, on_top, displays), _map(inputs, place, shown))
        facts = (*_cut(inputs, found), *_facts(inputs, shown, found, matched=group >= 0))
        cards.append(
            Card(
                name=names[group],
                figures=figures,
                facts=facts,
                note=_note(shown, label),
                flat=is_flat(inputs.view),
            )
        )
    return cards


def _note(shown: Member, label: str) -> str:
    """Say whose map and numbers the card has, if they are not those of all other cards."""
    return f"map and numbers by {shown[0]}" + f": {label} has no such component" * (shown[0] != label)


def _spectra(inputs: Inputs, place: int, found: Sequence[Member], displays: Sequence[str]) -> Figure:
    variants = {
        (i,): component_spectra(
            found,
            inputs.fits,
            edges=inputs.edges,
            styles=inputs.styles,
            display=display,
            counts=inputs.mean_counts,
            title=inputs.energy_title,
        )
        for i, display in enumerate(displays)
    }
    controls = (Control("Spectra", tuple(displays)),)
    return Figure(name=f"spectrum-{place + 1}", caption="", variants=variants, controls=controls, half=True)


def _map(inputs: Inputs, place: int, shown: Member) -> Figure:
    method, endmember = shown
    abundance = inputs.maps[method]["abundance"].isel(endmember=endmember)
    flat = is_flat(inputs.view)
    figure = single_map(abundance, inputs.view, "abundance", width=WIDTH if flat else HALF_WIDTH)
    caption = inputs.remarked(f"Abundance by {method}.")
    return Figure(name=f"abundance-{place + 1}", caption=caption, variants={(): figure}, half=not flat)


def _cut(inputs: Inputs, found: Sequence[Member]) -> list[tuple[str, str]]:
    """Say which spectra leave the panel, and where they are whole."""
    cut = listed(cut_methods(found, inputs.fits))
    text = f"{cut}: far below zero in places; whole in the figure below the cards"
    return [("drawn thin", text)] if cut else []


def _facts(
    inputs: Inputs, shown: Member, found: Sequence[Member], *, matched: bool
) -> Iterator[tuple[str, str]]:
    """Yield names and texts: edges, deviations, what other simplices would give, who finds the component."""
    method, endmember = shown
    at = inputs.comparison.sel({"label": method})
    edges = [edge for edge in inputs.edges if is_edge_found(inputs, method, edge)]
    if inputs.edges:
        yield from _edges(at, endmember, edges)
        for other, text in unlike(at.sel(edge=edges), inputs.maps[method]["abundance"], endmember):
            yield f"unlike {other}", text
    if is_too_wide(inputs.fits[method].isel(endmember=endmember)):
        yield "spectrum", "± 2 sd are more than half of its peak in most channels: no band is drawn"
    yield "abundance", _abundance(inputs, shown, _owned(at, endmember, edges))
    if "scale_low" in at:
        yield from _ranges(inputs, at, endmember)
    if matched and len(inputs.working) > 1:
        yield "found by", found_by(inputs, shown, found)


def _owned(at: xr.Dataset, endmember: int, edges: Sequence[str]) -> list[str]:
    """Edges that the component shows most clearly of all."""
    return [edge for edge in edges if int(at["owner"].sel(edge=edge)) == endmember]


def _edges(at: xr.Dataset, endmember: int, edges: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Edges that the component shows most clearly, and what it has of those of other components."""
    own, foreign = _owned(at, endmember, edges), []
    for edge in edges:
        share = float(at["cross_talk"].isel(endmember=endmember).sel(edge=edge))
        if edge not in own and np.isfinite(share) and abs(share) >= FOREIGN:
            foreign.append(f"{in_words(edge)} {percent_of(share)}")
    yield "edges strongest here", ", ".join(in_words(edge) for edge in own) or "none"
    if foreign:
        its = "its counts in the component where it is" if len(foreign) == 1 else OTHERS
        yield "other edges", f"{', '.join(foreign)} of {its} strongest"


def percent_of(part: float) -> str:
    r"""Write a part as whole per cent.

    Examples
    --------
    >>> percent_of(0.951), percent_of(-0.08)
    ('95\xa0%', '−8\xa0%')
    """
    return one_style(f"{100 * part:.0f} %")


def _abundance(inputs: Inputs, shown: Member, own: Sequence[str]) -> str:
    """Mean abundance, how sure it is where it is strong, and how sure the counts of its edge are."""
    method, endmember = shown
    store = inputs.maps[method]
    mean = f"{number(float(store['abundance'].isel(endmember=endmember).mean()))} on average"
    name = next((name for name in ("abundance_sd", "refit_abundance_sd") if name in store), None)
    if name is None:
        return mean
    values, deviation = (store[one].isel(endmember=endmember) for one in (name.removesuffix("_sd"), name))
    error = relative_noise(values, deviation)
    if not error > 0:
        return mean
    holds = BEYOND_NOISE if (method, name) == (RECOMMENDED, "abundance_sd") else BY_NOISE
    refit = " of the refit" * (name == "refit_abundance_sd")
    return (
        f"{mean}; {WHERE_STRONG} ± {rough(error)} of the peak{refit} ({holds}){_counts(inputs, method, own)}"
    )


def _counts(inputs: Inputs, method: str, own: Sequence[str]) -> str:
    """Say how noisy the counts of the first edge are that is strongest here; nothing if that is unknown."""
    for edge in own[:1]:
        at = inputs.one_frame.sel({"label": method, "edge": edge})
        error = relative_noise(at["element_map"], at["element_map_sd"])
        if error > 0:
            return f"; counts of {in_words(edge)} ± {rough(error)} ({BY_NOISE})"
    return ""


def _ranges(inputs: Inputs, at: xr.Dataset, endmember: int) -> Iterator[tuple[str, str]]:
    """Yield what other simplices that fit as well make of the abundance; edges that say the same once."""
    texts = []
    for edge in inputs.edges:
        one = at.sel(edge=edge)
        low, high, shape = (float(one[name]) for name in ("scale_low", "scale_high", "shape_error"))
        if int(one["owner"]) == endmember and np.isfinite([low, high]).all():
            peak = f", ± {percent_of(shape)} of the peak" * bool(np.isfinite(shape))
            texts.append(f"{tidy(low, 2)} to {tidy(high, 2)} times this abundance{peak}")
    if texts:
        yield "equally good fits", "; ".join(dict.fromkeys(texts))
