"""Counts that the atoms of an edge make elsewhere in the spectrum: a material has no fewer.

The atoms that make an edge have other shells too, of lower energy, and the edge goes on beyond its window. So
the net counts of an edge say how many counts a spectrum has at least in every channel, by the ratio of
tabulated cross-sections; thickness, dose and density cancel.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from eelsunmix.background.net_counts import net_counts_of_spectra
from eelsunmix.edges import Edge
from eelsunmix.energy import in_electronvolts
from eelsunmix.synthetic.spectra import TABLE_EV, cross_section, tabulated
from eelsunmix.typing import Floats, Indices

SURE_PART = 0.6
"""Part of these counts that are there for sure. Cross-sections of L and M shells are known to 20 to 30 %
(Egerton 2011, section 4.5), and white lines, which are not in the table, add up to 45 % to net counts."""
_UNIT = 1e6


def atomic_floor(edges: Mapping[str, Edge], energy: xr.DataArray) -> Floats:
    """Return the counts of each channel that go with one net count of each edge, shape (edge, channel).

    Zero for elements that are not in the table, outside of its range, and for lines of X-rays.

    Parameters
    ----------
    edges : mapping of str to Edge
    energy : DataArray, shape (channel,)
    """
    floor = np.zeros((len(edges), energy.size))
    losses = in_electronvolts(energy)
    inside = (losses >= TABLE_EV[0]) & (losses <= TABLE_EV[1])
    for row, (name, edge) in enumerate(edges.items()):
        if edge.is_line or not tabulated(edge.element) or not inside.any():
            continue
        section = np.where(inside, cross_section(edge.element, np.clip(losses, *TABLE_EV)), 0.0)
        section *= _UNIT / section.sum()
        net = net_counts_of_spectra(section[None], energy, {name: edge}, exponent_from=section)[0, 0]
        if net > 0:
            floor[row] = SURE_PART * section / net
    return floor


def least_of_each(elements: Sequence[str], net_counts: Floats, owner: Indices, floor: Floats) -> Floats:
    """Keep one edge of each element, by which its owner has the fewest atoms; the floor of others is zero.

    Parameters
    ----------
    elements : sequence of str
        Of each edge.
    net_counts : ndarray, shape (endmember, edge)
    owner : ndarray of int, shape (edge,)
    floor : ndarray, shape (edge, channel)
        From `atomic_floor`.
    """
    atoms = net_counts[owner, np.arange(len(owner))] * floor.sum(axis=1)
    kept = np.zeros_like(floor)
    for element in set(elements):
        known = [edge for edge, one in enumerate(elements) if one == element and atoms[edge] > 0]
        if known:
            least = min(known, key=lambda edge: float(atoms[edge]))
            kept[least] = floor[least]
    return kept
