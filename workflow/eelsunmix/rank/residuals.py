"""What the components leave of a pixel, in windows of energy, compared with what they leave of the others.

Rare phases are too few to make a component of their own, but far from noise in their own pixels. A single
channel counts at most a little more than noise does, so that a spike is not taken for a phase.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.typing import Floats, Indices

CLIPPED = 6.0
"""Standard deviations, plus as many electrons, above which a channel counts no more."""

PER_GROUP = 100
"""Pixels that a scatter is measured on at least; pixels of another brightness have another one."""

FEWEST = 0.5
"""Electrons expected in a window at least."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """What the components say of spectra, and how noisy these are.

    Parameters
    ----------
    loadings : ndarray, shape (component, channel)
        Counts.
    channel_weight : ndarray, shape (channel,)
        As of the PCA.
    per_electron : float
        Counts of one electron.
    counting : bool
        Whether the noise is that of ideal counts.
    starts, stops : ndarray of int, shape (window,)
        First channels of the windows of energy, and those after the last ones.
    """

    loadings: Floats
    channel_weight: Floats
    per_electron: float
    counting: bool
    starts: Indices
    stops: Indices

    def residuals(self, spectra: NDArray[Any], pixel_weight: Floats) -> Floats:
        """Sum what is left of spectra (pixel, channel) in windows (pixel, window), over the noise."""
        counts = spectra.astype(np.float64)
        scores = counts @ (self.loadings / self.channel_weight**2).T
        expected = scores @ self.loadings
        # In units of counts; beyond what is expected it holds the noise of read-out.
        variance = np.maximum(np.outer(pixel_weight**2, self.channel_weight**2), expected)
        highest = expected + CLIPPED * (np.sqrt(self.per_electron * variance) + self.per_electron)
        found, awaited = self._sums(np.minimum(counts, highest)), self._sums(expected)
        constant = 0.0 if self.counting else np.maximum(self._sums(variance) - awaited, 0.0)
        electrons = np.maximum((awaited + constant) / self.per_electron, FEWEST)
        residuals = _deviance_residuals((found + constant) / self.per_electron, electrons)
        of_scores = np.maximum(scores @ self._of_scores, 0.0) / self.per_electron
        return residuals / np.sqrt(1 + of_scores / electrons)

    @functools.cached_property
    def _of_scores(self) -> Floats:
        """Variance that the noise of the scores adds to what is left, (component, window), for each score.

        Where a pixel has strong lines of few others, their noise is in its scores, and by these in windows in
        which it has next to nothing itself. A window leaves ``sum(n) - part @ n`` of counts *n* of variance
        *v*: its own is ``v @ (1 - part)^2`` of the channels inside and ``v @ part^2`` of the others, where
        noise alone is ``v @ 1`` inside. What is expected stands for *v*, so that it is linear in the scores.
        """
        channel = np.arange(len(self.channel_weight))[:, None]
        inside = (channel >= self.starts) & (channel < self.stops)
        part = (self.loadings / self.channel_weight**2).T @ self._sums(self.loadings)
        added: Floats = self.loadings @ (part**2 - 2 * inside * part)
        return added

    def _sums(self, spectra: Floats) -> Floats:
        borders, first, last = self._bins
        total = np.zeros((len(spectra), len(borders)))
        np.cumsum(np.add.reduceat(spectra[:, : borders[-1]], borders[:-1], axis=1), axis=1, out=total[:, 1:])
        sums: Floats = total[:, last] - total[:, first]
        return sums

    @functools.cached_property
    def _bins(self) -> tuple[Indices, Indices, Indices]:
        """Borders of the bins that windows are made of; of each window that of its start, and of its stop."""
        borders = np.union1d(self.starts, self.stops)
        return borders, np.searchsorted(borders, self.starts), np.searchsorted(borders, self.stops)


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """What is usual for residuals of pixels of a brightness.

    Parameters
    ----------
    borders : ndarray, shape (group - 1,)
        Of the brightness.
    centre, width : ndarray, shape (group, window)
        Median, and robust standard deviation.
    uncertainty : float
        Factor by which the width may be too small.
    """

    borders: Floats
    centre: Floats
    width: Floats
    uncertainty: float

    def deviation(self, residuals: Floats, brightness: Floats) -> tuple[Floats, Indices]:
        """Largest deviation of each pixel, in standard deviations, and the window where it is."""
        group = np.searchsorted(self.borders, brightness, side="right")
        scaled = np.abs(residuals - self.centre[group]) / self.width[group]
        window = scaled.argmax(axis=1)
        return np.take_along_axis(scaled, window[:, None], axis=1)[:, 0], window


def measure_scatter(residuals: Floats, brightness: Floats) -> Scatter:
    """Measure the scatter of residuals (pixel, window) in up to four groups of brightness (pixel).

    It is never taken for smaller than one, the noise of electrons: those of nearly empty pixels may all be
    the same.
    """
    n_groups = int(np.clip(len(residuals) // PER_GROUP, 1, 4))
    borders = np.quantile(brightness, np.arange(1, n_groups) / n_groups)
    group = np.searchsorted(borders, brightness, side="right")
    everything = np.ones(len(residuals), bool)
    parts = [residuals[group == i if np.any(group == i) else everything] for i in range(n_groups)]
    centre = np.stack([np.median(part, axis=0) for part in parts])
    width = np.stack([1.4826 * np.median(np.abs(part - np.median(part, axis=0)), axis=0) for part in parts])
    return Scatter(
        borders=borders,
        centre=centre,
        width=np.maximum(width, 1.0),
        uncertainty=1 + 3 * 1.17 / np.sqrt(min(map(len, parts))),
    )


def describe(pca: xr.Dataset, n_components: int, level: float, *, counting: bool) -> Description:
    """Prepare the residuals of an image, whose noise has a level, after its leading components."""
    weight = pca["channel_weight"].to_numpy().astype(np.float64)
    # Neighbouring channels of a camera share electrons: one channel alone shows too little noise.
    per_electron = 1.0 if counting else max(level, float(pca.attrs.get("counts_per_electron", 1.0)))
    starts, stops = energy_windows(weight**2 / per_electron)
    return Description(
        loadings=pca["loading"][:n_components].to_numpy().astype(np.float64),
        channel_weight=weight,
        per_electron=per_electron,
        counting=counting,
        starts=starts,
        stops=stops,
    )


def energy_windows(
    mean_electrons: Floats, *, n_bins: int = 64, narrowest: int = 3, electrons: float = 10.0
) -> tuple[Indices, Indices]:
    """Lay windows of one, two, four ... bins over the range, half overlapping, up to a third of it.

    Parameters
    ----------
    mean_electrons : ndarray, shape (channel,)
        Mean spectrum.
    n_bins : int
        Bins in the range, if they hold enough.
    narrowest : int
        Channels in a bin at least: a spike is narrower.
    electrons : float
        Electrons in a bin at least, so that its noise is nearly normal.

    Returns
    -------
    starts, stops : ndarray of int, shape (window,)
    """
    borders = _borders(mean_electrons, max(narrowest, len(mean_electrons) // n_bins), electrons)
    found, starts, stops, width = len(borders) - 1, [], [], 1
    while width == 1 or 3 * width <= found:
        first = np.arange(0, found - width + 1, max(1, width // 2))
        starts.append(borders[first])
        stops.append(borders[first + width])
        width *= 2
    return np.concatenate(starts), np.concatenate(stops)


def _borders(mean_electrons: Floats, width: int, electrons: float) -> Indices:
    total = np.concatenate([[0.0], np.cumsum(mean_electrons)])
    borders = [0]
    for channel in range(width, len(mean_electrons) + 1):
        if channel - borders[-1] >= width and total[channel] - total[borders[-1]] >= electrons:
            borders.append(channel)
    # What is left over belongs to the last bin.
    return np.array([*borders[: max(1, len(borders) - 1)], len(mean_electrons)])


def _deviance_residuals(found: Floats, expected: Floats) -> Floats:
    """Return signed roots of the Poisson deviance: nearly normal, where Pearson's residuals are not.

    References
    ----------
    Pierce, Schafer, J. Am. Stat. Assoc. 81 (1986) 977.
    """
    from scipy import special

    found = np.maximum(found, 0.0)
    deviance = 2 * (special.xlogy(found, found / expected) - (found - expected))
    roots: Floats = np.sign(found - expected) * np.sqrt(np.maximum(deviance, 0.0))
    return roots
