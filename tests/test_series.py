"""A series from a microscope's file to the page: tilt kept, odd frames named, the truth recovered."""

import functools
import re

import numpy as np
import pytest
import xarray as xr

from eelsunmix import apply, fit
from eelsunmix.background import subtract_background
from eelsunmix.comparison import compare
from eelsunmix.corrections import AlignOptions, Corrections, correct_image
from eelsunmix.corrections.frames import frame_warnings
from eelsunmix.corrections.frames.dose import frames_beside_the_dose
from eelsunmix.corrections.frames.energy import energy_shifts
from eelsunmix.edges import Edge
from eelsunmix.errors import InputError
from eelsunmix.inputs import learning_image, mapped_image
from eelsunmix.io import AxesOptions, EnergyAxis, import_image
from eelsunmix.io.axes import FrameAxis
from eelsunmix.mapping.timing import mapping_time
from eelsunmix.metrics import match
from eelsunmix.pca import denoise
from eelsunmix.rank import ComponentOptions, estimate_endmembers
from eelsunmix.report import write_report
from planted_chain import Sample, hspy_writer

SHAPE = (5, 14, 11, 90)
ENERGY = 400 + 4.0 * np.arange(SHAPE[-1])
TILT = np.array([-40.0, -20.0, 0.0, 20.0, 40.0])
DARK, OFF_IN_ENERGY, OFF_IN_PLACE = 1, 3, 4
SHIFT_EV, SHIFT_PIXELS = 6.0, 3
EDGES = {
    "Ti_L23": Edge(element="Ti", onset_eV=456, fit_eV=(405, 445), integrate_eV=(456, 500)),
    "Mn_L23": Edge(element="Mn", onset_eV=640, fit_eV=(590, 625), integrate_eV=(640, 700)),
}
PROFILES = {"down": {"along": "y"}}


def spectra(shift=0.0):
    """Counts of three materials, shape (material, channel)."""
    energy = ENERGY - shift
    found = []
    for onset, level, slope, jump in ((456, 60, 2.6, 40), (532, 50, 3.1, 40), (640, 55, 2.9, 30)):
        rise = 0.5 * (1 + np.tanh((energy - onset) / 6)) * (energy / onset) ** -3
        white = 1 + 1.5 * np.exp(-(((energy - onset - 8) / 10) ** 2))
        found.append(level * (energy / 400) ** -slope + jump * rise * white)
    return np.array(found)


def shares(frame):
    """Abundances of a frame, shape (y, x, material): a band that widens with the tilt, and a step."""
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    y = y - SHIFT_PIXELS * (frame == OFF_IN_PLACE)
    parts = np.exp(-(((y - 3) / (2 + 0.1 * frame)) ** 2)), 1 / (1 + np.exp((x - 5) / 0.8)), 0.3 + 0 * x
    return np.stack(parts, axis=-1) / sum(parts)[..., None]


TRUTH = np.array([shares(frame) for frame in range(SHAPE[0])])


@functools.cache
def counts():
    rng = np.random.default_rng(7)
    frames = []
    for frame, truth in enumerate(TRUTH):
        dose = 40 * (0.5 if frame == DARK else 1.0)
        shift = SHIFT_EV if frame == OFF_IN_ENERGY else 0.0
        frames.append(rng.poisson(dose * truth @ spectra(shift)))
    return np.array(frames, dtype=np.uint16)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """The series as HyperSpy stores it: a navigation axis of the tilt."""
    energy = {"units": "eV", "offset": ENERGY[0], "scale": 4.0}
    tilt = {"units": "deg", "offset": TILT[0], "scale": 20.0}
    write = hspy_writer(energy, dims=("tilt", "y", "x"), own={"tilt": tilt})
    path = write(tmp_path_factory.mktemp("series") / "tilt", Sample(counts=counts(), axes=None))
    return import_image(path)


