"""BS of whole images: exact on noise-free ones, honest errors on noisy ones, the same however it is cut."""

import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from eelsunmix import synthetic
from eelsunmix.background import BackgroundOptions, net_counts_of_spectra, subtract_background
from eelsunmix.background.power_law import fit_power_law
from eelsunmix.edges import Edge
from eelsunmix.energy.channels import channel_bounds
from eelsunmix.errors import InputError
from eelsunmix.profile_geometry import sum_profile
from eelsunmix.profiles import Profile, Region

ENERGY = 300.0 + 2.0 * np.arange(150)
EDGE = Edge(element="Ti", onset_eV=400, fit_eV=(320, 390), integrate_eV=(400, 460), reference=True)
LATER = Edge(element="O", onset_eV=520, fit_eV=(470, 492), integrate_eV=(520, 560))
EDGES_HERE = {"Ti_L23": EDGE, "O_K": LATER}
MODES = ("pixel", "local", "global")


@pytest.fixture
def without_axis_check(monkeypatch):
    """Half of the time of a small image, and nothing that its subtraction depends on."""
    unmeasured = SimpleNamespace(measured={}, onsets={}, warnings=[])
    monkeypatch.setattr("eelsunmix.background.image.check_energy_axis", lambda *_, **__: unmeasured)


def power_law(exponent, counts_per_channel):
    """Counts per channel, given those at 400 eV; exponents of shape (...) give (..., channel)."""
    bounds, exponent = channel_bounds(ENERGY) / 400, np.asarray(exponent, dtype=float)[..., None]
    return (
        np.asarray(counts_per_channel)[..., None] * np.diff(bounds ** (1 - exponent)) / (1 - exponent) * 200
    )


def label(counts, dims=("y", "x", "energy_loss"), **attrs):
    coords = {"energy_loss": ("energy_loss", ENERGY, {"units": "eV"})}
    for dim in {"y", "x"} & set(dims):
        size = counts.shape[dims.index(dim)]
        coords[dim] = (dim, 0.5 * np.arange(size), {"units": "nm"})
    return xr.DataArray(counts, dims=dims, coords=coords, name="counts", attrs=attrs)


def expected_image(shape=(7, 5), exponent=3.0, counts_per_channel=200.0):
    thickness = 1 + 0.05 * np.arange(np.prod(shape)).reshape(shape)
    return power_law(np.full(shape, exponent), counts_per_channel * thickness)


def noisy_image(shape=(7, 5), seed=0, **options):
    rng = np.random.default_rng(seed)
    return label(rng.poisson(expected_image(shape, **options)).astype(np.uint16))


def with_edge(spectra, net):
    """Add net counts spread over the 31 channels of the integration window of Ti."""
    inside = (ENERGY >= 400) & (ENERGY <= 460)
    return spectra + np.asarray(net)[..., None] * inside / inside.sum()


@pytest.mark.parametrize("mode", MODES)
def test_noise_free_image_gives_back_its_net_counts(mode):
    net = np.linspace(-50, 300, 35).reshape(7, 5)
    bs = subtract_background(
        label(with_edge(expected_image(), net)), {"Ti_L23": EDGE}, BackgroundOptions(exponent=mode)
    )
    # The window sums are float32: 1e-7 of some 10 000 counts.
    np.testing.assert_allclose(bs.net_counts[0], net, atol=5e-3)
    np.testing.assert_allclose(bs.exponent[0], 3.0, rtol=1e-4)
    np.testing.assert_allclose(bs.snr, bs.net_counts / bs.net_counts_sd, rtol=1e-5)


def test_result_follows_the_data_model():
    image = noisy_image()
    bs = subtract_background(image, EDGES_HERE, profiles={"across": Profile(along="x", width_nm=1.0)})
    for name in ("net_counts", "net_counts_sd", "snr", "background_counts", "exponent", "reduced_chi2"):
        assert bs[name].dims == ("edge", "y", "x")
    assert bs.profile_counts.dims == bs.profile_counts_sd.dims == ("edge", "profile", "position")
    assert bs.region_spectrum.dims == bs.region_background.dims == ("edge", "region", "energy_loss")
    assert bs.off_region_mean.dims == ("edge",)
    assert np.isnan(bs.off_region_mean).all()
    assert list(bs.region.values) == ["low", "middle", "high"]
    assert bs.attrs["edges"]["Ti_L23"]["fit_eV"] == [320.0, 390.0]
    assert bs.attrs["profiles"]["across"]["pixels"] == [0, 2]
    assert bs.attrs["profiles"]["across"]["width_nm"] == pytest.approx(1.0)
    assert bs.attrs["exponent_from"] == "local"
    assert bs.y.attrs["units"] == bs.x.attrs["units"] == "nm"
    assert all(variable.attrs.get("units") for variable in bs.data_vars.values())


