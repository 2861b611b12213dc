"""Bare arrays and bad files of every kind."""

import json
import logging
import pickle
import zipfile

import numpy as np
import pytest
import xarray as xr
import zarr

from eelsunmix import io
from eelsunmix.errors import InputError
from eelsunmix.storage import publish

SHAPE = (7, 5, 40)
AXES = io.AxesOptions(
    dims=("y", "x", "energy_loss"), energy=io.EnergyAxis(offset_eV=100.0, dispersion_eV=0.5), pixel_nm=2.0
)


@pytest.fixture
def counts():
    return np.random.default_rng(0).poisson(50.0, SHAPE).astype(np.uint16)


def saved(path, array):
    np.save(path, array)
    return path


def test_npy_with_axes_of_the_configuration(tmp_path, counts):
    imported = io.import_image(saved(tmp_path / "a.npy", counts), axes=AXES)
    image = imported.counts
    np.testing.assert_array_equal(image, counts)
    assert image.dtype == np.uint16
    np.testing.assert_allclose(image.energy_loss, 100 + 0.5 * np.arange(40))
    np.testing.assert_allclose(image.x, 2.0 * np.arange(5))
    assert image.x.attrs["units"] == "nm"
    assert set(imported.attrs["origin_of_axes"].values()) == {"configuration"}


@pytest.mark.parametrize(
    "dims", [("energy_loss", "y", "x"), ("x", "energy_loss", "y"), ("x", "y", "energy_loss")]
)
def test_any_order_of_axes_gives_the_same_image(tmp_path, counts, dims):
    order = [("y", "x", "energy_loss").index(dim) for dim in dims]
    path = saved(tmp_path / "a.npy", counts.transpose(order))
    axes = io.AxesOptions(dims=dims, energy=AXES.energy)
    image = io.open_image(path, axes=axes)
    assert image.dims == ("y", "x", "energy_loss")
    np.testing.assert_array_equal(image, counts)


def test_frames(tmp_path, counts):
    stack = np.stack([counts, counts + 1, counts + 2])
    axes = io.AxesOptions(
        dims=("frame", "y", "x", "energy"), energy=io.EnergyAxis(offset_keV=0.1, dispersion_keV=0.01)
    )
    image = io.open_image(saved(tmp_path / "a.npy", stack), axes=axes)
    assert image.sizes == {"frame": 3, "y": 7, "x": 5, "energy": 40}
    assert image.attrs["signal"] == "EDS"
    assert image.y.attrs["units"] == "px"
    np.testing.assert_allclose(image.energy, 0.1 + 0.01 * np.arange(40))


@pytest.mark.guarantee(9)
@pytest.mark.parametrize("dtype", [">u2", "<i4", ">f4", "<f8", "f2", "i8", "u1", "f4"])
def test_number_types_end_native_with_the_same_values(tmp_path, counts, dtype):
    small = (counts % 100).astype(dtype)
    image = io.open_image(saved(tmp_path / "a.npy", small), axes=AXES)
    np.testing.assert_array_equal(image, counts % 100)
    assert image.dtype.isnative
    assert image.dtype == (np.float32 if dtype == "f2" else np.dtype(dtype).newbyteorder("="))


def test_fortran_order_and_blocks(tmp_path, counts, monkeypatch):
    monkeypatch.setattr("eelsunmix.execution.blocks.BLOCK_ELEMENTS", 2 * 5 * 40)
    image = io.open_image(saved(tmp_path / "a.npy", np.asfortranarray(counts)), axes=AXES)
    assert image.chunks == ((2, 2, 2, 1), (5,), (40,))
    np.testing.assert_array_equal(image, counts)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_with_one_and_with_two_arrays(tmp_path, counts, save):
    save(tmp_path / "one.npz", image=counts)
    np.testing.assert_array_equal(io.open_image(tmp_path / "one.npz", axes=AXES), counts)
    save(tmp_path / "two.npz", image=counts, other=counts + 1)
    with pytest.raises(InputError, match=r"needs the key signal.*0: 'image'.*1: 'other'"):
        io.open_image(tmp_path / "two.npz", axes=AXES)
    np.testing.assert_array_equal(io.open_image(tmp_path / "two.npz", signal="other", axes=AXES), counts + 1)


@pytest.mark.guarantee(39)
def test_flipped_bit_in_npz_is_noticed(tmp_path, counts):
    path = tmp_path / "a.npz"
    np.savez(path, image=np.repeat(counts, 100, axis=0))  # of a small member all is read with its header
    content = bytearray(path.read_bytes())
    content[200_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="Bad CRC-32"):
        io.open_image(path, axes=AXES)


