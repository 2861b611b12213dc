"""Formats that RosettaSciIO reads, written by it or by hand, and their hostile cousins."""

import shutil

import numpy as np
import pytest
import tifffile
import zarr
from rsciio.edax._api import get_spc_dtype_list, get_spd_dtype_list
from rsciio.ripple import file_writer as write_rpl

from bruker_file import write_bcf
from eelsunmix import io
from eelsunmix.errors import InputError
from eelsunmix.sources import checksum, companions, file_fingerprint, file_state
from test_io_vendor import write_hspy

COUNTS = np.random.default_rng(0).poisson(50, (7, 5, 40)).astype("u2")
ENERGY = {"name": "Energy loss", "units": "eV", "scale": 0.5, "offset": 100.0, "navigate": False}
PLACE = {"units": "nm", "scale": 0.2, "offset": 0.0, "navigate": True}


def signal_of(counts):
    sizes = dict(zip("yxe", counts.shape, strict=True))
    axes = [
        {**PLACE, "name": "y", "size": sizes["y"], "index_in_array": 0},
        {**PLACE, "name": "x", "size": sizes["x"], "index_in_array": 1},
        {**ENERGY, "size": sizes["e"], "index_in_array": 2},
    ]
    metadata = {"General": {"title": "scan"}, "Signal": {"signal_type": "EELS"}}
    return {"data": counts, "axes": axes, "metadata": metadata, "original_metadata": {}}


def rpl(folder):
    write_rpl(str(folder / "a.rpl"), signal_of(COUNTS))
    return folder / "a.rpl"


def tif(folder):
    tifffile.imwrite(folder / "a.tif", COUNTS.transpose(2, 0, 1))
    return folder / "a.tif"


def zspy(folder):
    """As HyperSpy writes it: Zarr of version 2, axes as attributes of groups."""
    root = zarr.open_group(folder / "a.zspy", mode="w", zarr_format=2)
    root.attrs.update({"file_format": "ZSpy", "file_format_version": "3.3"})
    group = root.require_group("Experiments").require_group("scan")
    made = {"chunks": (3, 5, 40), "config": {"write_empty_chunks": True}}
    group.create_array("data", shape=COUNTS.shape, dtype="u2", **made)[:] = COUNTS
    for number, axis in enumerate(signal_of(COUNTS)["axes"]):
        group.require_group(f"axis-{number}").attrs.update({**axis, "_type": "UniformDataAxis"})
    group.require_group("metadata").require_group("Signal").attrs["signal_type"] = "EELS"
    group.require_group("original_metadata")
    return folder / "a.zspy"


def zspy_in_a_zip(folder):
    made = zspy(folder)
    shutil.make_archive(folder / "b", "zip", made)
    return (folder / "b.zip").rename(folder / "b.zspy")


def spd(folder):
    (folder / "a.spd").write_bytes(edax_map(lines=7))
    write_spc(folder)
    return folder / "a.spd"


def lsd(folder):
    """A line scan is a map of one line, with distances in a table."""
    (folder / "a.lsd").write_bytes(edax_map(lines=1))
    write_spc(folder)
    head = "\n".join(f"Label {number},x" for number in range(14))
    rows = "\n".join(f"{number},{0.4 * number}" for number in range(5))
    (folder / "a.csv").write_text(f"{head}\nPoint,Distance (nm)\n{rows}\n")
    return folder / "a.lsd"


def edax_map(lines):
    header = np.zeros(1, get_spd_dtype_list("<"))
    header["nPoints"], header["nLines"], header["nChannels"] = 5, lines, 40
    header["nSpectra"] = 5 * lines
    header["countBytes"], header["dataOffset"], header["nFrames"] = 2, header.dtype.itemsize, 1
    header["fName"][0, :9] = np.frombuffer(b"../b_.bmp", "i1")
    return header.tobytes() + COUNTS[:lines].tobytes()


def write_spc(folder):
    spectrum = np.zeros(1, get_spc_dtype_list(endianness="<", version=0.61))
    spectrum["evPerChan"], spectrum["startEnergy"] = 10, 0.0
    (folder / "a.spc").write_bytes(np.float32(0.61).tobytes() + spectrum.tobytes()[4:])


