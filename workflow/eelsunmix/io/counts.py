"""Whether counts are counts: one pass over the image that measures its noise and finds its damage."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import xarray as xr

from eelsunmix.execution import blocks
from eelsunmix.io.noise import PairStatistics, noise_of_block, summarise
from eelsunmix.options import Options, Positive

NEGATIVE_WORTH_A_WARNING = 1e-3
CORRELATION_WORTH_A_WARNING = 0.1
RELATIVE_TOLERANCE = 0.1


class DetectorOptions(Options):
    """What is known of the detector.

    Parameters
    ----------
    counts_per_electron : float or "auto"
        Variance divided by mean in the limit of wide energy windows; measured on the image by default.
    saturation : float, optional
        Counts at which the detector saturates; the largest number of the file's integer type by default.
    """

    counts_per_electron: Positive | Literal["auto"] = "auto"
    saturation: Positive | None = None


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What one pass over an image (or over a block of it) finds.

    `totals` and `valid` hold pairs of (index of the first pixel of the block, navigation array); `spectrum`
    is the sum over the valid pixels; `first_not_finite` is the index of a value, `first_empty` of a pixel.
    """

    totals: list[tuple[tuple[int, ...], np.ndarray]]
    valid: list[tuple[tuple[int, ...], np.ndarray]]
    spectrum: np.ndarray
    n_valid: int
    n_negative: int
    n_saturated: int
    n_not_finite: int
    n_empty: int
    first_not_finite: tuple[int, ...] | None
    first_empty: tuple[int, ...] | None
    noise: PairStatistics = field(default_factory=PairStatistics)


def survey(image: xr.DataArray, saturation: float | None = None) -> Survey:
    """Read an image once, block by block.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Eager or lazy.
    saturation : float, optional
        Counts from which on a value is saturated; see `DetectorOptions`.
    """
    level = _saturation(image.dtype, saturation)
    indexed = image.reset_coords(drop=True).assign_coords(
        {dim: np.arange(image.sizes[dim]) for dim in image.dims}
    )
    return blocks.fold(lambda block: _survey_block(block, level), indexed, _combine)


def navigation_map(tiles: list[tuple[tuple[int, ...], np.ndarray]], shape: tuple[int, ...]) -> np.ndarray:
    """Lay the blocks of a navigation array side by side."""
    whole = np.empty(shape, tiles[0][1].dtype)
    for corner, tile in tiles:
        whole[tuple(slice(first, first + size) for first, size in zip(corner, tile.shape, strict=True))] = (
            tile
        )
    return whole


def counts_check(found: Survey, options: DetectorOptions) -> dict[str, Any]:
    """Return the entry ``counts_check`` of an imported image.

    The gain is that of the configuration, or else the measured variance-to-mean factor in wide bins, taken as
    1 where it agrees with 1 within 10 % or twice its standard error.
    """
    narrow, wide = summarise(found.noise.narrow), summarise(found.noise.wide)
    n_values = max(1, found.n_valid * found.spectrum.size)
    check = {
        "variance_to_mean": narrow.factor,
        "variance_to_mean_wide": wide.factor,
        "wide_channels": found.noise.width,
        "counts_per_electron": 1.0,
        "counts_per_electron_from": "measured",
        "negative_fraction": found.n_negative / n_values,
        "saturated_fraction": found.n_saturated / n_values,
        "neighbour_correlation": narrow.correlation,
    }
    if options.counts_per_electron != "auto":
        check |= {
            "counts_per_electron": float(options.counts_per_electron),
            "counts_per_electron_from": "configuration",
        }
    elif wide.factor is None:
        check["counts_per_electron_from"] = "assumed"
    elif abs(wide.factor - 1) > max(RELATIVE_TOLERANCE, 2 * wide.standard_error):
        check["counts_per_electron"] = wide.factor
    return check | {"warnings": _warnings(check)}


def _warnings(check: dict[str, Any]) -> list[str]:
    factor, correlation = check["counts_per_electron"], check["neighbour_correlation"]
    conditions = {
        "the noise could not be measured (too few neighbouring pixels): a counting detector is assumed; "
        "if it is not, write detector: {counts_per_electron: ...}": check["counts_per_electron_from"]
        == "assumed",
        f"the variance is {factor:.3g} times the mean in wide windows: these are camera counts, not "
        "electrons, and all standard deviations are scaled accordingly": factor > 1,
        f"the variance is only {factor:.3g} times the mean: the values look averaged or scaled": factor < 1,
        f"{check['negative_fraction']:.1%} of the values are negative": (
            check["negative_fraction"] > NEGATIVE_WORTH_A_WARNING
        ),
        f"{check['saturated_fraction']:.2g} of the values are saturated": check["saturated_fraction"] > 0,
        f"neighbouring channels share noise (correlation {correlation or 0:.2f}): "
        "the detector's point spread couples them": (correlation or 0) > CORRELATION_WORTH_A_WARNING,
    }
    return [text for text, applies in conditions.items() if applies]


def _saturation(dtype: np.dtype, given: float | None) -> float:
    if given is not None:
        return given
    return float(np.iinfo(dtype).max) if dtype.kind in "ui" else math.inf


def _survey_block(block: xr.DataArray, saturation: float) -> Survey:
    values = block.to_numpy()
    corner = tuple(int(block[dim][0]) for dim in block.dims)
    finite = (
        np.isfinite(values).all(axis=-1) if values.dtype.kind == "f" else np.ones(values.shape[:-1], bool)
    )
    empty = finite & ~values.any(axis=-1)
    valid = finite & ~empty
    where = valid[..., np.newaxis]
    navigation = tuple(range(values.ndim - 1))
    return Survey(
        totals=[(corner[:-1], values.sum(axis=-1, dtype=float, where=where))],
        valid=[(corner[:-1], valid)],
        spectrum=values.sum(axis=navigation, dtype=float, where=where),
        n_valid=int(valid.sum()),
        n_negative=int(((values < 0) & where).sum()) if values.dtype.kind != "u" else 0,
        n_saturated=int(((values >= saturation) & where).sum()) if math.isfinite(saturation) else 0,
        n_not_finite=int((~finite).sum()),
        n_empty=int(empty.sum()),
        first_not_finite=_first_not_finite(values, finite, corner),
        first_empty=_first(empty, corner),
        noise=noise_of_block(values, valid),
    )


def _first(mask: np.ndarray, corner: tuple[int, ...]) -> tuple[int, ...] | None:
    if not mask.any():
        return None
    found = np.unravel_index(int(mask.argmax()), mask.shape)
    return tuple(int(first + index) for first, index in zip(corner, found, strict=False))


def _first_not_finite(
    values: np.ndarray, finite: np.ndarray, corner: tuple[int, ...]
) -> tuple[int, ...] | None:
    pixel = _first(~finite, (0,) * finite.ndim)
    if pixel is None:
        return None
    channel = int((~np.isfinite(values[pixel])).argmax())
    return tuple(first + index for first, index in zip(corner, (*pixel, channel), strict=True))


def _combine(first: Survey, second: Survey) -> Survey:
    return Survey(
        totals=first.totals + second.totals,
        valid=first.valid + second.valid,
        spectrum=first.spectrum + second.spectrum,
        n_valid=first.n_valid + second.n_valid,
        n_negative=first.n_negative + second.n_negative,
        n_saturated=first.n_saturated + second.n_saturated,
        n_not_finite=first.n_not_finite + second.n_not_finite,
        n_empty=first.n_empty + second.n_empty,
        first_not_finite=first.first_not_finite or second.first_not_finite,
        first_empty=first.first_empty or second.first_empty,
        noise=first.noise + second.noise,
    )
