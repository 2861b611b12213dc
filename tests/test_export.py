"""Exports: what the programs that they are for read in them, held against the stores."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
import xarray as xr
import zarr
from click.testing import CliRunner

from eelsunmix.commands.entry import eelsunmix, main
from eelsunmix.errors import InputError, StoreError
from eelsunmix.export import folder as folders
from eelsunmix.export.exporting import export_sample
from eelsunmix.export.formats import format_names, help_of
from eelsunmix.export.formats.csv import harmless
from eelsunmix.export.gathering import STAYS, kind_of
from eelsunmix.export.package import package_of
from eelsunmix.export.quantities import FOLDER_OF, FOLDERS
from eelsunmix.export.sample import open_sample
from eelsunmix.io.files import read_signals
from eelsunmix.recipes.code import code_of
from eelsunmix.storage import LAYOUTS, publish, read_manifest, verify
from exported_samples import WARNING, finished, stored
from test_io_more_formats import zspy

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1"}
FORMATS = ("csv", "hspy", "nexus", "tiff")
PIXEL_NM = 0.12


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder with results of an image of 13 x 17 pixels, and everything exported of it."""
    folder = tmp_path_factory.mktemp("measured")
    finished(folder, "measured")
    export_sample(folder / "results" / "S1", FORMATS, to=folder / "out")
    return folder


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """The same of a series of three frames."""
    folder = tmp_path_factory.mktemp("series")
    finished(folder, "series")
    export_sample(folder / "results" / "S1", FORMATS, to=folder / "out")
    return folder


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """The same of a line scan."""
    folder = tmp_path_factory.mktemp("line")
    finished(folder, "measured", line=True)
    export_sample(folder / "results" / "S1", FORMATS, to=folder / "out")
    return folder


