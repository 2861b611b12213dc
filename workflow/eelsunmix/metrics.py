"""How far an unmixing result is from the truth or from another result."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from eelsunmix.errors import InputError
from eelsunmix.numerics.array_arguments import check_axis, check_callable, numbers, of_same_channels
from eelsunmix.typing import Floats, Indices


def sad(a: ArrayLike, b: ArrayLike) -> Any:
    """Spectral angle distance in radians, over the last axis.

    Parameters
    ----------
    a, b : array_like, shape (..., channel)
        Spectra; leading axes broadcast.

    Returns
    -------
    float or ndarray, shape (...)
        In [0, pi]; NaN where a spectrum is zero, which has no direction.

    References
    ----------
    .. [1] Brun, Lambert, Bocher, EPJ Appl. Phys. 99 (2024) 28, section 2.1.

    Notes
    -----
    The arc cosine of the paper loses half of the digits of small angles.  The angle between unit vectors is
    taken as ``2 atan2(|u - v|, |u + v|)``, exact at both ends.

    Examples
    --------
    >>> float(sad([1.0, 0.0], [0.0, 3.0])) == np.pi / 2
    True
    >>> float(sad([1.0, 2.0], [2.0, 4.0]))
    0.0
    """
    first, second = (_unit(spectra) for spectra in of_same_channels(a=a, b=b))
    difference = np.linalg.norm(first - second, axis=-1)
    return 2.0 * np.arctan2(difference, np.linalg.norm(first + second, axis=-1))


def sad_whitened(a: ArrayLike, b: ArrayLike, standard_deviation: ArrayLike) -> Any:
    """Spectral angle distance of spectra in units of their noise.

    Parameters
    ----------
    a, b : array_like, shape (..., channel)
        Spectra.
    standard_deviation : array_like, shape (channel,)
        Of the counts of each channel, up to a factor: `channel_weight` of the PCA, or the root of a mean
        spectrum.
    """
    first, second, deviation = of_same_channels(a=a, b=b, standard_deviation=standard_deviation)
    if not np.all(deviation > 0):
        raise InputError("sad_whitened: standard_deviation must be positive in every channel")
    return sad(first / deviation, second / deviation)


def sad_edge(a: ArrayLike, b: ArrayLike, subtract: Callable[[Floats], ArrayLike]) -> Any:
    """Spectral angle distance of what is left of two spectra after background subtraction.

    Parameters
    ----------
    a, b : array_like, shape (..., channel)
        Spectra.
    subtract : callable
        Function of spectra that gives their net spectra, for example in the integration window of an edge.
    """
    check_callable(subtract=subtract)
    first, second = of_same_channels(a=a, b=b)
    return sad(subtract(first), subtract(second))


def nmse(true: ArrayLike, estimated: ArrayLike, *, endmember_axis: int | None = None) -> Any:
    """Normalised mean squared error of abundances: ``|Z - Z_hat|^2 / |Z|^2`` in the Frobenius norm.

    Parameters
    ----------
    true, estimated : array_like, same shape
        Map of one endmember, or of several along `endmember_axis`.  Pixels that are NaN in one are left out.
    endmember_axis : int, optional
        Gives one value per endmember.

    Returns
    -------
    float or ndarray, shape (endmember,)
        NaN where the true map is zero everywhere.

    References
    ----------
    .. [1] Brun, Lambert, Bocher, EPJ Appl. Phys. 99 (2024) 28, section 2.1.

    Examples
    --------
    >>> float(nmse([[1.0, 0.0]], [[0.5, 0.5]]))
    0.5
    """
    true_rows, rows = _rows(true, estimated, endmember_axis)
    error = np.sum((true_rows - rows) ** 2, axis=1)
    return _ratio(error, np.sum(true_rows**2, axis=1), endmember_axis)


def nmse_scale_free(true: ArrayLike, estimated: ArrayLike, *, endmember_axis: int | None = None) -> Any:
    """Smallest `nmse` that a non-negative factor on each estimated map can reach; parameters as there.

    It judges NMF and ICA, whose scale is arbitrary, by the pattern alone.

    Examples
    --------
    >>> float(nmse_scale_free([[1.0, 0.0]], [[7.0, 0.0]]))
    0.0
    """
    true_rows, rows = _rows(true, estimated, endmember_axis)
    power = np.sum(rows**2, axis=1)
    overlap = np.maximum(np.sum(true_rows * rows, axis=1), 0.0)
    factor = np.divide(overlap, power, out=np.zeros_like(power), where=power > 0)
    error = np.sum((true_rows - factor[:, None] * rows) ** 2, axis=1)
    return _ratio(error, np.sum(true_rows**2, axis=1), endmember_axis)


def match(true: ArrayLike, estimated: ArrayLike, *, distance: Callable[[Any, Any], Any] = sad) -> Indices:
    """Match estimated to true endmembers so that the sum of their distances is the smallest.

    Parameters
    ----------
    true : array_like, shape (true_endmember, channel)
        Spectra.
    estimated : array_like, shape (endmember, channel)
        Spectra.
    distance : callable
        Function of two broadcasting arrays of spectra; `sad` by default.

    Returns
    -------
    ndarray of int, shape (true_endmember,)
        ``estimated[order[i]]`` belongs to ``true[i]``; -1 where there are too few estimated ones.
        An undefined distance (a zero spectrum) counts as the largest angle.

    Examples
    --------
    >>> match([[1.0, 0.0], [0.0, 1.0]], [[0.1, 2.0], [3.0, 0.2]])
    array([1, 0])
    """
    from scipy.optimize import linear_sum_assignment

    check_callable(distance=distance)
    first, second = numbers("true", true), numbers("estimated", estimated)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise InputError(
            f"match: true and estimated must have dims (endmember, channel) with the same channels, "
            f"not shapes {first.shape} and {second.shape}"
        )
    cost = np.nan_to_num(distance(first[:, None], second[None]), nan=np.pi)
    order = np.full(len(first), -1)
    rows, columns = linear_sum_assignment(cost)
    order[rows] = columns
    return order


def _unit(values: Floats) -> Floats:
    # The largest value first: the square of tiny or huge counts would leave the range of floats.
    largest = np.abs(values).max(axis=-1, keepdims=True)
    scaled = np.divide(values, largest, out=np.full_like(values, np.nan), where=largest > 0)
    return scaled / np.linalg.norm(scaled, axis=-1, keepdims=True)


def _rows(true: ArrayLike, estimated: ArrayLike, endmember_axis: int | None) -> tuple[Floats, Floats]:
    first, second = numbers("true", true), numbers("estimated", estimated)
    if first.shape != second.shape:
        raise InputError(f"nmse: true and estimated maps differ in shape, {first.shape} and {second.shape}")
    check_axis(endmember_axis, first.ndim)
    if endmember_axis is None:
        first, second = first.reshape(1, -1), second.reshape(1, -1)
    else:
        first, second = (
            np.moveaxis(maps, endmember_axis, 0).reshape(maps.shape[endmember_axis], -1)
            for maps in (first, second)
        )
    left_out = np.isnan(first) | np.isnan(second)
    return np.where(left_out, 0.0, first), np.where(left_out, 0.0, second)


def _ratio(error: Floats, power: Floats, endmember_axis: int | None) -> Any:
    values = np.divide(error, power, out=np.full_like(power, np.nan), where=power > 0)
    return values[0] if endmember_axis is None else values
