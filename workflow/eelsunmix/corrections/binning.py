"""Bin: neighbouring pixels and channels summed."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.corrections.common import record
from eelsunmix.corrections.correction import Correction, NoCorrection
from eelsunmix.corrections.geometry import BinOptions, size_in_words
from eelsunmix.errors import InputError
from eelsunmix.noise import variance_to_mean_of_sums


@dataclass(frozen=True, kw_only=True)
class Binning(Correction):
    """Numbers of neighbours to sum: `factors`, dim -> number above 1."""

    factors: dict[str, int]

    def apply(self, image: xr.DataArray) -> xr.DataArray:
        """Sum whole groups of neighbours, from the first on; a binned pixel is valid where all its parts are.

        Integers are summed in the next wider integer type; `counts_per_electron` is unchanged by sums,
        `channel_variance_to_mean` grows towards it where the detector couples channels.
        """
        whole = {dim: slice(0, image.sizes[dim] // n * n) for dim, n in self.factors.items()}
        return _binned(image.isel(whole), self.factors)


def measure_bins(image: xr.DataArray, options: BinOptions) -> Correction:
    """Settle what is summed.

    Raises
    ------
    InputError
        More points are to be summed along an axis than it has.
    """
    factors = {"x": options.x, "y": options.y, str(image.dims[-1]): options.energy}
    factors = {dim: number for dim, number in factors.items() if number > 1}
    if not factors:
        return NoCorrection(entry=record("bin", False, "Nothing binned."))
    for dim, number in factors.items():
        if number > image.sizes[dim]:
            raise InputError(
                f"corrections.bin: {number} along {dim} is more than its {image.sizes[dim]} points"
            )
    left = {dim: image.sizes[dim] % number for dim, number in factors.items()}
    sizes = [size // factors.get(str(dim), 1) for dim, size in image.sizes.items()]
    summary = f"Binned by {_along(factors)}, from {size_in_words(image.shape)} to {size_in_words(sizes)}"
    rest = ", ".join(f"{number} along {dim}" for dim, number in left.items() if number)
    summary += f"; left over at the end and dropped: {rest}." if rest else "."
    return Binning(factors=factors, entry=record("bin", True, summary, factors=factors, dropped=left))


def _binned(image: xr.DataArray, factors: dict[str, int]) -> xr.DataArray:
    navigation = {dim: number for dim, number in factors.items() if dim != image.dims[-1]}
    extra = {name: image[name] for name in ("valid_pixel", "energy_shift") if name in image.coords}
    wide = _wide(image.dtype)
    bare = image.drop_vars(list(extra)).astype(wide)
    summed = bare.coarsen(dict(factors)).sum().astype(wide)
    for name, values in extra.items():
        reduced = values.drop_vars(list(values.coords)).coarsen(navigation)
        extra[name] = (reduced.all() if name == "valid_pixel" else reduced.mean()) if navigation else values
    for dim in image.dims:
        summed[dim] = summed[dim].assign_attrs(image[dim].attrs)
    summed = summed.assign_coords({name: (values.dims, values.data) for name, values in extra.items()})
    # a sum with a part that was never measured would look like a dark pixel
    summed = summed.where(summed.valid_pixel, summed.dtype.type(0)).astype(wide)
    if "channel_variance_to_mean" not in image.attrs:
        return summed.assign_attrs(image.attrs)
    noise = variance_to_mean_of_sums(image, factors.get(str(image.dims[-1]), 1))
    return summed.assign_attrs({**image.attrs, "channel_variance_to_mean": noise})


def _wide(dtype: np.dtype) -> np.dtype:
    if dtype.kind not in "iu":
        return dtype
    return np.dtype(f"{dtype.kind}{4 if dtype.itemsize <= 2 else 8}")


def _along(factors: dict[str, int]) -> str:
    return " and ".join(f"{number} along {dim}" for dim, number in factors.items())
