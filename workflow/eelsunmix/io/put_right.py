"""What is wrong with the counts of a file beyond doubt, and is put right at the import."""

import xarray as xr

from eelsunmix.io.copies import without_copies
from eelsunmix.io.survey import Survey, survey
from eelsunmix.io.wrapped import unwrapped


def put_right(
    image: xr.DataArray, found: Survey, saturation: float | None
) -> tuple[xr.DataArray, Survey, list[str]]:
    """Put back wrapped counts, keep one pixel of each group in an enlarged image, and say so.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
    found : Survey
        Of the image.
    saturation : float, optional
        As `survey` takes it.
    """
    image, found, wrapped = _unwrapped(image, found, saturation)
    image, found, copied = _without_copies(image, found, saturation)
    return image, found, [*wrapped, *copied]


def _unwrapped(
    image: xr.DataArray, found: Survey, saturation: float | None
) -> tuple[xr.DataArray, Survey, list[str]]:
    """Put back counts that wrapped round, survey them again, and say so."""
    counts, text = unwrapped(image, found.wrapped)
    if counts is image:
        return image, found, [text] if text else []
    return counts, survey(counts, saturation), [text]


def _without_copies(
    image: xr.DataArray, found: Survey, saturation: float | None
) -> tuple[xr.DataArray, Survey, list[str]]:
    """Keep one pixel of each group in an enlarged image, survey it again, and say so."""
    factors = {str(image.dims[axis - 1]): copies.enlargement for axis, copies in found.copies.items()}
    factors = {dim: factor for dim, factor in factors.items() if factor > 1 and dim in ("y", "x")}
    if not factors:
        return image, found, []
    kept = without_copies(image, factors)
    groups = " and ".join(f"{factor} along {dim}" for dim, factor in sorted(factors.items(), reverse=True))
    text = (
        f"the pixels come in groups with identical counts ({groups}), as in an enlarged image: one of each "
        f"was kept, so that {kept.sizes['y']} x {kept.sizes['x']} of {image.sizes['y']} x {image.sizes['x']} "
        "pixels are left"
    )
    return kept, survey(kept, saturation), [text]