def test_large_compressed_member_is_refused(tmp_path, counts, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", image=counts)
    monkeypatch.setattr("eelsunmix.io.npy.LARGEST_UNPACKED", 1000)
    with pytest.raises(InputError, match=r"is compressed and holds 2928 bytes; save it uncompressed"):
        io.open_image(tmp_path / "a.npz", axes=AXES)


def test_zarr_array_and_labelled_zarr_store(tmp_path, counts):
    import zarr

    zarr.save(str(tmp_path / "bare.zarr"), counts)
    np.testing.assert_array_equal(io.open_image(tmp_path / "bare.zarr", axes=AXES), counts)
    labelled = xr.DataArray(counts, dims=("y", "x", "e"), name="si").assign_coords(
        e=("e", 3.0 + np.arange(40), {"units": "eV"}), x=("x", np.arange(5.0), {"units": "nm"})
    )
    labelled.to_dataset().to_zarr(tmp_path / "store.zarr", consolidated=False)
    image = io.open_image(tmp_path / "store.zarr")
    np.testing.assert_array_equal(image, counts)
    assert float(image.energy_loss[0]) == 3.0
    assert image.x.attrs["units"] == "px"  # y has no calibration, so x alone is not used


def test_missing_axes_say_what_to_write(tmp_path, counts):
    path = saved(tmp_path / "a.npy", counts)
    with pytest.raises(
        InputError, match=r"a\.npy: .*0 axes in eV or keV.*write axes: \{dims: \[y, x, energy_loss\]"
    ):
        io.open_image(path)
    with pytest.raises(InputError, match=r"has no offset of the energy axis; write axes: \{energy:"):
        io.open_image(path, axes=io.AxesOptions(dims=("y", "x", "energy_loss")))
    with pytest.raises(InputError, match=r"axes\.dims names 2 axes, but 'a' \[7 .*\] has another number"):
        io.open_image(path, axes=io.AxesOptions(dims=("x", "energy_loss"), energy=AXES.energy))


def bad_files(folder, counts):
    np.save(folder / "object.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(folder / "complex.npy", counts.astype(complex))
    np.save(folder / "text.npy", np.array([[["a"]]]))
    np.save(folder / "nothing.npy", counts[:, :0])
    np.save(folder / "whole.npy", counts)
    (folder / "short.npy").write_bytes((folder / "whole.npy").read_bytes()[:-10])
    (folder / "header.npy").write_bytes((folder / "whole.npy").read_bytes()[:30])
    content = (folder / "whole.npy").read_bytes()
    (folder / "bracket.npy").write_bytes(content.replace(b"(7, 5, 40)", b"((((7,5,40"))
    (folder / "negative.npy").write_bytes(content.replace(b"(7, 5, 40)", b"(7, 5,-40)"))
    with zipfile.ZipFile(folder / "negative.npz", "w") as archive:
        archive.write(folder / "negative.npy", "a.npy")
    (folder / "empty.dm3").touch()
    for name in (
        "text.dm4",
        "text.dm3",
        "text.hspy",
        "text.emd",
        "text.npy",
        "text.npz",
        "text.h5",
        "text.ndata1",
    ):
        (folder / name).write_text("these are not the bytes of an image\n" * 20)
    (folder / "directory.dm3").mkdir()
    (folder / "hidden.pickle").write_bytes(b"x")
    (folder / "nothing.zspy").mkdir()
    (folder / "map.pts").write_bytes(b"x")
    (folder / "photo.jpg").write_bytes(b"x")
    (folder / "nothing.zarr").mkdir()
    with zipfile.ZipFile(folder / "other.npz", "w") as archive:
        archive.writestr("readme.txt", "x")


BAD = {
    "missing.dm3": "no such file",
    "object.npy": "holds Python objects",
    "complex.npy": "complex128, not real numbers",
    "text.npy": "cannot be read as .npy",
    "nothing.npy": "have no values",
    "short.npy": r"declares \(7, 5, 40\) uint16, 2800 bytes, but holds 2790; it is truncated",
    "header.npy": "cannot be read as .npy",
    "bracket.npy": "cannot be read as .npy",
    "negative.npy": r"declares the shape \(7, 5, -40\); it is damaged",
    "negative.npz": r"declares the shape \(7, 5, -40\); it is damaged",
    "empty.dm3": "is empty",
    "text.dm3": "cannot be read as .dm3",
    "text.dm4": "cannot be read as .dm4",
    "text.hspy": "cannot be read as .hspy",
    "text.emd": "cannot be read as .emd",
    "text.npz": "cannot be read as .npz",
    "text.h5": "cannot be read as .h5",
    "text.ndata1": "cannot be read as .ndata1",
    "directory.dm3": "is a directory",
    "hidden.pickle": "pickles can run code",
    "nothing.zspy": "cannot be read as .zspy",
    "map.pts": "cannot be read as .pts .*; 1 bytes.*damaged, truncated or of another kind",
    "photo.jpg": "unknown kind of file '.jpg'",
    "nothing.zarr": "cannot be read as .zarr|holds no data",
    "other.npz": "holds no data array",
}


@pytest.mark.guarantee(3, "G7")
@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_line_that_names_them(name, tmp_path, counts):
    bad_files(tmp_path, counts)
    with pytest.raises(InputError, match=BAD[name]) as caught:
        io.open_image(tmp_path / name, axes=AXES)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_results_of_this_package_are_no_source_images(tmp_path, counts):
    energy = ("energy_loss", 3.0 + np.arange(40), {"units": "eV"})
    image = xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords={"energy_loss": energy}, name="si")
    results = {
        "corrected": image.to_dataset().assign(gain=image[0, 0], step=("step", ["gain"])),
        "pca": image.rename(x="component").to_dataset(),
        "rank": xr.Dataset({"estimate": ("estimator", [1.0])}, {"estimator": ["elbow"]}),
    }
    for name, dataset in results.items():
        publish(dataset, tmp_path / f"{name}.zarr")
        with pytest.raises(InputError, match=rf"{name}\.zarr: is a result of eelsunmix, .*open_store"):
            io.open_image(tmp_path / f"{name}.zarr")
    publish(image.to_dataset(), tmp_path / "own.zarr")  # an image that a user has put there is one
    np.testing.assert_array_equal(io.open_image(tmp_path / "own.zarr"), counts)


@pytest.mark.guarantee(35, "G9")
def test_no_pickle_is_ever_loaded(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "marker"), "w"))

    np.save(tmp_path / "evil.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    (tmp_path / "marker").unlink(missing_ok=True)
    with pytest.raises(InputError, match="can run code"):
        io.open_image(tmp_path / "evil.npy", axes=AXES)
    assert not (tmp_path / "marker").exists()


@pytest.mark.guarantee(35)
@pytest.mark.parametrize(
    "change",
    [
        {"filters": [{"id": "pickle"}]},
        {"compressor": {"id": "pickle"}},
        {"filters": [{"id": "delta", "dtype": "<u2"}, {"id": "pickle"}]},
        {"filters": [{"id": "pickle"}], "dtype": "|O", "fill_value": None},
    ],
    ids=str,
)
def test_no_pickle_in_a_zarr_store_is_loaded(tmp_path, counts, change):
    """Metadata of Zarr 2 may ask for any codec, pickles among them, whatever the type of the numbers."""

    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "marker"), "w"))

    path = tmp_path / "evil.zarr"
    zarr.create_array(path, data=counts, chunks=counts.shape, zarr_format=2, filters=None, compressors=None)
    metadata = json.loads((path / ".zarray").read_text())
    (path / ".zarray").write_text(json.dumps(metadata | change))
    (path / "0.0.0").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(InputError, match=r"evil\.zarr: cannot be read as \.zarr .*pickle"):
        io.open_image(path, axes=AXES).load()
    assert not (tmp_path / "marker").exists()


