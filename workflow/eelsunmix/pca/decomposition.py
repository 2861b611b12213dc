"""Poisson-weighted PCA of an image of any size, and non-local means on its score maps."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.errors import InputError
from eelsunmix.execution.blocks import map_blocks, template_like
from eelsunmix.execution.kept_maps import keep_maps
from eelsunmix.image import in_canonical_order, valid_pixels
from eelsunmix.noise import counts_per_electron
from eelsunmix.pca.deviations import PIECE, suits_float32, weighted_deviations
from eelsunmix.pca.few_pixels import decompose_few_pixels, has_few_pixels
from eelsunmix.pca.gram import FLOAT32_ERROR, Gram, pixel_variance, weighted_gram
from eelsunmix.pca.noise_eigenvalues import measure_noise
from eelsunmix.pca.options import DenoiseOptions
from eelsunmix.pca.score_smoothing import smooth_scores
from eelsunmix.typing import Floats


def denoise(image: xr.DataArray, options: DenoiseOptions | None = None) -> xr.Dataset:
    """Poisson-weighted principal components of an image.

    Parameters
    ----------
    image : DataArray, dims (y, x, energy) or (frame, y, x, energy) in any order
        Counts, eager or lazy, with or without `valid_pixel`. Read once for the components and once for
        the scores.
    options : DenoiseOptions, optional
        Defaults where not given.

    Returns
    -------
    Dataset
        `eigenvalue` (index), `loading` (component, channel) in counts, `score` (navigation, component),
        `channel_weight`, `pixel_weight`; with non-local means also `score_nlm` and `score_nlm_guarded`
        (scores of all components, averaged over pixels that are alike in the signal components) and
        `nlm_restored` (navigation, bool). Maps of a lazy image of more than one block are lazy; with
        non-local means they lie in files until the end of the job, or of the process.
        Navigation dims are in the order of the image. Invalid pixels are NaN. A valid pixel without counts
        has scores of zero and the weight of one count.

        Weights are the square roots of the mean counts of a channel and of the relative total of a pixel;
        where negative values show noise beyond that (a subtracted dark spectrum), of this noise. A channel
        that is zero in all pixels has the weight of one count in the whole image; it enters no component.

    Raises
    ------
    InputError
        A valid pixel is not finite, or there are no counts.

    References
    ----------
    Keenan, Kotula, Surf. Interface Anal. 36 (2004) 203, equation 11 (weights).

    Examples
    --------
    >>> counts = np.random.default_rng(0).poisson(50, (5, 7, 40))
    >>> pca = denoise(xr.DataArray(counts, dims=("y", "x", "energy_loss")))
    >>> dict(pca.score.sizes)
    {'y': 5, 'x': 7, 'component': 12}
    """
    options, order = options or DenoiseOptions(), image.dims
    image = in_canonical_order(image)
    if image.ndim not in (3, 4):
        raise InputError(
            f"an image has the dims (y, x, energy) or (frame, y, x, energy), not {image.dims}; "
            "image.expand_dims('y') makes an image of one row"
        )
    found = _decompose(image, options.n_components)
    gram, weight, values, vectors = found.gram, found.weight, found.values, found.vectors
    keep = options.spatial == "nlm"  # which reads the scores several times
    project = _Projection.of(found)
    maps = _scores(image, project, keep=keep)
    for array in maps.data_vars.values():
        array.attrs["units"] = "1"
    pca = maps.assign(_spectral(image, weight, values, vectors))
    noise = measure_noise(values, gram.n_pixels, found.n_live)
    kept = {
        name: image.attrs[name] for name in ("counts_per_electron", "title", "signal") if name in image.attrs
    }
    pca.attrs = {
        **kept,
        "n_valid_pixels": gram.n_pixels,
        "n_channels": image.shape[-1],
        "n_channels_with_counts": found.n_live,
        "noise_level": noise.level,
        "precision": "float32" if gram.float32_power else "float64",
        "spatial": options.spatial,
    }
    if options.spatial == "nlm":
        pca = smooth_scores(pca, noise, options)
    return pca.transpose(*(dim for dim in order if dim != image.dims[-1]), ...)


@dataclass(frozen=True, kw_only=True)
class _Components:
    """Sums, channel weights, all eigenvalues, leading eigenvectors (channel, component), live channels."""

    gram: Gram
    weight: Floats
    values: Floats
    vectors: Floats
    n_live: int


def _decompose(image: xr.DataArray, n_components: int) -> _Components:
    """Decompose by the smaller side, where that of the channels is large; in float64 if float32 fails."""
    if has_few_pixels(image):
        return _by_pixels(image, n_components)
    found = _by_channels(image, weighted_gram(image), n_components)
    gram, smallest = found.gram, found.values[min(len(found.values), found.n_live) - 1]
    error = np.finfo(np.float32).eps * gram.float32_power / gram.n_pixels
    if error > FLOAT32_ERROR * smallest:
        gram = replace(weighted_gram(image, "float64"), float32_power=0.0)
        return _by_channels(image, gram, n_components)
    return found


def _by_channels(image: xr.DataArray, gram: Gram, n_components: int) -> _Components:
    weight = _channel_weight(gram, counts_per_electron(image))
    scaled = gram.products / weight[:, None] / weight * (gram.variance_total / gram.n_pixels**2)
    values, vectors = scipy.linalg.eigh(scaled, overwrite_a=True, check_finite=False)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    values = values[: min(gram.n_pixels, len(values))]
    return _Components(
        gram=gram,
        weight=weight,
        values=values,
        vectors=_with_signs(vectors[:, : min(n_components, len(values))]),
        n_live=int(np.count_nonzero(gram.products.diagonal())),
    )


def _by_pixels(image: xr.DataArray, n_components: int) -> _Components:
    gram = weighted_gram(image, "none")
    weight = _channel_weight(gram, counts_per_electron(image))
    values, vectors, n_live = decompose_few_pixels(image, gram, weight, n_components)
    return _Components(gram=gram, weight=weight, values=values, vectors=_with_signs(vectors), n_live=n_live)


def _with_signs(vectors: Floats) -> Floats:
    """Make the largest element of each eigenvector positive: it has no sign of its own."""
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)
    signed: Floats = vectors * np.where(largest < 0, -1.0, 1.0)
    return signed


def _channel_weight(gram: Gram, per_electron: float) -> Floats:
    variance = np.maximum(gram.counts, 2 * gram.negative_squares / per_electron) / gram.n_pixels
    positive = variance > 0
    one_count = 1 / gram.n_pixels
    return np.sqrt(np.where(positive, variance, np.min(variance[positive], initial=one_count)))


@dataclass(frozen=True, kw_only=True)
class _Projection:
    """How spectra become scores: loadings over weights (channel, component), mean variance of a pixel, shape.

    The shape is that of the mean spectrum (channel,), where float32 suffices for deviations from it.
    """

    loadings: Floats
    mean_variance: float
    mean_shape: NDArray[np.float32] | None

    @classmethod
    def of(cls, found: _Components) -> "_Projection":
        gram = found.gram
        mean_shape = None
        if gram.float32_power:
            mean_shape = (gram.counts / gram.counts.sum()).astype(np.float32)
        return cls(
            loadings=found.vectors / found.weight[:, None],
            mean_variance=gram.variance_total / gram.n_pixels,
            mean_shape=mean_shape,
        )


def _scores(image: xr.DataArray, projection: _Projection, *, keep: bool) -> xr.Dataset:
    navigation, component = image.dims[:-1], np.arange(projection.loadings.shape[1])
    variables: dict[str, tuple[Sequence[Hashable], Any]] = {
        "score": ((*navigation, "component"), np.float32),
        "pixel_weight": (navigation, np.float64),
    }
    template = template_like(image, variables, {"component": component})

    def kernel(block: xr.DataArray) -> xr.Dataset:
        return _block_scores(block, projection).assign_coords(component=component)

    return keep_maps(kernel, image, template) if keep else map_blocks(kernel, image, template)


def _block_scores(block: xr.DataArray, projection: _Projection) -> xr.Dataset:
    spectra = block.to_numpy().reshape(-1, block.shape[-1])
    per_electron, valid = counts_per_electron(block), valid_pixels(block).reshape(-1)
    score = np.empty((len(spectra), projection.loadings.shape[1]), dtype=np.float32)
    variance = np.empty(len(spectra))
    mean_shape = projection.mean_shape if suits_float32(spectra) else None
    for start in range(0, len(spectra), PIECE):
        rows = slice(start, start + PIECE)
        part = spectra[rows]
        if mean_shape is None:
            score[rows] = part @ projection.loadings
            variance[rows] = pixel_variance(part, part.sum(axis=1, dtype=np.float64), per_electron)
        else:
            score[rows], variance[rows] = _float32_scores(part, projection.loadings, mean_shape)
    weight = np.sqrt(
        np.where(variance > 0, variance, min(1.0, projection.mean_variance)) / projection.mean_variance
    )
    score[~valid], weight[~valid] = np.nan, np.nan
    coords = {name: coord for name, coord in block.coords.items() if block.dims[-1] not in coord.dims}
    shape, dims = block.shape[:-1], block.dims[:-1]
    return xr.Dataset(
        {
            "score": ((*dims, "component"), score.reshape(*shape, -1)),
            "pixel_weight": (dims, weight.reshape(shape)),
        },
        coords=coords,
    )


def _float32_scores(
    spectra: NDArray[Any], loadings: Floats, mean_shape: NDArray[np.float32]
) -> tuple[Floats, Floats]:
    deviations = np.empty(spectra.shape, dtype=np.float32)
    totals, _ = weighted_deviations(spectra, mean_shape, deviations)
    scores = np.sqrt(totals)[:, None] * (deviations @ loadings.astype(np.float32))
    return scores + np.outer(totals, mean_shape @ loadings), totals


def _spectral(
    image: xr.DataArray, weight: Floats, values: Floats, vectors: Floats
) -> dict[str, xr.DataArray]:
    energy = image.dims[-1]
    coords = {energy: image[energy]} if energy in image.coords else {}
    return {
        "eigenvalue": xr.DataArray(values, dims="index", attrs={"units": "1"}),
        "loading": xr.DataArray(
            (vectors * weight[:, None]).T,
            dims=("component", energy),
            coords=coords,
            attrs={"units": "counts"},
        ),
        "channel_weight": xr.DataArray(weight, dims=(energy,), coords=coords, attrs={"units": "counts"}),
    }
