"""Lines of X-rays that are proposed, as part of a commented configuration, and in words for the terminal."""

from collections.abc import Iterator

from eelsunmix.proposal.lines import LineProposal, ProposedLine
from eelsunmix.proposal.proposing import SURE

COLUMN = 58
"""Where comments begin."""


def lines_text(found: LineProposal) -> Iterator[str]:
    """Yield the lines of a configuration."""
    if found.written_axis:
        written = ", ".join(f"{key}: {value:g}" for key, value in found.written_axis.items())
        yield f"# {axis_in_words(found)}"
        yield f"axes: {{energy: {{{written}}}}}"
        yield ""
    if not found.lines:
        yield "# No line was found. Name those that you expect, to have a reference:"
        yield "# edges: [Si, O, Fe]"
        return
    usable = [one for one in found.lines if one.edge]
    yield "# Lines of X-rays. Windows that are not written are chosen from the axis and the other lines."
    yield "# Cu, Ga, Pt and the like may come from the holder or the preparation: take those out."
    yield "edges:" if usable else "# edges:"
    for one in found.lines:
        yield from _entry(one)


def _entry(one: ProposedLine) -> Iterator[str]:
    named, seen = one.named, f"at {one.named.energy_eV:.0f} eV"
    if one.edge is None:
        yield f"  # {named.name} {seen}, score {named.chance:.2f}; left out: {one.reason}"
        return
    written = ", ".join(f"{key}: [{low:g}, {high:g}]" for key, (low, high) in one.fields.items())
    doubt = "" if named.chance >= SURE else "UNSURE, "
    below, signal, above = one.edge.fit_eV, one.edge.integrate_eV, one.edge.fit_above_eV or (0.0, 0.0)
    yield (
        f"  {named.name}: {{{written}}} ".ljust(COLUMN)
        + f"# {doubt}score {named.chance:.2f}: {seen}; background {below[0]:g}-{below[1]:g} and "
        + f"{above[0]:g}-{above[1]:g}, sum {signal[0]:g}-{signal[1]:g} eV"
    )
    for name, chance in named.chances[1:]:
        yield f"  # {name}: {{}}".ljust(COLUMN) + f"# or this, score {chance:.2f}"


def lines_said(found: LineProposal) -> Iterator[str]:
    """Yield what was found, for the terminal."""
    if found.written_axis:
        yield axis_in_words(found)
    if not found.lines:
        yield "no line was found; name those that you expect in the configuration"
    for one in found.lines:
        named = one.named
        if one.edge is None:
            yield f"{named.energy_eV:.0f} eV: {named.name} left out, {one.reason}"
            continue
        others = ", ".join(f"{name} {chance:.2f}" for name, chance in named.chances[1:])
        doubt = f" (unsure; or {others or 'no line at all'})" if named.chance < SURE else ""
        yield f"{named.energy_eV:.0f} eV: {named.name}, score {named.chance:.2f}{doubt}"


def axis_in_words(found: LineProposal) -> str:
    """Say what is written of the axis."""
    said = []
    if "offset_keV" in found.written_axis:
        side = "below" if found.offset_eV < 0 else "above"
        said.append(f"the lines lie {abs(found.offset_eV):.0f} eV {side} the table; the axis is put right")
    if "resolution_eV" in found.written_axis:
        said.append(f"the lines are as wide as with {found.resolution_eV:g} eV (FWHM) at Mn Ka")
    return f"Energy axis: {'; '.join(said)}."
