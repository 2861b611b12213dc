"""Integrals of a power law, and of an exponential, over channels, and what they say of the exponent."""

import numpy as np
from numpy.typing import ArrayLike

from eelsunmix.typing import Floats

SERIES = 0.2
"""Up to here four terms of the series are exact to 1e-10, and those of sinh(z) / z to rounding."""


def power_law_integrals(bounds: ArrayLike, exponent: ArrayLike) -> tuple[Floats, Floats]:
    """Integrals of E^-r over bins, and the derivatives of their logarithms with respect to r.

    Parameters
    ----------
    bounds : array_like, shape (bin + 1,)
        Limits of the bins in eV.
    exponent : array_like, shape (pixel,)

    Returns
    -------
    integral, slope : ndarray, shape (pixel, bin)
    """
    # With u = ln E the integrand is exp((1 - r) u).
    return _integrals(np.log(np.asarray(bounds, dtype=float)), 1 - np.asarray(exponent, dtype=float))


def exponential_integrals(
    bounds: ArrayLike, exponent: ArrayLike, *, pivot_eV: float
) -> tuple[Floats, Floats]:
    """Integrals of exp(-r E / pivot) over bins, and the derivatives of their logarithms with respect to r.

    At the pivot the exponential has the slope of a power law E^-r, so that exponents compare.

    Parameters
    ----------
    bounds : array_like, shape (bin + 1,)
        Limits of the bins in eV.
    exponent : array_like, shape (pixel,)
    pivot_eV : float

    Returns
    -------
    integral, slope : ndarray, shape (pixel, bin)
    """
    return _integrals(np.asarray(bounds, dtype=float) / pivot_eV, -np.asarray(exponent, dtype=float))


def _integrals(limits: Floats, power: Floats) -> tuple[Floats, Floats]:
    """Integrals of exp(power u) between limits of u, and minus the derivatives of their logarithms."""
    middle, half = (limits[1:] + limits[:-1]) / 2, (limits[1:] - limits[:-1]) / 2
    # Twice the half width times sinh(z) / z, smooth at power = 0.
    power = power[:, None]
    z = power * half
    sinhc, langevin = _sinhc_and_langevin(z)
    sinhc *= 2 * half
    sinhc *= np.exp(power * middle)
    langevin *= -half
    langevin -= middle
    return sinhc, langevin


def _sinhc_and_langevin(z: Floats) -> tuple[Floats, Floats]:
    """Return sinh(z) / z and its logarithmic derivative, coth(z) - 1 / z."""
    # Channels are narrow: z is small, where the difference would cancel and a series is faster.
    square = z * z
    sinhc: Floats = 1 + square / 6 * (1 + square / 20 * (1 + square / 42 * (1 + square / 72)))
    langevin: Floats = z * (1 / 3 - square * (1 / 45 - square * (2 / 945 - square / 4725)))
    large = square > SERIES**2
    if large.any():
        beyond = z[large]
        sinhc[large] = np.sinh(beyond) / beyond
        langevin[large] = 1 / np.tanh(beyond) - 1 / beyond
    return sinhc, langevin