def results(counts, options=None):
    """Every stage, with one method."""
    stores = {"corrected": correct_image(counts, options, edges=EDGES)}
    image = stores["corrected"].counts
    stores["pca"] = denoise(image)
    stores["rank"] = estimate_endmembers(image, stores["pca"], ComponentOptions(n=3))
    learned = learning_image("corrected", image, stores["pca"], stores["rank"])
    model = fit(learned, "nmf", n_endmembers=3, pca=stores["pca"], counts=image)
    mapped = mapped_image("corrected", image, stores["pca"], stores["rank"])
    found = apply(model, mapped, counts=image).assign_attrs(mapping_time(model, mapped))
    stores["bs"] = subtract_background(image, EDGES, profiles=PROFILES)
    fits, maps = {"nmf": model.assign_attrs(method="nmf")}, {"nmf": found.assign_attrs(method="nmf")}
    stores["comparison"] = compare(image, stores["bs"], fits, maps, edges=EDGES, profiles=PROFILES)
    return stores, fits, maps


ALIGNED = Corrections(
    align=AlignOptions(enabled=True, by="frame", window_eV=(430.0, 680.0), max_shift_eV=12.0)
)


@pytest.fixture(scope="module")
def unmixed(raw):
    return results(raw.counts, ALIGNED)


def test_the_tilt_is_kept_in_every_store(raw, unmixed):
    stores, _, maps = unmixed
    for name, store in {"raw": raw, **stores, **maps}.items():
        np.testing.assert_array_equal(store["frame"], TILT, err_msg=name)
        assert store["frame"].attrs == {"units": "deg", "long_name": "tilt"}, name


def test_odd_frames_are_named_with_what_is_odd_about_them(raw):
    corrected = correct_image(raw.counts)
    said = " ".join(corrected.attrs["warnings"])
    assert re.search(r"1 frame with fewer counts .*: frame 2 \(tilt -20 deg\) has (49|50|51) %", said)
    assert re.search(r"energy axis of 1 frame is shifted .*: frame 4 \(tilt 20 deg\) by \+[56]\.\d* eV", said)
    assert re.search(r"shifted in 1 frame .*: frame 5 \(tilt 40 deg\) by \+1\.[12]\d* nm along y", said)
    others = np.delete(corrected.frame_energy_shift.to_numpy(), OFF_IN_ENERGY)
    assert np.abs(others).max() < 0.25 * 4.0
    mean = counts()[2].reshape(-1, SHAPE[-1]).mean(axis=0)
    np.testing.assert_allclose(corrected.frame_spectrum[2], mean)
    np.testing.assert_array_equal(corrected.total_counts, corrected.counts.sum("energy_loss"))


def test_frames_that_only_show_something_else_are_not_named():
    """The sample turns, thickens as 1 / cos, and has other materials in other frames; the dose decays."""
    rng = np.random.default_rng(5)
    shares = np.linspace([0.7, 0.2, 0.1], [0.1, 0.5, 0.4], 9)
    dose = 40 / np.cos(np.radians(np.linspace(-60, 60, 9))) * np.linspace(1, 0.6, 9)
    y, x = np.mgrid[:13, :17]
    texture = 1 + 0.5 * np.sin(x / 2.0) * np.cos(y / 1.7)
    expected = dose[:, None, None, None] * texture[..., None] * (shares @ spectra())[:, None, None]
    image = xr.DataArray(
        rng.poisson(expected),
        dims=("frame", "y", "x", "energy_loss"),
        coords={"y": np.arange(13.0), "x": np.arange(17.0), "energy_loss": ENERGY},
    )
    assert not [text for text in correct_image(image).attrs["warnings"] if " frame" in text]


def test_aligning_by_frame_takes_the_shift_out_and_the_truth_comes_back(unmixed):
    stores, fits, maps = unmixed
    shift = stores["corrected"].energy_shift.isel(y=0, x=0).to_numpy()
    assert shift[OFF_IN_ENERGY] - np.delete(shift, OFF_IN_ENERGY).mean() == pytest.approx(-SHIFT_EV, abs=0.4)
    assert "energy axis" not in " ".join(stores["corrected"].attrs["warnings"])
    found = maps["nmf"].abundance.to_numpy()
    on_axis = stores["corrected"].energy_loss.to_numpy()
    true = np.array([np.interp(on_axis, ENERGY, spectrum) for spectrum in spectra()])
    order = match(true, fits["nmf"].endmember_spectrum.to_numpy())
    error = found[..., order] / found[..., order].sum(-1, keepdims=True) - TRUTH
    by_frame = np.sqrt((error**2).mean(axis=(1, 2, 3)))
    assert by_frame.max() < 0.1, by_frame
    assert by_frame[DARK] < 1.5 * np.median(by_frame), "half the dose changes no shares"