@pytest.mark.parametrize("mode", MODES)
def test_lazy_equals_eager_and_blocks_do_not_matter(mode, monkeypatch):
    options = {
        "profiles": {"all": Profile(along="y")},
        "regions": {"top": Region(y_nm=(0, 1), without=("Ti",))},
    }
    image = noisy_image()
    image = image.assign_coords(valid_pixel=(("y", "x"), np.arange(35).reshape(7, 5) % 8 != 3))
    expected = subtract_background(image, EDGES_HERE, BackgroundOptions(exponent=mode), **options)
    lazy = image.chunk({"y": 2, "x": 3})
    xr.testing.assert_identical(
        subtract_background(lazy, EDGES_HERE, BackgroundOptions(exponent=mode), **options), expected
    )
    monkeypatch.setattr("eelsunmix.execution.blocks.BLOCK_ELEMENTS", 3 * 150)
    for cut in (image, lazy):
        found = subtract_background(cut, EDGES_HERE, BackgroundOptions(exponent=mode), **options)
        xr.testing.assert_identical(found, expected)


def test_axis_order_does_not_matter():
    image = noisy_image()
    profiles = {"x": Profile(along="x", pixels=(1, 3)), "y": Profile(along="y")}
    expected = subtract_background(image, EDGES_HERE, profiles=profiles)
    found = subtract_background(image.transpose("x", "y", "energy_loss"), EDGES_HERE, profiles=profiles)
    # Smoothing along x before y rounds differently from y before x.
    xr.testing.assert_allclose(found.net_counts.transpose("edge", "y", "x"), expected.net_counts, rtol=1e-5)
    xr.testing.assert_allclose(found.profile_counts, expected.profile_counts, rtol=1e-6)


@pytest.mark.parametrize("mode", ["pixel", "local"])
def test_frames_are_independent(mode):
    frames = [noisy_image(seed=seed, exponent=2.0 + seed) for seed in range(3)]
    series = xr.concat(frames, dim="frame").transpose("frame", "y", "x", "energy_loss")
    profiles = {"rows": Profile(along="y", pixels=(1, 4))}
    bs = subtract_background(series, EDGES_HERE, BackgroundOptions(exponent=mode), profiles=profiles)
    assert bs.net_counts.dims == ("edge", "frame", "y", "x")
    assert bs.profile_counts.dims == ("edge", "profile", "frame", "position")
    for index, frame in enumerate(frames):
        single = subtract_background(frame, EDGES_HERE, BackgroundOptions(exponent=mode), profiles=profiles)
        for name in ("net_counts", "net_counts_sd", "exponent", "profile_counts"):
            np.testing.assert_array_equal(bs[name].isel(frame=index), single[name])


@pytest.mark.guarantee(6)
@pytest.mark.parametrize("mode", MODES)
def test_invalid_pixels_are_nan_and_touch_no_other(mode):
    image = noisy_image()
    valid = np.ones((7, 5), dtype=bool)
    valid[2, 3] = valid[6, 0] = False
    zeroed = image.where(xr.DataArray(valid, dims=("y", "x")), 0).assign_coords(
        valid_pixel=(("y", "x"), valid)
    )
    other = zeroed.copy()
    other[2, 3] = 60000
    options = BackgroundOptions(exponent=mode)
    first, second = (subtract_background(i, EDGES_HERE, options) for i in (zeroed, other))
    xr.testing.assert_identical(first, second)
    for name in ("net_counts", "net_counts_sd", "snr", "background_counts", "exponent", "reduced_chi2"):
        np.testing.assert_array_equal(np.isnan(first[name]), ~np.broadcast_to(valid, (2, 7, 5)))


def test_nan_in_the_data_makes_the_pixel_invalid():
    image = noisy_image().astype(float)
    image[4, 1, 30] = np.nan
    bs = subtract_background(image, {"Ti_L23": EDGE})
    assert np.isnan(bs.net_counts).sum() == 1
    assert np.isnan(bs.net_counts[0, 4, 1])
    assert np.isfinite(bs.region_spectrum).all()


