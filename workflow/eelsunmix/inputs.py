"""What a method may learn from and be applied to: the corrected counts, or a denoised form of them."""

from typing import Literal

import xarray as xr

from eelsunmix.pca.reconstruction import reconstruct

Input = Literal["corrected", "pca", "nlm"]


def learning_image(kind: Input, corrected: xr.DataArray, pca: xr.Dataset, rank: xr.Dataset) -> xr.DataArray:
    """Image that a method learns its endmembers from.

    With non-local means this is the unguarded one: where the guard has put unsmoothed scores back, it has put
    their noise back too, and a search for extreme pixels would find just those.

    Parameters
    ----------
    kind : {"corrected", "pca", "nlm"}
        Corrected counts; their reconstruction from the principal components above the noise; the one from
        components smoothed by non-local means.
    corrected : DataArray
        Corrected counts.
    pca, rank : Dataset
        Results of `denoise` and `estimate_endmembers`.
    """
    return _image(kind, corrected, pca, rank, nlm="score_nlm")


def mapped_image(kind: Input, corrected: xr.DataArray, pca: xr.Dataset, rank: xr.Dataset) -> xr.DataArray:
    """Image that a fitted model is applied to; with non-local means the guarded one, which keeps details.

    Parameters are those of `learning_image`.
    """
    return _image(kind, corrected, pca, rank, nlm="score_nlm_guarded")


def _image(
    kind: Input, corrected: xr.DataArray, pca: xr.Dataset, rank: xr.Dataset, *, nlm: str
) -> xr.DataArray:
    if kind == "corrected":
        return corrected.assign_attrs(input=kind)
    n_components = max(rank.attrs["signal_rank"], rank.attrs["n_endmembers"])
    image = reconstruct(
        pca, min(n_components, pca.sizes["component"]), score=nlm if kind == "nlm" else "score"
    )
    return image.assign_attrs(input=kind)
