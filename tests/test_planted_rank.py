"""Defects planted in simulated images: the number of components is right, or the store says what is wrong."""

import re

import numpy as np
import pytest
import xarray as xr
from scipy.ndimage import gaussian_filter1d

import eelsunmix as eu
from eelsunmix import synthetic
from eelsunmix.pca import DenoiseOptions
from eelsunmix.pca.score_maps import ScoreMaps
from eelsunmix.rank import ComponentOptions, jump_words, outliers
from eelsunmix.rank.jump import Jump
from xray_spectra import spectrum_of

ENERGY = 400.0 + 1.2 * np.arange(130)


def spectrum(exponent=3.0, **edges):
    """Background of one count at 400 eV, with edges of so many per cent, 4 eV wide, at these energies."""
    steps = sum(height / 100 / (1 + np.exp(-(ENERGY - float(at[1:])) / 4)) for at, height in edges.items())
    return (ENERGY / 400.0) ** -exponent * (1.0 + steps)


TITANIUM, OXYGEN = spectrum(3.0, e456=35), spectrum(3.1, e532=40)


def mixed(share, counts=200.0):
    """Expected counts of two materials; `share` (y, x) of the first one."""
    return counts * (share[..., None] * TITANIUM + (1 - share[..., None]) * OXYGEN)


def halves(shape):
    """The first material to the left, the second to the right, with a border of some pixels."""
    return np.broadcast_to(1 / (1 + np.exp((np.arange(shape[1]) - shape[1] / 2) / 1.5)), shape)


def image_of(values, **attrs):
    axes = {d: (d, np.arange(float(n)), {"units": "nm"}) for d, n in zip("yx", values.shape, strict=False)}
    energy = {"energy_loss": ("energy_loss", ENERGY[: values.shape[2]], {"units": "eV"})}
    return xr.DataArray(
        values, dims=("y", "x", "energy_loss"), coords=axes | energy, name="counts", attrs=attrs
    )


def counted(expected, seed):
    return image_of(np.random.default_rng(seed).poisson(expected).astype(np.uint32), counts_per_electron=1.0)


def by_camera(expected, seed, per_electron=12.0, blur=0.8):
    """Counts of a camera that spreads electrons over channels and adds noise of its own."""
    rng = np.random.default_rng(seed)
    counts = gaussian_filter1d(per_electron * rng.poisson(expected / per_electron), blur, axis=-1)
    return image_of(
        (counts + rng.normal(0, 2, counts.shape)).astype(np.float32), counts_per_electron=per_electron
    )


def rank_of(image, **options):
    pca = eu.denoise(image, DenoiseOptions(spatial="none"))
    return eu.estimate_endmembers(image, pca, ComponentOptions(**options))


def said(rank):
    return rank.attrs["warnings"]


CLEAN = {
    "two materials": lambda seed: (counted(mixed(halves((23, 31))), seed), 2),
    "one material": lambda seed: (counted(mixed(np.ones((19, 27))), seed), 1),
    "many counts": lambda seed: (counted(mixed(halves((17, 26)), 2e4), seed), 2),
    "few counts": lambda seed: (counted(mixed(halves((31, 44)), 8.0), seed), 2),
    "a line": lambda seed: (counted(mixed(halves((1, 64))), seed), 2),
    "vacuum on one side": lambda seed: (
        counted(mixed(halves((24, 29))) * np.where(np.arange(29) < 9, 0.004, 1.0)[:, None], seed),
        2,
    ),
    "a wedge": lambda seed: (
        counted(mixed(halves((24, 29))) * np.linspace(0.3, 1.8, 24)[:, None, None], seed),
        2,
    ),
    "a camera": lambda seed: (by_camera(mixed(halves((26, 33)), 1500.0), seed), 2),
    "a camera, vacuum": lambda seed: (
        by_camera(mixed(halves((26, 33)), 1500.0) * np.where(np.arange(33) < 12, 0.01, 1.0)[:, None], seed),
        2,
    ),
    "a camera without spread": lambda seed: (by_camera(mixed(halves((21, 18)), 900.0), seed, blur=0.01), 2),
    "a gain error": lambda seed: (
        counted(mixed(halves((23, 31))) * np.random.default_rng(9).normal(1, 0.02, ENERGY.size), seed),
        2,
    ),
}