@pytest.mark.parametrize("mode", MODES)
def test_low_negative_and_empty_pixels_do_not_fail(mode):
    counts = noisy_image(counts_per_channel=0.5).to_numpy() + np.random.default_rng(1).normal(
        0, 0.3, (7, 5, 150)
    )
    counts[0, 0] = 0
    counts[1, 1] -= 2
    bs = subtract_background(label(counts), {"Ti_L23": EDGE}, BackgroundOptions(exponent=mode))
    assert np.isfinite(bs.net_counts).all()
    assert (bs.net_counts_sd > 0).all()
    assert bs.net_counts.min() < 0
    if mode == "pixel":
        assert bs.attrs["flags"]["Ti_L23"]["exponent_not_fitted"] >= 2


def test_image_without_counts_has_no_background():
    bs = subtract_background(label(np.zeros((3, 4, 150))), {"Ti_L23": EDGE})
    assert (bs.background_counts == 0).all()
    assert np.isnan(bs.exponent).all()


@pytest.mark.usefixtures("without_axis_check")
@pytest.mark.parametrize(
    ("mode", "counts_per_electron"), [("pixel", 1.0), ("pixel", 5.0), ("local", 5.0), ("global", 5.0)]
)
def test_standard_deviations_are_those_of_repeated_images(mode, counts_per_electron):
    rng = np.random.default_rng(11)
    expected = expected_image((11, 13), counts_per_channel=100.0)
    series = counts_per_electron * rng.poisson(expected / counts_per_electron, size=(60, *expected.shape))
    image = label(series, ("frame", "y", "x", "energy_loss"), counts_per_electron=counts_per_electron)
    options = BackgroundOptions(exponent=mode, local_sigma_px=1.5)
    profiles = {"band": Profile(along="x", pixels=(2, 5))}
    names = ["net_counts", "net_counts_sd", "profile_counts", "profile_counts_sd"]
    if mode == "global":  # one exponent for all frames would not vary from frame to frame
        parts = [subtract_background(f, {"Ti_L23": EDGE}, options, profiles=profiles) for f in image]
        bs = xr.concat([part[names] for part in parts], "frame")
    else:
        bs = subtract_background(image, {"Ti_L23": EDGE}, options, profiles=profiles)
    for name in ("net_counts", "profile_counts"):
        predicted = np.sqrt((bs[f"{name}_sd"] ** 2).mean("frame"))
        ratio = np.sqrt((bs[name].var("frame") / predicted**2).mean())
        # 143 (13) places of 60 values each: the ratio is known to 1 % (3 % for the profile, or more where
        # neighbours share exponents); the rest is linear propagation.
        assert float(ratio) == pytest.approx(1, abs=0.04 if name == "net_counts" else 0.10)


@pytest.mark.usefixtures("without_axis_check")
@pytest.mark.parametrize("mode", MODES)
def test_off_region_mean_of_a_pure_background_is_zero_within_its_error(mode):
    region = {"out": Region(x_nm=(0, 2.6), without=("Ti", "Zr"))}
    options = BackgroundOptions(exponent=mode)
    scores = []
    for seed in range(40):
        bs = subtract_background(noisy_image((9, 12), seed=seed), EDGES_HERE, options, regions=region)
        scores.append(float(bs.off_region_mean[0] / bs.off_region_sd[0]))
    assert np.isnan(bs.off_region_mean[1])
    strange, unused = bs.attrs["warnings"]
    assert unused == "regions.out.without: Zr has no edge in the configuration"
    assert "Ti has no edge within 40 eV of 400 eV" in strange  # where the edge of these tests is put
    # 40 standard scores: their mean within 4 / sqrt(40), their sd within 4 / sqrt(80) below the bound: a
    # local exponent borrows from beyond the region, which makes the stated error an upper bound.
    assert abs(np.mean(scores)) < 0.63
    assert 0.4 < np.std(scores) < 1.45


def test_off_region_test_sees_a_wrong_background():
    image = label(with_edge(expected_image(), np.full((7, 5), -300.0)))
    bs = subtract_background(image, {"Ti_L23": EDGE}, regions={"all": Region(without=("Ti",))})
    assert float(bs.off_region_mean[0]) == pytest.approx(-300, abs=0.01)
    assert bs.off_region_mean[0] / bs.off_region_sd[0] < -3


def test_local_exponent_is_far_less_noisy():
    image = noisy_image((20, 17))
    options = [BackgroundOptions(exponent=mode) for mode in MODES]
    pixel, local, uniform = (subtract_background(image, {"Ti_L23": EDGE}, o).exponent.std() for o in options)
    assert uniform < 1e-6
    assert local < 0.3 * pixel


