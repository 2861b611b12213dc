"""Whether the energy axis is right, in words: where edges rise, or lines peak, beside where they should."""

from collections.abc import Mapping

import numpy as np

from eelsunmix.background.words import beside_their_onsets, off_their_energies
from eelsunmix.comparison.words import listed
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.texts import one_style

ALLOWED_EV = 1.0
"""Where an onset of the configuration differs from the table by more, it is told where edges rise by both."""
TELLING_EDGES = 3
"""Through fewer points a straight line goes anyhow."""


def axis_in_words(inputs: Inputs) -> str:
    """Say how far edges rise, or lines peak, from where they are expected."""
    found = dict(inputs.bs.attrs["energy_axis"])
    if inputs.has_lines:
        lines = found.get("lines")
        return f"lines peak {off_their_energies(lines)}" if lines else "not measured: no line stands out"
    offset, deviation = found.get("offset_eV"), found.get("offset_sd_eV")
    if offset is None:
        return "not measured: too few edges rise clearly"
    if found.get("warnings"):
        return f"off: edges rise {beside_their_onsets(offset, deviation)}"
    beside = off_the_table(inputs)
    if not beside:
        return f"edges rise {beside_their_onsets(offset, deviation)}"
    configured = beside_their_onsets(offset, deviation, onsets="the other onsets of the configuration")
    return f"not confirmed: {beside}. Edges rise {configured}, which the windows follow"


def off_the_table(inputs: Inputs) -> str:
    """Say how far edges rise from the table if the configuration has other onsets; nothing if it has not.

    Windows follow the configuration, so that an axis that is off, or an edge with a wrong name, is not seen.
    """
    found = dict(inputs.bs.attrs.get("energy_axis", {}))
    if inputs.has_lines or found.get("offset_eV") is None or found.get("warnings"):
        return ""
    onsets = found.get("onsets", {})
    known = {edge: one for edge, one in onsets.items() if one.get("table_eV") is not None}
    if not any(abs(one["given_eV"] - one["table_eV"]) > ALLOWED_EV for one in known.values()):
        return ""
    return _off_the_table(known)


def _off_the_table(onsets: Mapping[str, Mapping[str, float]]) -> str:
    """Say how far each edge, as a store has it, rises from the table, and what a straight line leaves of it.

    Examples
    --------
    >>> places = {"Ti_L23": (454, 456), "O_K": (525, 532), "Mn_L23": (632, 640), "La_M45": (831, 832)}
    >>> onsets = {edge: {"onset_eV": one[0], "table_eV": one[1]} for edge, one in places.items()}
    >>> _off_the_table(onsets).split("; ")
    ['edges lie off their tabulated onsets by Ti L23 −2, O K −7, Mn L23 −8 and La M45 −1 eV', 'one shift and \
one dispersion leave up to 4 eV']
    >>> _off_the_table({"C_K": {"onset_eV": 290.0, "table_eV": 284.0}})
    'edges lie off their tabulated onsets by C K +6 eV'
    """
    rises, table = np.array([(one["onset_eV"], one["table_eV"]) for one in onsets.values()]).T
    each = listed([f"{edge} {shift:+z.0f}" for edge, shift in zip(onsets, rises - table, strict=True)])
    left = ""
    if len(onsets) >= TELLING_EDGES:
        beyond = np.abs(rises - np.polyval(np.polyfit(table, rises, 1), table)).max()
        left = f"; one shift and one dispersion leave up to {beyond:.0f} eV"
    return one_style(f"edges lie off their tabulated onsets by {each} eV{left}")
