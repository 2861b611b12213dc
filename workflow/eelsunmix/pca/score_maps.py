"""Score maps of a brightness of one, of which only those that are asked for are in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import EllipsisType

import numpy as np
import xarray as xr

from eelsunmix.execution.kept_maps import chunk_slices
from eelsunmix.typing import Floats

PIXELS = 2**16
"""Pixels whose scores are in memory at a time where those of all components are needed."""


@dataclass(frozen=True)
class ScoreMaps:
    """Scores over the weights of their pixels: indexed like an array (frame, y, x, component).

    Parameters
    ----------
    pca : Dataset
        From `denoise`; `score` and `pixel_weight` may be lazy.
    n_components : int, optional
        Leading components; all by default.

    Examples
    --------
    >>> score = xr.DataArray(np.ones((2, 3, 4)), dims=("y", "x", "component"))
    >>> maps = ScoreMaps(xr.Dataset({"score": score, "pixel_weight": 2 * score[..., 0]}))
    >>> maps.shape, maps[..., 3].mean(), len(next(maps.rows()))
    ((1, 2, 3, 4), np.float64(0.5), 6)
    """

    pca: xr.Dataset
    n_components: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of frame, y, x, component."""
        sizes = self._scores().shape
        frames = int(np.prod(sizes[:-3], dtype=int))
        return frames, *sizes[-3:]

    def __getitem__(self, index: tuple[EllipsisType, int]) -> Floats:
        """Load the map (frame, y, x) of a component."""
        scores, weight = self._scores()[..., index[1]], self._weight()
        values = np.empty(weight.shape)
        # Chunk by chunk: Dask would hold all of them beside the whole.
        for part in chunk_slices(scores):
            values[part] = scores[part] / weight[part]
        return values.reshape(self.shape[:-1])

    def leading(self, n_components: int) -> "ScoreMaps":
        """Return the maps of the leading components."""
        return ScoreMaps(self.pca, n_components)

    def lines(self) -> Iterator[Floats]:
        """Load some scan lines (line, x, component) at a time, through all frames."""
        scores, weight = self._scores(), self._weight()
        if weight.size <= PIXELS:
            whole = (scores / weight).transpose(..., "component").to_numpy().astype(float, copy=False)
            yield whole.reshape(-1, *whole.shape[-2:])
            return
        step = max(1, PIXELS // max(1, scores.shape[-2]))
        for frame in np.ndindex(scores.shape[:-3]):
            for first in range(0, scores.shape[-3], step):
                part = (*frame, slice(first, first + step))
                yield (
                    (scores[part] / weight[part])
                    .transpose(..., "component")
                    .to_numpy()
                    .astype(float, copy=False)
                )

    def rows(self) -> Iterator[Floats]:
        """Load the scores (pixel, component) of some pixels at a time; NaN where invalid."""
        for lines in self.lines():
            yield lines.reshape(-1, lines.shape[-1])

    def _scores(self) -> xr.DataArray:
        return self.pca["score"].transpose(..., "component")[..., : self.n_components]

    def _weight(self) -> xr.DataArray:
        return self.pca["pixel_weight"].transpose(*self._scores().dims[:-1])