@pytest.mark.guarantee(6)
def test_nan_pixel_is_refused_or_masked(tmp_path, counts):
    damaged = counts.astype(np.float32)
    damaged[4, 3, 12] = np.nan
    damaged[5, 0, 3] = np.inf
    path = saved(tmp_path / "a.npy", damaged)
    with pytest.raises(InputError, match=r"2 pixels hold NaN.* y = 8 nm, x = 6 nm, energy_loss = 106 eV"):
        io.open_image(path, axes=AXES)
    imported = io.import_image(path, axes=AXES, invalid_pixels="mask")
    assert np.argwhere(~imported.valid_pixel.to_numpy()).tolist() == [[4, 3], [5, 0]]
    assert not imported.counts[4, 3].any()
    kept = imported.valid_pixel.to_numpy()
    np.testing.assert_array_equal(imported.counts.to_numpy()[kept], counts[kept])
    np.testing.assert_allclose(imported.mean_spectrum, counts[kept].mean(axis=0))
    assert float(imported.total_counts[4, 3]) == 0.0


@pytest.mark.guarantee(7)
def test_empty_pixel_is_refused_or_masked(tmp_path, counts, monkeypatch):
    counts[6, 1] = 0
    path = saved(tmp_path / "a.npy", counts)
    monkeypatch.setattr("eelsunmix.execution.blocks.BLOCK_ELEMENTS", 2 * 5 * 40)
    with pytest.raises(
        InputError, match=r"1 pixels hold nothing but zeros, the first at y = 12 nm, x = 2 nm;"
    ):
        io.open_image(path, axes=AXES)
    image = io.open_image(path, axes=AXES, invalid_pixels="mask")
    assert image.dtype == np.uint16
    assert image.chunks is not None
    assert np.argwhere(~image.valid_pixel.to_numpy()).tolist() == [[6, 1]]


