"""Scenes: what they promise of their truth, their noise and their layout."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix import synthetic
from eelsunmix.background import subtract_background
from eelsunmix.background.window_check import check_windows
from eelsunmix.errors import InputError
from eelsunmix.storage import check_layout
from eelsunmix.synthetic.chequer import mixed_blocks
from eelsunmix.synthetic.scene import count_electrons

SMALL = {"shape": (9, 40), "pixel_nm": 0.2}


@pytest.fixture(params=["ru3", "k4", "linear", "thickness", "realistic"])
def scene(request):
    if request.param in ("ru3", "k4"):
        return synthetic.chequerboard(endmembers=request.param, size=(18, 26), block=5, filter_size=3, seed=4)
    return synthetic.multilayer(**SMALL, level=request.param, seed=4)


def test_layout_is_that_of_the_data_model(scene):
    image = scene.spectrum_image
    assert image.dims == ("y", "x", "energy_loss")
    assert image.dtype == np.uint16
    assert image.attrs["counts_per_electron"] == 1
    assert image.valid_pixel.all()
    assert [image[dim].attrs["units"] for dim in image.dims] == ["nm", "nm", "eV"]
    assert scene.abundance.dims == ("y", "x", "endmember")
    assert scene.expected_counts.shape == image.shape
    np.testing.assert_allclose(scene.abundance.sum("endmember"), 1, rtol=1e-12)
    assert float(scene.abundance.min()) >= 0


def test_dataset_has_the_content_of_raw(scene):
    raw = scene.to_dataset()
    assert raw.true_endmember_spectrum.dims == ("true_endmember", "energy_loss")
    assert raw.true_abundance.dims == ("y", "x", "true_endmember")
    assert raw.attrs["source"]["scene"] == scene.name
    assert raw.attrs["source"]["options"] == scene.options
    assert raw.attrs["counts_check"]["counts_per_electron"] == 1
    np.testing.assert_array_equal(raw.total_counts, raw.counts.sum("energy_loss"))
    np.testing.assert_allclose(raw.mean_spectrum, raw.counts.mean(("y", "x")))


def test_counts_are_poisson_around_the_expected_ones(scene):
    expected = scene.expected_counts.astype(float) * scene.gain
    live = expected.where(expected > 0)
    chi2 = float(((scene.spectrum_image - live) ** 2 / live).mean())
    n = int(live.count())
    # The mean of n values of chi2 with one degree of freedom; their variance is 2 + 1/expected.
    assert abs(chi2 - 1) < 5 * np.sqrt((2 + 1 / float(live.min())) / n)


def test_windows_lie_on_the_axis(scene):
    assert len(check_windows(scene.edges, scene.spectrum_image.energy_loss)) == 0


@pytest.mark.parametrize("name", ["chequerboard", "multilayer"])
def test_the_seed_decides(name):
    make = {
        "chequerboard": lambda seed: synthetic.chequerboard(size=(16, 24), seed=seed),
        "multilayer": lambda seed: synthetic.multilayer(**SMALL, level="realistic", seed=seed),
    }[name]
    assert make(3).to_dataset().identical(make(3).to_dataset())
    assert not make(3).spectrum_image.equals(make(4).spectrum_image)


def test_options_make_the_scene_again():
    scene = synthetic.multilayer(**SMALL, level="thickness", wedge=0.1, seed=2)
    options = synthetic.SCENES[scene.name](**scene.options)
    assert synthetic.simulate(options).spectrum_image.identical(scene.spectrum_image)


FURTHER = ("particles", "columns", "stack", "gradient", "eds", "rare", "drift", "vacuum")


@pytest.fixture(params=FURTHER)
def further(request):
    return getattr(synthetic, request.param)(size=(18, 27), seed=4)


def test_further_scenes_keep_the_layout_and_say_what_they_are_made_of(further):
    image, raw = further.spectrum_image, further.to_dataset()
    assert image.shape[:2] == (18, 27)
    assert raw.total_counts.dims == ("y", "x")
    assert further.abundance.dims == ("y", "x", "endmember")
    sums = further.abundance.sum("endmember").to_numpy()
    np.testing.assert_allclose(sums, further.sample, atol=1e-12)
    assert float(further.abundance.min()) >= 0
    assert set(further.composition) == set(further.abundance.endmember.to_numpy().tolist())
    assert ("true_brightness" in raw) == (further.brightness is not None)
    check_layout(raw, "raw", place="raw")


def test_further_scenes_follow_their_seed_and_their_counts(further):
    again = synthetic.SCENES[further.name](**further.options)
    assert synthetic.simulate(again).to_dataset().identical(further.to_dataset())
    assert not synthetic.simulate(again.replaced(seed=5)).spectrum_image.equals(further.spectrum_image)
    bright = synthetic.simulate(again.replaced(counts=3 * again.counts, noise=False))
    level = bright.expected_counts.where(bright.sample).mean(("y", "x"))
    found = float(level.sum() if further.name == "eds" else level[0])
    np.testing.assert_allclose(found, 3 * again.counts, rtol=1e-3)


def test_further_scenes_are_mixtures_but_for_thickness_and_drift(further):
    weighted = further.thickness_weighted_abundance.to_numpy()
    mixture = weighted @ further.endmember_spectrum.to_numpy()
    error = float(np.abs(further.expected_counts - mixture).max() / mixture.max())
    assert (error > 1e-3) == (further.name in ("gradient", "drift"))


def test_further_scenes_have_the_difficulty_that_they_are_named_for():
    particles, vacuum = synthetic.particles(), synthetic.vacuum()
    assert float(particles.abundance.sel(endmember="Co").max()) < 0.5
    for scene in (particles, vacuum):
        totals = scene.spectrum_image.sum("energy_loss")
        assert float(totals.where(~scene.sample).max()) < 0.01 * float(totals.where(scene.sample).median())
    assert 0.5 < float(synthetic.columns().abundance.sel(endmember="Pt").max()) < 0.9
    assert int((synthetic.rare().abundance.sel(endmember="Ru") > 0).sum()) == 12
    assert np.ptp(synthetic.gradient().brightness.to_numpy()) > 0.6
    totals = synthetic.eds().spectrum_image.sum("energy")
    assert totals.dims == ("y", "x")
    assert 26 < float(totals.mean()) < 30


def test_linear_levels_are_exact_linear_mixtures():
    for scene in (synthetic.multilayer(**SMALL), synthetic.chequerboard(size=(16, 24))):
        mixture = scene.abundance.to_numpy() @ scene.endmember_spectrum.to_numpy()
        np.testing.assert_allclose(scene.expected_counts, mixture, rtol=2e-7)  # stored as float32


def test_thickness_is_no_linear_mixture_of_three():
    expected = synthetic.multilayer(**SMALL, level="thickness").expected_counts.to_numpy()
    spectra = expected.reshape(-1, expected.shape[-1]).astype(float)
    values = np.linalg.svd(spectra / np.sqrt(spectra.mean(axis=0)), compute_uv=False)
    assert values[3] > 1e-3 * values[2]


def test_interpolated_thickness_equals_the_spectrum_of_that_thickness():
    from eelsunmix.synthetic.spectra import pixel_spectrum

    scene = synthetic.multilayer(**SMALL, level="thickness", current_drift=0.0, roughness_nm=0.0)
    energy = scene.spectrum_image.energy_loss.to_numpy()
    corner = scene.expected_counts.to_numpy()[0, 0].astype(
        float
    )  # pure Pt, the thinnest corner but for the hills
    candidates = np.linspace(20, 30, 401)
    shapes = np.stack([pixel_spectrum("Pt", energy, thickness_nm=t) for t in candidates])
    scale = float(scene.endmember_spectrum[0, 0]) / pixel_spectrum("Pt", energy)[0]
    # One of a fine series of exactly computed thicknesses fits the pixel, to the step of the series.
    best = np.abs(scale * shapes / corner - 1).max(axis=1).min()
    assert best < 1e-3


@pytest.mark.parametrize("counts", [10.0, 1000.0, 200_000.0])
def test_counts_set_the_level_of_the_first_channel(counts):
    for scene in (
        synthetic.multilayer(**SMALL, level="thickness", counts=counts),
        synthetic.chequerboard(size=(16, 24), counts=counts),
    ):
        np.testing.assert_allclose(float(scene.expected_counts[..., 0].mean()), counts, rtol=1e-4)
        assert scene.spectrum_image.dtype == (np.uint32 if counts > 6e4 else np.uint16)


def test_without_noise_the_counts_are_the_expected_ones_times_gain():
    scene = synthetic.multilayer(**SMALL, level="realistic", noise=False)
    np.testing.assert_allclose(scene.spectrum_image, scene.expected_counts * scene.gain)


def test_ru_is_never_pure_and_reaches_further_into_co_than_into_pt():
    scene = synthetic.multilayer()
    ru = scene.abundance.sel(endmember="Ru")
    assert 0.4 < float(ru.max()) < 0.7
    profile = ru.mean("y").to_numpy()
    peak, half = profile.argmax(), profile.max() / 2
    left = peak - np.interp(0.1 * profile.max(), profile[: peak + 1], np.arange(peak + 1))
    right = np.interp(-0.1 * profile.max(), -profile[peak:], np.arange(len(profile) - peak))
    assert profile[peak] > half
    assert left > 2 * right


def test_the_multilayer_is_the_experiment_of_the_paper():
    image = synthetic.multilayer().spectrum_image
    assert image.sizes == {"y": 60, "x": 75, "energy_loss": 200}
    steps = [float(image[dim][1] - image[dim][0]) for dim in image.dims]
    np.testing.assert_allclose(steps, [0.12, 0.12, 3.33], rtol=1e-9)
    assert image.energy_loss[0] < 225  # room to fit below Ru M4,5
    assert image.energy_loss[-1] > 860  # and to integrate Co L2,3


@pytest.fixture(scope="module", params=["linear", "thickness", "realistic"])
def ru_maps(request):
    """Net counts of the Ru edges in units of the peak, their noise, and where Pt is, with the gain known."""
    scene = synthetic.multilayer(level=request.param, counts=10_000.0, seed=1)
    gain = np.where(scene.gain > 0, scene.gain, 1.0)
    image = scene.spectrum_image.copy(data=scene.spectrum_image / gain)
    edges = {name: edge for name, edge in scene.edges.items() if edge.element == "Ru"}
    edges["Ru_M23_near"] = edges["Ru_M23"].replaced(fit_eV=(420, 455))
    bs = subtract_background(image, edges)
    ru, pt = (scene.abundance.sel(endmember=name).to_numpy() for name in ("Ru", "Pt"))
    peak = bs["net_counts"].where(xr.DataArray(ru > 0.8 * ru.max(), dims=("y", "x"))).mean(("y", "x"))
    return bs["net_counts"] / peak, bs["net_counts_sd"] / peak, pt > 0.98


def test_ru_m45_is_negative_in_all_of_pt(ru_maps):
    net, sd, in_pt = ru_maps
    values = net.sel(edge="Ru_M45").to_numpy()[in_pt]
    assert -0.5 < values.mean() < -0.25
    assert (values < 0).mean() > 0.99
    assert values.mean() < -5 * sd.sel(edge="Ru_M45").to_numpy()[in_pt].mean()


def test_ru_m23_leaves_less_in_pt_than_the_noise_of_a_pixel_and_its_window_decides(ru_maps):
    net, sd, in_pt = ru_maps
    far, near = (net.sel(edge=name).to_numpy()[in_pt].mean() for name in ("Ru_M23", "Ru_M23_near"))
    assert -0.3 < far < -0.15
    assert -0.15 < near < 0
    assert abs(far) < 1.1 * sd.sel(edge="Ru_M23").to_numpy()[in_pt].mean()


def test_background_of_pt_bends_with_thickness():
    ends = {}
    for level in ("linear", "thickness"):
        expected = synthetic.multilayer(level=level).expected_counts.to_numpy()
        left, right = expected[:, :10].mean(axis=(0, 1)), expected[:, -10:].mean(axis=(0, 1))
        ends[level] = np.ptp(right / left) / np.mean(right / left)
    assert ends["linear"] < 1e-6
    assert 0.02 < ends["thickness"] < 0.06


def test_interdiffusion_conserves_the_ru():
    totals = [
        float(synthetic.multilayer(diffused_fraction=f, roughness_nm=0.0).abundance.sel(endmember="Ru").sum())
        for f in (0.0, 0.4, 0.7)
    ]
    np.testing.assert_allclose(totals, totals[0], rtol=0.02)  # the layer is 50 steps of the drawing wide
    np.testing.assert_allclose(totals[0] * 0.12 / 60, 0.5, rtol=0.02)


def test_realistic_detector_has_gain_errors_and_dead_channels():
    scene = synthetic.multilayer(**SMALL, level="realistic", gain_sd=0.03, n_dead=3)
    gain = scene.gain.to_numpy()
    assert (gain == 0).sum() == 3
    assert gain[0] > 0
    assert gain[-1] > 0
    assert 0.02 < gain[gain > 0].std() < 0.04
    assert (scene.spectrum_image.to_numpy()[..., gain == 0] == 0).all()


def test_more_gain_error_leaves_the_geometry_alone():
    first, second = (synthetic.multilayer(**SMALL, level="thickness", gain_sd=sd) for sd in (0.0, 0.05))
    assert first.expected_counts.identical(second.expected_counts)


def test_contamination_is_carbon():
    without, with_carbon = (
        synthetic.multilayer(**SMALL, contamination_nm=c, noise=False).expected_counts.mean(("y", "x"))
        for c in (0.0, 3.0)
    )
    ratio = (with_carbon / without).to_numpy()
    energy = without.energy_loss.to_numpy()
    assert (
        ratio[(energy > 286) & (energy < 300)].mean() > ratio[(energy > 260) & (energy < 278)].mean() + 0.005
    )


def test_blocks_are_mixed_by_the_filter_alone():
    rng = np.random.default_rng(5)
    options = synthetic.ChequerboardOptions(size=(20, 28), block=4, filter_size=1)
    pure = mixed_blocks(options, 3, rng)
    assert set(np.unique(pure)) == {0.0, 1.0}
    assert (pure.reshape(5, 4, 7, 4, 3).std(axis=(1, 3)) == 0).all()
    assert (pure.sum(axis=(0, 1)) > 0).all()


def test_filter_is_the_mean_over_its_square():
    rng = (np.random.default_rng(6) for _ in range(2))
    pure = mixed_blocks(synthetic.ChequerboardOptions(size=(20, 28), block=4, filter_size=1), 3, next(rng))
    mixed = mixed_blocks(synthetic.ChequerboardOptions(size=(20, 28), block=4, filter_size=5), 3, next(rng))
    np.testing.assert_allclose(mixed[7, 11], pure[5:10, 9:14].mean(axis=(0, 1)), atol=1e-12)


def test_count_electrons_chooses_the_smallest_type_that_holds_the_noise():
    rng = np.random.default_rng(0)
    gain = np.ones(3)
    assert count_electrons(np.full((2, 1, 3), 64_000.0), gain, rng, noise=True).dtype == np.uint32
    assert count_electrons(np.full((2, 1, 3), 60_000.0), gain, rng, noise=True).dtype == np.uint16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "easy"}, r"level needs linear, thickness or realistic, found 'easy'$"),
        ({"counts": 0}, r"counts needs a number above 0, found 0"),
        ({"shape": (4, 10)}, r"shape needs to be wider than the stack"),
        ({"gain_sd": -0.1}, r"gain_sd needs a number of at least 0, found -0\.1"),
        ({"diffused_fraction": 1.0}, r"diffused_fraction needs a number of at least 0 and below 1"),
        ({"offset_eV": 20.0}, r"offset_eV needs a number of at least 150"),
    ],
)
def test_multilayer_refuses(options, message):
    with pytest.raises(InputError, match=message):
        synthetic.multilayer(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"endmembers": "ru4"}, r"endmembers needs ru3 or k4, found 'ru4'"),
        ({"filter_size": 4}, r"filter_size needs an odd number, found 4"),
        ({"size": 8}, r"size needs at least 3 blocks of 8 pixels, found 8"),
    ],
)
def test_chequerboard_refuses(options, message):
    with pytest.raises(InputError, match=message):
        synthetic.chequerboard(**options)


def test_simulate_refuses_other_things():
    with pytest.raises(InputError, match="chequerboard, multilayer"):
        synthetic.simulate({"scene": "multilayer"})


@pytest.mark.parametrize("name", FURTHER)
def test_the_windows_of_the_edges_lie_on_the_axis(name):
    scene = synthetic.simulate(synthetic.SCENES[name](size=(16, 17)))
    assert not scene.edges or check_windows(scene.edges, scene.spectrum_image["energy_loss"]) == []
