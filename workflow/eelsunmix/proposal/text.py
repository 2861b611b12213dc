"""A proposal as a commented configuration that runs as it is."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from eelsunmix.edge_table import TABLE
from eelsunmix.energy.noise_peak import END_EV, weighty_noise_peak
from eelsunmix.proposal.axis import change_in_words, disagree, positions
from eelsunmix.proposal.line_text import COLUMN, lines_text
from eelsunmix.proposal.naming import hidden_by
from eelsunmix.proposal.proposing import SURE, Proposal, ProposedEdge

_ONSETS = {edge.name: edge.onset_eV for edge in TABLE}


def configuration_text(
    samples: Mapping[str, Path],
    proposal: Proposal,
    *,
    page: str,
    signal: str | None = None,
    others: Sequence[str] = (),
    masked: bool = False,
    strip: tuple[str, float, float] | None = None,
    layered: str | None = None,
) -> str:
    """Write the configuration.

    Parameters
    ----------
    samples : mapping of str to Path
        Names and files; the first one was searched.
    proposal : Proposal
    page : str
        Where the windows are drawn.
    signal : str, optional
        The signal that was chosen.
    others : sequence of str
        Signals of the file, described.
    masked : bool
        Whether the image has pixels without counts.
    strip : tuple of str and two floats, optional
        The longer axis of the image and limits in nm at its beginning; None without a size of a pixel.
    layered : str, optional
        The axis along which the image varies alone; a profile along it is chosen.
    """
    searched = str(next(iter(samples.values())))
    lines = [
        f"# Proposed by `eelsunmix new` from {_on_one_line(searched)}; it runs as it is:",
        "#     eelsunmix run THIS_FILE",
        f"# The windows are drawn in {_on_one_line(page)}.",
        f"# Correct what is wrong: you know the specimen, this only sees {_kind(proposal)}.",
        *(f"# The file holds the signal {_on_one_line(text)}" for text in others),
        "",
        "samples:",
        *(f"  {name}: {{file: {_scalar(str(path))}}}" for name, path in samples.items()),
        *_fit_on(list(samples)),
        "",
        *([f"signal: {_scalar(signal)}"] if signal else []),
        *(["invalid_pixels: mask             # pixels without counts take no part"] if masked else []),
        *_axis(proposal),
        "components: {n: auto}            # the number of materials is estimated; or write it",
        "",
        *_edges(proposal),
        "",
        "methods: {recommended: {}, nmf: {}, ica: {}, vca: {}}   # others: blu, udas, daeu, mtaeu, cnnaeu",
        "",
        *_profile(layered, "y" if strip is None else strip[0]),
        *_places(proposal, strip),
        "# All keys: docs/configuration.md",
    ]
    return "\n".join(lines) + "\n"


def _kind(proposal: Proposal) -> str:
    return "lines" if proposal.x_rays else "edges"


def _profile(layered: str | None, longer: str) -> Iterator[str]:
    if layered is None:
        yield f"# profiles: {{across: {{along: {longer}}}}}       # counts along it, summed across"
        return
    across = "x" if layered == "y" else "y"
    yield f"# Nobody asked for a profile. As the image varies along {layered} alone, or is a line scan, one"
    yield f"# was chosen: counts along {layered}, summed over all of {across}. It gives the widths of layers."
    yield f"profiles: {{along_{layered}: {{along: {layered}}}}}"


def _places(proposal: Proposal, strip: tuple[str, float, float] | None) -> Iterator[str]:
    if strip is None:
        yield "# The file has no length scale: lengths are in pixels. Write pixel_nm in axes for nm."
        return
    along, low, high = strip
    if elements := [edge.element for _, _, edge in proposal.drawn]:
        written = f"# regions: {{beside: {{{along}_nm: [{low:g}, {high:g}], without: [{elements[0]}]}}}}"
        yield f"{written}    # where you know that an element is absent"


def _fit_on(names: Sequence[str]) -> Iterator[str]:
    if len(names) > 1:
        yield f"  # {names[1]}: {{file: ..., fit_on: {names[0]}}} applies the models of {names[0]} instead"


def _axis(proposal: Proposal) -> Iterator[str]:
    if offset := proposal.offset:
        written = ", ".join(f"{key}: {value:g}" for key, value in proposal.written_axis.items())
        side = "below" if offset.offset_eV < 0 else "above"
        yield (
            f"# The edges rise {abs(offset.offset_eV):.1f} eV {side} the table (standard error "
            f"{offset.sd_eV:.1f} eV), at {offset.at_eV:.0f} eV of the axis as read. So it is put right:"
        )
        yield f"# {change_in_words(proposal.read_energies, proposal.energies)}."
        yield "# This line and the onsets below belong together. If you trust the axis as read, write, in the"
        yield f"# place of both:  edges: {{{_as_read(proposal)}}}"
        yield f"axes: {{energy: {{{written}}}}}"
        yield ""
    elif disagree(proposal.witnesses, proposal.offset):
        yield from _axis_alternatives(proposal)


def _as_read(proposal: Proposal) -> str:
    """Edges with their onsets on the axis as read: without them they would be taken from the table."""
    usable = [one.named for one in proposal.edges if one.edge]
    return ", ".join(f"{one.name}: {{onset_eV: {one.rise.onset_eV:.0f}}}" for one in usable)


def _axis_alternatives(proposal: Proposal) -> Iterator[str]:
    yield "# The axis stays as read: the edges lie off the table, but not together by more than chemistry"
    yield f"# explains (a few eV): {positions(proposal.witnesses)}."
    yield "# If you know where one of them belongs, write one of these, and no onset_eV of the edges below:"
    first = float(proposal.read_energies[0])
    for one in proposal.witnesses:
        yield (
            f"# axes: {{energy: {{offset_eV: {first - one.shift_eV:.1f}}}}}".ljust(COLUMN)
            + f"# by {one.name}"
        )
    mean = sum(one.shift_eV for one in proposal.witnesses) / len(proposal.witnesses)
    yield f"# axes: {{energy: {{offset_eV: {first - mean:.1f}}}}}".ljust(COLUMN) + "# by their mean"
    yield ""


_X_RAYS = """\
corrections:
  gain: {method: none}                  # a detector of X-rays has none
  bad_channels: {channels: none}
  spikes: {enabled: false}