def test_all_pixels_invalid(tmp_path, counts):
    with pytest.raises(InputError, match="every pixel is"):
        io.open_image(saved(tmp_path / "a.npy", counts * 0), axes=AXES, invalid_pixels="mask")


def test_unknown_policy(tmp_path, counts):
    with pytest.raises(InputError, match="refuse or mask, not 'ignore'"):
        io.open_image(saved(tmp_path / "a.npy", counts), axes=AXES, invalid_pixels="ignore")


def test_warnings_of_the_counts_are_logged(tmp_path, counts, caplog):
    with caplog.at_level(logging.WARNING):
        imported = io.import_image(saved(tmp_path / "a.npy", counts / 9), axes=AXES)
    assert imported.attrs["counts_check"]["warnings"][0] in caplog.text


def test_notes_of_the_counts_are_logged_as_information(tmp_path, counts, caplog):
    with caplog.at_level(logging.INFO):
        imported = io.import_image(saved(tmp_path / "a.npy", 9 * counts), axes=AXES)
    note = imported.attrs["counts_check"]["notes"][0]
    assert [record.levelname for record in caplog.records if note in record.message] == ["INFO"]


@pytest.mark.parametrize("layout", [{"zarr_format": 2}, {"zarr_format": 3}, {"shards": (4, 9, 20)}], ids=str)
def test_chunks_that_are_not_in_a_zarr_store_are_told(tmp_path, layout):
    """A copy that broke off reads as zeros in some channels of some pixels: no pixel is empty."""
    values = np.random.default_rng(0).poisson(50, (7, 5, 40)).astype("u2")
    axes = io.AxesOptions(
        dims=("y", "x", "energy_loss"), energy=io.EnergyAxis(offset_eV=100, dispersion_eV=0.5)
    )
    path = tmp_path / "part.zarr"
    array = zarr.create_array(path, shape=values.shape, dtype="u2", chunks=(4, 3, 20), **layout)
    array[:] = values
    said = io.import_image(path, axes=axes).attrs["counts_check"]["warnings"]
    assert not any("are not in the Zarr store" in text for text in said)
    chunks = sorted(file for file in path.rglob("*") if file.is_file() and "json" not in file.name)
    chunk = next(file for file in chunks if not file.name.startswith("."))
    chunk.unlink()
    said = io.import_image(path, axes=axes).attrs["counts_check"]["warnings"]
    lost = "1 of 4 shards" if "shards" in layout else "1 of 8 chunks"
    assert any(text.startswith(f"{lost} are not in the Zarr store") for text in said)
    chunk.symlink_to(chunk.name)
    with pytest.raises(InputError, match="is no plain file"):
        io.import_image(path, axes=axes)


@pytest.mark.guarantee(1)
@pytest.mark.parametrize(
    ("factor", "said"),
    [
        (1e300, r"its values, up to [\d.]+e\+301, are no counts"),
        (1e-310, r"its values, up to [\d.]+e-309, are no counts"),
        (-1.0, r"its counts add up to less than nothing, -[12]\d{3} in a mean pixel: their sign is wrong"),
    ],
)
def test_counts_that_cannot_be_are_one_line_and_nothing_beside(tmp_path, counts, recwarn, factor, said):
    path = saved(tmp_path / "a.npy", factor * counts.astype(float))
    with pytest.raises(InputError, match=said):
        io.import_image(path, axes=AXES)
    assert not list(recwarn)


@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_scaled_counts_are_taken(tmp_path, counts, factor):
    path = saved(tmp_path / "a.npy", factor * counts.astype(float))
    np.testing.assert_array_equal(io.open_image(path, axes=AXES), factor * counts.astype(float))


@pytest.mark.guarantee(1)
def test_one_value_beyond_all_counts_is_refused(tmp_path, counts):
    counts = counts.astype(float)
    counts[3, 2, 11] = 1e200
    with pytest.raises(InputError, match=r"its values, up to 1e\+200"):
        io.import_image(saved(tmp_path / "a.npy", counts), axes=AXES)
