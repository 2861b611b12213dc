"""How large the image of a sample is: from metadata of stores, headers or sizes of files, without counts."""

import functools
import json
import math
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from eelsunmix.configuration import SampleSettings

COMPRESSED = {
    ".bcf", ".emd", ".h5", ".hdf5", ".hspy", ".npz", ".nxs", ".prz", ".pts", ".tif", ".tiff", ".zarr",
    ".zspy",
}  # fmt: skip
PACKED = 8
"""Counts per byte of a compressed file at most; of others one count has one byte at least."""

FEW_CHANNELS = 100
"""Taken where only the size of a file is known: fewer channels make more pixels, which cost more."""

UNKNOWN = 10**9
"""Counts of an image of which nothing is known."""


class ImageSize(NamedTuple):
    """Number of pixels, of all frames, and of channels."""

    pixels: int
    channels: int

    @property
    def counts(self) -> int:
        """Number of values."""
        return self.pixels * self.channels


def image_size(sample: SampleSettings, *, corrected: bool = True) -> ImageSize:
    """Size of the image of a sample: as it is for the job that is asked about, or as large as it may be.

    Parameters
    ----------
    sample : SampleSettings
    corrected : bool
        Of ``corrected.zarr``, which may be binned; if that is not there yet, of ``raw.zarr``, else of the
        source. Snakemake asks again just before a job starts, when what it reads is there.
    """
    stores = ("corrected", "raw") if corrected else ("raw",)
    found = (_of_store(Path(f"results/{sample.name}/{store}.zarr/counts/zarr.json")) for store in stores)
    return next(filter(None, found), None) or _of_source(sample)


def _of_store(metadata: Path) -> ImageSize | None:
    with suppress(OSError):
        state = metadata.stat()
        return _parsed(metadata, (state.st_mtime_ns, state.st_ino))
    return None


@functools.lru_cache(maxsize=100_000)
def _parsed(metadata: Path, _state: tuple[int, int]) -> ImageSize | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        *navigation, channels = map(int, json.loads(metadata.read_bytes())["shape"])
        return ImageSize(math.prod(navigation), channels)
    return None


def _of_source(sample: SampleSettings) -> ImageSize:
    if sample.file is None:
        return _of_scene(sample)
    path = Path(sample.file)
    try:
        return _of_npy(path, sample) if path.suffix == ".npy" else _at_most(path.absolute())
    except (OSError, ValueError):
        return _with_few_channels(UNKNOWN)


def _of_scene(sample: SampleSettings) -> ImageSize:
    shape = getattr(sample.simulate, "shape", None) or getattr(sample.simulate, "size", 64)
    sides = shape if isinstance(shape, tuple) else (shape, shape)
    return ImageSize(math.prod(sides), getattr(sample.simulate, "n_channels", 2048))


def _of_npy(path: Path, sample: SampleSettings) -> ImageSize:
    state = path.stat()
    shape = _shape_of_npy(path, (state.st_mtime_ns, state.st_ino))
    dims = list(sample.axes.dims or ())
    spectral = next((dims.index(name) for name in ("energy_loss", "energy") if name in dims), -1)
    if not shape or not -1 <= spectral < len(shape):
        return _with_few_channels(math.prod(shape))
    return ImageSize(math.prod(shape) // max(shape[spectral], 1), shape[spectral])


@functools.lru_cache(maxsize=100_000)
def _shape_of_npy(path: Path, _state: tuple[int, int]) -> tuple[int, ...]:
    import numpy as np

    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        return read(file)[0]


@functools.lru_cache(maxsize=100_000)
def _at_most(path: Path) -> ImageSize:
    files = [path] if path.is_file() else [part for part in path.rglob("*") if part.is_file()]
    size = sum(file.stat().st_size for file in files)
    return _with_few_channels(size * (PACKED if path.suffix in COMPRESSED else 1))


def _with_few_channels(counts: int) -> ImageSize:
    return ImageSize(-(-counts // FEW_CHANNELS), FEW_CHANNELS)
