"""How noisy counts are: variance over mean of one channel, of a few, of many."""

import numpy as np
import xarray as xr


def counts_per_electron(image: xr.DataArray) -> float:
    """Variance of a sum over many channels divided by its mean; 1 where the image does not say."""
    return float(image.attrs.get("counts_per_electron", 1.0))


def channel_variance_to_mean(image: xr.DataArray) -> float:
    """Variance of the counts of one channel divided by their mean.

    Smaller than `counts_per_electron` where the detector's point spread couples channels.
    """
    return float(image.attrs.get("channel_variance_to_mean", counts_per_electron(image)))


def variance_to_mean_of_sums(image: xr.DataArray, n_channels: int) -> float:
    """Variance of sums over a few channels divided by their mean.

    Between that of one channel and that of many, `counts_per_electron`, with a correlation of the channels
    that falls off geometrically: the one such law that leads from the one to the other. On the real camera
    of the examples it is 6 % too small for two and for four channels.

    Examples
    --------
    >>> image = xr.DataArray(0, attrs={"channel_variance_to_mean": 1.0, "counts_per_electron": 3.0})
    >>> [round(variance_to_mean_of_sums(image, n), 3) for n in (1, 2, 1000)]
    [1.0, 1.5, 2.996]
    """
    one, many = channel_variance_to_mean(image), counts_per_electron(image)
    correlation = max(many - one, 0.0) / (many + one)
    lag = np.arange(1, n_channels)
    return float(one * (1 + 2 * np.sum((1 - lag / n_channels) * correlation**lag)))