@pytest.fixture
def copied(measured, tmp_path, monkeypatch):
    """A copy of the results alone, which a test may alter; the working folder."""
    shutil.copytree(measured / "results", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# What leaves


def test_every_array_with_pixels_or_channels_leaves_or_stays_for_a_reason(measured):
    sample = open_sample(measured / "results" / "S1")
    written = {(one.about["store"], one.about["quantity"]) for one in package_of(sample).quantities}
    for place, store in sample.all_stores.items():
        for name, array in store.data_vars.items():
            has_room = {"y", "x", "energy_loss", "position"} & set(array.dims)
            is_declared = name in LAYOUTS[place.partition("/")[0]].variables
            if has_room and is_declared and not name.endswith("_sd") and array.dtype.kind in "fiub":
                assert ((place, name) in written) != (name in STAYS), f"{place}: {name}"


def test_the_phase_map_says_whose_it_is_and_which_component_each_value_is(measured):
    sample = open_sample(measured / "results" / "S1")
    method = sample.stores["comparison"].attrs["phase_method"]
    found = {one.variable: one for one in package_of(sample).quantities if one.variable.startswith("phase")}
    assert {one.stem for one in found.values()} == {f"S1_{method}_phase", f"S1_{method}_phase_confidence"}
    values = found["phase"].about["values"]
    assert values.pop("-1") == "no sample"
    assert values == {str(k): sample.component_name(method, k) for k in range(len(values))}
    assert len(values) == sample.fits[method].sizes["endmember"]


def test_what_stays_is_declared_somewhere():
    declared = {name for layout in LAYOUTS.values() for name in layout.variables}
    assert set(STAYS) <= declared | {"channel_weight"}


def test_every_declared_array_that_leaves_has_a_folder():
    """Those of the image lie in its own; an array that nobody thought of was among the checks."""
    own = {"navigation", "energy", "raw_energy", "index", "position"}
    leaving = {
        name
        for stage in ("pca", "rank", "bs", "fit", "map", "comparison")
        for name, one in LAYOUTS[stage].variables.items()
        if own & set(one.dims) and one.dtype in ("float", "integer", "number") and not name.endswith("_sd")
    }
    assert set(FOLDER_OF) == leaving - set(STAYS)
    assert set(FOLDER_OF.values()) | {"image"} == set(FOLDERS)


def test_deviations_leave_beside_what_they_belong_to(measured):
    names = {path.stem for path in (measured / "out").rglob("*") if path.is_file()}
    for name in ("S1_bs_net_counts", "S1_Ru_M23_bs", "S1_nmf_mean_residual"):
        assert f"{name}_sd" in names


def test_a_failed_method_leaves_nothing_and_is_named(tmp_path):
    finished(tmp_path, "measured", failed=("vca",))
    target = export_sample(tmp_path / "results" / "S1", ["tiff", "csv"], to=tmp_path / "out")
    files = [path.name for path in target.rglob("*") if path.is_file()]
    assert not [name for name in files if "vca" in name]
    assert [name for name in files if "_nmf" in name]


# TIFF


def test_a_folder_of_an_export_begins_with_what_to_read_and_is_sorted_by_kind(measured):
    out = measured / "out"
    assert min(out.iterdir(), key=lambda path: path.name.lower()).name == "0_README.txt"
    said = (out / "0_README.txt").read_text(encoding="utf-8")
    assert said.index("WHERE TO START") < said.index("WARNINGS") < said.index("ARRAYS IN elements")
    for one in ("csv", "hspy", "tiff"):
        assert {path.name for path in (out / one).iterdir()} == {*FOLDERS}
        assert not [path for path in (out / one).iterdir() if path.is_file()]
    maps = {path.name for path in (out / "tiff" / "elements").iterdir()}
    edges = stored(measured, "bs").edge.values
    names = (
        f"S1_{edge}_{label}{sd}.tif" for edge in edges for label in ("bs", "nmf", "vca") for sd in ("", "_sd")
    )
    assert maps == {*names}


def test_tiff_has_values_calibration_and_unit(measured):
    from rsciio.tiff import file_reader as hyperspys_reader

    expected = stored(measured, "bs").net_counts.sel(edge="Ru_M23")
    for stem, values in (
        ("S1_Ru_M23_bs", expected),
        ("S1_Ru_M23_bs_sd", stored(measured, "bs").net_counts_sd[0]),
    ):
        with tifffile.TiffFile(measured / "out" / "tiff" / "elements" / f"{stem}.tif") as file:
            np.testing.assert_allclose(file.asarray(), values, rtol=1e-6)
            assert file.asarray().dtype == np.float32
            assert (file.series[0].axes, file.asarray().shape) == ("YX", (13, 17))
            for tag in ("XResolution", "YResolution"):
                pixels, length = file.pages[0].tags[tag].value
                assert length / pixels == pytest.approx(PIXEL_NM, rel=1e-6)
            assert file.imagej_metadata["unit"] == "nm"
            said = json.loads(file.imagej_metadata["Info"])
        (other,) = hyperspys_reader(measured / "out" / "tiff" / "elements" / f"{stem}.tif")
        assert [axis["scale"] for axis in other["axes"]] == pytest.approx([PIXEL_NM, PIXEL_NM], rel=1e-6)
    assert (said["method"], said["unit"], said["names"]) == (
        "background subtraction",
        "counts",
        {"edge": "Ru_M23"},
    )
    assert said["seal"] == read_manifest(measured / "results/S1/bs.zarr").seal
    assert any(WARNING in text for text in said["warnings"])


def test_tiff_keeps_pixels_without_data_and_the_names_of_components(measured):
    (path,) = (measured / "out" / "tiff" / "components").glob("S1_nmf_2*[!t]_abundance.tif")
    found = tifffile.imread(path)
    expected = stored(measured, "map/nmf").abundance[..., 1]
    assert np.isnan(found[1, 2])
    assert np.isfinite(found).sum() == 13 * 17 - 1
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    with tifffile.TiffFile(path) as file:
        assert file.imagej_metadata["max"] == pytest.approx(float(expected.max()), rel=1e-6)


def test_tiff_says_where_the_image_begins(tmp_path):
    from eelsunmix.export.formats.tiff import write_map

    finished(tmp_path, "measured")
    package = package_of(open_sample(tmp_path / "results" / "S1"))
    single = package.single_maps[0]
    moved = single.array.assign_coords(x=single.array.x.variable + 1.2, y=single.array.y.variable - 0.6)
    write_map(tmp_path / "a.tif", moved, single)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.imagej_metadata["xorigin"] == pytest.approx(-10, abs=1e-3)
        assert file.imagej_metadata["yorigin"] == pytest.approx(5, abs=1e-3)


def test_tiff_of_a_series_has_a_frame_each(series):
    expected = stored(series, "bs").net_counts.sel(edge="Ru_M23")
    with tifffile.TiffFile(series / "out" / "tiff" / "elements" / "S1_Ru_M23_bs.tif") as file:
        assert (file.series[0].axes, file.asarray().shape) == ("TYX", (3, 13, 17))
        np.testing.assert_allclose(file.asarray(), expected, rtol=1e-6)
        assert file.imagej_metadata["frames"] == 3
        assert len(file.imagej_metadata["Labels"]) == 3


# CSV


def read_table(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        heads, *rows = list(csv.reader(stream))
    return heads, np.array([[float(cell or "nan") for cell in row] for row in rows])


def test_csv_of_spectra_is_read_back_the_same(measured):
    path = measured / "out" / "csv" / "components" / "S1_vca_endmember_spectrum.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")  # without it, Excel reads another alphabet
    heads, found = read_table(path)
    expected = stored(measured, "fit/vca").endmember_spectrum
    assert heads[0] == "energy loss (eV)"
    assert heads[1].startswith("1 ")
    assert heads[1].endswith("(counts)")
    np.testing.assert_array_equal(found[:, 0], expected.energy_loss)
    np.testing.assert_array_equal(found[:, 1:], expected.transpose("energy_loss", "endmember"))
    said = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert (said["method"], said["sample"], said["options"]["setting"]) == ("vca", "S1", "eels")


def test_csv_of_profiles_has_positions_deviations_and_ends_with_the_profile(measured):
    bs = stored(measured, "bs")
    for name in map(str, bs.profile.values):
        heads, found = read_table(measured / "out" / "csv" / "elements" / f"S1_bs_profile_counts_{name}.csv")
        row = bs.sel(profile=name)
        known = np.isfinite(row.profile_position.values)
        assert heads[0] == "position (nm)"
        assert heads[1] == "Ru_M23 (counts)"
        assert heads[2] == "sd of Ru_M23 (counts)"
        np.testing.assert_array_equal(found[:, 0], row.profile_position.values[known])
        np.testing.assert_array_equal(found[:, 1], row.profile_counts.values[0, known])
        np.testing.assert_array_equal(found[:, 2], row.profile_counts_sd.values[0, known])


def test_csv_of_a_line_scan_holds_its_maps(line):
    heads, found = read_table(line / "out" / "csv" / "elements" / "S1_bs_net_counts.csv")
    bs = stored(line, "bs")
    assert heads[:3] == ["x (nm)", "Ru_M23 (counts)", "sd of Ru_M23 (counts)"]
    np.testing.assert_array_equal(found[:, 0], bs.x)
    np.testing.assert_array_equal(found[:, 1], bs.net_counts[0, 0])
    assert found.shape == (17, 1 + 2 * bs.sizes["edge"])


def test_csv_of_a_series_has_a_column_for_each_frame(series):
    heads, found = read_table(series / "out" / "csv" / "elements" / "S1_bs_profile_counts_all_rows.csv")
    expected = stored(series, "bs").profile_counts.sel(profile="all_rows", edge="Ru_M23")
    assert heads[1:7:2] == [f"Ru_M23 frame {number} (counts)" for number in range(3)]
    np.testing.assert_array_equal(found[:, 1:7:2].T, expected[:, : len(found)])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_heading_is_a_formula(text):
    assert harmless(text) == f"'{text}"


# NeXus


def test_nexus_plots_at_once_and_has_errors(measured):
    with h5py.File(measured / "out" / "nexus" / "S1.nxs") as file:
        entry = file[file.attrs["default"]]
        assert entry.attrs["NX_class"] == "NXentry"
        group = entry[entry.attrs["default"]]
        assert group.name == "/entry/S1_bs_net_counts"
        signal = group[group.attrs["signal"]]
        assert list(group.attrs["axes"]) == ["edge_axis", "y_axis", "x_axis"]
        bs = stored(measured, "bs")
        np.testing.assert_array_equal(signal, bs.net_counts)
        np.testing.assert_array_equal(group["net_counts_errors"], bs.net_counts_sd)
        np.testing.assert_allclose(group["x_axis"], bs.x)
        assert (group["x_axis"].attrs["units"], signal.attrs["units"]) == ("nm", "counts")
        assert [name.decode() for name in group["edge_names"]] == list(bs.edge.values)
        assert (
            json.loads(group["description/data"][()])["seal"]
            == read_manifest(measured / "results/S1/bs.zarr").seal
        )


def test_every_axis_of_nexus_fits_its_signal(series):
    with h5py.File(series / "out" / "nexus" / "S1.nxs") as file:
        groups = [one for one in file["entry"].values() if one.attrs.get("NX_class") == "NXdata"]
        assert len(groups) > 20
        for group in groups:
            signal = group[group.attrs["signal"]]
            for number, axis in enumerate(group.attrs["axes"]):
                assert group[axis].shape == (signal.shape[number],)
                assert group.attrs[f"{axis}_indices"] == number
            if f"{group.attrs['signal']}_errors" in group:
                assert group[f"{group.attrs['signal']}_errors"].shape == signal.shape


# HyperSpy


@pytest.fixture(scope="module")
def hyperspy():
    """Python of an environment with HyperSpy and exspy."""
    python = os.environ.get("EELSUNMIX_READERS")
    if not python:
        pytest.skip(
            "no HyperSpy: set EELSUNMIX_READERS to a Python with envs/readers.txt; .ci/readers makes one"
        )
    return python


@pytest.fixture(scope="module")
def seen_by(hyperspy, measured, series, line):
    """What HyperSpy, started once, sees in each of the folders."""
    folders = [folder / "out" / "hspy" for folder in (measured, series, line)]
    clean = {key: item for key, item in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run([hyperspy, ROOT / "tests" / "hyperspy_reader.py", *folders], check=True, env=clean)

    def seen(folder):
        place = folder / "out" / "hspy"
        with np.load(place / "seen.npz") as found:
            return dict(found), json.loads((place / "seen.json").read_text(encoding="utf-8"))

    return seen


@pytest.mark.slow
def test_hyperspy_sees_images_and_spectra_with_their_axes(measured, seen_by):
    values, said = seen_by(measured)
    bs, fit = stored(measured, "bs"), stored(measured, "fit/nmf")
    assert said["S1_nmf_endmember_spectrum"]["class"] == "EELSSpectrum"
    assert said["S1_bs_net_counts"]["class"] == "Signal2D"
    np.testing.assert_array_equal(values["S1_bs_net_counts"], bs.net_counts)
    np.testing.assert_array_equal(values["S1_bs_net_counts_sd"], bs.net_counts_sd)
    np.testing.assert_array_equal(values["S1_nmf_endmember_spectrum"], fit.endmember_spectrum)
    np.testing.assert_array_equal(
        values["S1_nmf_abundance"], stored(measured, "map/nmf").abundance.transpose("endmember", "y", "x")
    )
    x, y = said["S1_bs_net_counts"]["signal"]
    assert (x["name"], x["units"], y["name"], y["units"]) == ("x", "nm", "y", "nm")
    np.testing.assert_allclose(x["values"], bs.x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(y["values"], bs.y, rtol=1e-12, atol=1e-12)
    (energy,) = said["S1_nmf_endmember_spectrum"]["signal"]
    assert energy["units"] == "eV"
    np.testing.assert_allclose(energy["values"], fit.energy_loss, rtol=1e-12)
    assert said["S1_bs_net_counts"]["names"] == {"edge": list(bs.edge.values)}
    assert said["S1_bs_net_counts"]["source"] == stored(measured, "raw").attrs["source"]["sha256"]


@pytest.mark.slow
def test_hyperspy_sees_frames_and_line_scans(series, line, seen_by):
    values, said = seen_by(series)
    one = said["S1_bs_net_counts"]
    assert [axis["name"] for axis in one["navigation"]] == ["frame", "edge"]
    assert values["S1_bs_net_counts"].shape == (stored(series, "bs").sizes["edge"], 3, 13, 17)
    values, said = seen_by(line)
    bs = stored(line, "bs")
    assert said["S1_bs_net_counts"]["class"] == "Signal1D"
    np.testing.assert_array_equal(values["S1_bs_net_counts"], bs.net_counts[:, 0])
    (x,) = said["S1_bs_net_counts"]["signal"]
    np.testing.assert_allclose(x["values"], bs.x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "name",
    ["hspy/elements/S1_bs_net_counts.hspy", "hspy/components/S1_vca_endmember_spectrum.hspy", "nexus/S1.nxs"],
)
def test_an_exported_signal_is_no_image(measured, name):
    """Three spectra of components were an image of 1 x 3 pixels, of which `new` wrote a configuration."""
    with pytest.raises(
        InputError, match=r"(hspy|nxs): is an export of eelsunmix, not a file of a microscope"
    ):
        read_signals(measured / "out" / name)


def test_an_exported_signal_that_hyperspy_saved_as_zspy_is_no_image(measured, tmp_path):
    made = zspy(tmp_path)
    assert read_signals(made)
    with h5py.File(measured / "out" / "hspy" / "components" / "S1_vca_endmember_spectrum.hspy") as file:
        (exported,) = file["Experiments"].values()
        assert "eelsunmix" in exported["metadata"]
    zarr.open_group(made, mode="a")["Experiments/scan/metadata"].require_group("eelsunmix")
    with pytest.raises(InputError, match=r"zspy: is an export of eelsunmix, not a file of a microscope"):
        read_signals(made)


def test_hspy_carries_the_microscope(tmp_path):
    from rsciio.hspy import file_reader

    stores = finished(tmp_path, "measured")
    metadata = {
        "Acquisition_instrument": {"TEM": {"beam_energy": 200.0, "Detector": {"EELS": {"dwell_time": 0.01}}}}
    }
    raw = stores["raw"].assign_attrs(metadata=metadata)
    sample = open_sample(tmp_path / "results" / "S1")
    sample = type(sample)(**{**vars(sample), "stores": {**sample.stores, "raw": raw}})
    from eelsunmix.export.formats.hspy import write_signal

    package = package_of(sample)
    spectrum = next(one for one in package.quantities if one.variable == "endmember_spectrum")
    write_signal(tmp_path / "a.hspy", spectrum.array, spectrum, package)
    (found,) = file_reader(tmp_path / "a.hspy")
    tem = found["metadata"]["Acquisition_instrument"]["TEM"]
    assert (tem["beam_energy"], tem["Detector"]["EELS"]["dwell_time"]) == (200.0, 0.01)
    assert found["metadata"]["Signal"]["signal_type"] == "EELS"
    assert package.about["microscope"]["beam energy (keV)"] == 200.0


def test_x_rays_keep_their_energies(tmp_path):
    from rsciio.hspy import file_reader

    finished(tmp_path, "eds", edges={})
    target = export_sample(tmp_path / "results" / "S1", FORMATS, to=tmp_path / "out")
    (found,) = file_reader(target / "hspy" / "components" / "S1_vca_endmember_spectrum.hspy")
    assert found["metadata"]["Signal"]["signal_type"] == "EDS_TEM"
    assert (found["axes"][-1]["units"], found["axes"][-1]["scale"]) == ("keV", pytest.approx(0.01))
    heads, _ = read_table(target / "csv" / "components" / "S1_vca_endmember_spectrum.csv")
    assert heads[0] == "energy (keV)"


# Where it is written


def test_an_export_is_sealed_and_replaces_an_older_one_only(copied):
    target = export_sample("S1", ["tiff"])
    assert target == Path("exports/S1")
    assert verify(target).settings["formats"] == ["tiff"]
    assert export_sample("S1", ["csv"]) == target
    assert not (target / "tiff").exists()
    assert sorted(path.name for path in Path("exports").iterdir()) == ["S1"]
    assert WARNING in (target / "0_README.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda target: target.write_text("mine"), "is a file"),
        (lambda target: (target.mkdir(), (target / "mine.txt").write_text("x")), "no export of eelsunmix"),
        (lambda target: publish(stored(Path.cwd(), "rank"), target), "no export of eelsunmix"),
        (lambda target: target.symlink_to(target.parent / "elsewhere"), "is a link"),
        (lambda target: (export_sample("S1", ["csv"], to=target), (target / "mine.txt").touch()), "mine.txt"),
        (
            lambda target: (
                export_sample("S1", ["csv"], to=target),
                (target / "0_README.txt").write_text("my notes"),
            ),
            "README.txt",
        ),
    ],
    ids=["a file", "a folder", "a store", "a link", "a file added to it", "a file changed in it"],
)
def test_what_is_the_users_is_never_written_over(copied, prepare, said):
    target = copied / "target"
    prepare(target)
    before = sorted((path, path.lstat().st_mtime_ns) for path in copied.rglob("*"))
    with pytest.raises(InputError, match=said) as caught:
        export_sample("S1", ["tiff"], to=target)
    assert len(str(caught.value).splitlines()) == 1
    assert sorted((path, path.lstat().st_mtime_ns) for path in copied.rglob("*")) == before


def test_no_folder_is_called_like_the_home_of_the_user(copied):
    with pytest.raises(InputError, match=r"~/out: ~ is not expanded; write the whole path"):
        export_sample("S1", ["csv"], to="~/out")
    assert not os.path.lexists("~")


def test_an_export_that_fails_leaves_the_older_one(copied, monkeypatch):
    target = export_sample("S1", ["csv"])
    seal = verify(target).seal
    monkeypatch.setattr("eelsunmix.export.exporting.notes", lambda package: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_sample("S1", ["tiff"])
    assert verify(target).seal == seal
    assert [path.name for path in Path("exports").iterdir()] == ["S1"]


def test_an_export_that_cannot_get_its_name_puts_the_older_one_back(copied, monkeypatch):
    target = export_sample("S1", ["csv"])
    seal = verify(target).seal
    moved = folders._moved_aside

    def taken(place):
        (draft,) = place.parent.glob(f".{place.name}.tmp-*")
        aside = moved(place)
        shutil.rmtree(draft)
        return aside

    monkeypatch.setattr(folders, "_moved_aside", taken)
    with pytest.raises(StoreError, match="its draft was deleted meanwhile"):
        export_sample("S1", ["tiff"])
    assert verify(target).seal == seal


def test_an_older_export_that_another_export_takes_away_just_now_is_no_traceback(copied, monkeypatch):
    """Both looked at the older one; the other export was faster to move it aside."""
    export_sample("S1", ["csv"])
    check = folders.check_target
    looked = []

    def faster(target):
        check(target)
        looked.append(target)
        if len(looked) == 3:  # before the work, in the folder, and just before the renames
            shutil.rmtree(target)

    monkeypatch.setattr(folders, "check_target", faster)
    monkeypatch.setattr("eelsunmix.export.exporting.check_target", faster)
    target = export_sample("S1", ["tiff"])
    assert len(looked) == 3
    assert verify(target).settings["formats"] == ["tiff"]
    assert [path.name for path in Path("exports").iterdir()] == ["S1"]


def test_a_damaged_store_is_named_and_nothing_is_exported(copied):
    chunks = (copied / "results/S1/map/nmf.zarr/abundance/c").rglob("*")
    path = next(path for path in chunks if path.is_file())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"map/nmf\.zarr: abundance/.* is damaged"):
        export_sample("S1", FORMATS)
    assert not Path("exports").exists()


def test_stores_of_two_runs_are_not_mixed(copied):
    path = Path("results/S1/raw.zarr")
    store = stored(copied, "raw")
    shutil.rmtree(path)
    publish(store.assign(total_counts=store.total_counts * 2), path)
    with pytest.raises(StoreError, match=r"was made from another results/S1/raw\.zarr"):
        export_sample("S1", FORMATS)


def test_what_an_older_configuration_left_is_not_exported(copied):
    shutil.copytree("results/S1/map/nmf.zarr", "results/S1/map/old.zarr")
    target = export_sample("S1", ["tiff"])
    assert not [path for path in (target / "tiff").rglob("*") if "old" in path.name]


def test_models_of_another_sample_are_found_where_they_lie(copied):
    shutil.copytree("results/S1", "results/S2")
    shutil.rmtree("results/S2/fit")
    comparison = stored(copied, "comparison", name="S2")
    shutil.rmtree("results/S2/comparison.zarr")
    inputs = [
        Path("results/S2") / f"{name}.zarr" for name in ("raw", "corrected", "bs", "map/nmf", "map/vca")
    ]
    inputs += [Path("results/S1/fit/nmf.zarr"), Path("results/S1/fit/vca.zarr")]
    publish(comparison, "results/S2/comparison.zarr", inputs=inputs)
    sample = open_sample("S2")
    assert sample.places["fit/nmf"] == Path("results/S1/fit/nmf.zarr")
    assert {one.label for one in package_of(sample).quantities} == {"", "BS", "nmf", "vca"}


KILLED = """
import os, sys
from eelsunmix.export import exporting
exporting.notes = lambda package: os.kill(os.getpid(), 9)
exporting.export_sample("S1", ["tiff"])
"""


def test_a_killed_export_leaves_the_older_one_and_the_next_cleans_up(copied):
    seal = verify(export_sample("S1", ["csv"])).seal
    killed = subprocess.run([sys.executable, "-c", KILLED], env=ENVIRONMENT)
    assert killed.returncode == -9
    assert verify("exports/S1").seal == seal
    assert len(list(Path("exports").iterdir())) == 2
    export_sample("S1", ["csv"])
    assert [path.name for path in Path("exports").iterdir()] == ["S1"]


STOPPED = """
import os, signal
from eelsunmix.commands import exporting as command
from eelsunmix.export import exporting
exporting.notes = lambda package: os.kill(os.getpid(), signal.SIGTERM)
command.export("S1", ["tiff"], to=None, publication=False)
"""


@pytest.mark.guarantee("G2")
def test_an_export_that_is_stopped_leaves_nothing(copied):
    stopped = subprocess.run([sys.executable, "-c", STOPPED], env=ENVIRONMENT)
    assert stopped.returncode == 128 + signal.SIGTERM
    assert list(Path("exports").iterdir()) == []


KILLED_BETWEEN = """
import os
from eelsunmix.export import exporting, folder
moved = folder._moved_aside
folder._moved_aside = lambda target: (moved(target), os.kill(os.getpid(), 9))
exporting.export_sample("S1", ["tiff"])
"""


def test_a_kill_between_the_two_renames_loses_no_export(copied, monkeypatch):
    """Neither export has its name then; the next one fails, and would have removed both."""
    export_sample("S1", ["csv"])
    killed = subprocess.run([sys.executable, "-c", KILLED_BETWEEN], env=ENVIRONMENT)
    assert killed.returncode == -9
    left = sorted(Path("exports").iterdir())
    assert len(left) == 2
    assert all(path.name.startswith(".S1.tmp-") for path in left)
    monkeypatch.setattr("eelsunmix.export.exporting.notes", lambda package: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_sample("S1", ["csv"])
    assert verify("exports/S1").settings["formats"] == ["tiff"]  # the newer one
    assert [path.name for path in Path("exports").iterdir()] == ["S1"]


def test_what_is_left_of_a_draft_gets_no_name(copied):
    export_sample("S1", ["csv"])
    assert subprocess.run([sys.executable, "-c", KILLED_BETWEEN], env=ENVIRONMENT).returncode == -9
    for draft in Path("exports").iterdir():
        (draft / "0_README.txt").unlink()
    assert export_sample("S1", ["csv"]) == Path("exports/S1")
    assert verify("exports/S1").settings["formats"] == ["csv"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["S1", "--csv", "--to", "home"],
            0,
            r"wrote \d+ files to home; begin with home/0_README.txt",
        ),
        (["S1"], 2, "name at least one of --csv, --hspy, --nexus, --tiff, --publication"),
        (["S2", "--csv"], 2, "results/S2: no finished results of this sample; there are those of S1"),
        (["S1", "--csv", "--to", "results"], 2, "results: holds files that are no export of eelsunmix"),
    ],
    ids=["well", "no format", "no sample", "a folder in use"],
)
def test_the_command_says_in_one_line_how_it_went(copied, monkeypatch, capsys, arguments, code, said):
    monkeypatch.setattr(sys, "argv", ["eelsunmix", "export", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    assert ended.value.code == code
    (line,) = (shown.out + shown.err).splitlines()
    assert re.match(said, line)


def test_stores_of_older_code_are_named_and_exported(copied):
    """As `verify` calls them not in order; nothing was said."""
    fits = [f"results/S1/fit/{name}.zarr" for name in ("nmf", "vca")]
    maps = [one.replace("fit", "map") for one in fits]
    inputs = ["results/S1/raw.zarr", "results/S1/corrected.zarr", "results/S1/bs.zarr", *fits, *maps]
    comparison = xr.open_zarr("results/S1/comparison.zarr").load()
    said = []
    for code in ("0" * 16, code_of("eelsunmix.comparison")):
        shutil.rmtree("results/S1/comparison.zarr")
        publish(comparison, "results/S1/comparison.zarr", inputs=inputs, settings={"code": code})
        found = CliRunner().invoke(eelsunmix, ["export", "S1", "--csv"])
        assert (found.exit_code, found.stdout[:6]) == (0, "wrote ")
        said.append(found.stderr)
    assert said == [
        "results/S1/comparison.zarr: made with another version of the code; exported as they are; "
        "eelsunmix run makes them again\n",
        "",
    ]


FULL = """
import resource, sys
from eelsunmix.errors import InputError
from eelsunmix.export.exporting import export_sample
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for name in sys.argv[1:]:
    try:
        export_sample("S1", [name])
    except InputError as error:
        print(error)
"""


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_nothing(copied):
    """Files may grow no further than a kilobyte: the system itself refuses, as where the disk is full."""
    found = subprocess.run(
        [sys.executable, "-c", FULL, *FORMATS], capture_output=True, text=True, env=ENVIRONMENT
    )
    assert (found.returncode, found.stderr) == (0, "")
    said = "exports/S1: cannot be written, the file is larger than files may be here; "
    assert [line.startswith(said) for line in found.stdout.splitlines()] == [True] * len(FORMATS)
    assert not any(Path("exports").iterdir())


def test_a_folder_without_permission_is_one_line(copied, monkeypatch):
    def refuse(self, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match="exports/S1: cannot be written, no permission"):
        export_sample("S1", ["csv"])


# Formats are found by their files


def test_a_format_is_one_file_and_an_option_of_its_name():
    assert format_names() == list(FORMATS)
    said = CliRunner().invoke(eelsunmix, ["export", "--help"]).output
    for name in FORMATS:
        assert f"--{name}" in said
        assert help_of(name)


def test_two_things_of_one_name_are_refused(measured):
    from eelsunmix.export.package import _check_names

    with pytest.raises(InputError, match="a_nmf_SD: two maps or spectra"):
        _check_names(["a_nmf", "a_nmf_SD"])


def test_kinds_follow_the_dims(measured):
    found = {name: kind_of(array) for name, array in stored(measured, "bs").data_vars.items()}
    assert found["net_counts"] == "map"
    assert found["profile_counts"] == "profile"
    assert found["region_spectrum"] == "spectrum"
    assert found["off_region_mean"] is None
