"""How far the energy axis is off, by the onsets that the image shows, and what to write in the configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eelsunmix.background.onsets import Onset
from eelsunmix.typing import Floats

CHEMISTRY_EV = 2.5
"""Standard deviation of one onset: chemical shifts, and what is called the onset."""
AGREE_EV = 4.0
"""Edges agree on an offset that is so near to the one of each."""
LEAST_EV = 3.0
"""A smaller offset is within chemistry."""
SURE = 2.5
"""Standard errors."""
LONE_EV = 6.0
"""A single edge says less: it may be another one."""
STRETCH = 0.05
"""Largest relative error of a dispersion that is taken for one."""
FEWEST_OF_STRETCH = 4
"""Edges; a line through three would hide that one of them is another edge."""


@dataclass(frozen=True, kw_only=True)
class EnergyOffset:
    """By how much the energies of the axis are too high; negative where they are too low.

    Parameters
    ----------
    offset_eV, sd_eV : float
        At `at_eV`, and its standard error.
    at_eV : float
        Mean of the onsets that it rests on.
    stretch, stretch_sd : float
        Its change per eV: relative error of the dispersion; 0 where one offset explains all.
    rest_eV : float
        Largest deviation of an edge from it.
    """

    offset_eV: float
    sd_eV: float
    at_eV: float
    stretch: float = 0.0
    stretch_sd: float = 0.0
    rest_eV: float = 0.0

    def at(self, energy: float) -> float:
        """Offset at an energy in eV."""
        return self.offset_eV + self.stretch * (energy - self.at_eV)

    @property
    def is_sure(self) -> bool:
        """Whether it is beyond chemistry and chance."""
        return abs(self.offset_eV) >= max(LEAST_EV, SURE * self.sd_eV)


def common_offset(onsets: Sequence[float], shifts: Sequence[float]) -> EnergyOffset | None:
    """Find the offset that two or more edges share, constant or linear in energy.

    Parameters
    ----------
    onsets : sequence of float
        Where the edges rise, in eV.
    shifts : sequence of float
        The same less where they are expected.

    Returns
    -------
    EnergyOffset or None
        None where the edges disagree, or are fewer than two.

    Examples
    --------
    >>> common_offset([450.0, 526.0, 634.0], [-6.0, -6.0, -6.0]).offset_eV
    -6.0
    >>> common_offset([450.0, 526.0], [-6.0, 20.0]) is None
    True
    """
    energy, shift = np.asarray(onsets, dtype=float), np.asarray(shifts, dtype=float)
    if shift.size < 2:
        return None
    rest = shift - shift.mean()
    if np.abs(rest).max() <= AGREE_EV:
        return _offset(energy, shift, 0.0, rest)
    if stretched := _stretched(energy, shift):
        return stretched
    distance = np.abs(shift - np.median(shift))
    near = distance <= AGREE_EV
    others_far = distance[~near].min(initial=np.inf) >= 2 * AGREE_EV
    if not (others_far and shift.size / 2 < near.sum() < shift.size):
        return None
    return common_offset(energy[near].tolist(), shift[near].tolist())


def describe(onsets: Mapping[str, Onset], offset: EnergyOffset | None) -> dict[str, Any]:
    """Gather what was measured, as plain values for the store."""
    known = {name: onset for name, onset in onsets.items() if onset.table_eV is not None}
    table = common_offset(
        [onset.onset_eV for onset in known.values()],
        [onset.onset_eV - (onset.table_eV or 0.0) for onset in known.values()],
    )
    return {
        "onsets": {
            name: {
                "onset_eV": onset.onset_eV,
                "onset_sd_eV": onset.sd_eV,
                "given_eV": onset.given_eV,
                "table_eV": onset.table_eV,
            }
            for name, onset in onsets.items()
        },
        **_numbers("offset", offset),
        **_numbers("table_offset", table),
        "summary": _summary(onsets, offset, table),
    }


def axis_warnings(
    onsets: Mapping[str, Onset], offset: EnergyOffset | None, channels: tuple[float, float]
) -> list[str]:
    """Name an energy axis that is off and propose what to write, or edges that lie elsewhere.

    Parameters
    ----------
    onsets : mapping of str to Onset
    offset : EnergyOffset or None
    channels : tuple of float
        Energy of the first channel of the file and the width of a channel, in eV.
    """
    if offset is None:
        far = [name for name, onset in onsets.items() if abs(onset.shift_eV) >= LONE_EV]
        return _unexplained(far, onsets)
    lone = [
        _lone(name, onset)
        for name, onset in onsets.items()
        if min(abs(onset.shift_eV), abs(onset.shift_eV - offset.at(onset.onset_eV))) >= LONE_EV
    ]
    return ([_proposal(onsets, offset, channels)] if offset.is_sure else []) + lone


def _stretched(energy: Floats, shift: Floats) -> EnergyOffset | None:
    if shift.size < FEWEST_OF_STRETCH:
        return None
    slope, _ = np.polyfit(energy - energy.mean(), shift, 1)
    rest = shift - shift.mean() - slope * (energy - energy.mean())
    found = _offset(energy, shift, float(slope), rest)
    clear = 2 * found.stretch_sd < abs(slope) <= STRETCH
    return found if clear and found.rest_eV <= AGREE_EV else None


def _offset(energy: Floats, shift: Floats, stretch: float, rest: Floats) -> EnergyOffset:
    spread = max(CHEMISTRY_EV, float(np.sqrt((rest**2).sum() / max(rest.size - 1 - bool(stretch), 1))))
    return EnergyOffset(
        offset_eV=float(shift.mean()),
        sd_eV=float(spread / np.sqrt(shift.size)),
        at_eV=float(energy.mean()),
        stretch=stretch,
        stretch_sd=float(spread / np.sqrt(((energy - energy.mean()) ** 2).sum())) if stretch else 0.0,
        rest_eV=float(np.abs(rest).max()),
    )


def _proposal(onsets: Mapping[str, Onset], offset: EnergyOffset, channels: tuple[float, float]) -> str:
    first, width = channels
    written = f"offset_eV: {first - offset.at(first):.1f}"
    if offset.stretch:
        written += f", dispersion_eV: {width * (1 - offset.stretch):.4g}"
    side = "too low" if offset.offset_eV < 0 else "too high"
    size = f"{abs(offset.offset_eV):.1f} eV {side} (standard error {offset.sd_eV:.1f} eV)"
    if offset.stretch:
        size += (
            f" at {offset.at_eV:.0f} eV, and its dispersion is off by {abs(offset.stretch):.1%} "
            f"(standard error {offset.stretch_sd:.1%})"
        )
    return (
        f"The energy axis is about {size}: {_positions(onsets)}. The windows miss parts of the edges, so net "
        f"counts are wrong. To correct the axis, write axes: {{energy: {{{written}}}}} in the configuration"
        + (f"; single edges then lie up to {offset.rest_eV:.0f} eV off" if offset.rest_eV >= 2 else "")
        + ". If you trust the axis, move the onsets and windows of the edges to where they rise."
    )


def _unexplained(far: Sequence[str], onsets: Mapping[str, Onset]) -> list[str]:
    if len(onsets) < 2 or len(far) < 2:
        return [_lone(name, onsets[name]) for name in far]
    return [
        f"The edges disagree on the energy axis: {_positions(onsets)}. No one shift brings all of them to "
        "their onsets, so none is proposed. Check onsets and elements, and the dispersion "
        "(axes: {energy: {offset_eV: ..., dispersion_eV: ...}}); then move the windows to where the edges rise."
    ]


def _lone(name: str, onset: Onset) -> str:
    side = "below" if onset.shift_eV < 0 else "above"
    return (
        f"{name}: the clearest edge near its onset of {onset.given_eV:g} eV rises at {onset.onset_eV:.0f} eV, "
        f"{abs(onset.shift_eV):.0f} eV {side} it. One edge does not tell whether the energy axis is off or "
        "this is another edge. Name a second edge that you know is there, or move "
        f"edges.{name}.onset_eV and its windows."
    )


def _positions(onsets: Mapping[str, Onset]) -> str:
    return ", ".join(
        [f"{name} rises at {onset.onset_eV:.0f} eV, not {onset.given_eV:g}" for name, onset in onsets.items()]
    )


def _numbers(name: str, offset: EnergyOffset | None) -> dict[str, float | None]:
    return {
        f"{name}_eV": offset.offset_eV if offset else None,
        f"{name}_sd_eV": offset.sd_eV if offset else None,
    }


def _summary(
    onsets: Mapping[str, Onset], offset: EnergyOffset | None, table: EnergyOffset | None
) -> str:
    if not onsets:
        return "The offset of the energy axis was not measured: no edge rises clearly."
    if offset is None:
        return f"The offset of the energy axis was not measured: {_few(onsets)}."
    text = (
        f"The edges rise {offset.offset_eV:+.1f} eV from their onsets (standard error {offset.sd_eV:.1f} eV, "
        f"{', '.join(onsets)})"
    )
    if table and table.is_sure and not offset.is_sure:
        side = "below" if table.offset_eV < 0 else "above"
        text += f"; the axis lies {abs(table.offset_eV):.1f} eV {side} the table, and the onsets follow it"
    return text + "."


def _few(onsets: Mapping[str, Onset]) -> str:
    return "the edges disagree" if len(onsets) > 1 else f"only {next(iter(onsets))} rises clearly"
