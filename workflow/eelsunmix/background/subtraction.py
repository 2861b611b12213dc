"""Net counts and their uncertainty from window sums: shape as chosen, amplitude of the pixel."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy

from eelsunmix.background.exponents import BATCH
from eelsunmix.background.models import Fit
from eelsunmix.background.power_law import counting_variance
from eelsunmix.background.windows import EdgeChannels
from eelsunmix.options import Options, Positive
from eelsunmix.typing import Bools, Floats


class BackgroundOptions(Options):
    """How backgrounds are fitted; what they are is said by each edge (`background`).

    Parameters
    ----------
    exponent : {"pixel", "local", "global"}
        Exponent fitted in each pixel, on a Gaussian average of its neighbourhood, or once for the image; of
        a convex combination, the shares of its power laws (with "pixel", its standard deviations are up to
        1.8 times too small). The amplitude is always the pixel's own.
    local_sigma_px : float
        Standard deviation of that Gaussian in pixels.
    mean_unbiased : bool
        Remove the excess that an uncertain exponent gives the mean of many backgrounds (see
        `PowerLawFit.extrapolate`); it matters for "pixel" below some tens of counts per channel, and
        changes nothing for convex combinations.

    References
    ----------
    .. [1] Cueva et al., Microsc. Microanal. 18 (2012) 667: local background averaging. Here only the exponent
       is averaged, since averaging the amplitude too blurs sharp layers.
    """

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
    independent_sd, common_sd : ndarray
        The uncertainty of `net_counts` split for averages over pixels: the deviation of an error that every
        pixel makes for itself, and that of one that all pixels share.
    implausible, not_fitted : ndarray of bool
        Exponents that no background has; exponents replaced by that of the whole image.
    """

    net_counts: Floats
    net_counts_sd: Floats
    background_counts: Floats
    exponent: Floats
    reduced_chi2: Floats
    independent_sd: Floats
    common_sd: Floats
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
    overall: tuple[Floats, float] | None = None,
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
    overall : tuple of ndarray and float, optional
        Shape of the whole image and the counts that it was fitted to; from `sums` by default.
    """
    binned, window = sums[..., :-1].astype(float), sums[..., -1].astype(float).ravel()
    overall = overall or overall_shape(binned, place)
    shapes, determining, fitted = _choose_shapes(binned, place, options, average_over, overall)
    shapes = np.where(fitted[:, None], shapes, overall[0])
    determining = np.where(fitted, determining, overall[1])
    rows = binned.reshape(-1, binned.shape[-1])
    model = place.model
    pieces = [slice(first, first + BATCH) for first in range(0, len(rows), BATCH)]
    found = []
    for piece in pieces:
        fit = model.fit(
            rows[piece],
            counts_per_electron=counts_per_electron,
            shapes=shapes[piece],
            determining=determining[piece],
        )
        found.append(_net_counts(fit, rows[piece], window[piece], place, options))
    maps = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    maps["exponent"][~fitted] = np.nan
    implausible = maps.pop("implausible").astype(bool)
    blank = np.where(valid, 1.0, np.nan)
    return Subtraction(
        **{name: values.reshape(valid.shape) * blank for name, values in maps.items()},
        implausible=implausible.reshape(valid.shape) & valid,
        not_fitted=~fitted.reshape(valid.shape) & valid,
    )


def _net_counts(
    fit: Fit, rows: Floats, window: Floats, place: EdgeChannels, options: BackgroundOptions
) -> dict[str, Floats]:
    background, extrapolated = fit.extrapolate(place.integrate_bounds, mean_unbiased=options.mean_unbiased)
    counting = counting_variance(window, fit.counts_per_electron)
    # Averaged over a region, local shapes err like the shapes of its single pixels would (the counts of
    # a pixel enter all neighbourhoods with weights of sum one at most); a global one errs for all at once.
    own_counts = np.full_like(fit.counts, np.inf) if options.exponent == "global" else fit.counts
    own = fit.determined_by(own_counts).extrapolate(place.integrate_bounds)[1]
    shared = np.maximum(extrapolated - own, 0) if options.exponent == "global" else np.zeros_like(own)
    return {
        "net_counts": window - background,
        "net_counts_sd": np.sqrt(counting + extrapolated),
        "background_counts": background,
        "exponent": fit.exponent,
        "independent_sd": np.sqrt(counting + own),
        "common_sd": np.sqrt(shared),
        "reduced_chi2": fit.reduced_chi2(rows, shape_is_own=options.exponent == "pixel"),
        "implausible": fit.implausible.astype(float),
    }


def overall_shape(binned: Floats, place: EdgeChannels) -> tuple[Floats, float]:
    """Shape of the background of the sum of all pixels, shape (parameter,), and the counts of that sum.

    Where there are no counts at all, a stand-in and infinite counts: the background is then zero anyway.
    """
    total = binned.reshape(-1, binned.shape[-1]).sum(axis=0, keepdims=True)
    shapes, fitted = place.model.shapes(total)
    return (shapes[0], float(total.sum())) if fitted[0] else (place.model.usual, np.inf)


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


def _choose_shapes(
    binned: Floats,
    place: EdgeChannels,
    options: BackgroundOptions,
    average_over: Sequence[int],
    overall: tuple[Floats, float],
) -> tuple[Floats, Floats, Bools]:
    """Return shapes (pixel, parameter), the counts they were fitted to, and whether they could be fitted."""
    n_pixels = binned[..., 0].size
    if options.exponent == "global":
        shapes = np.broadcast_to(overall[0], (n_pixels, overall[0].size))
        return shapes, np.full(n_pixels, overall[1]), np.ones(n_pixels, dtype=bool)
    determining = binned.sum(axis=-1)
    if options.exponent == "local":
        # Electrons that determine the shape of a weighted sum of Poisson counts: (sum w c)^2 / sum w^2 c.
        spread = gaussian_sum(determining, options.local_sigma_px, average_over, squared=True)
        binned = gaussian_sum(binned, options.local_sigma_px, average_over)
        determining = binned.sum(axis=-1) ** 2 / np.where(spread > 0, spread, np.inf)
    shapes, fitted = place.model.shapes(binned.reshape(n_pixels, -1))
    return shapes, determining.ravel(), fitted