"""


def _edges(proposal: Proposal) -> Iterator[str]:
    if proposal.x_rays:
        yield from _X_RAYS.splitlines()
        yield from _crop(proposal)
        yield ""
        yield from lines_text(proposal.x_rays)
        return
    if not proposal.edges:
        yield "# No edge was found. Name those that you expect, to have a reference:"
        yield "# edges: [C, O, Fe]"
        return
    usable = [one for one in proposal.edges if one.edge]
    yield "# Windows that are not written are chosen from the axis and the other edges."
    yield "edges:" if usable else "# edges:"
    taken = {one.named.name for one in usable}
    for one in proposal.edges:
        yield from _entry(one, proposal, taken)


def _crop(proposal: Proposal) -> Iterator[str]:
    if share := weighty_noise_peak(proposal.energies, proposal.mean_spectrum):
        last = float(proposal.energies[-1])
        written = f"  crop: {{energy_eV: [{END_EV:g}, {last:.6g}]}} ".ljust(COLUMN)
        yield written + f"# leaves out the detector's noise peak, {100 * share:.0f} % of the counts"


def _entry(one: ProposedEdge, proposal: Proposal, taken: set[str]) -> Iterator[str]:
    seen = f"rises at {_seen(one, proposal):.0f} eV"
    if one.edge is None:
        yield f"  # {seen}; left out: {one.reason or 'its name is taken'}"
        yield from _alternatives(one, taken)
        return
    fit, signal = one.edge.fit_eV, one.edge.integrate_eV
    written = ", ".join(f"{key}: {value:g}" for key, value in one.fields.items())
    doubt = "" if one.named.chance >= SURE else "UNSURE, "
    yield (
        f"  {one.named.name}: {{{written}}} ".ljust(COLUMN)
        + f"# {doubt}score {one.named.chance:.2f}: {seen} (table {_ONSETS[one.named.name]:g}); "
        + f"fit {fit[0]:g}-{fit[1]:g}, sum {signal[0]:g}-{signal[1]:g} eV"
    )
    if doubt:
        yield from _alternatives(one, taken)
    if hidden := hidden_by(one.named):
        yield f"  # in the fine structure of {one.named.name} could hide: {', '.join(hidden)}"


def _alternatives(one: ProposedEdge, taken: set[str]) -> Iterator[str]:
    """Offer names to uncomment, each once: a key that stands twice is refused."""
    for name, chance in one.named.chances[:4]:
        if not name or (one.edge and name == one.named.name):
            continue
        offered = f"  # {name} stands elsewhere already" if name in taken else f"  # {name}: {{}}"
        yield offered.ljust(COLUMN) + f"# or this, score {chance:.2f}"
        taken.add(name)


def _seen(one: ProposedEdge, proposal: Proposal) -> float:
    onset = one.named.rise.onset_eV
    return onset - (proposal.offset.at(onset) if proposal.offset else 0.0)


def _on_one_line(text: str) -> str:
    """Keep the text of a file inside of its comment: after a line break it would be a key."""
    return "".join(mark if mark.isprintable() else " " for mark in text)


def _scalar(value: Any) -> str:
    """Write a value as YAML on one line, with quotes where it needs some."""
    return (
        yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
        .removesuffix("...\n")
        .strip()
    )
