"""Where along the line of a profile components lie, and which alternate with the planes of a lattice."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import xarray as xr

from eelsunmix.comparison.lattice import envelope
from eelsunmix.comparison.words import listed
from eelsunmix.report.figures.phases import Phase
from eelsunmix.report.formatting import number, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.typing import Bools, Floats

OPPOSITE = -0.5
"""Correlation of what changes from plane to plane of two abundances below which they alternate."""
CHANCE = 1e-4
"""Probability that white noise has as much of its power at the frequency of the lattice."""
SHORT, MOST_STRETCHES = 0.125, 2
"""Gaps of less than this part of the line divide no stretch; of a component with more stretches nothing is
said."""


def places_along(inputs: Inputs, phases: Sequence[Phase]) -> str:
    """Say where components lie along the first profile; nothing without one, or if all lie alike.

    A component lies where its abundance, averaged over the width of the profile and over a period of the
    lattice, is at least half of its highest.

    Parameters
    ----------
    inputs : Inputs
    phases : sequence of Phase
        Two or more.
    """
    if not inputs.profiles:
        return ""
    name, line = next(iter(inputs.profiles.items()))
    abundance = inputs.maps[str(inputs.comparison.attrs["phase_method"])]["abundance"]
    known = abundance.where(inputs.comparison["phase"] >= 0)
    means = [_mean_along(known.isel(endmember=one.number), line["along"], line["pixels"]) for one in phases]
    positions = inputs.comparison["profile_position"].sel(profile=name).to_numpy()[: means[0].size]
    unit = inputs.view.unit
    length, period = float(inputs.comparison["lattice_period"].sel(profile=name)), _period(inputs, name)
    told = [
        f"{phases[one].short} and {phases[other].short} alternate every {number(length, 2)} {unit}, "
        "as planes of a lattice do"
        for one, other in _alternating(means, period)
    ]
    smooth = [averaged_over_planes(inputs, name, one) for one in means]
    told += _stretches(smooth, [one.short for one in phases], positions, unit)
    return f"Along {line['along']}, {'; '.join(told)}." if told else ""


def averaged_over_planes(inputs: Inputs, name: str, values: Floats) -> Floats:
    """Average values along a profile over a period of its lattice, as its widths are; without one, nothing.

    Parameters
    ----------
    inputs : Inputs
    name : str
        Of the profile.
    values : ndarray, shape (position,)
    """
    period = _period(inputs, name)
    return envelope(values, period) if np.isfinite(period) else values


def _period(inputs: Inputs, name: str) -> float:
    """Return the period of the lattice in positions; NaN where the counts show none."""
    at = inputs.comparison.sel(profile=name)
    steps = np.diff(at["profile_position"].to_numpy())
    steps = steps[np.isfinite(steps)]
    return float(at["lattice_period"]) / abs(float(np.median(steps))) if steps.size else float("nan")


def _mean_along(abundance: xr.DataArray, along: str, pixels: tuple[int, int]) -> Floats:
    """Average an abundance over the width of a profile."""
    across = "y" if along == "x" else "x"
    band = abundance.isel({across: slice(*pixels)})
    return band.mean([dim for dim in band.dims if dim != along]).to_numpy().astype(float)


def _alternating(means: Sequence[Floats], period: float) -> list[tuple[int, int]]:
    """Return the pairs of which one is strong where the other is weak, plane by plane."""
    if not np.isfinite(period):
        return []
    waves = [np.nan_to_num(one - envelope(one, 2 * period)) for one in means]
    return [
        (one, other)
        for one, other in combinations(range(len(means)), 2)
        if _are_opposite(waves[one], waves[other], period)
    ]


def _are_opposite(one: Floats, other: Floats, period: float) -> bool:
    """Whether two waves are opposite and those of a lattice: noise of shares that sum to one is opposite too.

    The part of the power of white noise at a given frequency exceeds `part` with a probability of
    ``(1 - part) ** (n / 2 - 1)`` (Fisher, Proc. R. Soc. A 125, 54, 1929, for one frequency). Taking what is
    slow away raises that by up to 14 times: docs/decisions/054.
    """
    if min(np.ptp(one), np.ptp(other)) == 0 or np.corrcoef(one, other)[0, 1] > OPPOSITE:
        return False
    lead = one - other
    turns = np.exp(2j * np.pi * np.arange(lead.size) / period)
    part = 2 * abs(lead @ turns) ** 2 / (lead.size * (lead @ lead))
    return bool((1 - min(part, 1.0)) ** (lead.size / 2 - 1) < CHANCE)


def _stretches(lines: Sequence[Floats], names: Sequence[str], positions: Floats, unit: str) -> list[str]:
    """Say from where to where each component lies, those that lie alike together; nothing if all do."""
    places: dict[str, list[str]] = {}
    for name, values in zip(names, lines, strict=True):
        highest = values[np.isfinite(values)].max(initial=0.0)
        found = _runs(values >= highest / 2, gap=SHORT * values.size) if highest > 0 else []
        if 0 < len(found) <= MOST_STRETCHES:
            runs = [f"{tidy(positions[first], 3)} to {tidy(positions[last], 3)}" for first, last in found]
            places.setdefault(listed(runs), []).append(name)
    if len(places) < 2:
        return []
    return [
        f"{listed(own)} {'lies' if len(own) == 1 else 'lie'} at {where} {unit}"
        for where, own in places.items()
    ]


def _runs(inside: Bools, *, gap: float) -> list[tuple[int, int]]:
    """Return the first and the last place of each run; those with a smaller gap between them are one.

    Examples
    --------
    >>> _runs(np.array([True, True, False, True, False, False, True]), gap=2)
    [(0, 3), (6, 6)]
    """
    places = np.flatnonzero(inside)
    breaks = np.flatnonzero(np.diff(places) > gap)
    starts, ends = places[np.append(0, breaks + 1)], places[np.append(breaks, places.size - 1)]
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
