"""How the methods follow background subtraction where it can judge them: correlation, misfit, scale."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from eelsunmix.comparison.presence import is_above_zero, is_shown
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.thresholds import CLEAR_CEILING, CRITERIA
from eelsunmix.comparison.words import rounded
from eelsunmix.stage_warnings import marked_or_all

Finding = tuple[float, str]
"""Value and the text that shows it with what it belongs to."""

UNKNOWN: Finding = (float("nan"), "not known")
VOID = "void: BS failed"
"""Text of what the reference could not judge."""
FACTOR_SD = CHANCE_SD = 2.0
"""Standard deviations by which a factor may differ from 1, and a correlation from the expected, by chance."""


def reference_edges(setting: Setting) -> list[str]:
    """Edges that the user marks as reference; all of them where none is marked."""
    return marked_or_all({name: edge.reference for name, edge in setting.edges.items()})


def judged_edges(setting: Setting) -> list[str]:
    """Edges that judge the methods: the user's reference edges, all of them where none is marked.

    An edge whose background subtraction failed judges nobody.
    """
    return [name for name in reference_edges(setting) if name not in setting.reference_problems]


def worst_agreement(one: xr.Dataset, setting: Setting) -> Finding:
    """Smallest correlation with the reference, relative to the noise ceiling, over the clear edges."""
    table = agreement_table(one, setting)
    if not table:
        return _nothing(setting)
    place, (r, ceiling) = min(table.items(), key=lambda item: item[1][0] / item[1][1])
    return r / ceiling, f"{r / ceiling:.2f} ({place})"


def agreement_table(one: xr.Dataset, setting: Setting) -> dict[str, tuple[float, float]]:
    """Correlation and ceiling of each clear reference edge in each profile, or in the map without profiles.

    A map that does not vary has no correlation; it counts as 0. Places are left out where a method is short
    of green by no more than the noise of the reference does to so few points.
    """
    table = {}
    for place, (kind, at) in clear_places(one, setting).items():
        r, ceiling = float(np.nan_to_num(at[f"{kind}_correlation"])), float(at[f"{kind}_noise_ceiling"])
        needed = CRITERIA["agreement"].green * ceiling
        if r >= needed or at_most(r, ceiling, int(at[f"element_{kind}"].count())) < needed:
            table[place] = (r, ceiling)
    return table


def at_most(correlation: float, ceiling: float, n_points: int) -> float:
    """Return what a correlation may be by `CHANCE_SD` standard deviations of the reference's noise.

    The positions are no sample of others: only the counting noise of the reference is chance. Well above it,
    it moves the correlation by ``sqrt((1 - ceiling^2) (1 - correlation^2) / n_points)``, to first order.
    Near the ceiling it takes twice: what lowers the correlation raises the estimate of the ceiling. Together
    that is about Fisher's deviation, which this is where the correlation is the ceiling.

    Examples
    --------
    >>> round(at_most(0.83, 0.83, 28), 3), round(at_most(0.83, 0.999, 28), 3)
    (0.92, 0.84)
    """
    known = min(max(correlation, -0.999999), 0.999999)
    part = np.sqrt(max(1 - ceiling**2, 0.0) / (1 - known**2))
    spread = CHANCE_SD * part / np.sqrt(max(n_points - 3, 1))
    return float(np.tanh(np.arctanh(known) + spread))


def clear_places(one: xr.Dataset, setting: Setting) -> dict[str, tuple[str, xr.Dataset]]:
    """Profiles of the judging edges that are clear of their noise, by name; or maps, without profiles.

    Each with "profile" or "map", how the names of its variables begin.
    """
    found = {}
    for edge in judged_edges(setting):
        at = one.sel(edge=edge)
        sources = {f"{edge}, {p}": ("profile", at.sel(profile=p)) for p in setting.judging_profiles}
        for place, (kind, values) in (sources or {f"{edge}, map": ("map", at)}).items():
            is_clear = float(values[f"{kind}_noise_ceiling"]) >= CLEAR_CEILING
            if is_clear and (
                is_shown(one, setting.edges[edge].element, setting) or _bs_shows(kind, values, setting)
            ):
                found[place] = (kind, values)
    return found if str(one["status"].item()) != "failed" else {}


def _bs_shows(kind: str, at: xr.Dataset, setting: Setting) -> bool:
    """Whether BS has counts of the element there; below zero it varies without any."""
    bs = setting.bs.sel(edge=at["edge"].item())
    if kind == "map":
        return is_above_zero(bs["net_counts"].to_numpy(), bs["net_counts_sd"].to_numpy())
    bs = bs.sel(profile=at["profile"].item())
    return is_above_zero(bs["profile_counts"].to_numpy(), bs["profile_counts_sd"].to_numpy())


def misfits(one: xr.Dataset, setting: Setting) -> dict[str, Finding]:
    """How much each clear place differs from the reference beyond noise, with chi-square in the text."""
    found = {}
    for place, (kind, at) in clear_places(one, setting).items():
        value, chi2 = float(at[f"{kind}_misfit"]), float(at[f"{kind}_reduced_chi2"])
        found[place] = (value, f"{CRITERIA['misfit'].form(value)} of the peak, \u03c7\u00b2 {rounded(chi2)}")
    return found


def factors(one: xr.Dataset, setting: Setting) -> dict[str, Finding]:
    """How far the factor to the reference is from 1 beyond two standard deviations, with the factor."""
    found = {}
    for place, (kind, at) in clear_places(one, setting).items():
        factor, sd = float(at[f"{kind}_scale"]), float(at[f"{kind}_scale_sd"])
        found[place] = (max(abs(factor - 1) - FACTOR_SD * sd, 0.0), f"factor {factor:.2f}")
    return found


def worst_misfit(one: xr.Dataset, setting: Setting) -> Finding:
    """Largest difference from the reference that noise does not explain."""
    return _worst_place(misfits(one, setting), setting)


def worst_scale(one: xr.Dataset, setting: Setting) -> Finding:
    """Factor to the reference that is the furthest from 1."""
    return _worst_place(factors(one, setting), setting)


def _nothing(setting: Setting) -> Finding:
    return (np.nan, VOID) if setting.edges and not judged_edges(setting) else UNKNOWN


def _worst_place(found: Mapping[str, Finding], setting: Setting) -> Finding:
    known = {place: finding for place, finding in found.items() if finding[0] == finding[0]}
    if not known:
        return _nothing(setting)
    place = max(known, key=lambda place: known[place][0])
    return known[place][0], f"{known[place][1]} ({place})"