@pytest.mark.parametrize("kind", CLEAN)
def test_clean_images_are_counted_right_and_nothing_is_said(kind):
    image, number = CLEAN[kind](40)
    rank = rank_of(image)
    assert rank.attrs["n_endmembers"] == number
    assert said(rank) == []
    assert rank.stability.sel(number=number) > 0.9
    assert rank.residual_deviation.max() < rank.attrs["residual_limit"]
    if "prediction" in rank.estimator:
        assert rank.estimate.sel(estimator="prediction") == number


def test_vacuum_beside_the_sample_is_no_scan_lines():
    """Scores of hardly a count, brought to a brightness of one, are large in the lines that hold vacuum."""
    rank = rank_of(eu.synthetic.vacuum(seed=982, size=64).spectrum_image)
    assert rank.attrs["n_endmembers"] == 3
    assert said(rank) == []


@pytest.mark.parametrize(
    ("axis", "period", "shape"), [("y", 2.6, (47, 9)), ("x", 3.4, (8, 52)), ("y", 5.0, (40, 21))]
)
def test_atomic_planes_on_a_camera_are_a_component(axis, period, shape):
    """A third material that shows in every few scan lines alone, with an eigenvalue near the edge."""
    phase = 2 * np.pi * np.arange(shape["yx".index(axis)]) / period
    planes = (1 + np.cos(phase)) / 2
    planes = planes[:, None] if axis == "y" else planes[None]
    third = 1500.0 * spectrum(3.0, e480=9) - 1500.0 * spectrum(3.0)
    rank = rank_of(by_camera(mixed(halves(shape), 1500.0) + planes[..., None] * third, 11))
    assert rank.attrs["signal_rank"] == rank.attrs["n_endmembers"] == 3
    assert rank.coherence[2] > 0
    assert said(rank) == []


