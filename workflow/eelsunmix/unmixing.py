"""Labelled image in, labelled endmembers and abundance maps out: `unmix`."""

from typing import Any

import xarray as xr

from eelsunmix.fitting import fit
from eelsunmix.mapping import apply
from eelsunmix.methods import Method


def unmix(
    image: xr.DataArray,
    method: str | Method,
    *,
    n_endmembers: int,
    seed: int = 0,
    **options: Any,
) -> xr.Dataset:
    """Find endmembers and their abundances: `fit`, then `apply` to the same image.

    Parameters
    ----------
    image : DataArray, dims in any order
        Corrected or denoised counts.
    method : str or Method
        Name of a method, or one built with `eelsunmix.methods.build_method`.
    n_endmembers : int
        How many.
    seed : int
        Of everything random.
    **options
        ``pca``, ``counts``, ``vacuum``, ``n_learning_pixels`` of `fit`, and the options of the method.

    Returns
    -------
    Dataset
        The variables and attrs of `fit` and `apply`; ``abundance * endmember_spectrum``, summed over the
        endmembers, are counts.
    """
    fitted = fit(image, method, n_endmembers=n_endmembers, seed=seed, **options)
    maps = apply(fitted, image, counts=options.get("counts"), vacuum=options.get("vacuum"))
    return fitted.merge(maps, join="exact", compat="override", combine_attrs="override")
