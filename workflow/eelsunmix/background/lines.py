"""Net counts of X-ray lines: what lies above the straight line through the windows on both sides.

All is linear in the counts of three windows, so that net counts and variances are exact at any dose.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.background.power_law import counting_variance
from eelsunmix.background.subtraction import Subtraction
from eelsunmix.background.windows import sum_ranges
from eelsunmix.edges import Edge
from eelsunmix.energy.channels import channel_bounds, window_channels
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.typing import Bools, Floats

Range = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class LineChannels:
    """Where the windows of a line lie on an energy axis.

    Parameters
    ----------
    below, above, integrate : tuple of int
        First channel of a window and the one after its last.
    weights : ndarray, shape (2,)
        Counts of the background in the integration window per count of the windows below and above.
    """

    below: Range
    above: Range
    integrate: Range
    weights: Floats

    def ranges(self) -> Iterator[Range]:
        """Yield the channel ranges of the windows of the background, then of the integration window."""
        yield from (self.below, self.above, self.integrate)


def locate_line(line: Edge, axis: xr.DataArray | Floats) -> LineChannels:
    """Find the channels of a line's windows; `check_windows` first, this does not complain.

    Examples
    --------
    >>> windows = {"fit_eV": (6100, 6199), "integrate_eV": (6200, 6599), "fit_above_eV": (6600, 6699)}
    >>> line = Edge(element="Fe", onset_eV=6401, **windows)
    >>> place = locate_line(line, np.arange(6005.0, 7000.0, 10.0))
    >>> place.integrate, place.weights  # four times as wide, and midway
    ((20, 60), array([2., 2.]))
    """
    energies = in_electronvolts(axis)
    bounds = channel_bounds(energies)
    below = window_channels(line.fit_eV, energies)
    begin, end = window_channels(line.integrate_eV, energies)
    start, stop = window_channels(line.fit_above_eV or line.integrate_eV, energies)
    # Windows that meet on the centre of a channel both include it: it belongs to the background.
    integrate, above = (max(begin, below[1]), min(end, start)), (start, stop)
    weights = _weights(bounds[list(below)], bounds[list(above)], bounds[list(integrate)])
    return LineChannels(below=below, above=above, integrate=integrate, weights=weights[:, 0])


def _weights(below: Floats, above: Floats, bins: Floats) -> Floats:
    """Return the counts of the straight line in bins per count of the windows beside it, shape (2, bin).

    Parameters
    ----------
    below, above : ndarray, shape (2,)
        Ends of the windows in eV.
    bins : ndarray, shape (bin + 1,)
        Limits of the bins in eV.
    """
    part = ((bins[1:] + bins[:-1]) / 2 - below.mean()) / (above.mean() - below.mean())
    widths = np.diff(bins)
    return np.array([(1 - part) * widths / np.ptp(below), part * widths / np.ptp(above)])


def subtract_line(
    sums: Floats,
    valid: Bools,
    place: LineChannels,
    *,
    counts_per_electron: float,
    mean: Floats,
) -> Subtraction:
    """Subtract the background of one line from the sums over its windows.

    Parameters
    ----------
    sums : ndarray, shape (*pixels, 3)
        Counts in the windows of the background, then in the integration window; zero in invalid pixels.
    valid : ndarray of bool, shape pixels
    place : LineChannels
    counts_per_electron : float
    mean : ndarray, shape (3,)
        Counts of the typical pixel in the windows, for the deviation where a pixel has fewer than one.
    """
    counts = sums.astype(float)
    background = counts[..., :2] @ place.weights
    squares = np.append(place.weights**2, 1.0)
    blank = np.where(valid, 1.0, np.nan)
    # Not a single photon in a window does not mean that none was to be expected.
    least = np.clip(mean, 0.0, counts_per_electron)
    return Subtraction(
        net_counts=(counts[..., 2] - background) * blank,
        net_counts_sd=np.sqrt(counts_per_electron * np.maximum(counts, least) @ squares) * blank,
        background_counts=background * blank,
        exponent=np.full(valid.shape, np.nan),
        reduced_chi2=np.full(valid.shape, np.nan),
        independent_sd=np.sqrt(counts_per_electron * counts.clip(0) @ squares) * blank,
        common_sd=np.zeros(valid.shape) * blank,
        implausible=np.zeros(valid.shape, dtype=bool),
        not_fitted=np.zeros(valid.shape, dtype=bool),
    )


def line_under(spectra: Floats, place: LineChannels, bounds: Floats) -> Floats:
    """Return the background of spectra between the outer ends, NaN elsewhere, (spectrum, channel)."""
    sums = sum_ranges(spectra, list(place.ranges()))[:, :2]
    first, stop = place.below[0], place.above[1]
    found = np.full(spectra.shape, np.nan)
    found[:, first:stop] = sums @ _weights(
        bounds[list(place.below)], bounds[list(place.above)], bounds[first : stop + 1]
    )
    return found


@dataclass(frozen=True, kw_only=True)
class LineWindow:
    """A line above the straight line through the windows on both sides of it.

    Parameters
    ----------
    line : Edge
    """

    line: Edge

    def net_counts(self, spectra: Floats, energy: xr.DataArray | Floats) -> tuple[Floats, Floats]:
        """Return the net counts and their standard deviations, each of shape (spectrum,)."""
        place = locate_line(self.line, energy)
        sums = sum_ranges(spectra, list(place.ranges()))
        variance = counting_variance(sums, 1.0) @ np.append(place.weights**2, 1.0)
        return sums[:, 2] - sums[:, :2] @ place.weights, np.sqrt(variance)

    def net_spectra(self, spectra: Floats, energy: xr.DataArray | Floats) -> tuple[slice, Floats]:
        """Return the channels of the integration window and the net spectra in them, (spectrum, channel)."""
        place = locate_line(self.line, energy)
        channels = slice(*place.integrate)
        background = line_under(spectra, place, channel_bounds(in_electronvolts(energy)))
        return channels, spectra[:, channels] - background[:, channels]

    def exponents(self, spectra: Floats, energy: xr.DataArray | Floats) -> Floats:
        """Return NaN for each spectrum: no power law is fitted."""
        return np.full(len(spectra), np.nan)
