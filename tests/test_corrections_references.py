"""References: every format gives the same spectrum, every fault one line."""

import os
import pickle

import numpy as np
import pytest
import zarr

from eelsunmix.corrections.references import read_reference
from eelsunmix.errors import InputError

VALUES = np.linspace(1, 2, 12)


def write(path, values):
    if path.suffix == ".npy":
        np.save(path, values)
    elif path.suffix == ".zarr":
        zarr.save_array(str(path), values)
    else:
        delimiter = "," if path.suffix == ".csv" else " "
        np.savetxt(path, np.atleast_2d(values).T if values.ndim == 1 else values, delimiter=delimiter)
    return path


@pytest.mark.parametrize("name", ["r.npy", "r.csv", "r.txt", "r.zarr", "R.NPY"])
def test_formats_agree(tmp_path, name):
    path = tmp_path / name
    write(path.with_suffix(path.suffix.lower()), VALUES).rename(path)
    np.testing.assert_allclose(read_reference(path, 12, key="k"), VALUES)


@pytest.mark.parametrize("name", ["r.npy", "r.csv", "r.zarr"])
def test_rows_of_a_camera_image_are_summed(tmp_path, name):
    image = np.arange(5 * 12.0).reshape(5, 12)
    np.testing.assert_allclose(read_reference(write(tmp_path / name, image), 12, key="k"), image.sum(0))


def test_table_of_energy_and_value_with_a_header(tmp_path):
    path = tmp_path / "r.csv"
    rows = "\n".join(f"{energy},{value}" for energy, value in zip(range(12), VALUES, strict=True))
    path.write_text(f"# gain of the camera\nenergy_eV,gain\n{rows}\n")
    np.testing.assert_allclose(read_reference(path, 12, key="k"), VALUES)


def test_offset_registers_a_longer_reference(tmp_path):
    path = write(tmp_path / "r.npy", VALUES)
    np.testing.assert_allclose(read_reference(path, 5, 3, key="k"), VALUES[3:8])
    with pytest.raises(InputError, match=r"12 channels, the image has 5: set corrections\.gain\.offset"):
        read_reference(path, 5, key="k")
    with pytest.raises(InputError, match="5 from channel 8 on"):
        read_reference(path, 5, 8, key="k")


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_impossible_gain_names_file_and_channel(tmp_path, value):
    values = VALUES.copy()
    values[7] = value
    path = write(tmp_path / "r.npy", values)
    with pytest.raises(InputError, match=r"gain: .*r\.npy holds .* in channel 7"):
        read_reference(path, 12, key="gain", positive_except=np.zeros(12, bool))


def test_dark_may_be_zero_or_negative(tmp_path):
    values = VALUES - 1.5
    np.testing.assert_allclose(read_reference(write(tmp_path / "d.npy", values), 12, key="k"), values)


def _npy(shape):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(96)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.npy", b"", "is not a numpy array"),
        ("r.npy", b"hello world, this is no array", "is not a numpy array"),
        ("r.npy", _npy("(((((12,)"), "is not a numpy array"),
        ("r.npy", _npy("(10**6,"), "is not a numpy array"),
        ("r.npy", _npy("(1000000000000,)"), "is not a numpy array"),
        ("r.npy", _npy("(True, 12)"), "is not a numpy array"),
        ("r.csv", b"a,b\nc,d\n", "is not a table of numbers"),
        ("r.csv", b"1,2\n3\n", "is not a table of numbers"),
        ("r.txt", b"", "holds no numbers"),
        ("r.zarr", b"not a store", "is not a Zarr store"),
    ],
)
def test_unreadable_files(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_reference(tmp_path / name, 12, key="corrections.gain.dark")
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("inside", [True, False])
def test_a_zarr_reference_that_was_copied_in_part_is_refused(tmp_path, inside):
    path, store = tmp_path / "r.zarr", tmp_path / "r.zarr"
    if inside:
        zarr.open_group(path, mode="w")
        store = path / "gain"
    zarr.create_array(store, data=VALUES, chunks=(5,))
    np.testing.assert_array_equal(read_reference(path, 12, key="k"), VALUES)
    (store / "c" / "1").unlink()
    with pytest.raises(InputError, match=r"^k: .*: 1 of 3 chunks are not in the Zarr store, where 0.0 would"):
        read_reference(path, 12, key="k")


@pytest.mark.guarantee(4)
@pytest.mark.parametrize("name", ["r.csv", "r.npy", "r.msa", "r.zarr"])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_might_never_end_is_not_read(tmp_path, name, kind):
    path = tmp_path / name
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match=rf"k: .*{name} is no plain file, and reading from it might never"):
        read_reference(path, 12, key="k")


@pytest.mark.guarantee("G9")
def test_no_other_file_is_pulled_into_a_reference(tmp_path):
    zarr.create_array(tmp_path / "secret.zarr", data=np.ones(12))
    zarr.create_array(tmp_path / "r.zarr", data=np.ones(12))
    chunk = next(path for path in (tmp_path / "r.zarr" / "c").rglob("*") if path.is_file())
    chunk.unlink()
    chunk.symlink_to(tmp_path / "secret.zarr" / chunk.relative_to(tmp_path / "r.zarr"))
    with pytest.raises(InputError, match=r"k: .*r\.zarr: c/0 is a link that leads out of the folder"):
        read_reference(tmp_path / "r.zarr", 12, key="k")
    chunk.unlink()
    os.mkfifo(chunk)
    with pytest.raises(InputError, match=r"k: .*r\.zarr: c/0 is no plain file"):
        read_reference(tmp_path / "r.zarr", 12, key="k")


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"nothing\.npy does not exist"):
        read_reference(tmp_path / "nothing.npy", 12, key="k")


@pytest.mark.guarantee(35)
def test_pickles_are_not_loaded(tmp_path):
    """Neither as objects in an array nor as the file itself, which NumPy would take for a pickle."""

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "marker"), "w"))

    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "pickle.npy").write_bytes(pickle.dumps(Evil()))
    for name in ("objects.npy", "pickle.npy"):
        with pytest.raises(InputError, match="is not a numpy array"):
            read_reference(tmp_path / name, 1, key="k")
    assert not (tmp_path / "marker").exists()