def test_profile_is_the_fit_of_the_summed_spectra():
    image = noisy_image((8, 6))
    profile = Profile(along="x", start_nm=1.0, width_nm=1.5)
    bs = subtract_background(
        image, {"Ti_L23": EDGE}, BackgroundOptions(exponent="pixel"), profiles={"P": profile}
    )
    summed = image.to_numpy()[2:5].sum(axis=0)
    expected = net_counts_of_spectra(summed, ENERGY, {"Ti_L23": EDGE})[:, 0]
    np.testing.assert_allclose(bs.profile_counts[0, 0], expected, rtol=1e-5)
    np.testing.assert_allclose(bs.profile_position[0], 0.5 * np.arange(6))
    uniform = subtract_background(
        image, {"Ti_L23": EDGE}, BackgroundOptions(exponent="global"), profiles={"P": profile}
    )
    # With one exponent BS is linear: the profile of the sums is the sum of the map.
    np.testing.assert_allclose(
        uniform.profile_counts[0, 0], sum_profile(uniform.net_counts[0], profile), rtol=1e-3, atol=0.1
    )


def test_profiles_of_unequal_length_end_in_nan():
    profiles = {"x": Profile(along="x"), "y": Profile(along="y")}
    bs = subtract_background(noisy_image(), {"Ti_L23": EDGE}, profiles=profiles)
    assert bs.sizes["position"] == 7
    np.testing.assert_array_equal(np.isfinite(bs.profile_counts[0]).sum("position"), [5, 7])
    np.testing.assert_array_equal(np.isfinite(bs.profile_position).sum("position"), [5, 7])


def test_region_spectra_are_the_thirds_by_net_counts():
    net = np.random.default_rng(8).permutation(36).reshape(9, 4) * 100.0
    counts = with_edge(expected_image((9, 4)), net)
    bs = subtract_background(label(counts), {"Ti_L23": EDGE})
    for index, third in enumerate((net < 1200, (net >= 1200) & (net < 2400), net >= 2400)):
        np.testing.assert_allclose(bs.region_spectrum[0, index], counts[third].mean(axis=0))
        background = expected_image((9, 4))[third].mean(axis=0)
        covered = (ENERGY >= 320) & (ENERGY <= 460)
        np.testing.assert_allclose(bs.region_background[0, index, covered], background[covered], rtol=1e-6)
        assert np.isnan(bs.region_background[0, index, ~covered]).all()


def test_no_edges_give_an_empty_result():
    bs = subtract_background(noisy_image(), {}, profiles={"x": Profile(along="x")})
    assert bs.sizes["edge"] == 0
    assert bs.net_counts.dims == ("edge", "y", "x")
    assert bs.attrs["edges"] == {}


def test_image_without_calibration_has_profiles_in_pixels():
    bare = noisy_image().drop_vars(["x", "y"])
    bs = subtract_background(bare, EDGES_HERE, profiles={"P": Profile(along="y", pixels=(1, 3))})
    assert bs.profile_position.attrs["units"] == "px"
    np.testing.assert_array_equal(bs.profile_position[0], np.arange(7))
    assert bs.attrs["profiles"]["P"]["width_nm"] is None


def test_keV_axis_gives_the_same_counts():  # noqa: N802
    image = noisy_image()
    kilo = image.rename(energy_loss="energy")
    kilo = kilo.assign_coords(energy=("energy", ENERGY / 1000, {"units": "keV"}))
    expected, found = (subtract_background(i, EDGES_HERE) for i in (image, kilo))
    np.testing.assert_allclose(found.net_counts, expected.net_counts, rtol=1e-5)
    assert found.region_spectrum.dims == ("edge", "region", "energy")


