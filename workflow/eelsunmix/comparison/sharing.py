"""Elements that several materials contain: what background subtraction finds where a component is alone."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from eelsunmix.comparison.components import Components
from eelsunmix.comparison.setting import Setting
from eelsunmix.typing import Floats

ALONE, SEEN, FEWEST, PART = 0.8, 0.5, 9, 0.7
"""A component is alone where it gives so much of the counts, and seen from `SEEN` on; it must be alone in so
many pixels, and in so many of those where it is seen. A wide region of constant composition is a
material; the few extreme pixels of a gradient may be a mixture."""
SURE_SD = 2.0
"""Standard deviations of the reference by which an element must be there."""


def shared_variables(
    elements: xr.Dataset, components: Sequence[Components], setting: Setting, n_endmembers: int
) -> xr.Dataset:
    """Edge strength that BS finds in the own pixels of each component, dims (label, endmember, edge).

    On the scale of ``cross_talk``, so that the one can be compared with the other: relative to the owner of
    the edge, at equal total counts. Negative where BS subtracts too much, zero where it is not sure of
    either, NaN where a component is nowhere alone.
    """
    found = np.full((len(components) + 1, n_endmembers, len(setting.edges)), np.nan)
    for row, component in enumerate(components, start=1):
        if component.refit is None:
            continue
        total = np.abs(component.spectra).sum(axis=1)
        found[row, : len(total)] = _strengths(component.refit, total, setting)
        owner = elements["owner"].to_numpy()[row]
        own = elements["endmember_net_counts"].to_numpy()[row][owner, np.arange(owner.size)] / total[owner]
        found[row] = np.where((owner >= 0) & (own > 0), found[row] / np.where(own > 0, own, np.inf), np.nan)
    return xr.Dataset({"shared_strength": (("label", "endmember", "edge"), found)})


def _strengths(refit: xr.DataArray, total: Floats, setting: Setting) -> Floats:
    """Net counts by BS over total counts in the pixels of each endmember: at most, zero if not sure."""
    alone, seen, counts = np.zeros((3, len(total)))
    net, variance, common = np.zeros((3, len(total), len(setting.edges)))
    for part in setting.parts:
        bs = setting.at(part).bs
        of_pixels = refit.isel(part).transpose(*setting.navigation, "endmember").to_numpy() * total
        whole = of_pixels.sum(axis=-1)
        tiny = np.finfo(float).tiny
        share = of_pixels / np.maximum(np.abs(of_pixels).sum(axis=-1, keepdims=True), tiny)
        seen += (share > SEEN).sum(axis=tuple(range(share.ndim - 1)))
        for k in range(len(total)):
            own = share[..., k] > ALONE
            alone[k], counts[k] = alone[k] + own.sum(), counts[k] + whole[own].sum()
            net[k] += np.nansum(bs["net_counts"].to_numpy()[:, own], axis=1)
            variance[k] += np.nansum(bs["independent_sd"].to_numpy()[:, own] ** 2, axis=1)
            common[k] += np.nansum(bs["common_sd"].to_numpy()[:, own], axis=1)
    spread = SURE_SD * np.sqrt(variance + common**2)
    strength = np.select([net > spread, net < -spread], [net + spread, net], 0.0)
    is_alone = alone >= np.maximum(FEWEST, PART * seen)
    counts = np.where(is_alone, counts, np.nan)
    result: Floats = strength / counts[:, None]
    return result
