"""Integrals of a power law over channels, and what they say of the exponent."""

import numpy as np
from numpy.typing import ArrayLike

from eelsunmix.typing import Floats


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
    logs = np.log(np.asarray(bounds, dtype=float))
    middle, half = (logs[1:] + logs[:-1]) / 2, (logs[1:] - logs[:-1]) / 2
    power = 1 - np.asarray(exponent, dtype=float)[:, None]
    # With u = ln E the integrand is exp(power * u): twice the half width times sinh(z) / z, smooth at r = 1.
    z = power * half
    integral = 2 * half * np.exp(power * middle) * _sinhc(z)
    return integral, -(middle + half * _langevin(z))


def _sinhc(z: Floats) -> Floats:
    safe = np.where(z == 0, 1.0, z)
    return np.where(z == 0, 1.0, np.sinh(safe) / safe)


def _langevin(z: Floats) -> Floats:
    # coth(z) - 1/z, the logarithmic derivative of sinh(z)/z. Channels are narrow: z is small, and there the
    # difference would cancel.
    square = z * z
    values: Floats = z * (1 / 3 - square * (1 / 45 - square * (2 / 945 - square / 4725)))
    large = np.abs(z) > 0.2
    if large.any():
        values[large] = 1 / np.tanh(z[large]) - 1 / z[large]
    return values