def offsets_of_lines(shape, seed, size):
    """A read-out that adds another amount of one pattern to every scan line."""
    rng = np.random.default_rng(seed)
    pattern = np.where(np.arange(ENERGY.size) // 32 % 2, 1.0, -1.0)
    return size * rng.standard_normal(shape[0])[:, None, None] * pattern


@pytest.mark.parametrize(
    ("shape", "seed", "size"), [((34, 12), 1, 22.0), ((46, 7), 2, 22.0), ((29, 25), 3, 15.0)]
)
def test_scan_lines_without_order_are_no_material_and_are_named(shape, seed, size):
    image = by_camera(mixed(halves(shape), 1500.0), seed)
    image += offsets_of_lines(shape, seed, size).astype(np.float32)
    rank = rank_of(image)
    assert rank.attrs["n_endmembers"] == 2
    assert rank.attrs["signal_rank"] == 3
    assert len(said(rank)) == 1
    assert said(rank)[0].startswith("Component 3 (eigenvalue ")
    assert "it is of the specimen: set components.n to" in said(rank)[0]


def test_strong_scan_lines_are_counted_but_named():
    image = by_camera(mixed(halves((29, 25)), 1500.0), 3)
    image += offsets_of_lines((29, 25), 3, 40.0).astype(np.float32)
    rank = rank_of(image)
    assert rank.attrs["n_endmembers"] == 3
    assert len(said(rank)) == 1
    assert "set components.n lower if it is read-out" in said(rank)[0]


@pytest.mark.parametrize(
    "values",
    [
        lambda rng: rng.normal(0, 4, (14, 18, 90)),
        lambda rng: 250.0 + rng.normal(0, 4, (14, 18, 90)),
        lambda rng: np.full((11, 16, 70), 37.0),
        lambda rng: rng.poisson(60.0, (13, 17, 80)),
    ],
    ids=["read-out noise", "offset and read-out noise", "constant", "light on the camera"],
)
def test_nothing_is_an_answer(values):
    rank = rank_of(image_of(values(np.random.default_rng(6))))
    assert rank.estimate.sel(estimator="marchenko_pastur") == 0
    assert rank.attrs["n_endmembers"] == 1
    assert len(said(rank)) == 1
    assert said(rank)[0].startswith("There is no structure above the noise")
    assert "check that the file is the right one" in said(rank)[0]


def test_the_stages_that_follow_run_on_nothing():
    image = image_of(250.0 + np.random.default_rng(2).normal(0, 4, (9, 12, 60)), counts_per_electron=1.0)
    rank = rank_of(image)
    result = eu.unmix(image, "nmf", n_endmembers=rank.attrs["n_endmembers"], seed=0)
    assert result.sizes["endmember"] == 1
    assert np.isfinite(result.endmember_spectrum).all()


PLACES = {
    "together": [(20, 30), (20, 31), (21, 30), (21, 31), (22, 30)],
    "scattered": [(3, 5), (50, 11), (33, 60)],
}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(("make", "height"), [(counted, 20), (by_camera, 75)])
def test_a_rare_phase_is_found_and_its_pixels_are_named(where, make, height):
    expected = mixed(halves((61, 72)), 600.0)
    for y, x in PLACES[where]:
        expected[y, x] += 600.0 * (spectrum(3.0, e500=height) - spectrum(3.0))
    rank = rank_of(make(expected, 21))
    assert rank.attrs["n_endmembers"] == 2
    found = np.argwhere((rank.residual_deviation > rank.attrs["residual_limit"]).values)
    assert sorted(map(tuple, found.tolist())) == sorted(PLACES[where])
    assert len(said(rank)) == 1
    assert said(rank)[0].startswith(f"{len(found)} pixels hold more than the 2 components describe (y = ")
    assert "a rare phase, or a spike" in said(rank)[0]
    assert "set components.n one higher" in said(rank)[0]


@pytest.mark.parametrize("height", [60.0, 5000.0])
def test_spikes_of_one_channel_are_no_rare_phase(height):
    image = counted(mixed(halves((24, 35)), 300.0), 8)
    image[5, 9, 40] += int(height)
    assert not any("rare phase" in text for text in said(rank_of(image)))


@pytest.mark.parametrize(("counts", "sd", "seed"), [(400.0, 0.9, 1), (3000.0, 0.6, 2), (900.0, 1.3, 3)])
def test_a_drift_of_the_energy_axis_is_named_and_no_material(counts, sd, seed):
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.standard_normal(21 * 26))
    walk = sd * (walk - walk.mean()) / walk.std()
    fine = np.arange(380.0, 580.0, 0.1)
    lines = (fine / 400) ** -3 * (1 + 0.35 / (1 + np.exp(-(fine - 456) / 1.5)))
    lines += 0.4 * np.exp(-(((fine - 462) / 3) ** 2))
    expected = np.stack([np.interp(ENERGY + shift, fine, counts * lines) for shift in walk])
    rank = rank_of(counted(expected.reshape(21, 26, -1), seed))
    assert rank.attrs["signal_rank"] >= 2
    assert rank.attrs["n_endmembers"] == 1
    assert "a drift of the energy axis" in rank.attrs["reason"]
    assert len(said(rank)) == 1
    assert "the energy axis drifts between pixels" in said(rank)[0]
    assert "corrections.align" in said(rank)[0]


@pytest.mark.parametrize(("shift", "counts", "seed"), [(0.8, 900.0, 1), (1.6, 300.0, 2), (1.6, 3000.0, 3)])
def test_a_chemical_shift_of_one_edge_of_two_stays_a_material(shift, counts, seed):
    def lines(at):
        white = 0.3 * np.exp(-(((ENERGY - at - 4) / 2.5) ** 2)) + 0.2 * np.exp(-(((ENERGY - 537) / 3) ** 2))
        return spectrum(3.0, e532=30) + 0.35 / (1 + np.exp(-(ENERGY - at) / 1.2)) * spectrum(3.0) + white

    share = halves((24, 29))[..., None]
    rank = rank_of(counted(counts * (share * lines(456.0) + (1 - share) * lines(456.0 + shift)), seed))
    assert rank.attrs["n_endmembers"] == 2
    assert all("so it is counted" in text for text in said(rank))


