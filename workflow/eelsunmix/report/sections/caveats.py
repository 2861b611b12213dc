"""Section on what to distrust, as the program itself found it."""

from eelsunmix.report.axis_words import off_the_table
from eelsunmix.report.content import (
    Block,
    Notice,
    Section,
    Text,
)
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.texts import sentence

AXIS = (
    "The energy axis is not confirmed: {beside}. The onsets of the configuration allow for that. If it is no "
    "shift of the axis, an edge may have a wrong name: compare with an edge that is known for sure."
)


def section(inputs: Inputs) -> Section:
    """Return what to distrust, as the program itself found it."""
    lines = list(dict.fromkeys(sentence(text) for text in inputs.comparison.attrs.get("caveats", [])))
    beside = off_the_table(inputs)
    lines += [AXIS.format(beside=beside)] * bool(beside)
    blocks: list[Block] = [Notice(text, "warning") for text in lines]
    if inputs.warnings:
        blocks.append(Text("The verdict above lists the warnings of all stages."))
    return Section(name="caveats", title="Caveats", blocks=tuple(blocks) or (Text("None were found."),))
