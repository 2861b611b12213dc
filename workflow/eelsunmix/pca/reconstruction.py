"""The denoised image, made of scores and loadings where it is needed."""

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.execution.blocks import BLOCK_ELEMENTS, block_shape
from eelsunmix.execution.kept_maps import uncompressed


def reconstruct(pca: xr.Dataset, n_components: int, *, score: str = "score") -> xr.DataArray:
    """Denoised image, made chunk by chunk when it is read.

    Scores that are lazy are computed now, once, and lie in files until the end of the job, or of the process.

    Parameters
    ----------
    pca : Dataset
        From `denoise`.
    n_components : int
        Leading components used.
    score : {"score", "score_nlm", "score_nlm_guarded"}
        Which scores.

    Returns
    -------
    DataArray of float32, shape (..., channel)
        Lazy; coordinates and attributes of the image; zero in invalid pixels. Its noise is no longer that
        of counts.

    Raises
    ------
    InputError
        There are fewer components, or no such scores.
    """
    available = pca.sizes["component"]
    if not 1 <= n_components <= available:
        raise InputError(
            f"n_components is {n_components}, but the PCA has 1 to {available}; raise denoise.n_components"
        )
    if score not in pca:
        raise InputError(f"the PCA has no {score!r}; set denoise.spatial to nlm, or use 'score'")
    scores = pca[score].isel(component=slice(n_components)).drop_vars("component", errors="ignore")
    loading = pca.loading.isel(component=slice(n_components)).drop_vars("component", errors="ignore").load()
    budget = max(1, BLOCK_ELEMENTS * n_components // loading.shape[1])
    chunks = dict(zip(scores.dims, block_shape(scores.shape, budget), strict=True))
    if scores.chunks is not None:
        # Of a stored chunk Dask would make all blocks before it uses one: gigabytes. So each has a file.
        scores = uncompressed(scores.to_dataset(name=score), chunks)[score]
    counts = xr.apply_ufunc(
        lambda rows, columns: np.nan_to_num(rows, nan=0.0) @ columns,
        scores.chunk(chunks),
        loading.astype(np.float32),
        input_core_dims=[["component"], list(loading.dims)],
        output_core_dims=[[loading.dims[1]]],
        dask="parallelized",
        output_dtypes=[np.float32],
    )
    kept = {name: pca.attrs[name] for name in ("counts_per_electron", "title", "signal") if name in pca.attrs}
    return counts.rename("counts").assign_attrs(kept, units="counts")