def axes_for(path):
    if path.suffix != ".tif":
        return io.AxesOptions()
    return io.AxesOptions(
        dims=("energy_loss", "y", "x"), energy=io.EnergyAxis(offset_eV=100, dispersion_eV=0.5), pixel_nm=0.2
    )


@pytest.mark.parametrize("write", [rpl, tif, zspy, zspy_in_a_zip, spd], ids=lambda write: write.__name__)
def test_counts_and_axes_are_those_that_were_written(tmp_path, write):
    path = write(tmp_path)
    image = io.open_image(path, axes=axes_for(path))
    np.testing.assert_array_equal(image, COUNTS)
    energy = image[image.dims[-1]]
    if write is spd:
        assert image.dims == ("y", "x", "energy")
        np.testing.assert_allclose(energy, 0.01 * np.arange(40), atol=1e-9)
        return
    assert image.dims == ("y", "x", "energy_loss")
    np.testing.assert_allclose(energy, 100 + 0.5 * np.arange(40))
    np.testing.assert_allclose(image["x"].diff("x"), 0.2)


def test_a_file_of_hyperspy_may_have_its_older_name(tmp_path):
    image = io.open_image(write_hspy(tmp_path / "a.hdf5", COUNTS, chunks=(3, 5, 16)))
    np.testing.assert_array_equal(image, COUNTS)
    np.testing.assert_allclose(image["energy_loss"], 10 + 0.5 * np.arange(40))


def test_a_line_of_edax_has_its_distances(tmp_path):
    image = io.open_image(lsd(tmp_path))
    np.testing.assert_array_equal(image, COUNTS[:1])
    np.testing.assert_allclose(image["energy"], 0.01 * np.arange(40), atol=1e-9)
    np.testing.assert_allclose(image["x"], 0.4 * np.arange(5))


@pytest.mark.guarantee(1)
@pytest.mark.parametrize(("write", "part"), [(rpl, "a.raw"), (spd, "a.spd"), (tif, "a.tif")])
def test_what_is_truncated_is_refused(tmp_path, write, part):
    path, cut = write(tmp_path), tmp_path / part
    cut.write_bytes(cut.read_bytes()[:-300])
    with pytest.raises(InputError, match=r"a\.(rpl|spd|tif): .*(truncated|damaged)"):
        io.open_image(path, axes=axes_for(path))


def test_bytes_beyond_those_described_are_told(tmp_path):
    """As after a copy as text, which makes two bytes of one here and there."""
    path = rpl(tmp_path)
    assert io.import_image(path).attrs["counts_check"]["warnings"] == []
    raw = tmp_path / "a.raw"
    raw.write_bytes(raw.read_bytes()[:100] + b"\r" + raw.read_bytes()[100:])
    (told,) = [text for text in io.import_image(path).attrs["counts_check"]["warnings"] if "a.raw" in text]
    assert told.startswith("a.raw holds 1 bytes more than a.rpl describes")


def test_chunks_of_a_zspy_that_are_absent_are_told(tmp_path):
    """Zarr 3 leaves out those without counts, a copy in part any: a comparison with the original tells."""
    path = zspy(tmp_path)
    next(path.glob("Experiments/scan/data/1*")).unlink()
    image = io.import_image(path, invalid_pixels="mask")
    np.testing.assert_array_equal(image.counts[:3], COUNTS[:3])
    np.testing.assert_array_equal(image.counts[6:], COUNTS[6:])
    assert not image.counts[3:6].any()
    told = [text for text in image.attrs["counts_check"]["warnings"] if "not in the Zarr store" in text]
    assert [text.split(":")[0] for text in told] == [
        "1 of 3 chunks are not in the Zarr store and were read as 0"
    ]