@pytest.mark.guarantee(10)
def test_mistakes_name_their_key():
    image = noisy_image()
    with pytest.raises(InputError, match=r"edges\.Mn\.integrate_eV: window 590-640 eV"):
        subtract_background(
            image, {"Mn": Edge(element="Mn", onset_eV=590, fit_eV=(540, 585), integrate_eV=(590, 640))}
        )
    with pytest.raises(InputError, match=r"profiles\.P: y pixels 5 to 8"):
        subtract_background(image, {}, profiles={"P": Profile(along="x", pixels=(5, 9))})
    with pytest.raises(InputError, match=r"regions\.out\.x_nm: no pixel"):
        subtract_background(image, EDGES_HERE, regions={"out": Region(x_nm=(7, 8), without=("Ti",))})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "exponential"}, "model is not an option"),
        ({"exponent": "rows"}, "exponent needs pixel, local or global"),
        ({"local_sigma_px": 0}, "local_sigma_px needs a number above 0"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        BackgroundOptions(**options)


def test_net_counts_of_spectra_are_those_of_pixels():
    # So many counts that no exponent is implausible: a pixel keeps such a one, an endmember does not.
    image = noisy_image((2, 3), counts_per_channel=5000.0)
    bs = subtract_background(image, EDGES_HERE, BackgroundOptions(exponent="pixel"))
    spectra = image.to_numpy().reshape(6, 150)
    np.testing.assert_allclose(
        net_counts_of_spectra(spectra, image.energy_loss, EDGES_HERE).T.reshape(2, 2, 3),
        bs.net_counts,
        rtol=1e-3,
        atol=0.05,
    )


def test_window_sums_lose_little_against_all_channels():
    image = noisy_image((6, 5))
    inside = (ENERGY >= 320) & (ENERGY <= 390)
    bounds = channel_bounds(ENERGY)[np.argmax(inside) : np.argmax(inside) + inside.sum() + 1]
    all_channels = fit_power_law(image.to_numpy().reshape(30, 150)[:, inside], bounds)
    bs = subtract_background(image, {"Ti_L23": EDGE}, BackgroundOptions(exponent="pixel"))
    difference = bs.exponent.to_numpy().ravel() - all_channels.exponent
    assert np.std(difference) < 0.15 * np.sqrt(all_channels.exponent_variance.mean())


def real_image():
    folder = Path(os.environ.get("EELSUNMIX_DATA", Path(__file__).parents[2] / "shared" / "data"))
    path = folder / "STO-LMO_EELS_SI.dm3"
    if not path.exists():
        pytest.skip(f"{path} is not there; set EELSUNMIX_DATA to the folder with the example data")
    from rsciio.digitalmicrograph import file_reader

    (signal,) = [signal for signal in file_reader(str(path)) if signal["data"].ndim == 3]
    axis = signal["axes"][0]
    energy = axis["offset"] + axis["scale"] * np.arange(axis["size"])
    coords = {"energy_loss": ("energy_loss", energy, {"units": axis["units"]})}
    counts = np.moveaxis(signal["data"], 0, -1)
    return xr.DataArray(
        counts, dims=("y", "x", "energy_loss"), coords=coords, attrs={"counts_per_electron": 30.0}
    )


@pytest.mark.parametrize("mode", MODES)
def test_real_layer_has_manganese_and_lanthanum_where_titanium_is_not(mode):
    windows = {
        "Ti_L23": (456, (405, 450), (453, 486)),
        "O_K": (527, (490, 521), (524, 564)),
        "Mn_L23": (632, (570, 628), (630, 660)),
        "La_M45": (832, (770, 822), (828, 858)),
    }
    bs = subtract_background(
        real_image(),
        {
            name: {"onset_eV": onset, "fit_eV": fit, "integrate_eV": integrate}
            for name, (onset, fit, integrate) in windows.items()
        },
        BackgroundOptions(exponent=mode),
        profiles={"rows": Profile(along="y")},
    )
    r = np.corrcoef(bs.profile_counts[:, 0])
    assert r[0, 2] == pytest.approx(-0.8, abs=0.1)  # Ti against Mn
    assert r[2, 3] == pytest.approx(0.77, abs=0.1)  # Mn against La
    assert (bs.reduced_chi2.median(("y", "x")) < 2).all()


def test_plain_mappings_do_as_well():
    plain = {"onset_eV": 400, "fit_eV": [320, 390], "integrate_eV": [400, 460], "reference": True}
    found = subtract_background(noisy_image(), {"Ti_L23": plain}, profiles={"all": {"along": "y"}})
    expected = subtract_background(noisy_image(), {"Ti_L23": EDGE}, profiles={"all": Profile(along="y")})
    assert found.identical(expected)


def test_neighbours_are_those_of_all_dims_of_pixels_whatever_their_names():
    scene = synthetic.multilayer(shape=(9, 20), pixel_nm=0.4, counts=300.0, n_channels=150)
    image, edges = scene.spectrum_image, {"Ru_M23": scene.edges["Ru_M23"]}
    named = subtract_background(image, edges)
    plain = image.drop_vars(["y", "x"], errors="ignore").rename(y="row", x="column")
    np.testing.assert_array_equal(subtract_background(plain, edges).net_counts_sd, named.net_counts_sd)
