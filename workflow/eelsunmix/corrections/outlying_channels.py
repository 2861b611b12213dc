"""Channels that are far above or below their neighbours, and are no line."""

import math

import numpy as np
import scipy

from eelsunmix.corrections.statistics import Statistics

HOT_RATIO, WEAK_RATIO = 2.0, 0.7
"""Above twice, or below 0.7 of, all four neighbours. Few lines reach twice their neighbours, and those that
do have counts beside them; no spectrum has dips one channel wide."""
WARM_PART = 0.05
"""Part of its neighbours' counts by which a channel stands out at least, if it is warm."""
SIGNIFICANCE = 6.0
PART_SIGNIFICANCE = 4.5
"""For each of two to four parts of the pixels: in two by chance in one channel of 1e10."""
SHOULDERS = 0.02
"""Counts of the two channels beside a line, as a part of its own, from which it is one: 0.03 for a peak 0.8
channels wide (FWHM) that lies in the middle of its channel, 0.08 if it is integrated over the channels."""
SHOULDERS_SEEN, SHOULDERS_KNOWN = 3.0, 0.1
"""Standard deviations from which shoulders are there; how well they must be known to say that none are."""
ZERO_LOSS_EV = 5.0
"""The highest channel of a spectrum but for hot ones elsewhere is the zero-loss peak, this near to 0 eV."""


