"""From a spectrum image to the edges that it shows, with names, windows, and what is unsure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.background.energy_offset import EnergyOffset
from eelsunmix.background.group_spectra import sum_groups
from eelsunmix.background.onset_scan import Spectrum
from eelsunmix.background.onsets import spectra_of_halves
from eelsunmix.edge_choice import resolve_edges
from eelsunmix.edge_table import TABLE
from eelsunmix.edges import Edge
from eelsunmix.energy.units import channel_energies
from eelsunmix.errors import InputError
from eelsunmix.image import valid_pixels
from eelsunmix.noise import counts_per_electron
from eelsunmix.proposal.axis import LIKELY, Witness, agreed_offset, put_right, witnesses
from eelsunmix.proposal.lines import LineProposal, ProposedLine, propose_lines
from eelsunmix.proposal.naming import NamedRise, name_rises
from eelsunmix.proposal.onset_search import find_rises, without_fine_structure
from eelsunmix.proposal.rises import Rise
from eelsunmix.proposal.slow_rises import slow_edges
from eelsunmix.proposal.usable import falling_halves
from eelsunmix.typing import Floats

SURE = 0.75
"""Probability from which a name is given without doubt; below `LIKELY` an edge is only a comment."""
MOVED_EV = 2.5
"""An onset that lies so far from the table, the axis put right, is written."""
FEWEST_BINS = 60

_ONSETS = {edge.name: edge.onset_eV for edge in TABLE}


@dataclass(frozen=True, kw_only=True)
class ProposedEdge:
    """An edge that was found.

    Parameters
    ----------
    named : NamedRise
    fields : dict
        What is to be written of it beside its name; empty where the name says all.
    edge : Edge or None
        With its windows; None where it is not proposed.
    reason : str
        Why it is not proposed; empty where it is.
    """

    named: NamedRise
    fields: dict[str, Any] = field(default_factory=dict)
    edge: Edge | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a spectrum image shows.

    Parameters
    ----------
    edges : tuple of ProposedEdge
        In the order of energies.
    offset : EnergyOffset or None
        Of the energy axis as read, where the edges tell it surely.
    energies, read_energies : ndarray, shape (channel,)
        In eV, with the offset taken away; and as read.
    witnesses : tuple of Witness
        What each edge says of the axis.
    written_axis : dict
        What to write of the energy axis; empty where it stays.
    mean_spectrum : ndarray, shape (channel,)
    x_rays : LineProposal or None
        What an image of X-rays shows, which has lines and no edges.
    """

    edges: tuple[ProposedEdge, ...]
    offset: EnergyOffset | None
    energies: Floats
    read_energies: Floats
    witnesses: tuple[Witness, ...]
    written_axis: dict[str, float]
    mean_spectrum: Floats
    x_rays: LineProposal | None = None

    @property
    def drawn(self) -> list[tuple[str, float, Edge]]:
        """Names, scores and windows of what is proposed."""
        lines = self.x_rays.lines if self.x_rays else ()
        found: list[ProposedEdge | ProposedLine] = [*self.edges, *lines]
        return [(one.named.name, one.named.chance, one.edge) for one in found if one.edge]


def propose_edges(image: xr.DataArray) -> Proposal:
    """Find the edges of a spectrum image, or its lines of X-rays, and choose names and windows.

    Parameters
    ----------
    image : DataArray, dims (..., energy_loss) or (..., energy)
        Counts as read.
    """
    energies = channel_energies(image)
    mean = mean_spectrum(image)
    named: list[NamedRise] = []
    x_rays = None
    if image.dims[-1] == "energy_loss":
        named = name_rises(_rises(image, energies), (float(energies[0]), float(energies[-1])))
    else:
        x_rays = propose_lines(mean, int(valid_pixels(image).sum()), energies)
    edges = witnesses(named)
    offset = agreed_offset(edges)
    right, written = put_right(energies, offset)
    return Proposal(
        edges=tuple(_with_windows(named, offset, right)),
        offset=offset,
        energies=right,
        read_energies=energies,
        witnesses=tuple(edges),
        written_axis=written,
        mean_spectrum=mean,
        x_rays=x_rays,
    )


def mean_spectrum(image: xr.DataArray) -> Floats:
    """Mean counts of a valid pixel, channel by channel."""
    navigation = list(image.dims[:-1])
    return np.asarray(image.sum(navigation, dtype=float).to_numpy() / max(int(valid_pixels(image).sum()), 1))


def _rises(image: xr.DataArray, energies: Floats) -> list[Rise]:
    """Edges of the whole image, then those that only a third of it shows; slow ones come last."""
    sums = sum_groups(image, {"all": np.where(valid_pixels(image), 0.0, np.nan)})
    found: list[Rise] = []
    bent: list[tuple[Sequence[Spectrum], list[Rise]]] = []
    for part in sums.parts:
        halves = falling_halves(spectra_of_halves(part, energies, counts_per_electron(image)))
        if halves and halves[0].energy.size >= FEWEST_BINS:
            rises, bends = find_rises(halves, found)
            found += rises
            bent.append((halves, bends))
    for halves, bends in bent:
        found += slow_edges(halves, bends, found)
    return without_fine_structure(found)


def _with_windows(
    named: Sequence[NamedRise], offset: EnergyOffset | None, energies: Floats
) -> list[ProposedEdge]:
    """Choose windows of all edges together; one after the other is left out until there is room."""
    fields = {one.name: _fields(one, offset) for one in _best_of_each_name(named)}
    reasons: dict[str, str] = {}
    resolved: dict[str, Edge] = {}
    while fields and not resolved:
        try:
            resolved = resolve_edges({name: fields[name] for name in fields}, energies)
        except InputError as error:
            for text in str(error).split("; edges."):
                name, _, reason = text.removeprefix("edges.").partition(": ")
                reasons[name] = reason
                fields.pop(name, None)
    return [_proposed(one, fields, resolved, reasons) for one in named]


def _best_of_each_name(named: Sequence[NamedRise]) -> list[NamedRise]:
    """Of each name the clearest edge; what is unlikely has no name that would hold."""
    likely = [one for one in named if one.name and one.chance >= LIKELY]
    best: dict[str, NamedRise] = {}
    for one in sorted(likely, key=lambda one: one.rise.evidence):
        best[one.name] = one
    return [one for one in likely if best[one.name] is one]


def _fields(one: NamedRise, offset: EnergyOffset | None) -> dict[str, Any]:
    seen = one.rise.onset_eV - (offset.at(one.rise.onset_eV) if offset else 0.0)
    delayed = next(edge.is_delayed for edge in TABLE if edge.name == one.name)
    return {} if delayed or abs(seen - _ONSETS[one.name]) < MOVED_EV else {"onset_eV": float(round(seen))}


def _proposed(
    one: NamedRise,
    fields: Mapping[str, dict[str, Any]],
    resolved: Mapping[str, Edge],
    reasons: Mapping[str, str],
) -> ProposedEdge:
    if not one.name:
        return ProposedEdge(named=one, reason="no element of the table fits")
    if one.chance < LIKELY:
        return ProposedEdge(named=one, reason="too unsure")
    edge = resolved.get(one.name)
    return ProposedEdge(
        named=one, fields=dict(fields.get(one.name, {})), edge=edge, reason=reasons.get(one.name, "")
    )
