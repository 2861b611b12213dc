"""The energy axis against the onsets of the edges: what was measured, and what to write to correct it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import xarray as xr

from eelsunmix.background.energy_offset import EnergyOffset, common_offset
from eelsunmix.background.group_spectra import GroupSums
from eelsunmix.background.line_energies import describe_lines, line_energies
from eelsunmix.background.onsets import SAME_EV, Onset, measure_onsets
from eelsunmix.background.words import beside_their_onsets
from eelsunmix.edges import Edge
from eelsunmix.energy.units import channel_energies, in_electronvolts

LONE_EV, LONE_EVIDENCE = 6.0, 200.0
"""A single edge says less: it may be another one, or a pattern of the camera."""
CHANNELS = 1.5
"""A smaller offset, in channels, is not named: wide channels blur the onsets."""
_UNSURE_STRETCH = (
    ": the offset first, as the dispersion may be right by its standard error. Run again and see what is left"
)
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class AxisCheck:
    """What the edges say of the energy axis.

    Parameters
    ----------
    onsets : dict of str to Onset
        Of the edges that rise clearly.
    measured : dict
        The same and the offset as plain values, for the store.
    warnings : list of str
        Sentences on an axis that is off, or edges that lie elsewhere.
    """

    onsets: dict[str, Onset]
    measured: dict[str, Any]
    warnings: list[str]


def check_energy_axis(
    image: xr.DataArray,
    sums: GroupSums,
    edges: Mapping[str, Edge],
    *,
    counts_per_electron: float,
    raw_energy: xr.DataArray | None = None,
) -> AxisCheck:
    """Measure where the edges rise and compare with where they are expected.

    Parameters
    ----------
    image : DataArray, dims (..., energy)
        Of which the axis is used; lines of X-rays do not rise: where they peak is told, and nothing judged.
    sums : GroupSums
        In the order of the edges.
    edges : mapping of str to Edge
    counts_per_electron : float
    raw_energy : DataArray, shape (raw channel,), optional
        Axis of the file, which is what the configuration shifts; that of the image by default.
    """
    onsets: dict[str, Onset] = {}
    if image.dims[-1] == "energy_loss":
        onsets = _one_of_each(measure_onsets(sums, channel_energies(image), edges, counts_per_electron))
    found = common_offset([one.onset_eV for one in onsets.values()], [one.shift for one in onsets.values()])
    measured, warnings = describe(onsets, found), []
    if any(edge.is_line for edge in edges.values()):
        whole, axis = sums.parts[0].sum(axis=0), image[image.dims[-1]]
        peaks = line_energies(whole, axis, edges, counts_per_electron=counts_per_electron)
        measured |= describe_lines(peaks, edges)
    if onsets:
        axis = image[image.dims[-1]] if raw_energy is None else raw_energy
        first, second = in_electronvolts(axis[:2]).tolist()
        warnings = axis_warnings(onsets, found, (first, second - first))
    _logger.info(measured["summary"])
    for text in warnings:
        _logger.warning(text)
    return AxisCheck(onsets=onsets, measured={**measured, "warnings": warnings}, warnings=warnings)


def describe(onsets: Mapping[str, Onset], offset: EnergyOffset | None) -> dict[str, Any]:
    """Gather what was measured, as plain values for the store."""
    known = [(one.onset_eV, one.table_eV) for one in onsets.values() if one.table_eV is not None]
    table = common_offset([onset for onset, _ in known], [onset - given for onset, given in known])
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
        far = [name for name, onset in onsets.items() if _is_far(onset, 0.0)]
        return _unexplained(far, onsets)
    lone = [
        _lone(name, onset)
        for name, onset in onsets.items()
        if _is_far(onset, 0.0) and _is_far(onset, offset.at(onset.onset_eV))
    ]
    sure = offset.is_sure and offset.largest >= CHANNELS * channels[1]
    return ([_proposal(onsets, offset, channels)] if sure else []) + lone


def _one_of_each(onsets: Mapping[str, Onset]) -> dict[str, Onset]:
    """Keep the first of onsets that are given within 10 eV of each other: one rise is one witness."""
    kept: dict[str, Onset] = {}
    for name, onset in sorted(onsets.items(), key=lambda item: item[1].given_eV):
        if all(abs(onset.given_eV - one.given_eV) > SAME_EV for one in kept.values()):
            kept[name] = onset
    return {name: onset for name, onset in onsets.items() if name in kept}


def _is_far(onset: Onset, expected: float) -> bool:
    return onset.evidence >= LONE_EVIDENCE and abs(onset.shift - expected) >= LONE_EV


def _proposal(onsets: Mapping[str, Onset], offset: EnergyOffset, channels: tuple[float, float]) -> str:
    first, width = channels
    stretched = offset.stretch_is_sure
    written = f"offset_eV: {first - (offset.at(first) if stretched else offset.offset_eV):.1f}"
    if stretched:
        written += f", dispersion_eV: {width * (1 - offset.stretch):.4g}"
    return (
        f"The energy axis is {_size(offset)}: {_positions(onsets)}. The windows miss parts of the edges and "
        f"net counts are wrong. To correct it, write axes: {{energy: {{{written}}}}} in the configuration"
        + (_UNSURE_STRETCH if offset.stretch and not stretched else "")
        + (f"; single edges then lie up to {offset.rest_eV:.0f} eV off" if offset.rest_eV >= 2 else "")
        + ". If you trust the axis, move the onsets and windows of the edges to where they rise."
    )


def _size(offset: EnergyOffset) -> str:
    dispersion = (
        f"its dispersion is off by {abs(offset.stretch):.1%} (standard error {offset.stretch_sd:.1%})"
    )
    if not offset.mean_is_sure:
        ends = [f"{offset.at(energy):+.1f} eV at {energy:.0f} eV" for energy in offset.span_eV]
        return f"off by {' and '.join(ends)}; {dispersion}"
    side = "too low" if offset.offset_eV < 0 else "too high"
    size = f"about {abs(offset.offset_eV):.1f} eV {side} (standard error {offset.sd_eV:.1f} eV)"
    return f"{size} at {offset.at_eV:.0f} eV, and {dispersion}" if offset.stretch else size


def _unexplained(far: Sequence[str], onsets: Mapping[str, Onset]) -> list[str]:
    if len(onsets) < 2 or len(far) < 2:
        return [_lone(name, onsets[name]) for name in far]
    return [
        f"The edges disagree on the energy axis: {_positions(onsets)}. No one shift explains them, so none "
        "is proposed. Check the onsets and elements that you gave, and the dispersion of the axis "
        "(axes: {energy: {offset_eV: ..., dispersion_eV: ...}}); or move the windows to where the edges rise."
    ]


def _lone(name: str, onset: Onset) -> str:
    side = "below" if onset.shift < 0 else "above"
    return (
        f"{name} rises at {onset.onset_eV:.0f} eV, {abs(onset.shift):.0f} eV {side} its onset of "
        f"{onset.given_eV:g} eV. One edge does not tell an energy axis that is off from another element. "
        "Compare with an edge that you know is there; then shift the axis, axes: {energy: {offset_eV: ...}}, "
        f"or move edges.{name}.onset_eV and its windows."
    )


def _positions(onsets: Mapping[str, Onset]) -> str:
    texts = [f"{name} rises at {one.onset_eV:.0f} eV, not {one.given_eV:g}" for name, one in onsets.items()]
    return ", ".join(texts)


def _numbers(name: str, offset: EnergyOffset | None) -> dict[str, float | None]:
    return {
        f"{name}_eV": offset.offset_eV if offset else None,
        f"{name}_sd_eV": offset.sd_eV if offset else None,
    }


def _summary(onsets: Mapping[str, Onset], offset: EnergyOffset | None, table: EnergyOffset | None) -> str:
    if not onsets:
        return "The offset of the energy axis was not measured: no edge rises clearly."
    if offset is None:
        return f"The offset of the energy axis was not measured: {_few(onsets)}."
    text = (
        f"The edges rise {beside_their_onsets(offset.offset_eV)} (standard error {offset.sd_eV:.1f} eV, "
        f"{', '.join(onsets)})"
    )
    if table and table.is_sure and not offset.is_sure:
        side = "below" if table.offset_eV < 0 else "above"
        text += f"; on average they lie {abs(table.offset_eV):.1f} eV {side} the table"
        text += ", which these onsets allow for"
    return text + "."


def _few(onsets: Mapping[str, Onset]) -> str:
    return "the edges disagree" if len(onsets) > 1 else f"only {next(iter(onsets))} rises clearly"
