"""Net counts and their uncertainty from window sums: exponent as chosen, amplitude of the pixel."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import scipy

from eelsunmix.background.exponents import BATCH, fit_exponent, fitted_exponent_variance
from eelsunmix.background.power_law import PowerLawFit, counting_variance, fit_power_law
from eelsunmix.background.windows import EdgeChannels
from eelsunmix.options import Options, Positive
from eelsunmix.typing import Bools, Floats

EXPONENT_WITHOUT_COUNTS = 3.0
"""Stands in where no pixel has counts to fit; the background is then zero whatever the exponent."""


class BackgroundOptions(Options):
    """How backgrounds are fitted.

    Parameters
    ----------
    model : {"power_law"}
        A E^-r, by Poisson maximum likelihood.
    exponent : {"pixel", "local", "global"}
        Exponent fitted in each pixel, on a Gaussian average of its neighbourhood, or once for the image.
        The amplitude is always the pixel's own.
    local_sigma_px : float
        Standard deviation of that Gaussian in pixels.
    mean_unbiased : bool
        Remove the excess that an uncertain exponent gives the mean of many backgrounds (see
        `PowerLawFit.extrapolate`); it matters for "pixel" below some tens of counts per channel.

    References
    ----------
    .. [1] Cueva et al., Microsc. Microanal. 18 (2012) 667: local background averaging. Here only the exponent
       is averaged, since averaging the amplitude too blurs sharp layers.
    """

    model: Literal["power_law"] = "power_law"
    exponent: Literal["pixel", "local", "global"] = "local"
    local_sigma_px: Positive = 2.0
    mean_unbiased: bool = False


@dataclass(frozen=True, kw_only=True)
class Subtraction:
    """Net counts of one edge and what they rest on; each array has the shape of the pixels.

    Parameters
    ----------
    net_counts, net_counts_sd, background_counts, exponent, reduced_chi2 : ndarray
        NaN in invalid pixels; `exponent` also where it could not be fitted.
    independent_variance, common_error : ndarray
        The uncertainty of `net_counts` split for averages over pixels: a variance that every pixel adds for
        itself, and an error (counts) that all pixels share.
    implausible, not_fitted : ndarray of bool
        Exponents that no background has; exponents replaced by that of the whole image.
    """

    net_counts: Floats
    net_counts_sd: Floats
    background_counts: Floats
    exponent: Floats
    reduced_chi2: Floats
    independent_variance: Floats
    common_error: Floats
    implausible: Bools
    not_fitted: Bools

    @property
    def snr(self) -> Floats:
        """Net counts over their standard deviation."""
        return self.net_counts / self.net_counts_sd


def subtract(
    sums: Floats,
    valid: Bools,
    place: EdgeChannels,
    options: BackgroundOptions,
    *,
    counts_per_electron: float,
    average_over: Sequence[int],
    overall: tuple[float, float] | None = None,
) -> Subtraction:
    """Subtract the backgrounds of one edge from the sums over its windows.

    Parameters
    ----------
    sums : ndarray, shape (*pixels, bin + 1)
        Counts in the fit bins, then in the integration window; zero in invalid pixels.
    valid : ndarray of bool, shape pixels
    place : EdgeChannels
    options : BackgroundOptions
    counts_per_electron : float
    average_over : sequence of int
        Axes of the neighbourhood of a local exponent.
    overall : tuple of float, optional
        Exponent of the whole image and its variance; fitted to `sums` by default.
    """
    binned, window = sums[..., :-1].astype(float), sums[..., -1].astype(float).ravel()
    overall = overall or overall_exponent(binned, place, counts_per_electron)
    exponent, variance, fitted = _choose_exponent(
        binned, place, options, counts_per_electron, average_over, overall
    )
    rows = binned.reshape(-1, binned.shape[-1])
    given = np.where(fitted, exponent, overall[0]), np.where(fitted, variance, overall[1])
    pieces = [slice(first, first + BATCH) for first in range(0, len(rows), BATCH)]
    found = [
        _net_counts(
            fit_power_law(
                rows[piece],
                place.fit_bounds,
                counts_per_electron=counts_per_electron,
                exponent=given[0][piece],
                exponent_variance=given[1][piece],
            ),
            rows[piece],
            window[piece],
            place,
            options,
        )
        for piece in pieces
    ]
    maps = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    maps["exponent"] = np.where(fitted, exponent, np.nan)
    implausible = maps.pop("implausible").astype(bool)
    blank = np.where(valid, 1.0, np.nan)
    return Subtraction(
        **{name: values.reshape(valid.shape) * blank for name, values in maps.items()},
        implausible=implausible.reshape(valid.shape) & valid,
        not_fitted=~fitted.reshape(valid.shape) & valid,
    )


def _net_counts(
    fit: PowerLawFit, rows: Floats, window: Floats, place: EdgeChannels, options: BackgroundOptions
) -> dict[str, Floats]:
    background, extrapolated = fit.extrapolate(place.integrate_bounds, mean_unbiased=options.mean_unbiased)
    counting = counting_variance(window, fit.counts_per_electron)
    own = _independent_part(fit, place, options)
    shared = np.maximum(extrapolated - own, 0) if options.exponent == "global" else np.zeros_like(own)
    return {
        "net_counts": window - background,
        "net_counts_sd": np.sqrt(counting + extrapolated),
        "background_counts": background,
        "independent_variance": counting + own,
        "common_error": np.sqrt(shared),
        "reduced_chi2": fit.reduced_chi2(rows, fitted_parameters=2 if options.exponent == "pixel" else 1),
        "implausible": fit.implausible.astype(float),
    }


def overall_exponent(
    binned: Floats, place: EdgeChannels, counts_per_electron: float = 1.0
) -> tuple[float, float]:
    """Exponent of the sum of all pixels and its variance; a stand-in where there are no counts at all."""
    total = binned.reshape(-1, binned.shape[-1]).sum(axis=0, keepdims=True)
    fit = fit_power_law(total, place.fit_bounds, counts_per_electron=counts_per_electron)
    if not fit.converged[0]:
        return EXPONENT_WITHOUT_COUNTS, 0.0
    return float(fit.exponent[0]), float(fit.exponent_variance[0])


def gaussian_radius(sigma: float) -> int:
    """Pixels that `gaussian_sum` looks away."""
    return int(4 * sigma + 0.5)


def gaussian_sum(values: Floats, sigma: float, axes: Sequence[int], *, squared: bool = False) -> Floats:
    """Sum a neighbourhood with Gaussian weights of sum one (or their squares); nothing lies outside."""
    radius = gaussian_radius(sigma)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    for axis in axes:
        values = scipy.ndimage.correlate1d(
            values, kernel**2 if squared else kernel, axis=axis, mode="constant"
        )
    return values


def _choose_exponent(
    binned: Floats,
    place: EdgeChannels,
    options: BackgroundOptions,
    counts_per_electron: float,
    average_over: Sequence[int],
    overall: tuple[float, float],
) -> tuple[Floats, Floats, Bools]:
    """Return exponents, their variances, and whether they could be fitted; each of shape (pixel,)."""
    n_pixels = binned[..., 0].size
    if options.exponent == "global":
        return np.full(n_pixels, overall[0]), np.full(n_pixels, overall[1]), np.ones(n_pixels, dtype=bool)
    determining = binned.sum(axis=-1)
    if options.exponent == "local":
        # Electrons that determine the exponent of a weighted sum of Poisson counts: (sum w c)^2 / sum w^2 c.
        spread = gaussian_sum(determining, options.local_sigma_px, average_over, squared=True)
        binned = gaussian_sum(binned, options.local_sigma_px, average_over)
        determining = binned.sum(axis=-1) ** 2 / np.where(spread > 0, spread, np.inf)
    exponent, converged = fit_exponent(binned.reshape(n_pixels, -1), place.fit_bounds)
    variance = fitted_exponent_variance(determining.ravel(), exponent, place.fit_bounds, counts_per_electron)
    return exponent, variance, converged


def _independent_part(fit: PowerLawFit, place: EdgeChannels, options: BackgroundOptions) -> Floats:
    # Averaged over a region, local exponents err like the exponents of its single pixels would (the counts of
    # a pixel enter all neighbourhoods with weights of sum one at most); a global one errs for all at once.
    if options.exponent == "global":
        own: Floats = np.zeros_like(fit.exponent)
    else:
        own = fitted_exponent_variance(fit.counts, fit.exponent, place.fit_bounds, fit.counts_per_electron)
    return replace(fit, exponent_variance=own).extrapolate(place.integrate_bounds)[1]
