"""Large arrays are read as Zarr reads them, chunk by chunk into the block."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.errors import StoreError
from eelsunmix.execution import blocks
from eelsunmix.storage import open_store, publish, store
from eelsunmix.storage.shards import Shards

SHAPES = [(11, 6, 40), (9, 40, 40), (2, 7, 40), (3, 5, 4, 40), (700,)]


@pytest.fixture
def small_blocks(monkeypatch):
    """Shards of 1200 values and chunks of 300."""
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 1200)
    monkeypatch.setattr(store, "BLOCK_ELEMENTS", 300)
    monkeypatch.setattr(store, "CHUNK_ELEMENTS", 300)


def stored(path, values):
    array = xr.DataArray(values, dims=[f"d{axis}" for axis in range(values.ndim)])
    publish(array.to_dataset(name="values"), path)
    with xr.open_zarr(path, chunks=None) as by_zarr:
        return open_store(path)["values"], by_zarr["values"].load()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["u2", "i8", "f4", "f8", "?"])
def test_what_is_read_is_what_zarr_reads(shape, dtype, small_blocks, tmp_path):
    values = np.random.default_rng(0).integers(0, 3, shape).astype(dtype)
    values[shape[0] // 2 :] = 0 if dtype != "f4" else np.nan  # shards and chunks that Zarr does not store
    found, by_zarr = stored(tmp_path / "a.zarr", values)
    assert found.chunks is not None
    assert found.dtype == values.dtype
    for index in (
        np.s_[...],
        np.s_[1],
        np.s_[-1],
        np.s_[1:-1],
        np.s_[::2],
        np.s_[-2:0:-1],
        np.s_[3:3],
        np.s_[..., 5:],
        np.s_[..., 7],
        np.s_[[2, 0, 1]],
    ):
        if not (index == np.s_[[2, 0, 1]] and shape[0] < 3):
            np.testing.assert_array_equal(found[index], by_zarr[index], err_msg=str(index))


def test_large_numbers_of_stores_are_read_without_zarr(small_blocks, tmp_path):
    stored(tmp_path / "a.zarr", np.ones((11, 6, 40), np.float32))
    shards = Shards.of(tmp_path / "a.zarr/values", np.dtype("f4"))
    assert shards is not None
    assert (shards.shard, shards.chunk) == ((5, 6, 40), (1, 6, 40))


def test_an_array_without_shards_is_left_to_zarr(small_blocks, tmp_path):
    found, by_zarr = stored(tmp_path / "a.zarr", np.arange(1000.0).reshape(5, 200))
    assert Shards.of(tmp_path / "a.zarr/values", np.dtype("f8")) is None
    np.testing.assert_array_equal(found, by_zarr)


@pytest.mark.parametrize("place", [10, -30])
def test_damage_after_the_verification_is_named(place, small_blocks, tmp_path):
    """In a chunk, and in the index of a shard."""
    found, _ = stored(tmp_path / "a.zarr", np.random.default_rng(0).integers(0, 99, (11, 6, 40)))
    file = tmp_path / "a.zarr/values/c/1/0/0"
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"c/1/0/0: was damaged while it was read"):
        found.compute()
