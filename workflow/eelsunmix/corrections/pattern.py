"""Fixed patterns of the detector, found in the data: structure from channel to channel common to all pixels.

Only what changes from one channel to the next can be told from the sample, and only where no edge is: a
pattern that is smooth over many channels, or that lies inside an edge, cannot be known from the data.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from eelsunmix.corrections.common import interpolate_channels

ORDER = 2
MIN_COUNTS = 100
"""Counts that a group must have in a channel before its logarithm is looked at."""
MIN_SHARE = 0.2
"""Share of the channels that must be usable: a few strong lines alone are no evidence of a pattern."""
GAIN_LIMITS = (0.8, 1.25)
OUTLIER = 5.0
"""Robust standard deviations beyond which a channel is taken for an unknown edge and left alone."""
DISAGREEMENT = 1e-4
"""Probability, as noise, of a disagreement between the groups from which a channel is left alone too."""
KIND_EVIDENCE = 20.0
"""Gain in chi-square from which constant counts are preferred to a constant ratio; docs/decisions/006."""


@dataclass(frozen=True)
class Pattern:
    """A fixed pattern and the evidence for it.

    `kind` is "gain" (relative, multiplies every pixel) or "dark" (counts, added to every pixel);
    `values` (channel,) is zero where nothing is known; `correlation` is the median over pairs of groups.
    """

    kind: Literal["gain", "dark"]
    values: np.ndarray
    correlation: float
    evidence: float


def high_pass(spectra: np.ndarray, window: int) -> np.ndarray:
    """Relative structure narrower than `window` channels: log of the spectra minus its smooth part.

    Parameters
    ----------
    spectra : ndarray, shape (..., channel)
        Positive counts.
    window : int
        As of `smooth`.
    """
    logarithm = np.log(np.maximum(spectra, 1e-12))
    return logarithm - smooth(logarithm, window)


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Smooth with a Savitzky-Golay filter [1]_: near an end, the parabola through the window there.

    `scipy.signal.savgol_filter` does the same, but its package takes a second of every job to import.

    Parameters
    ----------
    values : ndarray, shape (..., channel)
        At least `window` channels; whole numbers are smoothed as any others.
    window : int
        Odd number of channels.

    References
    ----------
    .. [1] Savitzky, Golay, Anal. Chem. 36 (1964) 1627, table I.
    """
    values = np.asarray(values, dtype=np.result_type(values, np.float32))
    half, n_channels = window // 2, values.shape[-1]
    design = np.vander(np.linspace(-1.0, 1.0, window), ORDER + 1)
    projection = design @ np.linalg.pinv(design)  # (channel, channel): counts to the parabola through them
    smoothed: np.ndarray = scipy.ndimage.convolve1d(values, projection[half], axis=-1)
    smoothed[..., :half] = values[..., :window] @ projection[:half].T
    smoothed[..., n_channels - half :] = values[..., -window:] @ projection[half + 1 :].T
    return smoothed


def roughness(spectrum: np.ndarray, usable: np.ndarray, window: int) -> float:
    """Root mean square of the high-pass of a spectrum over the usable channels; NaN without any."""
    if not usable.any() or spectrum.size < window:
        return float("nan")
    return float(np.sqrt(np.mean(high_pass(spectrum, window)[usable] ** 2)))


def expected_roughness(total: np.ndarray, usable: np.ndarray, window: int, variance_to_mean: float) -> float:
    """Roughness that noise alone gives a sum of `total` counts per channel."""
    if not usable.any() or total.size < window:
        return float("nan")
    impulse = np.zeros(2 * window + 1)
    impulse[window] = 1.0
    left = 1 - smooth(impulse, window)[window]
    return float(np.sqrt(left * variance_to_mean * np.mean(1 / total[usable])))


