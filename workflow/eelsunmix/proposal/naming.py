"""Which elements the edges of a spectrum belong to, and how far its energy axis is off."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from eelsunmix.edge_table import TABLE, TabulatedEdge, edges_of
from eelsunmix.proposal.commonness import log_commonness
from eelsunmix.proposal.onset_search import HIDDEN_AFTER_EV, HIDDEN_BEFORE_EV
from eelsunmix.proposal.rises import Rise

SHIFTS_EV = np.arange(-30.0, 30.5, 0.5)
STRETCHES = np.arange(-0.02, 0.021, 0.01)
"""Relative errors of the dispersion."""
USUAL_SHIFT_EV, RARE_SHIFT = 4.0, -4.0
"""Calibrations are off by a few eV; the logarithm of how much rarer any larger shift is."""
RARE_STRETCH, FEWEST_OF_STRETCH = -2.0, 4
CHEMISTRY_EV, DELAY_EV = 2.5, 7.0
"""Standard deviation of an onset around the table; of edges that rise slowly, which are seen late."""
UNEXPLAINED = -7.0
"""Logarithm of how rare edges are that belong to no element of the table."""
MISSING, WITNESSED = -3.0, 2.0
"""Where a stronger edge of the same element should be seen and is not; where another edge is seen too."""
WRONG_SHAPE = -3.0
"""Logarithm of how seldom an edge that should rise slowly does not, and the other way round."""
ROOM_EV = (25.0, 20.0)
"""From the ends of the axis, so that an edge would be seen."""
FEWEST_CHANCE = 0.03
USUAL = -1.2
"""Logarithm of how common elements are that are worth a reminder."""
OF_SHELL = {"M23": -2.0, "N45": -1.0}
"""Logarithm of how seldom edges are strong enough to be seen, beside those of other shells."""
CANDIDATES = tuple(edge for edge in TABLE if edge.strong)


@dataclass(frozen=True, kw_only=True)
class NamedRise:
    """An edge with the elements that it may belong to.

    Parameters
    ----------
    rise : Rise
    chances : tuple of (str, float)
        Names of edges and their probabilities, the likeliest first; "" for none of the table.
    """

    rise: Rise
    chances: tuple[tuple[str, float], ...]

    @property
    def name(self) -> str:
        """Name of the likeliest edge; empty where none fits."""
        return self.chances[0][0]

    @property
    def chance(self) -> float:
        """Probability of the likeliest edge."""
        return self.chances[0][1]


def name_rises(rises: Sequence[Rise], axis: tuple[float, float]) -> list[NamedRise]:
    """Name edges by the table, all together: an energy axis that is off shifts them alike.

    Parameters
    ----------
    rises : sequence of Rise
    axis : tuple of float
        First and last energy in eV.

    Returns
    -------
    list of NamedRise
        In the order of energies.
    """
    rises = sorted(rises, key=lambda one: one.onset_eV)
    if not rises:
        return []
    stretches = STRETCHES if len(rises) >= FEWEST_OF_STRETCH else np.zeros(1)
    middle = float(np.mean([one.onset_eV for one in rises]))
    cases = [(shift, stretch) for shift in SHIFTS_EV for stretch in stretches]
    tables = [_logarithms(rises, axis, shift, stretch, middle) for shift, stretch in cases]
    whole = [
        _usual(shift, stretch) + scipy.special.logsumexp(table, axis=1).sum()
        for (shift, stretch), table in zip(cases, tables, strict=True)
    ]
    weights = np.exp(np.array(whole) - scipy.special.logsumexp(whole))
    chances = sum(
        weight * scipy.special.softmax(table, axis=1) for weight, table in zip(weights, tables, strict=True)
    )
    return [
        NamedRise(rise=one, chances=_ordered(row))
        for one, row in zip(rises, np.asarray(chances), strict=True)
    ]


def _usual(shift: float, stretch: float) -> float:
    near = -0.5 * (shift / USUAL_SHIFT_EV) ** 2
    return float(max(near, RARE_SHIFT) + (RARE_STRETCH if stretch else 0.0))


def _logarithms(
    rises: Sequence[Rise], axis: tuple[float, float], shift: float, stretch: float, middle: float
) -> np.ndarray:
    """Logarithms of how well edges of the table, and last none, explain each rise, shape (rise, edge)."""
    seen = np.array([one.onset_eV for one in rises])
    right = seen - shift - stretch * (seen - middle)
    moved = (axis[0] - shift, axis[1] - shift)
    table = np.full((len(rises), len(CANDIDATES) + 1), -np.inf)
    table[:, -1] = UNEXPLAINED
    for column, edge in enumerate(CANDIDATES):
        distance = right - edge.onset_eV - (DELAY_EV if edge.is_delayed else 0.0)
        near = np.abs(distance) < 25.0
        if not near.any():
            continue
        sd = np.hypot(DELAY_EV if edge.is_delayed else CHEMISTRY_EV, [one.sd_eV for one in rises])
        fits = -0.5 * (distance / sd) ** 2 - np.log(sd / CHEMISTRY_EV)
        shapes = np.array([_shape_fits(edge, one) for one in rises])
        table[near, column] = (fits + shapes + _usual_edge(edge) + _others(edge, right, moved))[near]
    return table


def _shape_fits(edge: TabulatedEdge, rise: Rise) -> float:
    """Whether an edge of the table rises as slowly as what was seen; below 250 eV many do so somewhat."""
    if edge.is_delayed:
        return WRONG_SHAPE * float(np.clip(-2 * rise.slowness, 0, 1))
    return WRONG_SHAPE * float(np.clip(2 * rise.slowness, 0, 1)) if edge.onset_eV > 250 else 0.0


def _usual_edge(edge: TabulatedEdge) -> float:
    return log_commonness(edge.element) + OF_SHELL.get(edge.shell, 0.0)


def _others(edge: TabulatedEdge, right: np.ndarray, axis: tuple[float, float]) -> float:
    """Sum up what the other edges of the element say, by being seen or not."""
    own = [one for one in edges_of(edge.element) if one.strong]
    said = 0.0
    for one in own:
        if one is edge or not axis[0] + ROOM_EV[0] < one.onset_eV < axis[1] - ROOM_EV[1]:
            continue
        distance = right - one.onset_eV
        if (np.abs(distance) < 3 * CHEMISTRY_EV + (DELAY_EV if one.is_delayed else 0.0)).any():
            said += WITNESSED
        elif own.index(one) < own.index(edge) and not _hidden(distance):
            said += MISSING
    return said


def _hidden(distance: np.ndarray) -> bool:
    """Whether another edge would hide one that is so far from those seen."""
    return bool(((distance > -HIDDEN_AFTER_EV) & (distance < HIDDEN_BEFORE_EV)).any())


def _ordered(chances: np.ndarray) -> tuple[tuple[str, float], ...]:
    names = [edge.name for edge in CANDIDATES] + [""]
    order = np.argsort(-chances)
    kept = [place for rank, place in enumerate(order) if rank == 0 or chances[place] >= FEWEST_CHANCE]
    return tuple((names[place], float(chances[place])) for place in kept)


def hidden_by(one: NamedRise) -> list[str]:
    """Name edges of usual elements that would rise in the fine structure of an edge, and so be missed."""
    first = next((edge for edge in CANDIDATES if edge.name == one.name), None)
    if first is None:
        return []
    return [
        edge.name
        for edge in CANDIDATES
        if 6 < edge.onset_eV - first.onset_eV < HIDDEN_AFTER_EV
        and log_commonness(edge.element) >= USUAL
        and edge.element != first.element
        and edge.shell in ("K", "L23")
    ]
