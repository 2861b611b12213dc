"""Where something lies, in the words of messages; kept apart, because words change no result."""

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr

from eelsunmix.typing import Floats

BACKGROUND = "background"
"""Name of components that show no edge, where the user has given no other."""
RECOMMENDED = "recommended"
"""Label of the recommended result among those of the methods (`eelsunmix.recommend`); no method has it."""
COMPARED = ("blu", "udas", "vca")
"""Methods of its candidates (`eelsunmix.recommendation.candidates`), which are built by name."""
UNNAMED = "without edges, components have numbers and no names; name edges, or leave component_names out"


def place_in_words(image: xr.DataArray, index: Sequence[int], corner: Sequence[int] = ()) -> str:
    """Say where a pixel, or a value of it, lies: in the coordinates of the image, or in its indices.

    Parameters
    ----------
    image : DataArray
        Image, or a block of it.
    index : sequence of int
        Of the pixel in the navigation dims, or of the value in all dims.
    corner : sequence of int, optional
        Index of the first pixel of a block in its image; counts only where a dim has no coordinate.

    Examples
    --------
    >>> import numpy as np
    >>> image = xr.DataArray(np.zeros((2, 3, 4)), dims=("y", "x", "energy_loss"))
    >>> place_in_words(image.assign_coords(x=("x", [0.0, 1.5, 3.0], {"units": "nm"})), (1, 2))
    'y = 1, x = 3 nm'
    """
    first = [*corner, *[0] * (len(index) - len(corner))]
    return ", ".join(
        _coordinate_in_words(image, dim, place, start)
        for dim, place, start in zip(image.dims, index, first, strict=False)
    )


def frame_in_words(image: xr.DataArray, index: int) -> str:
    """Name a frame of a series by its number, from 1, and its coordinate.

    Examples
    --------
    >>> counts = xr.DataArray([1.0, 2.0], dims="frame")
    >>> tilt = ("frame", [-5.0, 5.0], {"units": "deg", "long_name": "tilt"})
    >>> frame_in_words(counts, 1), frame_in_words(counts.assign_coords(frame=tilt), 1)
    ('frame 2', 'frame 2 (tilt 5 deg)')
    """
    coordinate = image.coords.get("frame")
    unit = "frame" if coordinate is None else coordinate.attrs.get("units", "frame")
    if coordinate is None or unit == "frame":
        return f"frame {index + 1}"
    name = coordinate.attrs.get("long_name", "")
    return f"frame {index + 1} ({name} {coordinate.to_numpy()[index]:g} {unit})".replace("( ", "(")


def numbered(number: int, noun: str) -> str:
    """Write a number and its noun.

    Examples
    --------
    >>> numbered(1, "channel"), numbered(0, "pixel")
    ('1 channel', '0 pixels')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def two_digits(value: float) -> str:
    """Write a number with two significant digits, and never with an exponent.

    Examples
    --------
    >>> two_digits(0.123), two_digits(2.0), two_digits(137.3)
    ('0.12', '2', '140')
    """
    return np.format_float_positional(value, precision=2, fractional=False, trim="-")


def axes_in_words(energy: Floats, image_energy: Floats) -> str:
    """Name the energies of a model and of an image that does not suit it.

    Examples
    --------
    >>> import numpy as np
    >>> axes_in_words(np.array([200.0, 210.0]), np.array([300.0, 310.0, 320.0]))
    '200 to 210 (2 channels), the image has 300 to 320 (3 channels)'
    """
    mine, theirs = (f"{axis[0]:g} to {axis[-1]:g} ({len(axis)} channels)" for axis in (energy, image_energy))
    return f"{mine}, the image has {theirs}"


def _coordinate_in_words(image: xr.DataArray, dim: Hashable, index: int, start: int) -> str:
    if dim not in image.coords:
        return f"{dim} = {index + start}"
    coordinate = image.coords[dim]
    return f"{dim} = {coordinate.to_numpy()[index]:g} {coordinate.attrs.get('units', '')}".rstrip()
