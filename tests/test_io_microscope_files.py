"""FEI TIA, JEOL, Panta Rhei and NeXus: files written by hand, and what is refused of them."""

import numpy as np
import pytest

from eelsunmix import io
from eelsunmix.errors import InputError
from eelsunmix.sources import companions
from microscope_files import write_emi, write_nxs, write_prz, write_pts, write_ser

COUNTS = np.random.default_rng(0).poisson(50, (7, 5, 40)).astype("u2")
EELS = {"first_eV": 100.0, "step_eV": 0.5}
MAP = np.random.default_rng(1).poisson(3, (8, 4, 60))
XRAYS = {"frames": 3, "first_keV": -0.2, "step_keV": 0.01, "field_mm": 80.0}


def ser(folder):
    write_ser(folder / "scan_1.ser", COUNTS, **EELS, pixel_m=2e-10)
    return folder / "scan_1.ser"


def emi(folder):
    ser(folder)
    write_emi(folder / "scan.emi")
    return folder / "scan.emi"


def prz(folder):
    write_prz(folder / "a.prz", COUNTS, **EELS, pixel_m=2e-10)
    return folder / "a.prz"


def nxs(folder):
    write_nxs(folder / "a.nxs", COUNTS, **EELS, pixel_nm=0.2)
    return folder / "a.nxs"


@pytest.mark.parametrize("write", [ser, emi, prz, nxs], ids=lambda write: write.__name__)
def test_counts_and_axes_are_those_that_were_written(tmp_path, write):
    image = io.open_image(write(tmp_path))
    assert image.dims == ("y", "x", "energy_loss")
    np.testing.assert_array_equal(image, COUNTS)
    np.testing.assert_allclose(image["energy_loss"], 100 + 0.5 * np.arange(40))
    np.testing.assert_allclose(image["x"], 0.2 * np.arange(5), atol=1e-12)
    np.testing.assert_allclose(image["y"], 0.2 * np.arange(7), atol=1e-12)


def test_broad_channels_of_tia_are_those_of_x_rays(tmp_path):
    write_ser(tmp_path / "a_1.ser", COUNTS, first_eV=0.0, step_eV=5.0, pixel_m=2e-10)
    image = io.open_image(tmp_path / "a_1.ser")
    assert image.dims == ("y", "x", "energy")
    np.testing.assert_allclose(image["energy"], 0.005 * np.arange(40))


def test_the_settings_of_tia_come_with_their_numbers(tmp_path):
    path = emi(tmp_path)
    assert companions(path) == [tmp_path / "scan_1.ser"]
    microscope = io.import_image(path).attrs["metadata"]["Acquisition_instrument"]["TEM"]
    assert microscope["acquisition_mode"] == "STEM"
    (tmp_path / "scan_1.ser").unlink()
    with pytest.raises(InputError, match=r"scan_1\.ser is not beside it; copy both files"):
        io.open_image(path)


@pytest.mark.parametrize("scan", ["columns", "serpentine"])
def test_a_map_of_tia_that_was_not_scanned_by_rows_is_refused(tmp_path, scan):
    """The plugin would give pixels other places, without a word."""
    write_ser(tmp_path / "a_1.ser", COUNTS, **EELS, pixel_m=2e-10, scan=scan)
    with pytest.raises(InputError, match="do not lie row by row"):
        io.open_image(tmp_path / "a_1.ser")


def test_positions_of_tia_may_be_off_by_a_tenth_of_a_pixel(tmp_path):
    write_ser(tmp_path / "a_1.ser", COUNTS, **EELS, pixel_m=2e-10, drift=0.08)
    np.testing.assert_array_equal(io.open_image(tmp_path / "a_1.ser"), COUNTS)
    write_ser(tmp_path / "a_1.ser", COUNTS, **EELS, pixel_m=2e-10, drift=0.12)
    with pytest.raises(InputError, match="do not lie row by row"):
        io.open_image(tmp_path / "a_1.ser")


@pytest.mark.guarantee(1)
def test_spectra_of_tia_that_differ_in_channels_are_refused(tmp_path):
    """As after a byte that was lost: everything behind it lies elsewhere."""
    path = ser(tmp_path)
    content = path.read_bytes()
    table = len(content) - 2 * 4 * COUNTS[..., 0].size
    path.write_bytes(content[:900] + content[902:table] + b"\0\0" + content[table:])
    with pytest.raises(InputError, match="not of the same channels"):
        io.open_image(path)


