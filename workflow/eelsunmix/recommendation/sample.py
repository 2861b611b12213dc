"""A part of a large image that stands for it: tiles with the most different spectra, and others."""

import functools

import numpy as np
import xarray as xr

from eelsunmix.execution import blocks
from eelsunmix.image import spread_out, valid_pixels
from eelsunmix.typing import Bools, Floats, Indices

MOST_PIXELS, MOST_COUNTS = 128 * 128, 2**23
"""Of an image that is looked at as a whole."""
SIDE, N_DIFFERENT = 32, 8
"""Side of a tile in pixels; so many tiles are taken for their spectra, the others at even distances."""
N_BANDS = 16
"""Bands of channels that tell spectra apart."""


def is_large(image: xr.DataArray) -> bool:
    """Whether an image, energy last, has more pixels than are looked at as a whole."""
    return int(np.prod(image.shape[:-1])) > _most_pixels(image)


def _most_pixels(image: xr.DataArray) -> int:
    return min(MOST_PIXELS, max(MOST_COUNTS // image.shape[-1], 4 * SIDE**2))


def representative(image: xr.DataArray) -> xr.DataArray:
    """Lay tiles of an image one below the other, loaded.

    A tile is taken where a spectrum, mean over 3 x 3 pixels, is least like those of the tiles that have been
    taken (orthogonal projection [1]_), so that a rare phase is in the sample; then tiles at even distances.

    Parameters
    ----------
    image : DataArray, dims (..., y, x, energy)
        With `valid_pixel`.

    References
    ----------
    .. [1] Ren, Chang, IEEE Trans. Aerosp. Electron. Syst. 39 (2003) 1232 (ATGP).
    """
    frames, (height, width) = image.shape[:-3], image.shape[-3:-1]
    sides = min(SIDE, height), min(SIDE, width)
    tiles = _tiles(_bands(image), valid_pixels(image), sides, _most_pixels(image))
    grid = tuple(-(-size // side) for size, side in zip((height, width), sides, strict=True))
    cut = []
    for tile in tiles.tolist():
        *frame, row, column = np.unravel_index(tile, (*frames, *grid))
        top = min(int(row) * sides[0], height - sides[0])
        left = min(int(column) * sides[1], width - sides[1])
        part = image[(*map(int, frame), slice(top, top + sides[0]), slice(left, left + sides[1]))]
        cut.append(part.load().drop_vars([name for name in part.coords if name not in _kept(image)]))
    return xr.concat(cut, dim=image.dims[-3], combine_attrs="override").assign_attrs(image.attrs)


def _kept(image: xr.DataArray) -> tuple[str, ...]:
    return ("valid_pixel", str(image.dims[-1]))


def _tiles(bands: Floats, valid: Bools, sides: tuple[int, int], most_pixels: int) -> Indices:
    """Choose tiles of a grid, by number: the different ones, then others; increasing. Uses up `bands`."""
    places = _place(valid.shape, sides)
    most = max(1, most_pixels // (sides[0] * sides[1]))
    chosen: list[int] = []
    bands[~valid] = 0.0
    rows = bands.reshape(-1, bands.shape[-1])
    for _ in range(min(most, N_DIFFERENT)):
        sizes = np.sqrt(np.einsum("ij,ij->i", rows, rows))
        sizes[np.isin(places, chosen)] = 0.0
        pixel = int(sizes.argmax())
        if sizes[pixel] <= 0:
            break
        chosen.append(int(places[pixel]))
        unit = rows[pixel] / sizes[pixel]
        lengths = rows @ unit
        for column, part in zip(rows.T, unit, strict=True):
            column -= lengths * part
    left = np.setdiff1d(np.unique(places[valid.ravel()]), chosen)
    others = spread_out(left, most - len(chosen)) if len(left) else left
    return np.sort(np.concatenate([np.array(chosen, dtype=np.intp), others]))


def _place(shape: tuple[int, ...], sides: tuple[int, int]) -> Indices:
    """Return the number of the tile of each pixel, shape (pixel,)."""
    *frame, row, column = np.indices(shape)
    where = [*frame, row // sides[0], column // sides[1]]
    sizes = [*shape[:-2], *(-(-size // side) for size, side in zip(shape[-2:], sides, strict=True))]
    return np.ravel_multi_index(where, sizes).ravel()


def _bands(image: xr.DataArray) -> Floats:
    """Parts of the counts in bands of channels, in units of their noise and averaged over 3 x 3 pixels."""
    from scipy.ndimage import uniform_filter

    starts = np.unique(np.linspace(0, image.shape[-1], N_BANDS, endpoint=False).astype(int))
    template = blocks.template_like(
        image, {"bands": ((*image.dims[:-1], "band"), np.float32)}, {"band": np.arange(len(starts))}
    )
    kernel = functools.partial(_bands_of_block, starts=starts)
    found = blocks.map_blocks(kernel, image, template)["bands"].to_numpy()
    valid = valid_pixels(image)
    found = np.where(valid[..., None], found, 0.0)
    typical = np.maximum(found.reshape(-1, len(starts)).mean(axis=0), 1e-6)
    parts: Floats = uniform_filter(found, (1,) * (found.ndim - 3) + (3, 3, 1))
    del found  # in place from here on: of a large image, these are most of what the job holds
    total = np.maximum(parts.sum(axis=-1, keepdims=True), 1e-6)
    parts /= total
    # A root of the total, as noise falls with it: a dark pixel is no material of its own.
    parts *= np.sqrt(np.minimum(total, np.median(total[valid])))
    parts /= np.sqrt(typical)
    return parts


def _bands_of_block(block: xr.DataArray, starts: Indices) -> xr.Dataset:
    bands = np.add.reduceat(block.to_numpy().astype(np.float32), starts, axis=-1)
    coords = block.isel({block.dims[-1]: 0}, drop=True).coords
    return xr.Dataset({"bands": ((*block.dims[:-1], "band"), bands)}, coords=coords).assign_coords(
        band=np.arange(len(starts))
    )
