"""How far an energy axis is off, by the onsets that the image shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eelsunmix.typing import Floats

CHEMISTRY_EV = 2.5
"""Standard deviation of one onset: chemical shifts, and what is called the onset."""
AGREE_EV = 4.0
"""Edges agree on an offset that is so near to the one of each."""
LEAST_EV = 3.0
"""A smaller offset is within chemistry."""
SURE = 2.5
"""Standard errors."""
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
    span_eV : tuple of float
        First and last of the onsets.
    """

    offset_eV: float
    sd_eV: float
    at_eV: float
    span_eV: tuple[float, float]
    stretch: float = 0.0
    stretch_sd: float = 0.0
    rest_eV: float = 0.0

    def at(self, energy: float) -> float:
        """Offset at an energy in eV."""
        return self.offset_eV + self.stretch * (energy - self.at_eV)

    @property
    def is_sure(self) -> bool:
        """Whether it is beyond chemistry and chance, as a whole or by its change along the axis."""
        return self.mean_is_sure or self.stretch_is_sure

    @property
    def mean_is_sure(self) -> bool:
        """Whether the axis is off at `at_eV`."""
        return abs(self.offset_eV) >= max(LEAST_EV, SURE * self.sd_eV)

    @property
    def stretch_is_sure(self) -> bool:
        """Whether the dispersion is off by so much that it matters to an edge."""
        # `stretch_sd` is 0 where one offset explains all.
        return abs(self.stretch) > SURE * self.stretch_sd and self.largest >= LEAST_EV

    @property
    def largest(self) -> float:
        """Largest offset at an onset, as an absolute value in eV."""
        return max(abs(self.at(energy)) for energy in self.span_eV)


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


def _stretched(energy: Floats, shift: Floats) -> EnergyOffset | None:
    if shift.size < FEWEST_OF_STRETCH:
        return None
    slope, _ = np.polyfit(energy - energy.mean(), shift, 1)
    rest = shift - shift.mean() - slope * (energy - energy.mean())
    if abs(slope) > STRETCH or np.abs(rest).max() > AGREE_EV:
        return None
    return _offset(energy, shift, float(slope), rest)


def _offset(energy: Floats, shift: Floats, stretch: float, rest: Floats) -> EnergyOffset:
    spread = max(CHEMISTRY_EV, float(np.sqrt((rest**2).sum() / max(rest.size - 1 - bool(stretch), 1))))
    return EnergyOffset(
        offset_eV=float(shift.mean()),
        sd_eV=float(spread / np.sqrt(shift.size)),
        at_eV=float(energy.mean()),
        span_eV=(float(energy.min()), float(energy.max())),
        stretch=stretch,
        stretch_sd=float(spread / np.sqrt(((energy - energy.mean()) ** 2).sum())) if stretch else 0.0,
        rest_eV=float(np.abs(rest).max()),
    )