def test_materials_that_drift_together_stay():
    """Two materials on the left and the right; the drift runs from top to bottom."""
    share, shifts = halves((30, 28)), np.linspace(-2, 2, 30)
    fine = np.arange(380.0, 580.0, 0.1)
    sharp = [np.exp(-(((fine - at) / 4) ** 2)) + 0.02 * (fine / 400) ** -3 for at in (450.0, 505.0)]
    expected = np.empty((30, 28, ENERGY.size))
    for y, shift in enumerate(shifts):
        first, second = (np.interp(ENERGY + shift, fine, 200.0 * one) for one in sharp)
        expected[y] = share[y][:, None] * first + (1 - share[y])[:, None] * second
    rank = rank_of(counted(expected, 4))
    assert rank.attrs["n_endmembers"] >= 2


def test_the_number_of_the_user_that_is_too_small_is_named():
    share = np.clip(np.add.outer(np.arange(22) % 7, np.zeros(25)) / 6, 0, 1)
    third = 300.0 * (spectrum(3.0, e490=50) - spectrum(3.0)) * (np.arange(25) > 14)[:, None]
    rank = rank_of(counted(mixed(share, 300.0) + third, 3), n=2)
    assert rank.attrs["n_endmembers"] == 2
    assert any("2 endmembers are asked for, but 3 components stand out" in text for text in said(rank))
    np.testing.assert_array_equal(rank.number, [1, 2, 3])
    assert rank.chi2.sel(number=2) > 1.2
    assert rank.chi2.sel(number=3) == pytest.approx(1, abs=0.03)


def test_one_component_more_is_noise_and_one_less_misfits():
    rank = rank_of(counted(mixed(halves((27, 32)), 500.0), 5))
    np.testing.assert_array_equal(rank.number, [1, 2, 3])
    less, chosen, more = rank.chi2.values
    assert less > 1.5
    assert chosen == pytest.approx(1, abs=0.03)
    assert more == pytest.approx(chosen, abs=0.03)
    assert rank.stability.values[1] > 0.98
    assert rank.stability.values[2] < 0.7


def test_held_out_counts_know_the_number():
    share = halves((26, 31))
    expected = mixed(share, 150.0)
    expected += 150.0 * (spectrum(3.0, e500=30) - spectrum(3.0)) * (np.arange(26) > 15)[:, None, None]
    rank = rank_of(counted(expected, 7))
    assert rank.estimate.sel(estimator="prediction") == rank.attrs["n_endmembers"] == 3
    assert int(rank.prediction_chi2.to_numpy().argmin()) == 3
    assert "3 predict the other half" in rank.attrs["second_opinion"]
    camera = rank_of(by_camera(expected * 10, 7))
    assert "prediction" not in camera.estimator
    assert "not those of ideal counts" in camera.attrs["second_opinion"]


def test_blocks_and_frames_change_nothing():
    """A lazy image in small blocks, and the same pixels as a series."""
    image = counted(mixed(halves((24, 31)), 250.0), 14)
    whole = rank_of(image)
    for other in (image.chunk(y=5, x=31), image.chunk(y=24, x=8)):
        xr.testing.assert_allclose(rank_of(other), whole, rtol=1e-4)
    values = image.to_numpy().reshape(3, 8, 31, -1)
    series = rank_of(xr.DataArray(values, dims=("frame", "y", "x", "energy_loss"), name="counts"))
    assert series.attrs["n_endmembers"] == whole.attrs["n_endmembers"] == 2
    assert series.residual_deviation.dims == ("frame", "y", "x")


def test_invalid_pixels_have_no_residual():
    image = counted(mixed(halves((18, 23)), 250.0), 15)
    valid = np.ones((18, 23), bool)
    valid[3:6, 7:9] = False
    image = image.where(xr.DataArray(valid, dims=("y", "x")), 0).assign_coords(
        valid_pixel=(("y", "x"), valid)
    )
    rank = rank_of(image)
    np.testing.assert_array_equal(np.isnan(rank.residual_deviation), ~valid)
    assert said(rank) == []


def sharp(at_titanium=456.0, at_oxygen=532.0):
    """Two edges with white lines, the second one a common edge of all materials here."""
    lines = [np.exp(-(((ENERGY - at - 4) / 3) ** 2)) for at in (at_titanium, at_oxygen)]
    steps = [1 / (1 + np.exp(-(ENERGY - at) / 1.5)) for at in (at_titanium, at_oxygen)]
    return (ENERGY / 400) ** -3 * (1 + 0.3 * steps[0] + 0.4 * lines[0] + 0.3 * steps[1] + 0.3 * lines[1])