def test_metadata_that_can_run_code_are_refused(tmp_path):
    with (tmp_path / "a.prz").open("wb") as file:
        np.savez(file, data=COUNTS, meta_data=np.array([{"type": "3D"}], object))
    with pytest.raises(InputError, match="Python objects, which can run code"):
        io.open_image(tmp_path / "a.prz")


def test_photons_have_the_place_and_the_energy_of_their_marks(tmp_path):
    write_pts(tmp_path / "a.pts", MAP, **XRAYS)
    image = io.open_image(tmp_path / "a.pts")
    assert image.dims == ("y", "x", "energy")
    assert image.shape == (8, 4, 4096)
    np.testing.assert_array_equal(image[..., :60], MAP)
    assert not image[..., 60:].any()
    np.testing.assert_allclose(image["energy"], -0.2 + 0.01 * np.arange(4096), atol=1e-9)
    assert image["x"].attrs["units"] == "px"  # which side the field of view is, is known of squares alone


@pytest.mark.parametrize(
    ("broken", "picture"),
    [([(3, 9)], False), ([(0, 9)], False), ([(1, 9), (3, 20)], False), ([(3, 31)], True), ([(1, 30)], True)],
)
def test_frames_that_were_broken_off_are_left_out_and_told(tmp_path, broken, picture):
    """Their first lines would have more dose than the others, wherever in the list they stand."""
    write_pts(tmp_path / "a.pts", MAP, **XRAYS, broken=broken, picture=picture)
    image = io.import_image(tmp_path / "a.pts")
    np.testing.assert_array_equal(image.counts[..., :60], MAP)
    told = f"left out: {len(broken)} frame"
    assert [text for text in image.attrs["counts_check"]["warnings"] if text.startswith(told)]


def test_without_a_picture_a_frame_is_complete_once_its_last_line_is_reached(tmp_path):
    """The limit that is stated: pixels that sent no photon leave no trace."""
    write_pts(tmp_path / "a.pts", MAP, **XRAYS, broken=[(3, 30)])
    image = io.import_image(tmp_path / "a.pts")
    np.testing.assert_array_equal(image.counts[:-1, :, :60], 2 * MAP[:-1])
    assert not [text for text in image.attrs["counts_check"]["warnings"] if "left out" in text]


def test_of_broken_frames_alone_the_one_that_came_farthest_is_kept(tmp_path):
    one = XRAYS | {"frames": 1}
    write_pts(tmp_path / "a.pts", MAP[:5], **one, broken=[(0, 9), (2, 13)], size=MAP.shape)
    image = io.import_image(tmp_path / "a.pts", invalid_pixels="mask")
    np.testing.assert_array_equal(image.counts[:5, :, :60], MAP[:5])
    assert not image.counts[5:].any()


def test_a_square_map_of_jeol_has_the_size_of_its_pixels(tmp_path):
    write_pts(tmp_path / "a.pts", MAP[:4], **XRAYS)
    np.testing.assert_allclose(io.open_image(tmp_path / "a.pts")["x"], 200.0 * np.arange(4))


def test_a_single_frame_that_was_broken_off_has_empty_pixels(tmp_path):
    write_pts(tmp_path / "a.pts", MAP[:3], **(XRAYS | {"frames": 1}), size=MAP.shape)
    with pytest.raises(InputError, match="20 pixels hold nothing but zeros"):
        io.open_image(tmp_path / "a.pts")


@pytest.mark.guarantee(1)
def test_photons_outside_the_map_are_refused(tmp_path):
    write_pts(tmp_path / "a.pts", MAP, **XRAYS, size=(8, 3, 60))
    with pytest.raises(InputError, match=r"some outside its 3 x 8 pixels"):
        io.open_image(tmp_path / "a.pts")


@pytest.mark.guarantee(1)
@pytest.mark.parametrize("write", [ser, prz, nxs], ids=lambda write: write.__name__)
def test_what_is_truncated_is_refused(tmp_path, write):
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(InputError, match=r"(damaged|truncated)"):
        io.open_image(path)


def test_a_truncated_list_of_photons_is_refused(tmp_path):
    write_pts(tmp_path / "a.pts", MAP, **XRAYS)
    (tmp_path / "a.pts").write_bytes((tmp_path / "a.pts").read_bytes()[:-100])
    with pytest.raises(InputError, match=r"declares \d+ bytes, but holds \d+; it is truncated"):
        io.open_image(tmp_path / "a.pts")
