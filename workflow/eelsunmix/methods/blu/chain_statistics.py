"""How far draws of a Markov chain can be trusted: effective sample size and split R-hat."""

import numpy as np

from eelsunmix.typing import Floats


def split_rhat(draws: Floats) -> Floats:
    """Compare the two halves of a chain: potential scale reduction, near one where they agree.

    Parameters
    ----------
    draws : ndarray, shape (draw, ...)
        At least four draws.

    Returns
    -------
    ndarray, shape (...)
        One where a quantity never changes.

    References
    ----------
    .. [1] Gelman et al., Bayesian Data Analysis, 3rd ed. (2013), equation 11.4.
    """
    halves = _halves(draws)
    length = halves.shape[1]
    within = halves.var(axis=1, ddof=1).mean(axis=0)
    between = halves.mean(axis=1).var(axis=0, ddof=1)
    total = (length - 1) / length * within + between
    ratio = np.divide(total, within, out=np.ones_like(total), where=within > 0)
    return np.sqrt(ratio)


def effective_sample_size(draws: Floats) -> Floats:
    """Count the independent draws that would give a mean of the same precision; parameters as `split_rhat`.

    References
    ----------
    .. [1] Gelman et al. (2013), equation 11.8, with the autocorrelation summed over the initial positive
       pairs of Geyer, Statist. Sci. 7 (1992) 473.
    """
    halves = _halves(draws)
    number, length = halves.shape[:2]
    flat = halves.reshape(number, length, -1)
    covariance = _autocovariance(flat).mean(axis=0)
    within = covariance[0] * length / (length - 1)
    total = covariance[0] + flat.mean(axis=1).var(axis=0, ddof=1)
    safe = np.where(total > 0, total, 1.0)
    correlation = 1.0 - (within - covariance) / safe
    pairs = correlation[0 : length - length % 2 : 2] + correlation[1:length:2]
    pairs[0] = np.maximum(pairs[0], 0.0)
    # Once a pair is negative, what follows is noise.
    positive = np.cumprod(pairs > 0, axis=0)
    time = np.maximum(-1.0 + 2.0 * np.sum(pairs * positive, axis=0), 1.0 / np.log10(number * length))
    return (number * length / time).reshape(draws.shape[1:])


def _halves(draws: Floats) -> Floats:
    half = len(draws) // 2
    return np.stack([draws[:half], draws[-half:]])


def _autocovariance(chains: Floats) -> Floats:
    """Biased autocovariance of each chain by Fourier transform, shape (chain, lag, quantity)."""
    length = chains.shape[1]
    centred = chains - chains.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(centred, 2 * length, axis=1)
    return np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :length] / length
