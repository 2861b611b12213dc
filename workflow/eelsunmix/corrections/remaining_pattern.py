"""What a fixed pattern does to the net counts of edges where it cannot be told from the spectrum."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from eelsunmix.corrections.interpolated import MeanSpectrum, net_above_background
from eelsunmix.corrections.losses import SIGNIFICANCE, edge_windows

WORTH_A_WARNING = 5.0
"""Standard deviation of an edge's net counts, in per cent, from which a pattern that stays is named."""
STAYS = (
    "A fixed pattern of {size} was {removed}, except at the edges and where it is broad: there it cannot be "
    "told from the spectrum. Net counts may be off by {off} (sd). Record a {reference} reference and "
    "name it in corrections.gain.{key}."
)
AS_GAIN = {"removed": "divided out", "reference": "gain", "key": "reference"}
AS_DARK = {"removed": "subtracted", "reference": "dark", "key": "dark"}


def remaining_at_edges(entry: Mapping[str, Any], mean: MeanSpectrum) -> list[str]:
    """Name the edges whose net counts a pattern from the data still disturbs.

    Sums over windows feel what is broad in the pattern, and that is left beside the edges too: so they are
    off as if nothing had been removed.

    Parameters
    ----------
    entry : mapping
        Of the log, on the pattern that was removed; nothing is said of any other step.
    mean : MeanSpectrum
    """
    if entry.get("method") != "data_driven" or not entry["applied"]:
        return []
    gain = entry["step"] == "gain"
    sizes = entry["sd"] * (np.maximum(mean.counts, 0) if gain else np.ones_like(mean.counts))
    found = {name: _disturbed(sizes, edge, mean) for name, edge in mean.edges.items()}
    off = ", ".join(f"{part:.0f} % for {name}" for name, part in found.items() if part > WORTH_A_WARNING)
    if not off:
        return []
    size = f"{100 * entry['sd']:.2g} %" if gain else f"{entry['sd']:.2g} counts"
    return [STAYS.format(size=size, off=off, **(AS_GAIN if gain else AS_DARK))]


def _disturbed(sizes: np.ndarray, edge: Any, mean: MeanSpectrum) -> float:
    """Return the sd of the net counts, in per cent, where channels are off at random by `sizes`."""
    pre, inside = edge_windows(mean.energy_eV, edge)
    if pre.sum() < 4 or not inside.any():
        return 0.0
    net = net_above_background(mean.counts, mean.energy_eV, (pre, inside))
    if net < SIGNIFICANCE * np.sqrt(mean.variance[inside].sum()):
        return 0.0
    # a straight line through the logarithms, and what each of them adds to the background of the window
    before, beyond = (np.vander(np.log(mean.energy_eV[part]), 2) for part in (pre, inside))
    background = np.maximum(mean.counts[inside].sum() - net, 0) / inside.sum()
    lever = background * (beyond @ np.linalg.pinv(before)).sum(axis=0)
    by_background = np.linalg.norm(lever * sizes[pre] / np.maximum(mean.counts[pre], 1e-12))
    return 100 * float(np.hypot(np.linalg.norm(sizes[inside]), by_background)) / net
