"""Section on what to distrust, as the program itself found it."""

from eelsunmix.report.content import (
    Block,
    Notice,
    Section,
    Text,
)
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.texts import sentence


def section(inputs: Inputs) -> Section:
    """Return what to distrust, as the program itself found it."""
    found = [*inputs.comparison.attrs.get("caveats", [])]
    found += dict(inputs.raw.attrs.get("counts_check", {})).get("warnings", [])
    found += inputs.rank.attrs.get("warnings", [])
    lines = list(dict.fromkeys(sentence(text) for text in found))
    blocks: tuple[Block, ...] = tuple(Notice(text, "warning") for text in lines)
    return Section(name="caveats", title="Caveats", blocks=blocks or (Text("None were found."),))
