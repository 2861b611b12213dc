"""Section on the components: where each is the largest, a card for each, and the same method by method."""

from collections.abc import Sequence

from eelsunmix.report.cards import component_cards
from eelsunmix.report.content import Block, Control, Figure, Key, Section, Text
from eelsunmix.report.figures.components import components_by_method
from eelsunmix.report.figures.endmembers import FLATTENED, displays_for
from eelsunmix.report.figures.phases import phases_of
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.materials import Materials, materials_of, said_of
from eelsunmix.report.parts import failures
from eelsunmix.report.phases import phase_blocks
from eelsunmix.report.sightings import mixed_in, seen_in, sighting_table

CARDS = (
    "What the image is made of: where each component is the largest, and a card for each. Its number is the "
    "same in all methods, maps, sentences and exports; its name says which elements it shows. Weak is an "
    "element with less than half of the counts that it has in its strongest pixels (BS), or in the component "
    "where it is strongest if these are fewer; background: a component that shows none. Components of all "
    "methods are matched to each other by the angle between their noise-weighted spectra. Every spectrum has "
    "the counts of a mean pixel{flattened}. A spectrum that goes far below zero does not set the scale, and "
    "may be cut.{sd}"
)
CARDS_SD = " Bands are ±2 standard deviations, for methods that give them."
CARDS_FLATTENED = "; multiplied by E³, which flattens the background, weak edges stand out"
COMPONENTS_BY_METHOD = (
    "The same, method by method: matched components have the same colour, dotted lines mark the edge "
    "onsets. Look for the edge of another element in a component, and for a component that no other "
    "method finds."
)


def section(inputs: Inputs) -> Section:
    """Show each component, and what the methods make of it."""
    blocks: list[Block] = failures(inputs)
    if inputs.working:
        displays = displays_for(inputs.energy_dim)
        styles = {method: inputs.styles[method] for method in inputs.working}
        blocks += [
            *_where(inputs),
            Key(styles),
            *component_cards(inputs, displays),
        ]
        if len(inputs.working) > 1:
            blocks.append(_by_method(inputs, displays))
    return Section(name="endmembers", title="Components", intro=_intro(inputs), blocks=tuple(blocks))


def _where(inputs: Inputs) -> list[Block]:
    """Show where each component is the largest, what BS sees there, and which may be one material."""
    if "phase" not in inputs.comparison:
        return []
    phases = phases_of(inputs.comparison, inputs.working)
    if not inputs.edges:
        return phase_blocks(inputs, phases, Materials())
    found = seen_in(inputs, phases)
    materials = materials_of(inputs, found, phases)
    told = [*mixed_in(inputs, found, phases), *said_of(inputs, materials)]
    return [
        *phase_blocks(inputs, phases, materials),
        sighting_table(inputs, phases, found),
        *([Text(*told)] if told else []),
    ]


def _intro(inputs: Inputs) -> str:
    flattened = FLATTENED in displays_for(inputs.energy_dim)
    known = any("endmember_spectrum_sd" in inputs.fits[method] for method in inputs.working)
    return CARDS.format(flattened=CARDS_FLATTENED * flattened, sd=CARDS_SD * known)


def _by_method(inputs: Inputs, displays: Sequence[str]) -> Figure:
    variants = {
        (i,): components_by_method(
            inputs.comparison,
            inputs.fits,
            inputs.working,
            edges=inputs.edges,
            display=display,
            counts=inputs.mean_counts,
            title=inputs.energy_title,
        )
        for i, display in enumerate(displays)
    }
    control = Control("Spectra", tuple(displays))
    return Figure(name="components", caption=COMPONENTS_BY_METHOD, variants=variants, controls=(control,))
