"""Counting noise of maps in counts: that of the abundances, and of the counts that they are brought to."""

import numpy as np
import xarray as xr

from eelsunmix.methods import Model
from eelsunmix.methods._equalised import EqualisedPixels
from eelsunmix.methods._linear import LinearModel
from eelsunmix.numerics.propagation import Propagation
from eelsunmix.numerics.share_noise import share_covariance
from eelsunmix.typing import Bools, Floats

_PIECE = 2**15
"""Pixels treated at a time."""


def variance_of_counts(
    model: Model, abundances: Floats, totals: Floats, net_counts: Floats, *, simplex: bool
) -> Floats:
    """Variance of the counts of each edge by the abundances of a method, for Poisson counts, (pixel, edge).

    Parameters
    ----------
    model : Model
        NaN for models that say nothing of their noise, as networks do.
    abundances : ndarray, shape (pixel, endmember)
        As the method returned them.
    totals : ndarray, shape (pixel,)
        Counts of the pixels, to which abundances that sum to one are brought.
    net_counts : ndarray, shape (endmember, edge)
        Times the weight of the endmember in the map of the edge. Where that is zero it takes no part; the
        others are set free.
    simplex : bool
        Whether the abundances sum to one.
    """
    result = np.full((len(abundances), net_counts.shape[1]), np.nan)
    linear = _linear(model)
    if linear is None:
        return result
    for first in range(0, len(abundances), _PIECE):
        rows = slice(first, first + _PIECE)
        known = np.flatnonzero(np.isfinite(abundances[rows]).all(axis=1)) + first
        for column, net in enumerate(net_counts.T):
            a, total = abundances[known], np.maximum(totals[known], 1.0)[:, None]
            if simplex:  # pixels without sample have no shares: their few counts may be of anything
                a = np.where((a > 0).any(axis=1, keepdims=True), a, 1 / a.shape[1])
            free = linear.taking_part(a) | (net != 0)
            if not simplex:  # not bound: they are counts already
                propagation = linear.propagation()
                found = _form(propagation.covariance(propagation.mixture(a), free), net)
            elif isinstance(model, EqualisedPixels):
                found = _of_shares(model, linear, a, total, net, free)
            else:
                found = _of_fractions(linear, a, total, net, free)
            result[known, column] = found
    return np.maximum(result, 0.0)


def amount_sd(model: Model, abundance: xr.DataArray, total: xr.DataArray) -> xr.DataArray:
    """Return the standard deviation of abundance x brightness, for Poisson counts, dims of the abundance.

    Brightness is the counts of a pixel over those of its mixture, which change with the abundances.

    Parameters
    ----------
    model : Model
        As of `variance_of_counts`; abundances sum to one.
    abundance : DataArray, dims (navigation, endmember)
        As the model returned it; eager or lazy.
    total : DataArray, dims (navigation)
        Counts of the pixels.
    """
    one = np.eye(len(model.endmembers))

    def of_block(shares: Floats, totals: Floats) -> Floats:
        rows = shares.reshape(-1, len(one)).astype(float)
        found = variance_of_counts(model, rows, totals.ravel(), one, simplex=True)
        return np.sqrt(found).reshape(shares.shape)

    sd: xr.DataArray = xr.apply_ufunc(
        of_block,
        abundance,
        total.drop_vars("valid_pixel", errors="ignore"),
        input_core_dims=[["endmember"], []],
        output_core_dims=[["endmember"]],
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return sd


def variance_of_refit(endmembers: Floats, weight: Floats, abundances: Floats, net_counts: Floats) -> Floats:
    """Variance of the counts of each edge by all endmembers refitted, (pixel, edge); all are set free.

    As of other maps, it is that of one count at least: no deviation is zero.
    """
    propagation = Propagation(endmembers, weight)
    free = np.ones((1, len(endmembers)), dtype=bool)
    tensor = np.stack([propagation.covariance(row[None], free)[0] for row in np.eye(len(endmembers))])
    per_unit = np.einsum("kij,ie,je->ke", tensor, net_counts, net_counts)
    return np.maximum(propagation.mixture(np.maximum(abundances, 0.0)) @ per_unit, 0.0)


def _linear(model: Model) -> LinearModel | None:
    """Return the least squares whose noise is that of a model."""
    if isinstance(model, EqualisedPixels):
        inner = _linear(model.inner)  # type: ignore[arg-type]
        totals = model.endmembers.sum(axis=1)
        return None if inner is None else inner.scaled(model.counts / totals)
    if isinstance(model, LinearModel):
        return model
    weight = getattr(model, "channel_weight", None)
    if not model.knows_sd or weight is None:
        return None
    return LinearModel(endmembers=model.endmembers, sum_to_one=True, channel_weight=weight)


def _of_fractions(linear: LinearModel, a: Floats, total: Floats, net: Floats, free: Bools) -> Floats:
    """Fractions that were found with the total counts are correlated with these."""
    propagation = linear.propagation()
    totals = linear.endmembers.sum(axis=1)
    mixed = (a @ totals)[:, None]
    bright = total / np.maximum(mixed, np.finfo(float).tiny)
    part = (a @ net)[:, None] / np.maximum(mixed, np.finfo(float).tiny)
    slope = bright * (net - part * totals)
    covariance = propagation.covariance(propagation.mixture(a, 1 / bright), free)
    with_total = bright * (a - propagation.offsets(free))
    mutual = 2 * part[:, 0] * np.sum(slope * with_total, axis=1)
    return _form(covariance, slope) + mutual + (part**2 * total)[:, 0]


def _of_shares(
    model: EqualisedPixels, linear: LinearModel, a: Floats, total: Floats, net: Floats, free: Bools
) -> Floats:
    """Shares of the counts are not correlated with the total: the variances of both add up."""
    totals = model.endmembers.sum(axis=1)
    shares, slope = a * totals / (a @ totals)[:, None], net / totals
    covariance = share_covariance(linear.propagation(), shares, free, model.counts, total / model.counts)
    return total[:, 0] ** 2 * _form(covariance, slope) + total[:, 0] * (shares @ slope) ** 2


def _form(covariance: Floats, slope: Floats) -> Floats:
    """Return the variance along a slope, which may be another one in each pixel; shape (pixel,)."""
    slope = np.broadcast_to(slope, covariance.shape[:2])
    found: Floats = np.einsum("pi,pij,pj->p", slope, covariance, slope)
    return found
