"""The outline of an area of pixels, drawn over maps."""

import numpy as np
import xarray as xr

from eelsunmix.report.figures.mapview import MapView

Outline = tuple[np.ndarray, np.ndarray]


def outline_of(mask: xr.DataArray, view: MapView) -> Outline | None:
    """Return the borders of the pixels of a mask as a line to draw, or None where there are none.

    Parameters
    ----------
    mask : DataArray of bool, dims of a map
    view : MapView

    Returns
    -------
    tuple of ndarray, shapes (3 * border,)
        Positions across and down: both ends of each side of a pixel, then NaN.
    """
    inside = np.nan_to_num(view.image(mask.astype("f4"))) >= 0.5
    if not inside.any():
        return None
    padded = np.pad(inside, 1).astype(np.int8)
    row, left = np.nonzero(np.diff(padded, axis=1)[1:-1])
    top, column = np.nonzero(np.diff(padded, axis=0)[:, 1:-1])
    across = _sides(left, left), _sides(column, column + 1)
    down = _sides(row, row + 1), _sides(top, top)
    return (
        view.origin[view.across] + view.step[view.across] * (np.concatenate(across) - 0.5),
        view.origin[view.down] + view.step[view.down] * (np.concatenate(down) - 0.5),
    )


def _sides(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    return np.column_stack([first, last, np.full(len(first), np.nan)]).ravel()
