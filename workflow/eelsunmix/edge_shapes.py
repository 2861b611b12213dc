"""How much of one spectrum's edges another spectrum has, by their shape.

Counts above a power law say it only where a background is one.  Here a spectrum, from the first fit window of
an element to the next edge of another one, is a power law that may bend, and a part of the spectrum that has
the edges.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from eelsunmix.edges import Edge, elements_of
from eelsunmix.typing import Bools, Floats, Indices

BENDS = 2
"""Degree, in the logarithm of the energy, of the factor by which a background differs from a power law."""
MOST_MISFIT = 3.0
"""Reduced chi-square from which on a background is not described. Measured: .5 to 2.6 for smooth ones, 4.6
and more where edges that nobody named lie in it."""
SYSTEMATIC = 0.005
"""Standard deviation of a part without noise: root mean square over nine pairs of materials."""
NEAR_EV, NEAR_BENDS = 30.0, 3
"""The shape of an edge tells materials apart within so many eV; degree of the background there."""
UNLIKE, NO_EDGE = 0.2, 0.7
"""Part of an edge that the owner's shape leaves from which on it is of another material; from the second on
it is no edge but a background that is not described. Measured: .25 to .50 for B and O in other compounds, 0
to .16 for mixtures (.10 for C in B4C beside C, which is not seen)."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Parts of the spectra that own the edges.

    Parameters
    ----------
    value, sd : ndarray, shape (endmember, element)
        NaN in the owner, and where the background is not described.
    """

    value: Floats
    sd: Floats


def parts_by_shape(
    endmembers: Floats, variance_of_one: Floats, owner: Indices, edges: Mapping[str, Edge], energy: Floats
) -> Parts:
    """Fit, in each endmember, the part that has the edges of another one.

    Parameters
    ----------
    endmembers : ndarray, shape (endmember, channel)
    variance_of_one : ndarray, shape (endmember,)
        Of a channel in which the endmember has one count.
    owner : ndarray of int, shape (element,)
        Endmember that has the edges of each element, in the order of `edges`.
    edges : mapping of str to Edge
    energy : ndarray, shape (channel,)
        In eV.
    """
    value, sd = (np.full((len(endmembers), len(owner)), np.nan) for _ in range(2))
    for column, channels in enumerate(_channels_of_elements(edges, energy)):
        own = endmembers[owner[column], channels]
        for row in np.setdiff1d(np.arange(len(endmembers)), owner[column]):
            value[row, column], sd[row, column] = _part(
                endmembers[row, channels], own, energy[channels], float(variance_of_one[row])
            )
    return Parts(value=value, sd=sd)


def unlike_shapes(
    endmembers: Floats, variance_of_one: Floats, owner: Indices, edges: Mapping[str, Edge], energy: Floats
) -> Bools:
    """Find edges that do not have the shape of those of their owner: another material holds the element too.

    In a mixture an edge has the shape of the owner's. What energy drift does to it, to first and second
    order, is left to it.

    Parameters
    ----------
    endmembers, variance_of_one, owner, edges, energy
        As of `parts_by_shape`; endmembers that are fitted to all pixels.

    Returns
    -------
    ndarray of bool, shape (endmember, element)
        False in the owner, and where noise or the background hides it.
    """
    elements = elements_of(edges.values())
    found = np.ones((len(endmembers), len(owner)), dtype=bool)
    found[owner, np.arange(len(owner))] = False
    slopes = np.gradient(endmembers, axis=1)
    of_owner = np.stack([endmembers, slopes, np.gradient(slopes, axis=1)])
    # Each edge of an element has to say so: one alone may lie over an edge that nobody named.
    for edge in edges.values():
        column, channels = elements.index(edge.element), _channels(edge, edges.values(), energy, NEAR_EV)
        own, before = of_owner[:, owner[column], channels], energy[channels] <= edge.fit_eV[1]
        for row in np.flatnonzero(found[:, column]):
            noise = variance_of_one[row], variance_of_one[owner[column]]
            found[row, column] = _is_unlike(endmembers[row, channels], own, energy[channels], before, noise)
    return found


def _is_unlike(
    spectrum: Floats, own: Floats, energy: Floats, before: Bools, variance_of_one: tuple[float, float]
) -> bool:
    """Whether a background and the owner's edge leave more of a spectrum than noise, and much of its edge.

    Noise is at least what the background leaves before the edge: a gain pattern is in both.
    """
    n_background = NEAR_BENDS + 1
    n_free, n_before = len(energy) - n_background - len(own), int(before.sum()) - n_background
    if min(n_free, n_before) < 1 or not spectrum.any() or not own[0].any():
        return False
    power_law, place = _power_law(spectrum, energy)
    background = np.stack([power_law * place**degree for degree in range(n_background)], axis=1)
    weight = 1 / np.sqrt(variance_of_one[0] * power_law + variance_of_one[1] * np.maximum(own[0], 0.0))
    noise = _left_by(background[before], spectrum[before], weight[before]) / n_before
    weight /= np.sqrt(max(noise, 1.0))
    without = _left_by(background, spectrum, weight)
    left = _left_by(np.column_stack([*own, background]), spectrum, weight)
    unlike = UNLIKE**2 < (left - n_free) / without < NO_EDGE**2
    return bool(unlike and left > MOST_MISFIT * n_free)


def _left_by(columns: Floats, spectrum: Floats, weight: Floats) -> float:
    """Sum of the squares of what weighted least squares leave."""
    weighted = columns * weight[:, None]
    basis = np.linalg.qr(weighted / np.linalg.norm(weighted, axis=0))[0]
    left = spectrum * weight - basis @ (basis.T @ (spectrum * weight))
    return float(left @ left)


def _channels_of_elements(edges: Mapping[str, Edge], energy: Floats) -> list[Bools]:
    """Channels of the first edge of each element."""
    found = []
    for element in elements_of(edges.values()):
        own = (edge for edge in edges.values() if edge.element == element)
        found.append(_channels(min(own, key=lambda edge: edge.fit_eV), edges.values(), energy))
    return found


def _channels(edge: Edge, edges: Iterable[Edge], energy: Floats, reach_eV: float = np.inf) -> Bools:
    """From the fit window of an edge to the end of that before the next edge of another element.

    At most `reach_eV` beyond the beginning of the integration window. None of a line of X-rays: no power law
    lies below it, and its net counts need no model of the background.
    """
    others = [other.fit_eV[1] for other in edges if other.element != edge.element]
    last = min([end for end in others if end > edge.fit_eV[1]], default=np.inf)
    last = min(last, edge.integrate_eV[0] + reach_eV)
    inside: Bools = (energy >= edge.fit_eV[0]) & (energy <= last) & (not edge.is_line)
    return inside


def _part(spectrum: Floats, own: Floats, energy: Floats, variance_of_one: float) -> tuple[float, float]:
    """Fit the part of `own` in a spectrum beside a background of `BENDS` bends; NaN where that fails."""
    n_free = len(energy) - (BENDS + 2)
    if n_free < 1:
        return np.nan, np.nan
    power_law, place = _power_law(spectrum, energy)
    columns = np.column_stack([own, *(power_law * place**degree for degree in range(BENDS + 1))])
    weight = 1 / np.sqrt(variance_of_one * power_law)
    basis, triangle = np.linalg.qr(columns * weight[:, None])
    inverse = np.linalg.pinv(triangle)
    solution = inverse @ (basis.T @ (spectrum * weight))
    left = (spectrum - columns @ solution) * weight
    misfit = float(left @ left) / n_free
    if misfit > MOST_MISFIT:
        return np.nan, np.nan
    noise = np.linalg.norm(inverse[0]) * np.sqrt(max(misfit, 1.0))
    return float(solution[0]), float(np.hypot(noise, SYSTEMATIC))


def _power_law(spectrum: Floats, energy: Floats) -> tuple[Floats, Floats]:
    """Return the power law through a spectrum, and the logarithms of the energies that it is one in."""
    place = np.log(energy / np.median(energy))
    floor = max(float(np.abs(spectrum).mean()), np.finfo(float).tiny) * 1e-3
    line = np.polyfit(place, np.log(np.maximum(spectrum, floor)), 1)
    return np.exp(np.polyval(line, place)), place
