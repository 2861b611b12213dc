"""What the reader has to know before believing any number of the comparison."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from eelsunmix.comparison.components import REFERENCE
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.thresholds import (
    BELOW,
    BELOW_CHANCE,
    BELOW_PEAK,
    BELOW_SD,
    BELOW_SURE,
    CLEAR_CEILING,
    NEGATIVE,
    OFF_REGION_SD,
    UNCALIBRATED_CHI2,
)
from eelsunmix.comparison.words import listed, percent
from eelsunmix.edges import Edge

CARBON_K_EV = 284.0


def caveats(comparison: xr.Dataset, setting: Setting) -> list[str]:
    """List the doubts about the reference, edge by edge, and about the noise."""
    reference = comparison.sel({"label": REFERENCE})
    doubts = reference_doubts(comparison, setting)
    found, noisy = [], {}
    for name, edge in setting.edges.items():
        at, doubt = reference.sel(edge=name), doubts.get(name, "")
        if not doubt and name not in setting.reference_problems and _is_noisy(at):
            noisy[name] = float(at["map_noise_ceiling"])
        found += [doubt, _carbon(name, edge)]
    return [caveat for caveat in [*found, _noisy(noisy), _correlated(comparison)] if caveat]


def reference_doubts(comparison: xr.Dataset, setting: Setting) -> dict[str, str]:
    """Edge -> why its net counts by background subtraction are wrong somewhere; only edges in doubt."""
    found = {}
    for name, edge in setting.edges.items():
        at = comparison.sel({"label": REFERENCE, "edge": name})
        # Of a reference that failed more has been said.
        found[name] = _offset(at, name, edge)
        if not found[name] and name not in setting.reference_problems:
            found[name] = _negative(at, name) or _far_below(at, name)
    return {name: doubt for name, doubt in found.items() if doubt}


def _offset(at: xr.Dataset, name: str, edge: Edge) -> str:
    """Say that counts are found where the element is absent, or below zero."""
    mean, sd = float(at["off_region_mean"]), float(at["off_region_sd"])
    decimals = 0 if sd >= 10 else 1
    if abs(mean) > OFF_REGION_SD * sd:
        counts = f"{mean:.{decimals}f} ± {sd:.{decimals}f} counts per pixel"
        why = "its windows hold other lines" if edge.is_line else "its background is no power law"
        why += f", or {edge.element} is there after all: look at the region" * (mean > 0)
        return (
            f"BS of {name} finds {counts} where {edge.element} is absent (more than {OFF_REGION_SD:g} "
            f"standard deviations from 0): {why}."
        )
    return ""


def _negative(at: xr.Dataset, name: str) -> str:
    negative, n_pixels = float(at["negative_fraction"]), int(at["element_map"].count())
    if negative > max(NEGATIVE, 0.5 + OFF_REGION_SD * 0.5 / np.sqrt(max(n_pixels, 1))):
        return (
            f"BS of {name} is negative in {percent(negative)} of the pixels, where noise around zero gives "
            "half: the background is drawn too high. Differences between pixels may still be right, absolute "
            "counts are not; try other windows."
        )
    return ""


def _far_below(at: xr.Dataset, name: str) -> str:
    """Say that more pixels are far below zero than chance explains, by more than a tenth of the peak."""
    net, sd = (at[variable].to_numpy().ravel() for variable in ("element_map", "element_map_sd"))
    known = np.isfinite(net) & (sd > 0)
    net, below = net[known], net[known] < -BELOW_SD * sd[known]
    chance = BELOW_CHANCE + BELOW_SURE * np.sqrt(BELOW_CHANCE / max(net.size, 1))
    if not below.any() or below.mean() <= max(BELOW, chance):
        return ""
    depth = -float(np.median(net[below])) / max(float(np.quantile(net, 0.995)), np.finfo(float).tiny)
    if depth < BELOW_PEAK:
        return ""
    return (
        f"BS of {name} is more than {BELOW_SD:g} standard deviations below zero in "
        f"{percent(below.mean())} of the pixels (in the middle one by {percent(depth)} of the peak), where "
        f"chance puts {percent(BELOW_CHANCE)}: the background is too high there, as where windows hold part "
        "of another edge. Do not take low counts for absence there; move the fit window."
    )


def _is_noisy(at: xr.Dataset) -> bool:
    return float(at["map_noise_ceiling"]) < CLEAR_CEILING


def _noisy(ceilings: Mapping[str, float]) -> str:
    """Say of edges, with their noise ceilings, that their maps judge nobody."""
    if not ceilings:
        return ""
    each = listed([f"{name} ({ceiling:.2f})" for name, ceiling in ceilings.items()])
    maps, are, it = ("The BS map of", "is", "it") if len(ceilings) == 1 else ("The BS maps of", "are", "they")
    return (
        f"{maps} {each} {are} mostly noise (noise ceiling below {CLEAR_CEILING:g}); "
        f"{it} cannot rank methods pixel by pixel."
    )


def _carbon(name: str, edge: Edge) -> str:
    low, high = edge.integrate_eV
    if edge.element == "C" or edge.is_line or not low <= CARBON_K_EV + 2 or not high >= CARBON_K_EV:
        return ""
    return f"The window of {name} contains the C K edge: carbon contamination looks like {edge.element}."


def _correlated(comparison: xr.Dataset) -> str:
    chi2 = float(comparison["reconstruction_chi2"].min())
    if not chi2 < UNCALIBRATED_CHI2:
        return ""
    return (
        f"The chi-square of the reconstruction is {chi2:.2g} per channel, below {UNCALIBRATED_CHI2:g}: "
        "channels share noise, so that 1 is not the level of pure noise and this criterion cannot judge."
    )
