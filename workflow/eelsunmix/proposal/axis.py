"""The energy axis of a proposal: put right where the edges agree, left as read where not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from eelsunmix.background.energy_offset import AGREE_EV, LEAST_EV, EnergyOffset, common_offset
from eelsunmix.edge_table import TABLE
from eelsunmix.proposal.naming import NamedRise
from eelsunmix.typing import Floats

LIKELY = 0.5
"""Probability of a name from which its edge has a say."""
_ONSETS = {edge.name: edge.onset_eV for edge in TABLE}


@dataclass(frozen=True, kw_only=True)
class Witness:
    """What one edge says of the axis.

    Parameters
    ----------
    name : str
    onset_eV, shift_eV : float
        Where it rises on the axis as read, and how far that is from the table.
    """

    name: str
    onset_eV: float
    shift_eV: float


def witnesses(named: Sequence[NamedRise]) -> list[Witness]:
    """List all edges with a likely name; one that is left out for its doubt would hide that they disagree."""
    return [
        Witness(name=one.name, onset_eV=one.rise.onset_eV, shift_eV=one.rise.onset_eV - _ONSETS[one.name])
        for one in named
        if one.name and one.chance >= LIKELY
    ]


def agreed_offset(edges: Sequence[Witness]) -> EnergyOffset | None:
    """Find the offset on which edges agree beyond chance; a dispersion only where that is sure by itself.

    Returns
    -------
    EnergyOffset or None
    """
    shifts = np.array([one.shift_eV for one in edges])
    found = common_offset([one.onset_eV for one in edges], shifts.tolist())
    if found and found.stretch and not found.stretch_is_sure:
        found = _constant(found, edges)
    return found if found and found.is_sure else None


def _constant(found: EnergyOffset, edges: Sequence[Witness]) -> EnergyOffset:
    """Take an unsure slope out; what it explained then counts as the edges' own scatter."""
    shifts = np.array(
        [one.shift_eV for one in edges if abs(one.shift_eV - found.at(one.onset_eV)) <= AGREE_EV]
    )
    return replace(
        found,
        stretch=0.0,
        stretch_sd=0.0,
        sd_eV=max(found.sd_eV, float(shifts.std(ddof=1) / np.sqrt(shifts.size))),
        rest_eV=float(np.abs(shifts - found.offset_eV).max()),
    )


def disagree(edges: Sequence[Witness], offset: EnergyOffset | None) -> bool:
    """Whether edges lie off the table, but not together, so that the axis is left as it is."""
    return offset is None and len(edges) > 1 and max(abs(one.shift_eV) for one in edges) >= LEAST_EV


def put_right(energies: Floats, offset: EnergyOffset | None) -> tuple[Floats, dict[str, float]]:
    """Move an axis by an offset.

    Returns
    -------
    energies : ndarray, shape (channel,)
    written : dict
        What to write of the axis; empty where it stays.
    """
    if offset is None:
        return energies, {}
    first, width = float(energies[0]), float(energies[1] - energies[0])
    written = {"offset_eV": round(first - offset.at(first), 1)}
    if offset.stretch:
        width = written["dispersion_eV"] = float(f"{width * (1 - offset.stretch):.4g}")
    return np.asarray(written["offset_eV"] + width * np.arange(energies.size), dtype=float), written


def change_in_words(read: Floats, right: Floats) -> str:
    """Say what changes of an axis, and by how much its first and last energies move.

    Examples
    --------
    >>> change_in_words(np.array([440.0, 440.3]), np.array([456.6, 456.9]))
    'offset from 440 to 456.6 eV, dispersion 0.3 eV as read; the whole axis moves by +16.6 eV'
    """
    offset = f"offset from {read[0]:.5g} to {right[0]:.5g} eV"
    widths = [float(axis[1] - axis[0]) for axis in (read, right)]
    if np.isclose(widths[0], widths[1], rtol=1e-5):
        moved = f"the whole axis moves by {right[0] - read[0]:+.1f} eV"
        return f"{offset}, dispersion {widths[0]:.4g} eV as read; {moved}"
    ends = [
        f"{new - old:+.1f} eV at {old:.0f} eV" for old, new in zip(read[[0, -1]], right[[0, -1]], strict=True)
    ]
    dispersion = f"dispersion from {widths[0]:.4g} to {widths[1]:.4g} eV"
    return f"{offset}, {dispersion}; energies move by {' and '.join(ends)}"


def positions(edges: Sequence[Witness]) -> str:
    """Say where edges rise on the axis as read, and how far from the table."""
    return ", ".join(f"{one.name} {one.onset_eV:.0f} eV ({one.shift_eV:+.1f})" for one in edges)