def test_a_map_of_bruker_has_the_counts_and_axes_that_were_written(tmp_path):
    counts = COUNTS.copy()
    counts[2, 3, 7], counts[5, 1, 9] = 900, 700  # the plugin chooses 8 bits by the mean spectrum
    write_bcf(tmp_path / "a.bcf", counts, first_keV=-0.1, step_keV=0.01, pixel_um=(0.004, 0.003))
    image = io.open_image(tmp_path / "a.bcf")
    assert image.dims == ("y", "x", "energy")
    np.testing.assert_array_equal(image, counts)
    np.testing.assert_allclose(image["energy"], -0.1 + 0.01 * np.arange(40), atol=1e-9)
    np.testing.assert_allclose(image["x"], 4.0 * np.arange(5))
    np.testing.assert_allclose(image["y"], 3.0 * np.arange(7))


def test_the_maps_of_a_bruker_file_are_not_taken_for_one(tmp_path):
    write_bcf(tmp_path / "a.bcf", COUNTS, COUNTS + 1, first_keV=0.0, step_keV=0.01, pixel_um=(0.004, 0.004))
    with pytest.raises(InputError, match=r"needs the key signal, since the file holds 0: 'EDX' EDS .*; 1: "):
        io.open_image(tmp_path / "a.bcf")
    np.testing.assert_array_equal(io.open_image(tmp_path / "a.bcf", signal=1), COUNTS + 1)


@pytest.mark.parametrize(("write", "other"), [(rpl, "a.raw"), (spd, "a.spc")])
def test_what_lies_beside_a_file_is_part_of_the_source(tmp_path, write, other):
    path, beside = write(tmp_path), tmp_path / other
    assert companions(path) == [beside]
    looks = (checksum, file_fingerprint, file_state)
    before = [look(path) for look in looks]
    numbers = bytearray(beside.read_bytes())
    numbers[10] ^= 1
    beside.write_bytes(numbers)
    assert all(look(path) != old for look, old in zip(looks, before, strict=True))
    assert checksum(path)[1] == path.stat().st_size + beside.stat().st_size


@pytest.mark.guarantee("G9")
@pytest.mark.parametrize(("write", "other"), [(rpl, "a.raw"), (spd, "a.spc")])
def test_a_link_beside_a_file_is_not_followed_elsewhere(tmp_path, write, other):
    home = tmp_path / "home"
    home.mkdir()
    path = write(home)
    (home / other).rename(tmp_path / "secret")
    (home / other).symlink_to(tmp_path / "secret")
    assert file_fingerprint(path).startswith("unreadable")  # read before any job; the job says why
    with pytest.raises(InputError, match=rf"{other} beside it is a link that leads elsewhere"):
        io.open_image(path)


def test_a_ripple_file_without_numbers_is_refused(tmp_path):
    path = rpl(tmp_path)
    (tmp_path / "a.raw").unlink()
    with pytest.raises(InputError, match=r"a\.raw is not beside it"):
        io.open_image(path)


@pytest.mark.guarantee("G9")
def test_the_header_of_a_map_names_no_other_file(tmp_path):
    path = spd(tmp_path)
    (tmp_path / "b_.ipr").write_bytes(b"\x01" * 4000)  # what the header names
    image = io.open_image(path)
    assert image["x"].attrs["units"] == "px"


@pytest.mark.guarantee("G9")
def test_an_ome_tiff_takes_no_page_of_another(tmp_path):
    pages = COUNTS.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "secret.ome.tif", pages, metadata={"axes": "ZYX"})
    with tifffile.TiffFile(tmp_path / "secret.ome.tif") as secret:
        xml = secret.ome_metadata
    uuid = '<UUID FileName="secret.ome.tif">urn:uuid:00000000-0000-0000-0000-000000000000</UUID>'
    planes = "".join(f'<TiffData IFD="{n}" FirstZ="{n}" PlaneCount="1">{uuid}</TiffData>' for n in range(40))
    head, _, rest = xml.partition("<TiffData")
    planted = head + planes + rest[rest.index("</Pixels>") :]
    tifffile.imwrite(tmp_path / "a.tif", pages[:1] * 0 + 1, description=planted, metadata=None)
    with pytest.raises(InputError):
        io.open_image(tmp_path / "a.tif", axes=axes_for(tmp_path / "a.tif"))
