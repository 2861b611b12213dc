"""What is handed over to the disk is known, whichever process hands it over."""

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from eelsunmix.errors import StoreError
from eelsunmix.storage import open_store, publish
from eelsunmix.storage.handed_over import check_given_back, take_records

SHARD = {"blake3": "0f"}


@pytest.mark.guarantee(24)
def test_blocks_that_another_process_writes_are_compared_too(tmp_path, monkeypatch):
    """Row 24: its records come back to the process that seals."""
    for module in ("execution.blocks", "storage.store"):
        monkeypatch.setattr(f"eelsunmix.{module}.BLOCK_ELEMENTS", 60)
    values = np.arange(5 * 3 * 20).reshape(5, 3, 20)
    image = xr.Dataset({"counts": (("y", "x", "e"), da.from_array(values, chunks=(1, 3, 20)))})
    with dask.config.set(scheduler="processes", num_workers=1):
        publish(image, tmp_path / "a.zarr")
    np.testing.assert_array_equal(open_store(tmp_path / "a.zarr").counts, values)
    assert {path.name for path in (tmp_path / "a.zarr").iterdir()} == {"counts", "zarr.json", "manifest.json"}


def test_what_a_killed_worker_left_of_a_record_is_no_record(tmp_path):
    (tmp_path / ".handed-over-node-1").write_text('["a", "00"]\n["a", "0f"]\n["b"')
    (tmp_path / ".handed-over-node-2").write_text('["a", "f0"]\n3\n')
    assert take_records(tmp_path) == {"a": {"0f", "f0"}}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("records", "files", "name"),
    [
        ({"a": {"0f"}}, {}, "a"),
        ({}, {"b": SHARD}, "b"),
        ({"a": {"0f"}, "c": {"00"}}, {"a": SHARD, "c": SHARD}, "c"),
    ],
    ids=["lost", "never written", "other bytes"],
)
def test_what_is_not_given_back_is_named(tmp_path, records, files, name):
    check_given_back(tmp_path / "x.zarr", {"a": {"0f"}}, {"a": SHARD})
    with pytest.raises(
        StoreError, match=f"x.zarr: the disk gave back other bytes of {name} than were written"
    ):
        check_given_back(tmp_path / "x.zarr", records, files)