def test_frames_in_another_order_give_the_same_results_in_that_order(raw, unmixed):
    order = [3, 0, 4, 2, 1]
    stores, _, maps = results(raw.counts.isel(frame=order), ALIGNED)
    for name, before, after in (
        ("net_counts", unmixed[0]["bs"], stores["bs"]),
        ("abundance", unmixed[2]["nmf"], maps["nmf"]),
        ("element_profile", unmixed[0]["comparison"], stores["comparison"]),
    ):
        expected = before[name].isel(frame=order)
        np.testing.assert_array_equal(after["frame"], expected["frame"])
        size = float(np.abs(expected).max())
        np.testing.assert_allclose(after[name], expected, atol=1e-3 * size, err_msg=name)


def test_the_page_shows_doses_and_shifts_frame_by_frame(raw, unmixed, tmp_path):
    stores, fits, maps = unmixed
    path = write_report(tmp_path / "a.html", sample="a", stores={"raw": raw, **stores}, fits=fits, maps=maps)
    text = re.sub(r"<[^>]*>", " ", path.read_text(encoding="utf-8"))
    assert re.search(r"2 of 5 \(tilt −20 deg\)\s+(49|50|51)\.\d %", text)
    assert re.search(r"Frame 3 of 5 \(tilt 0 deg\) is shown", text)
    assert not re.search(r"tilt -\d|not known\s+-\d|\s-\d\.\d\d\s", text), "a minus is no hyphen"


def test_the_tilt_of_a_bare_array_is_written_in_the_configuration(tmp_path):
    np.save(tmp_path / "a.npy", counts())
    energy = EnergyAxis(offset_eV=400.0, dispersion_eV=4.0)
    axes = AxesOptions(dims=("frame", "y", "x", "energy_loss"), energy=energy, pixel_nm=0.5)
    tilt = FrameAxis(values=tuple(TILT), unit="deg", quantity="tilt")
    raw = import_image(tmp_path / "a.npy", axes=axes.model_copy(update={"frame": tilt}))
    np.testing.assert_array_equal(raw.frame, TILT)
    assert raw.frame.attrs == {"units": "deg", "long_name": "tilt"}
    short = tilt.model_copy(update={"values": (1.0, 2.0)})
    with pytest.raises(InputError, match=r"axes\.frame\.values has 2 numbers for 5 frames"):
        import_image(tmp_path / "a.npy", axes=axes.model_copy(update={"frame": short}))


@pytest.mark.parametrize("n_frames", [4, 9, 33])
def test_half_the_dose_is_seen_wherever_it_is(n_frames):
    decay = np.exp(-0.02 * np.arange(n_frames))
    assert not np.any(frames_beside_the_dose(decay))
    for frame in range(n_frames):
        dark, bright = frames_beside_the_dose(np.where(np.arange(n_frames) == frame, 0.5, 1) * decay)
        assert np.flatnonzero(dark).tolist() == [frame]
        assert not bright.any()


def sums(shifts, *, level=26_000.0, edge=0.08, seed=0):
    """Summed counts of frames that differ by the shift of their edge, shape (frame, channel), in eV of 1."""
    place = CHANNELS - np.asarray(shifts, dtype=float)[:, None]
    white = 1 + np.exp(-(((place - 584) / 3) ** 2))
    expected = (place / 400) ** -2.8 + edge * 0.5 * (1 + np.tanh((place - 580) / 1.5)) * white
    return np.random.default_rng(seed).poisson(level * expected).astype(float)


CHANNELS = 400.0 + np.arange(512)


@pytest.mark.parametrize(
    ("level", "edge"), [(2000.0, 0.0), (2e5, 0.0), (3.0, 0.1), (20.0, 0.1), (200.0, 0.05)]
)
@pytest.mark.parametrize("seed", range(2))
def test_no_shift_is_made_up_where_nothing_tells_it(level, edge, seed):
    found = energy_shifts(sums(np.zeros(10), level=level, edge=edge, seed=seed), 1.0, CHANNELS)
    assert not np.any(np.abs(found) >= 1), found
    assert np.isnan(found).mean() > 0.5, "nor is it known that there is none"