def find_pattern(
    means: np.ndarray,
    n_pixels: np.ndarray,
    usable: np.ndarray,
    *,
    window: int,
    variance_to_mean: float,
    kind: Literal["auto", "gain", "dark"] = "auto",
) -> Pattern:
    """Estimate the pattern shared by groups of spectrally different pixels.

    A gain multiplies the signal, so it leaves the same *relative* structure in bright and dark groups and
    channels; a wrong dark reference adds the same *counts*. The model that explains the differences between
    the groups better is taken. The mean over the groups is shrunk by its reliability (Spearman-Brown [1]_):
    shot noise is not copied into the correction. Channels far outside the distribution, and those in which
    the groups disagree, are left alone: they belong to edges that nobody has named.

    Parameters
    ----------
    means : ndarray, shape (group, channel)
        Mean spectra in counts per pixel, free of spikes and bad channels.
    n_pixels : ndarray of int, shape (group,)
    usable : ndarray of bool, shape (channel,)
        Channels outside edges.
    window : int
        Channels of the smoothing filter.
    variance_to_mean : float
        Of the counts of one channel.
    kind : {"auto", "gain", "dark"}
        Which of both to look for.

    Returns
    -------
    Pattern
        All zeros, with a correlation of NaN, where there is too little to compare.

    References
    ----------
    .. [1] Spearman, Brit. J. Psychol. 3 (1910) 271.
    """
    countable = (means * n_pixels[:, None] >= MIN_COUNTS * variance_to_mean).all(axis=0)
    usable = usable & countable
    if len(means) < 2 or usable.sum() < max(2 * window, MIN_SHARE * usable.size):
        return Pattern("gain", np.zeros(means.shape[1]), float("nan"), 0.0)
    means = interpolate_channels(means, ~countable)  # the fall into an empty stretch is no pattern
    relative = high_pass(means, window)
    usable = usable & _unsuspicious(relative.mean(axis=0), usable)
    weight = n_pixels[:, None] / (variance_to_mean * np.maximum(means, 1e-12))
    evidence = _evidence(means, relative, weight, usable)
    if kind == "auto":
        kind = "dark" if evidence > KIND_EVIDENCE else "gain"
    usable = usable & _common_to_all(_misfit(means, relative, weight, kind), usable, len(means) - 1)
    correlation = _median_correlation(relative[:, usable])
    found = _iterate(means, weight, usable, kind, window)
    return Pattern(kind, found * _reliability(correlation, len(means)), correlation, evidence)


def _iterate(means: np.ndarray, weight: np.ndarray, usable: np.ndarray, kind: str, window: int) -> np.ndarray:
    """Estimate, correct, estimate what is left: the second pass reaches patterns of a few channels."""
    found = np.zeros(means.shape[1])
    corrected = means
    for _ in range(2):
        in_counts = corrected * -np.expm1(-high_pass(corrected, window))
        base = corrected if kind == "gain" else np.ones_like(corrected)
        found = found + np.where(usable, _common(in_counts, base, weight), 0.0)
        corrected = means / (1 + found) if kind == "gain" else means - found
        corrected = np.maximum(corrected, 0.01 * means)
    return found


def _common(in_counts: np.ndarray, base: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted least squares of ``in_counts = p * base`` with one p per channel."""
    return (weight * in_counts * base).sum(axis=0) / (weight * base**2).sum(axis=0)


def _evidence(means: np.ndarray, relative: np.ndarray, weight: np.ndarray, usable: np.ndarray) -> float:
    """By how much chi-square prefers a pattern of constant counts to one of constant ratio."""
    gain, dark = (float(_misfit(means, relative, weight, kind)[usable].sum()) for kind in ("gain", "dark"))
    freedom = (len(means) - 1) * int(usable.sum())
    # in units of the better model's own residual: the noise of cameras is seldom known to a factor of two
    return (gain - dark) / max(min(gain, dark) / freedom, 1e-12)


def _misfit(means: np.ndarray, relative: np.ndarray, weight: np.ndarray, kind: str) -> np.ndarray:
    """Chi-square of one pattern for all groups, (channel,)."""
    in_counts = means * -np.expm1(-relative)
    base = means if kind == "gain" else np.ones_like(means)
    misfit: np.ndarray = (weight * (in_counts - _common(in_counts, base, weight) * base) ** 2).sum(axis=0)
    return misfit


def _common_to_all(misfit: np.ndarray, usable: np.ndarray, freedom: int) -> np.ndarray:
    """Channels in which the groups agree as well as in others: a line is stronger in some of them."""
    if not usable.any():
        return usable
    typical = float(np.median(misfit[usable])) / float(scipy.special.chdtri(freedom, 0.5))
    agrees: np.ndarray = misfit <= typical * float(scipy.special.chdtri(freedom, DISAGREEMENT))
    return agrees


def _unsuspicious(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    centre = np.median(values[usable])
    spread = 1.4826 * np.median(np.abs(values[usable] - centre))
    return np.abs(values - centre) <= OUTLIER * spread


def _median_correlation(relative: np.ndarray) -> float:
    if relative.shape[1] < 3 or (relative.std(axis=1) == 0).any():
        return float("nan")
    return float(np.median(np.corrcoef(relative)[np.triu_indices(len(relative), 1)]))


def _reliability(correlation: float, n_groups: int) -> float:
    if not correlation > 0:
        return 0.0
    return n_groups * correlation / (1 + (n_groups - 1) * correlation)
