"""What straight lines across channels take from an edge, and how much of its window they invent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eelsunmix.corrections.common import interpolate_channels
from eelsunmix.corrections.evidence import Evidence
from eelsunmix.corrections.losses import SIGNIFICANCE, Loss, edge_windows

LEAST_CHANNELS = 4


@dataclass(frozen=True, kw_only=True)
class MeanSpectrum:
    """Mean spectrum, the variance of its channels, and the edges in it.

    Parameters
    ----------
    counts : ndarray, shape (channel,)
        Less the dark signal.
    variance : ndarray, shape (channel,)
    energy_eV : ndarray, shape (channel,)
    edges : mapping
        Name -> edge with `onset_eV` and, where given, `fit_eV` and `integrate_eV`.
    """

    counts: np.ndarray
    variance: np.ndarray
    energy_eV: np.ndarray
    edges: Mapping[str, Any]


def invented_shares(mean: MeanSpectrum, replaced: np.ndarray) -> dict[str, float]:
    """Return the part, in per cent, of the channels of each edge's integration window that are replaced.

    What was in a faulty channel is not known: a line between its neighbours misses a peak there altogether.
    """
    windows = {name: edge_windows(mean.energy_eV, edge)[1] for name, edge in mean.edges.items()}
    return {
        name: 100 * float((replaced & inside).sum() / inside.sum())
        for name, inside in windows.items()
        if inside.any()
    }


def removed_part(mean: MeanSpectrum, replaced: np.ndarray) -> float:
    """Return the part of all counts that straight lines across channels remove; 0 where there are none."""
    total = mean.counts.sum()
    return float(1 - interpolate_channels(mean.counts, replaced).sum() / total) if total > 0 else 0.0


def mean_spectrum(evidence: Evidence, dark: np.ndarray) -> MeanSpectrum:
    """Return the mean spectrum of an image less a dark signal, (channel,)."""
    counts, n_pixels = evidence.statistics.mean, max(int(evidence.statistics.n_pixels.sum()), 1)
    variance = evidence.variance_to_mean * np.maximum(counts, 0) / n_pixels
    return MeanSpectrum(
        counts=counts - dark, variance=variance, energy_eV=evidence.energy_eV, edges=evidence.edges
    )


def counted_losses(mean: MeanSpectrum, faulty: np.ndarray, replaced: np.ndarray) -> dict[str, Loss]:
    """Compare the net counts of each edge with and without channels that count.

    Parameters
    ----------
    mean : MeanSpectrum
    faulty : ndarray of bool, shape (channel,)
        Channels whose counts are not those of the sample; they are replaced in both.
    replaced : ndarray of bool, shape (channel,)
        Not all of them.

    Returns
    -------
    dict
        Name -> `Loss`, of the edges that lie on the axis.
    """
    before = interpolate_channels(mean.counts, faulty)
    after = interpolate_channels(mean.counts, faulty | replaced)
    windows = {name: edge_windows(mean.energy_eV, edge) for name, edge in mean.edges.items()}
    return {
        name: _loss(before, after, (pre, inside), mean)
        for name, (pre, inside) in windows.items()
        if pre.sum() >= LEAST_CHANNELS and inside.sum() >= LEAST_CHANNELS
    }


def _loss(
    before: np.ndarray, after: np.ndarray, windows: tuple[np.ndarray, np.ndarray], mean: MeanSpectrum
) -> Loss:
    changed = (before != after) & (windows[0] | windows[1])
    net, left = (net_above_background(spectrum, mean.energy_eV, windows) for spectrum in (before, after))
    noise = float(np.sqrt(mean.variance[windows[1]].sum()))
    if not changed.any() or not net > SIGNIFICANCE * noise:
        return Loss(percent=0.0, z=0.0)
    chance = float(np.sqrt(mean.variance[changed].sum()))
    return Loss(percent=100 * (net - left) / net, z=(net - left) / max(chance, 1e-12))


def net_above_background(
    spectrum: np.ndarray, energy: np.ndarray, windows: tuple[np.ndarray, np.ndarray]
) -> float:
    """Net counts of the second window above the power law through the first."""
    pre, inside = windows
    line = np.polynomial.Polynomial.fit(np.log(energy[pre]), np.log(np.maximum(spectrum[pre], 1e-12)), 1)
    return float((spectrum[inside] - np.exp(line(np.log(energy[inside])))).sum())