@pytest.mark.parametrize(
    "shifts",
    [
        [0, 0, 4, 4, 4],
        [0, 0, 0, 4, 4],
        [0, 0, 4, 4],
        [0, 0, 8, 0, 0],
        [0, 4],
        np.arange(10),
        0.3 * np.arange(7),
    ],
    ids=str,
)
def test_shifts_are_found_however_many_frames_have_them(shifts):
    found = energy_shifts(sums(shifts), 1.0, CHANNELS)
    np.testing.assert_allclose(found, shifts - np.median(shifts), atol=0.25)


@pytest.mark.parametrize("sign", [0, -1])
def test_frames_without_counts_have_no_shift_and_change_that_of_no_other(sign):
    counts = sums([0, 4, 0, 0, 0, 0])
    counts[[0, 4, 5]] *= sign
    found = energy_shifts(counts, 1.0, CHANNELS)
    assert np.isnan(found[[0, 4, 5]]).all()
    np.testing.assert_array_equal(found[1:4], energy_shifts(counts[1:4], 1.0, CHANNELS))
    assert np.isnan(energy_shifts(counts[:2], 1.0, CHANNELS)).all(), "nothing to compare with"


def test_frames_of_another_thickness_are_not_shifted_where_the_peak_at_zero_stays():
    energy = -10 + 0.2 * np.arange(512)
    thickness = np.random.default_rng(1).uniform(0.2, 1.5, 7)[:, None]
    zero, one = np.exp(-0.5 * (energy / 0.4) ** 2), np.exp(-0.5 * ((energy - 16) / 3) ** 2) / 20
    two = np.exp(-0.5 * ((energy - 32) / 4.3) ** 2) / 20
    expected = 2e6 * np.exp(-thickness) * (zero + thickness * one + thickness**2 / 2 * two + 1e-6)
    found = energy_shifts(np.random.default_rng(2).poisson(expected).astype(float), 1.0, energy)
    assert np.abs(found).max() < 0.1


def test_frames_of_lines_are_no_series_that_is_compared():
    lines = xr.DataArray(counts()[:, 0], dims=("frame", "x", "energy_loss"), coords={"energy_loss": ENERGY})
    assert "frame_spectrum" not in correct_image(lines)


def test_an_invalid_pixel_without_a_number_has_no_counts_in_a_series_as_in_an_image():
    values = np.random.default_rng(0).poisson(50, (3, 6, 5, 40)).astype(float)
    values[:, 1, 2] = np.nan
    series = xr.DataArray(
        values, dims=("frame", "y", "x", "energy_loss"), coords={"energy_loss": ENERGY[:40]}
    )
    series = series.assign_coords(valid_pixel=series.notnull().all("energy_loss"))
    for image in (series, series[0]):
        total = correct_image(image).total_counts
        assert np.all(total[..., 1, 2] == 0)
        assert np.all(np.delete(total.to_numpy().reshape(-1, 30), 7, axis=1) > 0)


def said_of(doses):
    """Warnings about frames of so many counts."""
    image = xr.DataArray(np.zeros((len(doses), 2, 3, 4)), dims=("frame", "y", "x", "energy_loss"))
    none = xr.DataArray(np.full(len(doses), np.nan), dims="frame", attrs={"units": "px"})
    spectrum = xr.DataArray(np.outer(doses, np.full(4, 0.25)), dims=("frame", "energy_loss"))
    shifts = dict.fromkeys(("frame_energy_shift", "frame_shift_y", "frame_shift_x"), none)
    return frame_warnings(xr.Dataset({"frame_spectrum": spectrum, **shifts}), image)


def test_empty_frames_are_named_and_hide_no_dark_one():
    (empty,) = said_of([0.0, 0, 10, 0, 0])
    assert empty.startswith("4 frames without counts: frame 1, frame 2, frame 4, frame 5.")
    empty, dark = said_of([10.0, 10, 0, 4, 10, 10, 10])
    assert empty.startswith("1 frame without counts: frame 3.")
    assert dark.startswith("1 frame with fewer counts than those beside: frame 4 has 40 %")


@pytest.mark.parametrize(("dose", "which"), [(0.75, "fewer"), (0.78, ""), (1.28, ""), (1.32, "more")])
def test_frames_are_named_from_a_factor_of_1_3_on(dose, which):
    said = said_of([1.0, 1.0, 1.0, dose, 1.0, 1.0, 1.0])
    assert [text for text in said if f"with {which} counts" in text] == said
    assert len(said) == bool(which)
