"""Arguments of functions of bare arrays: one line for what is none."""

import numpy as np
from numpy.typing import ArrayLike

from eelsunmix.errors import InputError, in_brief
from eelsunmix.typing import Floats


def numbers(name: str, value: ArrayLike) -> Floats:
    """Make an array of numbers, or refuse by the name of the argument."""
    try:
        return np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} needs an array of numbers, not {in_brief(value)}") from None


def of_same_channels(**spectra: ArrayLike) -> list[Floats]:
    """Make arrays of spectra; refuse those that do not broadcast, or have no channel."""
    arrays = [numbers(name, value) for name, value in spectra.items()]
    shapes = [array.shape for array in arrays]
    try:
        has_channels = np.broadcast_shapes(*shapes)[-1:] > (0,)
    except ValueError:
        has_channels = False
    if not has_channels or min(map(len, shapes)) < 1:
        raise InputError(
            f"{', '.join(spectra)} must be spectra, shape (..., channel), with the same channels, "
            f"not of the shapes {', '.join(map(str, shapes))}"
        )
    return arrays


def check_axis(axis: object, ndim: int) -> None:
    """Refuse the number of an axis that an array of so many dims does not have; None is none."""
    exists = isinstance(axis, int | np.integer) and -ndim <= axis < ndim
    if axis is not None and not exists:
        raise InputError(f"endmember_axis needs the number of one of {ndim} axes, not {in_brief(axis)}")


def check_callable(**functions: object) -> None:
    """Refuse what cannot be called."""
    for name, function in functions.items():
        if not callable(function):
            raise InputError(f"{name} needs a function, not {in_brief(function)}")
