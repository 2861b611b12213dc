"""What a fixed pattern does to the net counts of edges where it cannot be told from the spectrum."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from eelsunmix.corrections.interpolated import MeanSpectrum, net_above_background
from eelsunmix.corrections.losses import SIGNIFICANCE, edge_windows

WORTH_A_WARNING = 5.0
"""Standard deviation of an edge's net counts, in per cent, from which a pattern that stays is named."""
STAYS = (
    "A fixed pattern (sd {size}) was {removed}, except at the edges and where it is broad: there it cannot "
    "be told from the spectrum. Net counts may be off by {off} of their mean over the image (sd). "
    "Record a {reference} reference and name it in corrections.gain.{key}."
)
AS_GAIN = {"removed": "divided out", "reference": "gain", "key": "reference"}
AS_DARK = {"removed": "subtracted", "reference": "dark", "key": "dark"}


def disturbed_edges(entry: Mapping[str, Any], mean: MeanSpectrum) -> dict[str, float]:
    """Return the edges whose net counts a pattern from the data still disturbs, and by how many per cent.

    Sums over windows feel what is broad in the pattern, and that is left beside the edges too: so they are
    off as if nothing had been removed. The worst comes first.

    Parameters
    ----------
    entry : mapping
        Of the log, on the pattern that was removed; no other step disturbs an edge.
    mean : MeanSpectrum
    """
    if entry.get("method") != "data_driven" or not entry["applied"]:
        return {}
    sizes = entry["sd"] * (np.maximum(mean.counts, 0) if _is_gain(entry) else np.ones_like(mean.counts))
    found = {name: _disturbed(sizes, edge, mean) for name, edge in mean.edges.items()}
    worst_first = sorted(found.items(), key=lambda one: -one[1])
    return {name: round(part, 3) for name, part in worst_first if part > WORTH_A_WARNING}


def pattern_warnings(entry: Mapping[str, Any], disturbed: Mapping[str, float]) -> list[str]:
    """Name those edges in a sentence."""
    if not disturbed:
        return []
    off = ", ".join(f"{part:.0f} % for {name}" for name, part in disturbed.items())
    gain = _is_gain(entry)
    size = f"{100 * entry['sd']:.2g} %" if gain else f"{entry['sd']:.2g} counts"
    return [STAYS.format(size=size, off=off, **(AS_GAIN if gain else AS_DARK))]


def _is_gain(entry: Mapping[str, Any]) -> bool:
    return bool(entry["step"] == "gain")


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
