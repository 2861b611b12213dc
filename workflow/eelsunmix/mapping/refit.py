"""Description of the counts by given endmembers, and what remains of them."""

import functools

import numpy as np
import xarray as xr

from eelsunmix.execution import blocks
from eelsunmix.mapping.pieces import in_pieces, maps_of_block, mean_spectrum, valid_spectra
from eelsunmix.methods import Model
from eelsunmix.noise import channel_variance_to_mean, counts_per_electron
from eelsunmix.numerics.abundances import least_squares, non_negative
from eelsunmix.numerics.propagation import Propagation
from eelsunmix.typing import Floats

TOGETHER = 2**15
"""Counts whose residuals are looked at together: they stay in the cache."""


def refit(
    model: Model,
    counts: xr.DataArray,
    *,
    mean: Floats | None = None,
    beside: tuple[blocks.Kernel, xr.Dataset] | None = None,
) -> xr.Dataset:
    """Describe the counts by the endmembers, and say what remains of them.

    Poisson-weighted least squares without a sum to one; non-negative unless the model is signed.

    Parameters
    ----------
    model : Model
        On the energy axis of the counts.
    counts : DataArray, dims (navigation, energy)
        Corrected counts with the coordinate ``valid_pixel``; eager or lazy.
    mean : ndarray, shape (channel,), optional
        Mean of the counts over the valid pixels, if it is known; otherwise one more pass finds it.
    beside : kernel and template, optional
        Further maps of the same blocks, made in the same pass.

    Returns
    -------
    Dataset
        Those, ``refit_abundance`` (navigation, endmember) and its standard deviation ``refit_abundance_sd``,
        ``reduced_chi2`` (navigation), ``mean_residual`` and ``mean_residual_sd`` (energy). The latter is the
        noise alone. Where many true abundances are zero, a non-negative fit of the true endmembers is biased
        by as much again (its mean residual has an rms of 1.0 to 1.4 of these standard deviations on the
        simulated multilayer, a signed one of 1.0).
    """
    energy, n_valid = counts.dims[-1], int(counts["valid_pixel"].sum())
    mean = mean_spectrum(counts) if mean is None else mean
    # A channel without counts would have an infinite weight.
    deviation = np.sqrt(np.maximum(mean, 1e-3 * max(mean.mean(), np.finfo(float).tiny)))
    kernel, template = _refit_kernel(model, counts, deviation)
    if beside is None:
        maps = blocks.map_blocks(kernel, blocks.unshared(counts), template)
    else:
        both = functools.partial(_both, first=beside[0], second=kernel)
        maps = blocks.map_blocks(both, counts, beside[1].assign(template.data_vars))
    endmembers = xr.DataArray(model.endmembers, dims=("endmember", energy))
    fitted = maps["refit_abundance"].mean(counts.dims[:-1], dtype=np.float64) @ endmembers
    measured = xr.DataArray(mean, dims=[energy], coords={energy: counts[energy]})
    variance = (
        channel_variance_to_mean(counts)
        * measured.clip(min=0)
        / max(n_valid, 1)
        * _freedom(model.endmembers, deviation)
    )
    result = maps.assign(mean_residual=measured - fitted, mean_residual_sd=np.sqrt(variance))
    for name in ("mean_residual", "mean_residual_sd"):
        result[name].attrs["units"] = "counts"
    return result


def _both(block: xr.DataArray, first: blocks.Kernel, second: blocks.Kernel) -> xr.Dataset:
    return first(block).assign(second(block).data_vars)


def _refit_kernel(model: Model, counts: xr.DataArray, deviation: Floats) -> tuple[blocks.Kernel, xr.Dataset]:
    dims = counts.dims[:-1]
    template = blocks.template_like(
        counts,
        {
            "refit_abundance": ((*dims, "endmember"), np.float32),
            "refit_abundance_sd": ((*dims, "endmember"), np.float32),
            "reduced_chi2": (dims, np.float32),
        },
        {"endmember": np.arange(len(model.endmembers))},
    )
    kernel = functools.partial(
        _refit_block,
        endmembers=model.endmembers,
        weight=deviation,
        signed=model.signed,
        variance_to_mean=channel_variance_to_mean(counts),
        sd_unit=float(np.sqrt(counts_per_electron(counts))),
        endmember_noise=model.endmember_noise,
    )
    return kernel, template


def _freedom(endmembers: Floats, weight: Floats) -> Floats:
    """Share of the variance of each channel that the fit leaves in the residual (one minus the leverage)."""
    left = np.linalg.svd((endmembers / weight).T, full_matrices=False)[0]
    return np.clip(1.0 - np.sum(left**2, axis=1), 0.0, 1.0)


def _refit_block(
    block: xr.DataArray,
    endmembers: Floats,
    weight: Floats,
    signed: bool,
    variance_to_mean: float,
    sd_unit: float,
    endmember_noise: float,
) -> xr.Dataset:
    solve, number = least_squares if signed else non_negative, len(endmembers)
    propagation = Propagation(endmembers, weight, endmember_noise=endmember_noise)

    def describe(spectra: Floats) -> Floats:
        abundances = solve(spectra, endmembers, channel_weight=weight)
        chi2 = _reduced_chi2(spectra, abundances @ endmembers, weight, number) / variance_to_mean
        sd = sd_unit * propagation.sd(abundances, (abundances > 0) | signed)
        return np.column_stack([abundances, sd, chi2])

    values = in_pieces(describe, valid_spectra(block), 2 * number + 1)
    names = ("refit_abundance", "refit_abundance_sd", "reduced_chi2")
    return maps_of_block(
        block,
        dict(zip(names, (values[:, :number], values[:, number:-1], values[:, -1]), strict=True)),
        number,
    )


def _reduced_chi2(spectra: Floats, fitted: Floats, weight: Floats, n_endmembers: int) -> Floats:
    # Where the fit comes near zero, the variance comes from the mean spectrum, scaled to the pixel's counts.
    share = weight**2 / np.sum(weight**2)
    squares = np.empty(len(spectra))
    step = max(1, TOGETHER // spectra.shape[1])
    for first in range(0, len(spectra), step):
        rows = slice(first, first + step)
        left, expected = spectra[rows] - fitted[rows], fitted[rows]
        variance = 0.1 * np.maximum(expected.sum(axis=1, keepdims=True), 1.0) * share
        left *= left
        left /= np.maximum(expected, variance, out=variance)
        squares[rows] = left.sum(axis=1)
    return squares / max(spectra.shape[1] - n_endmembers, 1)
