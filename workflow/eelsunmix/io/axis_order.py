"""Which axis of a reader's list is which of the array: settled by sizes, then by the order of the list."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError

AMBIGUOUS = (
    "axes of equal size stand in two orders in this file, in its list and by their numbers; they were taken "
    "as listed. If the maps are transposed, write axes: {dims: ...} with the dims in the order of the file"
)


def ordered_axes(
    listed: Sequence[dict[str, Any]], shape: Sequence[int], path: Path
) -> tuple[list[dict[str, Any]], bool]:
    """Put the axes of a reader in the order of the array; say whether that was a choice.

    The sizes decide. Axes of equal size keep the order of the list: a reader's numbers of axes may contradict
    the array (those of Velox EELS images do), and are then no help where the sizes do not tell.

    Parameters
    ----------
    listed : sequence of dict
        Axes as the reader lists them.
    shape : sequence of int
        Shape of the array.
    path : Path
        For the message.

    Returns
    -------
    list of dict, bool
        The axes, and whether their numbers (`index_in_array`) say another order that fits as well.

    Raises
    ------
    InputError
        The sizes are not those of the array.
    """
    left, ordered = list(listed), []
    for size in shape:
        place = next((number for number, axis in enumerate(left) if _size(axis) == size), None)
        if place is not None:
            ordered.append(left.pop(place))
    if left or len(ordered) != len(shape):
        raise InputError(
            f"{path}: axes of sizes {[_size(axis) for axis in listed]} do not fit data of shape "
            f"{tuple(shape)}; it is damaged: copy it again"
        )
    numbered = sorted(listed, key=lambda axis: axis.get("index_in_array", 0))
    other_order = any(one is not other for one, other in zip(numbered, ordered, strict=True))
    return ordered, other_order and [_size(axis) for axis in numbered] == list(shape)


def _size(axis: dict[str, Any]) -> int:
    """Return the number of points; axes of HyperSpy that are not uniform say it by their values."""
    values = axis.get("axis", axis["x"].get("axis") if isinstance(axis.get("x"), dict) else None)
    if values is not None:
        return len(values)
    return int(axis["size"] if "size" in axis else axis["x"]["size"])
