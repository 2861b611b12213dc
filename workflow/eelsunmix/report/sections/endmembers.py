"""Section on the endmember spectra and their cross-talk."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from eelsunmix.report.content import Block, Control, Figure, Section
from eelsunmix.report.figures.components import components_by_method
from eelsunmix.report.figures.endmembers import (
    FLATTENED,
    displays_for,
    endmember_spectra,
)
from eelsunmix.report.figures.matrices import angles, cross_talk
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.parts import failures

ENDMEMBERS = (
    "Components of all methods are matched to each other by the angle between their noise-weighted spectra."
)
SPECTRA = (
    "Endmember spectra of all methods, one panel per matched component, named after the elements that it "
    "shows; those in brackets are weaker than half of what their own component has. An edge of another "
    "element in a spectrum means that the method has not separated the two. Every spectrum has unit "
    "area{flattened}. A spectrum that goes far below zero does not set the scale, and may be cut."
)
SPECTRA_SD = " Bands are ±2 standard deviations, for methods that give them."
SPECTRA_FLATTENED = "; multiplied by E³, which flattens the background, weak edges stand out"
COMPONENTS_BY_METHOD = (
    "The same, method by method: matched components have the same colour, dotted lines mark the edge "
    "onsets. Look for the edge of another element in a component, and for a component that no other "
    "method finds."
)
CROSS_TALK = (
    "Cross-talk: net counts of each endmember at each edge, divided by those of the endmember that owns "
    "the edge (1), between endmembers of equal total counts. Zero elsewhere in a column means a clean "
    "separation; negative values mean that the spectrum dips there."
)
ANGLES = (
    "Mean noise-weighted spectral angle (rad) between the matched endmembers of two methods; 0 means that "
    "they are the same."
)


def section(inputs: Inputs) -> Section:
    """Endmember spectra of all methods by matched component, and their cross-talk."""
    blocks: list[Block] = failures(inputs)
    if inputs.working:
        blocks += [_spectra(inputs), _by_method(inputs)]
    if inputs.working and inputs.edges:
        figure = cross_talk(inputs.comparison, inputs.working, list(inputs.edges))
        blocks.append(Figure(name="cross-talk", caption=CROSS_TALK, variants={(): figure}))
    if len(inputs.working) > 1:
        blocks.append(_angles(inputs))
    return Section(name="endmembers", title="Endmember spectra", intro=ENDMEMBERS, blocks=tuple(blocks))


def _spectra(inputs: Inputs) -> Figure:
    displays = displays_for(inputs.energy_dim)
    draw = functools.partial(endmember_spectra, styles=inputs.styles)
    caption = SPECTRA.format(flattened=SPECTRA_FLATTENED if FLATTENED in displays else "")
    if any("endmember_spectrum_sd" in inputs.fits[method] for method in inputs.working):
        caption += SPECTRA_SD
    control = Control("Scale", tuple(displays))
    variants = _in_every_display(inputs, draw)
    return Figure(name="spectra", caption=caption, variants=variants, controls=(control,))


def _by_method(inputs: Inputs) -> Figure:
    variants = _in_every_display(inputs, components_by_method)
    control = Control("Scale", tuple(displays_for(inputs.energy_dim)))
    return Figure(name="components", caption=COMPONENTS_BY_METHOD, variants=variants, controls=(control,))


def _in_every_display(inputs: Inputs, draw: Callable[..., dict[str, Any]]) -> Mapping[Any, dict[str, Any]]:
    """Draw the endmembers of all methods in every scale that a reader may choose."""
    return {
        (i,): draw(
            inputs.comparison,
            inputs.fits,
            inputs.working,
            edges=inputs.edges,
            display=display,
            title=inputs.energy_title,
        )
        for i, display in enumerate(displays_for(inputs.energy_dim))
    }


def _angles(inputs: Inputs) -> Figure:
    both = {"label": inputs.working, "other_label": inputs.working}
    values = np.asarray(inputs.comparison["sad_between"].sel(both).values, dtype=float)
    return Figure(name="angles", caption=ANGLES, variants={(): angles(values, inputs.working)})
