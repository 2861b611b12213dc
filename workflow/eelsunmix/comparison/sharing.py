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
        counts = component.refit.transpose(*setting.navigation, "endmember").to_numpy() * total
        for k in range(len(total)):
            found[row, k] = _strength(counts, k, elements, setting)
        owner = elements["owner"].to_numpy()[row]
        own = elements["endmember_net_counts"].to_numpy()[row][owner, np.arange(owner.size)] / total[owner]
        found[row] = np.where((owner >= 0) & (own > 0), found[row] / np.where(own > 0, own, np.inf), np.nan)
    return xr.Dataset({"shared_strength": (("label", "endmember", "edge"), found)})


def _strength(counts: Floats, k: int, elements: xr.Dataset, setting: Setting) -> Floats:
    """Net counts by BS over total counts in the pixels of endmember k: at most, zero if not sure."""
    total = counts.sum(axis=-1)
    share = counts[..., k] / np.maximum(np.abs(counts).sum(axis=-1), np.finfo(float).tiny)
    alone = share > ALONE
    if alone.sum() < max(FEWEST, PART * (share > SEEN).sum()):
        return np.full(len(setting.edges), np.nan)
    net, sd = (setting.bs[name].to_numpy()[:, alone] for name in ("net_counts", "net_counts_sd"))
    found, spread = np.nansum(net, axis=1), SURE_SD * np.sqrt(np.nansum(sd**2, axis=1))
    strength: Floats = np.select([found > spread, found < -spread], [found + spread, found], 0.0)
    return strength / total[alone].sum()