PATTERNS = {
    "chips": np.where(np.arange(ENERGY.size) // 40 % 2, 1.0, -1.0),
    "a level": np.ones(ENERGY.size),
    "a fixed pattern": np.random.default_rng(31).standard_normal(ENERGY.size),
}


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize(("shape", "sd", "seed"), [((37, 16), 12.0, 1), ((21, 33), 14.0, 2)])
def test_offsets_of_scan_lines_on_a_counting_detector_are_named(pattern, shape, sd, seed):
    amount = sd * np.random.default_rng(seed).standard_normal(shape[0])[:, None, None]
    image = counted(mixed(halves(shape), 600.0), seed)
    rank = rank_of((image + amount * PATTERNS[pattern]).astype(np.float32))
    assert rank.attrs["n_endmembers"] == 3
    assert len(said(rank)) == 1
    assert said(rank)[0].startswith("Component 3 (eigenvalue ")
    assert "whole scan lines differ by an offset" in said(rank)[0]
    assert "Subtract the dark signal of each scan line" in said(rank)[0]
    assert "set components.n lower" in said(rank)[0]


LAYERS = {
    "one line": np.arange(33) == 14,
    "two lines": np.isin(np.arange(33), (14, 15)),
    "three lines": np.isin(np.arange(33), (14, 15, 16)),
    "two layers": np.isin(np.arange(33), (5, 6, 19)),
    "half": np.arange(33) > 15,
    "a gradient": np.linspace(0, 1, 33),
    "planes": 0.5 + 0.5 * np.cos(2 * np.pi * np.arange(33) / 2.7),
}


@pytest.mark.parametrize("layers", LAYERS)
def test_layers_along_the_scan_lines_are_no_offsets(layers):
    share = np.broadcast_to(np.asarray(LAYERS[layers], dtype=float)[:, None], (33, 22))
    rank = rank_of(counted(mixed(share, 500.0), 6))
    assert rank.attrs["n_endmembers"] == 2
    assert said(rank) == []


@pytest.mark.parametrize(
    ("jump", "line", "shape", "counts"),
    [(4.8, 9, (20, 15), 900.0), (-6.0, 5, (14, 23), 400.0), (9.0, 21, (30, 11), 4000.0)],
)
def test_a_jump_of_the_energy_axis_is_named(jump, line, shape, counts):
    """Two materials, in the ratio of 0.5 to 1 of the first edge, and all edges lie higher from a line on."""
    share = 0.5 + 0.5 * halves(shape)[..., None]
    rows = [sharp(456.0 + at, 532.0 + at) for at in (0.0, jump)]
    flat = [(ENERGY / 400) ** -3 * 0.5 + 0.5 * row for row in (rows[0], rows[1])]
    before, after = (share * row + (1 - share) * plain for row, plain in zip(rows, flat, strict=True))
    expected = np.where(np.arange(shape[0])[:, None, None] < line, before, after)
    rank = rank_of(counted(counts * expected, 3))
    assert len(said(rank)) == 1
    found = re.match(r"The energy axis jumps by about (\d) channels \((.*) eV\)", said(rank)[0])
    assert float(found[2]) == pytest.approx(1.2 * int(found[1])) == pytest.approx(abs(jump), abs=1.21)
    assert f"at scan line {line} (counted from 0)" in said(rank)[0]
    assert "corrections.align, with max_shift_eV above the jump" in said(rank)[0]


def test_a_jump_in_a_series_is_named_by_the_frame_as_the_page_has_it(monkeypatch):
    monkeypatch.setattr(jump_words, "find_jump", lambda *_: Jump(line=9, channels=2, left=0.3))
    tilt = ("frame", [-20.0, 0.0, 20.0], {"units": "deg", "long_name": "tilt"})
    score = xr.DataArray(np.ones((3, 4, 5, 2)), dims=("frame", "y", "x", "component"), coords={"frame": tilt})
    weight = {"channel_weight": ("energy_loss", np.ones(7)), "pixel_weight": score[..., 0]}
    pca = xr.Dataset({"score": score, **weight})
    (text,) = jump_words.jump_warnings(pca, ScoreMaps(pca), noise=None)
    assert "2 channels at scan line 1 (counted from 0) of frame 3 (tilt 20 deg): the spectra" in text


@pytest.mark.parametrize("shift", [4.8, 9.0])
@pytest.mark.parametrize("border", [11, 17])
def test_an_edge_that_moves_alone_is_no_jump_of_the_axis(shift, border):
    """Layers along the scan lines; the first edge lies higher in one, the second edge does not."""
    later = np.arange(27)[:, None, None] >= border
    expected = np.broadcast_to(np.where(later, sharp(456.0 + shift), sharp()), (27, 18, ENERGY.size))
    rank = rank_of(counted(900.0 * expected, 5))
    assert rank.attrs["n_endmembers"] == 2
    assert not any("jumps" in text for text in said(rank))


def test_a_component_that_only_its_eigenvalue_supports_is_not_counted():
    """Of 400 images of one material this is the one in which an eigenvalue of noise lies above the edge."""
    rank = rank_of(counted(mixed(np.ones((17, 14)), 90.0), 320))
    assert rank.attrs["signal_rank"] == 2
    assert rank.attrs["n_endmembers"] == 1
    assert "1 of them not counted" in rank.attrs["reason"]
    assert said(rank) == []


X_RAYS = (
    np.stack(
        [
            spectrum_of({"O": 1.0, one: 1.0}, 1e8, np.random.default_rng(6), beam_kev=20)[1]
            for one in ("Si", "Ca", "Fe")
        ]
    )
    .reshape(3, 500, -1)
    .sum(axis=-1)
)
X_RAYS /= X_RAYS.sum(axis=1, keepdims=True)


def x_rays_of(shares, photons, seed):
    """Photons of three materials, most channels nearly empty."""
    counts = np.random.default_rng(seed).poisson(photons * (shares @ X_RAYS))
    axes = {"energy": 0.1 + 0.04 * np.arange(counts.shape[-1])}
    return xr.DataArray(counts.astype(np.uint16), dims=("y", "x", "energy"), coords=axes, name="counts")


def test_materials_in_no_order_are_counted_where_held_out_counts_show_them():
    shares = np.random.default_rng(2).dirichlet([0.9] * 3, (16, 23))
    rank = rank_of(x_rays_of(shares, 200.0, seed=8))
    assert (np.asarray(rank["coherence"])[1:3] <= 0).all()
    assert rank.attrs["n_endmembers"] == 3


def test_single_photons_where_the_sample_is_thin_are_no_materials():
    thickness = np.where(np.arange(23) < 7, 0.02, 1.0)[None, :, None]
    shares = thickness * np.broadcast_to([1.0, 0.0, 0.0], (16, 23, 3))
    rank = rank_of(x_rays_of(shares, 5000.0, seed=3))
    assert rank.attrs["signal_rank"] > 2
    assert rank.attrs["n_endmembers"] == 1
    assert "held-out counts do not show them" in rank.attrs["reason"]


def test_a_phase_of_one_pixel_is_counted_where_both_halves_of_its_photons_show_it():
    shares = np.zeros((16, 23, 3))
    shares[:, :9, 0] = shares[:, 9:, 1] = 1.0
    shares[11, 5] = (0.0, 0.0, 1.0)
    rank = rank_of(x_rays_of(shares, 1000.0, seed=5))
    assert int(rank["estimate"].sel(estimator="prediction")) == 2
    assert rank.attrs["n_endmembers"] == 3
    assert said(rank) == []


def test_a_phase_of_one_pixel_is_counted_where_the_sample_has_not_seen_it(monkeypatch):
    monkeypatch.setattr(outliers, "SAMPLE", 200)
    shares = np.zeros((16, 23, 3))
    shares[:, :9, 0] = shares[:, 9:, 1] = 1.0
    shares[11, 5] = (0.0, 0.0, 1.0)
    rank = rank_of(x_rays_of(shares, 1000.0, seed=5))
    assert rank.attrs["n_endmembers"] == 3


@pytest.mark.parametrize(("part", "seed"), [(0.05, 5), (0.06, 5), (0.08, 4)])
def test_a_weak_material_beside_single_photons_counts_once(part, seed):
    """Halves of the counts show it in another place than all counts do."""
    shares = np.zeros((16, 23, 3))
    shares[..., 0], shares[4:9, 12:19, :2] = 1.0, (1.0 - part, part)
    shares *= np.where(np.arange(23) < 7, 0.02, 1.0)[None, :, None]
    rank = rank_of(x_rays_of(shares, 5000.0, seed=seed))
    assert rank.attrs["n_endmembers"] == 2


def test_parallel_analysis_of_correlated_noise_is_named():
    image = by_camera(mixed(halves((24, 29)), 1500.0), 3)
    rank = rank_of(image, estimator="parallel_analysis")
    assert rank.attrs["n_endmembers"] > 2
    assert any("set components.estimator to auto" in text for text in said(rank))
    assert said(rank_of(image)) == []


def test_numbers_that_are_wrong_come_with_what_to_do():
    image = counted(mixed(halves((22, 27)), 400.0), 2)
    (too_many,) = said(rank_of(image, n=4))
    assert too_many.startswith("4 endmembers are asked for, but 2 components stand out from the noise")
    assert too_many.endswith("lower components.n to 2, or set it to auto")
    (too_few,) = said(rank_of(image, max=1))
    assert too_few.startswith("2 components stand out from the noise, but components.max is 1")
    assert too_few.endswith("raise components.max to 2")


def beside_vacuum(scene, seed, height):
    """Scene with a phase in two pixels of its sample that add so much of their counts around 490 eV."""
    image = scene(counts=700.0, size=(34, 41), seed=seed).spectrum_image
    total = image.sum("energy_loss").to_numpy()
    places = [tuple(place) for place in np.argwhere(total > np.quantile(total, 0.7))[[5, 200]].tolist()]
    line = np.exp(-(((image.energy_loss.to_numpy() - 490) / 12) ** 2))
    values = image.to_numpy().copy()
    for place in places:
        values[place] += np.rint(height * total[place] * line / line.sum()).astype(values.dtype)
    return image.copy(data=values), sorted(places)


@pytest.mark.parametrize(
    ("scene", "seed", "height"),
    [(eu.synthetic.particles, 3, 0.0), (eu.synthetic.particles, 3, 0.02), (eu.synthetic.vacuum, 31, 0.0)],
)
def test_rare_pixels_are_named_beside_vacuum_and_those_in_it_are_not(scene, seed, height):
    image, places = beside_vacuum(scene, seed, height)
    pca = eu.denoise(image, DenoiseOptions(spatial="none"))
    for known in (None, xr.zeros_like(pca.pixel_weight, dtype=bool)):
        rank = eu.estimate_endmembers(image, pca, ComponentOptions(n=3), vacuum=known)
        found = np.argwhere((rank.residual_deviation > rank.attrs["residual_limit"]).values)
        assert list(map(tuple, found.tolist())) == (places if height else [])
        assert any("2 pixels hold more than the 3" in text for text in said(rank)) is (height > 0)
        assert (int(rank.residual_deviation.isnull().sum()) > 100) is (known is None)


@pytest.mark.parametrize("height", [120, 200])
def test_a_rare_phase_that_makes_a_component_is_named_if_the_user_asks_for_one_less(height):
    """The component stands out, but half of the pixels do not show it: nobody says it is missing."""
    expected = mixed(halves((29, 36)), 600.0)
    expected[17, 30] += 600.0 * (spectrum(3.0, e500=height) - spectrum(3.0))
    rank = rank_of(counted(expected, 22), n=2)
    assert rank.estimate.sel(estimator="marchenko_pastur") == 3
    assert np.argwhere((rank.residual_deviation > rank.attrs["residual_limit"]).values).tolist() == [[17, 30]]
    assert any("1 pixel holds more than the 2 components describe" in text for text in said(rank))


@pytest.mark.parametrize("counts", [300, 1500, 6000])
def test_noise_of_strong_lines_is_no_rare_phase(counts):
    """It is in the scores, and by these where a pixel has next to nothing: seen in 11 of 15 images."""
    for seed in (42, 60):
        image = synthetic.eds(size=(40, 40), counts=counts, seed=seed).spectrum_image
        found = eu.estimate_endmembers(image, eu.denoise(image))
        assert not any("more than the" in text for text in found.attrs["warnings"])
