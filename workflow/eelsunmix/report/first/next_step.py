"""What to do next: what blocks the use of the maps first, then their export."""

from collections.abc import Sequence

from eelsunmix.comparison.words import listed
from eelsunmix.report.first.choice import Shown
from eelsunmix.report.first.state import axis_warnings, following, holds_nothing, is_astray, open_shares
from eelsunmix.report.formatting import in_words
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.number_words import likely_further
from eelsunmix.report.texts import export_command
from eelsunmix.stage_warnings import reference_problems
from eelsunmix.words import RECOMMENDED


def next_step(inputs: Inputs, label: str, maps: Sequence[Shown]) -> tuple[str, str, str]:
    """Return what to do next, its level, and the section that helps."""
    if axis_warnings(inputs):
        return "correct the energy axis (axes in the configuration) and run again", "next", "data"
    if holds_nothing(inputs):
        return "record more counts, or more pixels than one, or sum channels and pixels", "next", "components"
    if is_astray(inputs, label):
        return _next_if_astray(inputs)
    failed = reference_problems(inputs.bs)
    alone = [one for one in maps if one.edge in failed]
    if alone:
        names = listed([in_words(one.edge) for one in alone])
        return f"choose other windows for {names}, or other edges, and run again", "next", "background"
    if RECOMMENDED not in inputs.methods:
        return "list recommended: {} under methods, and the choice is made on simulated images", "next", ""
    shares = "; for absolute shares, record an image that has a region of each pure material"
    further = likely_further(inputs)
    more = f"run with components.n: {inputs.n_endmembers + 1} and compare, as {further} is likely; "
    text = more * bool(further)
    text += f"export maps and spectra: {export_command(inputs.sample, 'hspy')} (or --tiff, --csv, --nexus)"
    text += "; cite what you use"
    return text + shares * bool(open_shares(inputs, label, maps)), "next", "citation"


def _next_if_astray(inputs: Inputs) -> tuple[str, str, str]:
    if others := following(inputs):
        text = f"compare the maps of {listed(others)} with those of BS, and use those that agree"
        return f"{text}; or try another number of components (components.n)", "next", "maps"
    text = "try another number of components (components.n), look at the windows of BS, and run again"
    return text, "next", "background"