def outliers(
    statistics: Statistics, dark: np.ndarray, noise: float, energy_ev: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find single channels far above or below all four neighbours.

    A channel is so in every one of the groups of unlike pixels; or above in all parts of the pixels of one
    brightness: counts that a detector adds to each pixel are seen in vacuum alone. A line as narrow as a
    channel, as the zero-loss peak may be, is told from a hot channel by the counts beside it.

    Parameters
    ----------
    statistics : Statistics
    dark : ndarray, shape (channel,)
        Dark signal in counts.
    noise : float
        Variance to mean of one channel.
    energy_ev : ndarray, shape (channel,)

    Returns
    -------
    bad, undecided : ndarray of bool, shape (channel,)
        `undecided` are high, but with too few counts beside them to tell what they are, or several near 0 eV
        of which one is the zero-loss peak.
    """
    means = statistics.group_means - dark
    counts = statistics.n_pixels[statistics.n_pixels > 0, None]
    hot, weak = _beyond_all(means, counts, noise)
    bad, undecided = _told_from_lines(hot, means, counts, noise)
    for parts, n_pixels in statistics.brightness_groups(dark):
        high = _high_in_all(parts, n_pixels, noise)
        more, open_ones = _told_from_lines(high & ~hot, parts, n_pixels, noise)
        bad, undecided = bad | more, undecided | open_ones
    zero_loss = _zero_loss(statistics.mean, energy_ev, bad | undecided)
    # of two that may be the zero-loss peak one is hot: both stay, and are named
    several = zero_loss & (zero_loss.sum() > 1)
    bad = (bad & ~zero_loss) | weak
    return bad, ((undecided & ~zero_loss) | several) & ~bad


def warm_channels(statistics: Statistics, dark: np.ndarray, noise: float) -> np.ndarray:
    """Find single channels that stand out of a smooth spectrum in every group, and are no lines.

    They need not be twice as high as their neighbours; so they are for places where nothing stands out.
    """
    means = statistics.group_means - dark
    counts = statistics.n_pixels[statistics.n_pixels > 0, None]
    middle = (_shifted(means, -1) + _shifted(means, 1)) / 2
    error = np.sqrt(1.5 * noise * np.maximum(middle, 1 / counts) / counts)
    usual = np.maximum(math.sqrt(1.5) * usual_roughness(means), WARM_PART / SIGNIFICANCE)
    limit = SIGNIFICANCE * np.maximum(usual * np.maximum(middle, 0), error)
    high = (means - middle > limit) & (means - _neighbours(means)[0] > limit / 2)
    without_shoulders, undecided = _told_from_lines(high.all(axis=0), means, counts, noise)
    return np.asarray(without_shoulders | undecided)


def usual_roughness(means: np.ndarray) -> np.ndarray:
    """Robust local spread of a channel against its two neighbours, relative, (group, channel)."""
    return _local_scatter(np.log(np.maximum(means, 1e-12)))


def _beyond_all(means: np.ndarray, counts: np.ndarray, noise: float) -> tuple[np.ndarray, np.ndarray]:
    highest, lowest = _neighbours(means)
    error = np.sqrt(noise * np.maximum(np.maximum(means, highest), 1 / counts) / counts)
    usual = usual_roughness(means)
    hot = (means > highest * np.maximum(HOT_RATIO, np.exp(SIGNIFICANCE * usual))) & (
        means - highest > SIGNIFICANCE * error
    )
    weak = (means < lowest * np.minimum(WEAK_RATIO, np.exp(-SIGNIFICANCE * usual))) & (
        lowest - means > SIGNIFICANCE * error
    )
    return hot.all(axis=0), (weak & _no_valley(means)).all(axis=0)


def _no_valley(means: np.ndarray) -> np.ndarray:
    """Below what either side leads to: the bottom between the zero-loss peak and a plasmon is not."""
    logarithm = np.log(np.maximum(means, 1e-12))
    sides = [2 * _shifted(logarithm, step) - _shifted(logarithm, 2 * step) for step in (-1, 1)]
    return np.asarray(logarithm < np.minimum(*sides))


def _high_in_all(means: np.ndarray, counts: np.ndarray, noise: float) -> np.ndarray:
    highest, _ = _neighbours(means)
    error = np.sqrt(noise * np.maximum(np.maximum(means, highest), 1 / counts) / counts)
    # offsets of a camera scatter more than its counts
    error = np.maximum(error, _local_scatter(means))
    high = (means > HOT_RATIO * highest) & (means - highest > PART_SIGNIFICANCE * error)
    return np.asarray(high.all(axis=0))


def _told_from_lines(
    high: np.ndarray, means: np.ndarray, counts: np.ndarray, noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Divide high channels into those without shoulders, and those of which that is not known."""
    if not high.any():
        return high, high
    total = (means * counts).sum(axis=0)
    near = [_shifted(total, step) for step in (-3, -2, -1, 1, 2, 3)]
    # a straight line through the two channels on either side beyond the shoulders
    base = (near[0] + near[1] + near[4] + near[5]) / 4
    height, beside = total - base, near[2] + near[3] - 2 * base
    level = np.maximum(sum(near), 1.0) / 2
    error = np.maximum(np.sqrt(noise * level), math.sqrt(3) * _local_scatter(total[None])[0])
    shoulders = (beside > SHOULDERS_SEEN * error) & (beside > SHOULDERS * height)
    known = beside + 2 * error < SHOULDERS_KNOWN * height
    return high & ~shoulders & known, high & ~shoulders & ~known


def _zero_loss(mean: np.ndarray, energy_ev: np.ndarray, doubtful: np.ndarray) -> np.ndarray:
    """Return the doubtful channels near 0 eV above all that are certain; hot ones elsewhere do not count."""
    near = np.abs(energy_ev) < ZERO_LOSS_EV
    return near & doubtful & (mean > mean[~doubtful].max(initial=-np.inf))


def _neighbours(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Highest and lowest of the two channels on either side."""
    neighbours = np.stack([_shifted(means, step) for step in (-2, -1, 1, 2)])
    return neighbours.max(axis=0), neighbours.min(axis=0)


def _local_scatter(spectra: np.ndarray) -> np.ndarray:
    deviation = np.abs(spectra - (_shifted(spectra, -1) + _shifted(spectra, 1)) / 2)
    return 1.4826 * scipy.ndimage.median_filter(deviation, size=(1, 51), mode="nearest") / math.sqrt(1.5)


def _shifted(spectra: np.ndarray, step: int) -> np.ndarray:
    """Value of the channel `step` further, mirrored at the ends."""
    last = spectra.shape[-1] - 1
    wanted = np.abs(np.arange(last + 1) + step)
    return spectra[..., np.clip(last - np.abs(last - wanted), 0, last)]
