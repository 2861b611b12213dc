"""Defects planted in simulated images: corrected, or named by what compares and judges."""

import re

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu

TI = {"Ti_L23": {"element": "Ti", "onset_eV": 456.0, "fit_eV": [408, 450], "integrate_eV": [458.0, 500.0]}}
ENERGY = 400.0 + 1.5 * np.arange(140)


def power_law(exponent=3.0, **edges):
    """Background of 300 counts per channel at 400 eV, with steps of so many per cent at these energies."""
    steps = sum((float(onset[1:]) <= ENERGY) * height / 100 for onset, height in edges.items())
    return 300.0 * (ENERGY / 400.0) ** -exponent * (1.0 + steps)


def image_of(expected, *, seed=0, valid=None):
    """Draw counts; pixels of 1 nm."""
    counts = np.random.default_rng(seed).poisson(expected).astype(float)
    shape = counts.shape[:2]
    valid = np.ones(shape, bool) if valid is None else valid
    counts[~valid] = 0
    axes = {d: (d, np.arange(float(n)), {"units": "nm"}) for d, n in zip("yx", shape, strict=True)}
    return xr.DataArray(
        counts,
        dims=("y", "x", "energy_loss"),
        coords={
            **axes,
            "energy_loss": ("energy_loss", ENERGY, {"units": "eV"}),
            "valid_pixel": (("y", "x"), valid),
        },
        attrs={"counts_per_electron": 1.0, "units": "counts"},
    )


@pytest.mark.parametrize(("along", "masked"), [("x", np.s_[1:4, 3:9]), ("y", np.s_[2:7, 5:9])])
def test_masked_pixels_neither_dip_the_profile_nor_go_unnoticed_in_its_deviation(along, masked):
    expected = np.broadcast_to(power_law(e456=30), (12, 15, ENERGY.size))
    valid = np.ones((12, 15), bool)
    valid[masked] = False
    bs = eu.subtract_background(
        image_of(expected, valid=valid), TI, profiles={"P": {"along": along, "pixels": (0, 7)}}
    )
    whole = eu.subtract_background(image_of(expected), TI, profiles={"P": {"along": along, "pixels": (0, 7)}})
    band = valid[:7] if along == "x" else valid[:, :7].T
    present = band.sum(axis=0)
    counts, sd = (bs[name][0, 0].values[: present.size] for name in ("profile_counts", "profile_counts_sd"))
    sure = whole.profile_counts_sd[0, 0].values[: present.size]
    # The same element everywhere: within five deviations of the true mean, which 12 places or more decide.
    assert np.abs((counts - whole.profile_counts.mean().item()) / sd).max() < 5
    np.testing.assert_allclose((sd / sure)[present < 7], np.sqrt(7 / present[present < 7]), rtol=0.15)


def chained(shape, seed):
    """Three materials whose shares change gradually along a line: hardly a pixel is pure."""
    x = np.linspace(-3, 3, shape[1])[:, None]
    ends, middle = 1 / (1 + np.exp(-x)), np.exp(-(x**2))
    shares = np.concatenate([1 - ends, middle, ends], axis=1)
    shares /= shares.sum(axis=1, keepdims=True)
    spectra = np.stack([power_law(2.9, e456=25), power_law(3.1, e532=25), power_law(3.2, e560=25)])
    return image_of(np.broadcast_to(shares @ spectra, (*shape, ENERGY.size)), seed=seed)


def test_a_chain_that_hardly_moved_has_not_converged():
    found = [eu.fit(chained((3, 17), seed), "blu", n_endmembers=3, seed=seed).attrs for seed in (20, 21, 22)]
    sizes = [int(re.search(r"sample size at least (\d+)", one["message"])[1]) for one in found]
    assert min(sizes) < 50
    for size, one in zip(sizes, found, strict=True):
        assert size >= 50 or (one["status"] == "not converged" and "raise n_sweeps" in one["message"])


@pytest.mark.parametrize("options", [{}, {"loss": "kullback-leibler"}, {"max_iter": 3}])
def test_the_status_of_nmf_is_what_its_message_says(options):
    image = chained((6, 11), 5)
    for n_endmembers in (1, 2):
        attrs = eu.fit(image, "nmf", n_endmembers=n_endmembers, **options).attrs
        assert (attrs["status"] == "not converged") == ("the limit is" in attrs["message"])
    assert eu.fit(image, "nmf", n_endmembers=1, **options).attrs["status"] == "converged"


TI_O = {
    **TI,
    "O_K": {"element": "O", "onset_eV": 532.0, "fit_eV": [500, 528], "integrate_eV": [534, 575]},
}
PROFILE = {"P": {"along": "x"}}


def compared(image, *, bs_attrs=None, n_endmembers=2, edges=TI_O, methods=("nmf", "vca"), found_in=None):
    """Run two methods (on another image, if given) and compare them with BS, as the workflow does."""
    from eelsunmix.comparison import compare
    from eelsunmix.edges import Edge
    from eelsunmix.profiles import Profile, as_options

    edges = {name: Edge(**one) for name, one in edges.items()}
    profiles = as_options(Profile, PROFILE)
    bs = eu.subtract_background(image, edges, profiles=profiles).assign_attrs(bs_attrs or {})
    source = image if found_in is None else found_in
    pca = eu.denoise(source)
    fits = {m: eu.fit(source, m, n_endmembers=n_endmembers, pca=pca, counts=source) for m in methods}
    maps = {m: eu.apply(fit, source) for m, fit in fits.items()}
    if found_in is not None:  # maps that say nothing of the mean spectrum; others are refused
        maps = {m: mapped.drop_vars("mean_residual") for m, mapped in maps.items()}
    return compare(image, bs, fits, maps, edges=edges, profiles=profiles)


def mixture(shape=(9, 34), *, height=30, width=4.0):
    """Ti on the left, O on the right, with a soft interface, without noise."""
    part = 1 / (1 + np.exp((np.arange(shape[1]) - shape[1] / 2) / width))[:, None]
    mixed = part * power_law(3.0, e456=height) + (1 - part) * power_law(3.1, e532=height)
    return np.broadcast_to(mixed, (*shape, ENERGY.size))


def bilayer(shape=(9, 34), *, height=30, width=4.0, seed=0):
    return image_of(mixture(shape, height=height, width=width), seed=seed)


def rows(comparison, criterion):
    return {r["method"]: r for r in comparison.attrs["verdict"] if r["criterion"] == criterion}


@pytest.mark.parametrize("failed", [("Ti_L23",), ("O_K",), ("Ti_L23", "O_K")])
def test_a_reference_that_failed_says_so_first_and_judges_nobody(failed):
    problems = {edge: [f"The fit window of {edge} ends above its onset; move it."] for edge in failed}
    comparison = compared(bilayer(), bs_attrs={"reference_problems": problems})
    sentences = comparison.attrs["sentences"]
    for sentence, edge in zip(sentences, failed, strict=False):
        assert sentence.startswith(f"The reference failed: {edge}. The fit window of {edge} ends")
    assert not any("followed" in s and edge in s for s in sentences for edge in failed)
    for criterion in ("agreement with BS", "misfit to BS", "scale to BS"):
        for row in rows(comparison, criterion).values():
            assert not any(edge in row["text"] for edge in failed)
            assert len(failed) == 1 or (row["light"] == "grey" and row["text"] == "void: BS failed")
    leaking = " ".join(row["text"] for row in rows(comparison, "cross-talk").values())
    assert not any(f"({TI_O[edge]['element']} in" in leaking for edge in failed)


def test_without_a_failure_the_same_profiles_are_followed():
    comparison = compared(bilayer())
    assert comparison.attrs["sentences"][0].startswith("The BS profiles are followed by all methods for")
    for criterion in ("agreement with BS", "misfit to BS", "scale to BS"):
        assert {row["light"] for row in rows(comparison, criterion).values()} == {"green"}


def test_a_profile_that_correlates_but_is_wrong_beyond_its_noise_is_not_followed():
    # More Ti in a few columns, which the maps do not have.
    image = bilayer((11, 42), width=2.0, seed=3)
    more = 0.4 * np.exp(-0.5 * ((np.arange(42) - 8) / 2.0) ** 2)[:, None]
    extra = np.random.default_rng(4).poisson(
        np.broadcast_to(more * power_law() * (ENERGY >= 456) * 0.3, image.shape)
    )
    comparison = compared(image + extra, found_in=image)
    row, agreement = (rows(comparison, name)["nmf"] for name in ("misfit to BS", "agreement with BS"))
    assert agreement["light"] == "green"
    assert row["light"] in ("amber", "red")
    said = [s for s in comparison.attrs["sentences"] if "beyond noise: Ti_L23 of nmf" in s]
    assert len(said) == 1
    assert not any(
        s.startswith("The BS profiles are followed by all") and "Ti_L23" in s
        for s in comparison.attrs["sentences"]
    )


def test_counts_of_another_scale_are_named():
    dim = bilayer(seed=8)
    bright = dim.copy(data=np.random.default_rng(9).poisson(1.4 * dim).astype(float))
    comparison = compared(bright, found_in=dim)
    # The abundances of vca sum to one; their brightness is that of the image.
    lights = {method: row["light"] for method, row in rows(comparison, "scale to BS").items()}
    assert lights == {"nmf": "red", "vca": "green"}
    assert any(s.startswith("The counts of nmf are not those of BS") for s in comparison.attrs["sentences"])


def test_the_scale_has_the_deviation_that_its_spread_has():
    from eelsunmix.comparison.agreement import scale, scale_sd

    rng = np.random.default_rng(5)
    other, sd = rng.uniform(0, 2, 60), rng.uniform(0.1, 0.5, 60)
    found = [scale(1.4 * other + sd * rng.normal(size=60), other, sd) for _ in range(400)]
    np.testing.assert_allclose(np.std(found), scale_sd(other, sd), rtol=0.15)
    np.testing.assert_allclose(np.mean(found), 1.4, rtol=0.01)


def drifting(sd, *, counts=300.0, seed=0, shape=(13, 18)):
    """One material with a white line, whose spectra wander along the energy axis."""
    rng = np.random.default_rng(seed)
    fine = np.arange(390.0, 620.0, 0.05)
    spectrum = (fine / 400.0) ** -3.1 * (1 + 0.3 * (fine >= 456)) + 0.5 * np.exp(-((fine - 470) ** 2) / 18)
    walk = np.cumsum(rng.standard_normal(np.prod(shape)))
    walk = sd * (walk - walk.mean()) / walk.std()
    expected = np.stack([np.interp(ENERGY + shift, fine, counts * spectrum) for shift in walk])
    return image_of(expected.reshape(*shape, -1), seed=seed + 1)


def estimated(image, n):
    from eelsunmix.rank import ComponentOptions

    return eu.estimate_endmembers(image, eu.denoise(image), ComponentOptions(n=n))


@pytest.mark.parametrize(("sd", "n_endmembers"), [(0.8, 2), (1.5, 4)])
def test_energy_drift_is_no_material(sd, n_endmembers):
    image = drifting(sd)
    said = estimated(image, n_endmembers).attrs["warnings"]
    drifts = [sentence for sentence in said if "the energy axis drifts" in sentence]
    assert len(drifts) == 1
    assert "corrections.align" in drifts[0]
    # One place says it, though the components that are compared hold it.
    assert compared(image, edges=TI, n_endmembers=n_endmembers).attrs["warnings"] == []


@pytest.mark.parametrize("dead", [None, 57])
def test_without_drift_there_is_no_derivative(dead):
    image = drifting(1e-6)
    if dead is not None:
        image[..., dead] = 0
    assert not any("drifts" in sentence for sentence in estimated(image, 2).attrs["warnings"])


@pytest.mark.parametrize("place", [((4, 7),), ((1, 2), (6, 30))])
def test_components_that_live_in_few_pixels_are_named_with_them(place):
    image = bilayer(seed=6)
    for y, x in place:
        image[y, x, 40:60] += 3000.0
    said = compared(image, n_endmembers=3).attrs["warnings"]
    pixels = " and ".join(f"(y {y}, x {x})" for y, x in place)
    assert len(said) == 1
    assert said[0].startswith("Few pixels alone hold component ")
    assert f": {pixels}. A cosmic ray" in said[0]


def test_a_phase_of_a_dozen_pixels_is_none_of_them():
    image = bilayer((40, 34), seed=7)
    image[5:8, 20:24] += np.random.default_rng(1).poisson(power_law(e500=300), (3, 4, ENERGY.size))
    said = compared(image, n_endmembers=3).attrs["warnings"]
    assert said == []


def test_two_thicknesses_of_a_material_are_called_so():
    thick = (np.arange(30) >= 14)[:, None]
    same = power_law(3.0, e456=25, e532=20)
    expected = np.where(thick, 1.6 * same * (ENERGY / 400.0) ** 0.5, same)
    image = image_of(np.broadcast_to(expected, (8, 30, ENERGY.size)), seed=2)
    said = compared(image).attrs["warnings"]
    assert len(said) == 1
    assert said[0].startswith(
        "The same edges, and another slope of the spectrum alone, have components 1 · Ti+O and 2 · Ti+O"
    )
    assert "thickness?" in said[0]


@pytest.mark.parametrize("seed", [40, 41])
@pytest.mark.parametrize(
    "kind", ["bilayer", "sharp", "dim", "steps of concentration", "chequerboard", "multilayer", "thickness"]
)
def test_components_of_clean_images_are_not_doubted(kind, seed):
    edges = TI_O
    if kind in ("bilayer", "sharp"):
        image = bilayer(seed=seed, width=4.0 if kind == "bilayer" else 0.3)
    elif kind == "dim":
        image = image_of(bilayer(seed=seed).to_numpy() / 20, seed=seed)
    elif kind == "steps of concentration":
        height = np.where(np.arange(29) < 12, 10, 40)[:, None]
        expected = power_law() * (1 + 0.01 * height * (ENERGY >= 456) + 0.2 * (ENERGY >= 532))
        image = image_of(np.broadcast_to(expected, (9, 29, ENERGY.size)), seed=seed)
    else:
        make = eu.synthetic.chequerboard if kind == "chequerboard" else eu.synthetic.multilayer
        options = {} if kind == "chequerboard" else {"shape": (11, 46), "counts": 4000.0}
        options |= {"level": "thickness"} if kind == "thickness" else {}
        scene = make(seed=seed, **options)
        image, edges = scene.spectrum_image, {k: e.model_dump() for k, e in scene.edges.items()}
    n_endmembers = 3 if edges is not TI_O else 2
    assert compared(image, edges=edges, n_endmembers=n_endmembers).attrs["warnings"] == []


def test_an_element_that_both_materials_contain_is_no_cross_talk():
    part = 1 / (1 + np.exp((np.arange(38) - 18) / 1.5))[:, None]
    expected = part * power_law(3.0, e456=30, e532=22) + (1 - part) * power_law(3.1, e532=30)
    comparison = compared(image_of(np.broadcast_to(20 * expected, (10, 38, ENERGY.size)), seed=12))
    assert float(comparison.cross_talk.sel(edge="O_K").min()) > 0.5
    assert {row["light"] for row in rows(comparison, "cross-talk").values()} == {"green"}
    assert not any("O edge is also" in sentence for sentence in comparison.attrs["sentences"])


def test_an_element_that_only_a_method_puts_into_a_component_is_cross_talk():
    from eelsunmix.comparison import compare
    from eelsunmix.edges import Edge

    image = bilayer((10, 38), width=0.7, seed=13)
    edges = {name: Edge(**one) for name, one in TI_O.items()}
    fit = eu.fit(image, "nmf", n_endmembers=2)
    spectra = fit.endmember_spectrum.to_numpy().copy()
    spectra[1] = 0.6 * spectra[1] + 0.4 * spectra[0]
    leaky = fit.assign(endmember_spectrum=fit.endmember_spectrum.copy(data=spectra))
    bs = eu.subtract_background(image, edges)
    maps = {"m": eu.apply(fit, image).drop_vars("mean_residual")}
    comparison = compare(image, bs, {"m": leaky}, maps, edges=edges)
    assert rows(comparison, "cross-talk")["m"]["light"] == "amber"


@pytest.mark.parametrize("factor", [0.7, 0.9, 1.3])
def test_a_model_at_another_dose_gives_the_same_abundances(factor):
    learned = image_of(np.broadcast_to(4 * bilayer((11, 40)).to_numpy(), (11, 40, ENERGY.size)), seed=14)
    other = learned.copy(data=np.random.default_rng(15).poisson(factor * learned).astype(float))
    model = eu.fit(learned, "vca", n_endmembers=2, brightness="constant")
    same, found = eu.apply(model, learned), eu.apply(model, other)
    assert same.attrs["warnings"] == []
    assert len(found.attrs["warnings"]) == 1
    assert f"{factor:.2f} times the counts" in found.attrs["warnings"][0]
    error = float(np.sqrt(((found.abundance - same.abundance) ** 2).mean()))
    again = learned.copy(data=np.random.default_rng(16).poisson(learned).astype(float))
    noise = float(np.sqrt(((eu.apply(model, again).abundance - same.abundance) ** 2).mean()))
    # What the noise of another image does, at the square root of the dose.
    assert error < 1.3 * noise / np.sqrt(min(factor, 1.0))


@pytest.mark.parametrize("method", ["vca", "blu"])
@pytest.mark.parametrize("seed", [50, 51])
def test_another_image_of_the_same_dose_is_taken_as_it_is(method, seed):
    options = {"n_sweeps": 60, "n_burn_in": 20} if method == "blu" else {}
    model = eu.fit(bilayer(seed=seed), method, n_endmembers=2, brightness="constant", **options)
    other = bilayer((7, 30), seed=seed + 10, width=8.0)
    assert eu.apply(model, other).attrs["warnings"] == []


@pytest.mark.parametrize("period", [3.0, 5.0])
def test_atomic_planes_have_no_width_and_their_layer_has_one(period):
    from eelsunmix.comparison.shape import peak_shape

    position = np.arange(61.0)
    layer = np.exp(-0.5 * ((position - 30) / 9) ** 2)
    planes = layer * (1 + 0.9 * np.cos(2 * np.pi * (position - 30) / period))
    assert np.isnan(peak_shape(position, planes).fwhm)
    np.testing.assert_allclose(peak_shape(position, layer).fwhm, 9 * 2.3548, rtol=0.01)
    two_layers = np.exp(-0.5 * ((position - 14) / 3) ** 2) + np.exp(-0.5 * ((position - 47) / 3) ** 2)
    np.testing.assert_allclose(peak_shape(position, two_layers).fwhm, 3 * 2.3548, rtol=0.03)


def test_widths_of_an_uncalibrated_image_are_in_pixels():
    image = bilayer()
    for dim in ("y", "x"):
        image[dim].attrs["units"] = "px"
    comparison = compared(image)
    assert {comparison[name].attrs["units"] for name in ("fwhm", "left_10_90", "right_10_90")} == {"px"}
    assert compared(bilayer()).fwhm.attrs["units"] == "nm"


def planes(period, *, seed, contrast=0.5, n=64, noise=0.03):
    """Profiles of a layer, of what is around it, and of all counts, modulated by atomic planes."""
    x, rng = np.arange(float(n)), np.random.default_rng(seed)
    layer = 1 / (1 + np.exp(-(x - 24) / 1.2)) / (1 + np.exp((x - 40) / 1.2))
    modulation = 1 + contrast * np.cos(2 * np.pi * (x - 31) / period)
    lines = np.array([layer, 1 - layer, 1 + 0.2 * layer]) * modulation
    return layer, lines + noise * rng.standard_normal(lines.shape)


@pytest.mark.parametrize("seed", [60, 61, 62])
@pytest.mark.parametrize("period", [2.6, 3.4, 4.7])
def test_the_width_of_a_layer_is_not_that_of_an_atomic_plane(period, seed):
    from eelsunmix.comparison.lattice import envelope, lattice_period
    from eelsunmix.comparison.shape import peak_shape

    layer, lines = planes(period, seed=seed)
    found = lattice_period(lines)
    np.testing.assert_allclose(found, period, rtol=0.04)
    true = peak_shape(np.arange(64.0), layer).fwhm
    width = peak_shape(np.arange(64.0), envelope(lines[0], found)).fwhm
    np.testing.assert_allclose(width, true, rtol=0.1)


@pytest.mark.parametrize("kind", ["noise", "layer", "narrow layer", "three layers", "steps"])
def test_layers_and_noise_are_no_lattice(kind):
    from eelsunmix.comparison.lattice import lattice_period

    x, alarms = np.arange(57.0), 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        lines = np.zeros((3, 57))
        if kind == "steps":
            lines = np.cumsum(rng.standard_normal(lines.shape) * (rng.random(lines.shape) < 0.06), axis=1)
        for _ in range({"layer": 1, "narrow layer": 1, "three layers": 3}.get(kind, 0)):
            width, middle = 3.0 if kind == "narrow layer" else rng.uniform(6, 14), rng.uniform(8, 48)
            lines = lines + (np.abs(x - middle) < width / 2) * np.array([[1.0], [-0.7], [0.2]])
        alarms += np.isfinite(lattice_period(lines + 0.05 * rng.standard_normal(lines.shape)))
    assert alarms == 0


def test_an_average_over_a_period_keeps_a_line_and_leaves_nothing_of_the_lattice():
    from eelsunmix.comparison.lattice import envelope

    x = np.arange(40.0)
    np.testing.assert_allclose(envelope(2 + 0.5 * x, 3.4)[3:-3], (2 + 0.5 * x)[3:-3])
    assert np.abs(envelope(np.cos(2 * np.pi * x / 4), 4.0)[4:-4]).max() < 1e-12
    holed = np.where(np.arange(40) == 17, np.nan, 5.0)
    np.testing.assert_array_equal(envelope(holed, 2.6), holed)


def wedge(shape=(8, 36), *, thickest=1.7, seed=0, counts=3.0):
    """Ti on the left, O on the right; both get thicker across the interface, downwards."""
    part = 1 / (1 + np.exp(np.arange(shape[1]) - shape[1] / 2))[:, None]
    mixed = part * power_law(3.0, e456=30) + (1 - part) * power_law(3.0, e532=30)
    thickness = np.linspace(1, thickest, shape[0])[:, None, None]
    return image_of(counts * thickness * np.broadcast_to(mixed, (*shape, ENERGY.size)), seed=seed), thickness


@pytest.mark.parametrize("method", ["vca", "nmf", "ica"])
@pytest.mark.parametrize("seed", [70, 71])
def test_maps_in_counts_hold_the_brightness_of_the_pixels(method, seed):
    image, thickness = wedge(seed=seed)
    found = compared(image, methods=(method,)).sel({"label": method, "edge": "Ti_L23"})
    left = found.element_map.values[:, :12].mean(axis=1)
    np.testing.assert_allclose(left / left.mean(), thickness[:, 0, 0] / thickness.mean(), rtol=0.04)
    np.testing.assert_allclose(float(found.map_scale), 1, atol=0.05)


def against_bs(image, fit, mapped):
    from eelsunmix.comparison import compare
    from eelsunmix.edges import Edge
    from eelsunmix.profiles import Profile, as_options

    edges = {name: Edge(**one) for name, one in TI_O.items()}
    profiles = as_options(Profile, PROFILE)
    bs = eu.subtract_background(image, edges, profiles=profiles)
    return compare(image, bs, {"m": fit}, {"m": mapped}, edges=edges, profiles=profiles)


@pytest.fixture(scope="module")
def clean():
    """An image, and a method that has found the two materials of it."""
    image = image_of(4 * mixture((10, 38), width=0.7), seed=2)
    true = 4 * np.stack([power_law(3.0, e456=30), power_law(3.1, e532=30)])
    fit = eu.fit(image, "vca", n_endmembers=2)
    fit = fit.assign(endmember_spectrum=fit.endmember_spectrum.copy(data=true))
    return image, fit, eu.apply(fit, image)


def test_wrong_abundances_are_seen_though_the_endmembers_describe_the_counts(clean):
    """Six pixels beside the layer: the refit of the endmembers would know nothing of it."""
    image, fit, mapped = clean
    wrong = mapped.abundance.copy(data=np.roll(mapped.abundance.to_numpy(), 6, axis=1))
    right, found = against_bs(image, fit, mapped), against_bs(image, fit, mapped.assign(abundance=wrong))
    np.testing.assert_allclose(found.subspace_map, right.subspace_map)
    assert float(found.map_correlation.sel({"label": "m"}).max()) < 0.9
    assert {row["light"] for row in rows(right, "misfit to BS").values()} == {"green"}
    assert rows(found, "misfit to BS")["m"]["light"] == "red"


def test_an_element_in_two_components_is_in_its_map_and_is_cross_talk(clean):
    image, fit, mapped = clean
    spectra, refit = fit.endmember_spectrum.to_numpy().copy(), mapped.refit_abundance.to_numpy().copy()
    spectra[1] = 0.65 * spectra[1] + 0.35 * spectra[0]
    refit[..., 0] -= 0.35 / 0.65 * refit[..., 1]
    refit[..., 1] /= 0.65
    leaky = fit.assign(endmember_spectrum=fit.endmember_spectrum.copy(data=spectra))
    leaky.attrs.pop("learned_brightness", None)
    leaky.attrs.pop("equalised_counts", None)
    both = {name: mapped[name].copy(data=refit) for name in ("abundance", "refit_abundance")}
    found = against_bs(image, leaky, mapped.assign(both))
    right = against_bs(image, fit, mapped)
    np.testing.assert_allclose(found.subspace_correlation[1], right.subspace_correlation[1], atol=0.01)
    element = right.endmember_label.sel({"label": "m"}).values[0]
    edge = next(name for name, one in TI_O.items() if one["element"] == element)
    assert float(found.map_misfit.sel({"label": "m", "edge": edge})) == 0
    assert any(f"The {element} edge is also in the component" in s for s in found.attrs["sentences"])
    assert rows(found, "cross-talk")["m"]["light"] == "amber"


@pytest.mark.parametrize("part", [0.3, 0.5])
def test_an_edge_below_zero_is_cross_talk_with_its_sign(clean, part):
    """A component less the other, made up for by more of the other where it is."""
    image, fit, mapped = clean
    spectra, refit = fit.endmember_spectrum.to_numpy().copy(), mapped.refit_abundance.to_numpy().copy()
    totals = spectra.sum(axis=1)
    expected = part * totals[0] / (totals[1] - part * totals[0])
    spectra[1] -= part * spectra[0]
    refit[..., 0] += part * refit[..., 1]
    signed = fit.assign(endmember_spectrum=fit.endmember_spectrum.copy(data=spectra))
    signed.attrs.pop("learned_brightness", None)
    signed.attrs.pop("equalised_counts", None)
    both = {name: mapped[name].copy(data=refit) for name in ("abundance", "refit_abundance")}
    row = rows(against_bs(image, signed, mapped.assign(both)), "cross-talk")["m"]
    assert row["light"] == "amber"
    assert row["value"] == pytest.approx(expected, rel=0.15)
    assert row["text"].startswith("-")


@pytest.mark.parametrize("n_points", [1, 2, 3])
def test_a_profile_too_short_to_judge_says_so_and_maps_judge(n_points):
    image = image_of(np.swapaxes(mixture((n_points, 34), height=60, width=1.0), 0, 1), seed=8)
    comparison = compared(image, methods=("vca",))
    short = n_points < 3
    said = [text for text in comparison.attrs["warnings"] if "runs along x" in text]
    assert len(said) == short
    if short:
        assert "the maps are compared with BS. Did you mean profiles.P: {along: y}?" in said[0]
        assert ", map)" in rows(comparison, "agreement with BS")["vca"]["text"]
        assert any(s.startswith("The BS maps are followed") for s in comparison.attrs["sentences"])


def test_a_wedge_of_one_material_is_no_mixture_taken_for_pure():
    """A soft interface on a strong wedge: the method that follows the composition takes little for pure."""
    from eelsunmix.comparison import compare
    from eelsunmix.edges import Edge

    thickness = np.linspace(0.2, 2.0, 40)[:, None]
    expected = 10 * thickness * mixture((9, 40))
    image = image_of(expected, seed=9)
    edges = {name: Edge(**one) for name, one in TI_O.items()}
    fit = eu.fit(image, "vca", n_endmembers=2)
    bs = eu.subtract_background(image, edges)
    found = compare(image, bs, {"m": fit}, {"m": eu.apply(fit, image)}, edges=edges)
    assert float(found.binarisation.sel({"label": "m"})) < 0.1


def test_a_sharp_border_of_two_pure_materials_is_no_mixture_taken_for_pure():
    """Of half one material, half another, 100 % of the mixed pixels were "taken for pure"."""
    from eelsunmix.comparison import compare
    from eelsunmix.edges import Edge

    soft = mixture((12, 40))
    sharp = np.where((np.arange(40) < 20)[None, :, None], soft[:, :1], soft[:, -1:])
    edges = {name: Edge(**one) for name, one in TI_O.items()}
    part = {}
    for name, expected in {"sharp": sharp, "soft": soft}.items():
        image = image_of(10 * expected, seed=9)
        fit = eu.fit(image, "vca", n_endmembers=2)
        bs, maps = eu.subtract_background(image, edges), eu.apply(fit, image)
        shares = maps["abundance"]
        maps = maps.assign(abundance=(shares > 0.5).astype(shares.dtype))
        maps = maps.assign(refit_abundance=maps["abundance"])
        found = compare(image, bs, {"m": fit}, {"m": maps}, edges=edges)
        part[name] = float(found.binarisation.sel({"label": "m"}))
    assert np.isnan(part["sharp"])
    assert part["soft"] > 0.9


@pytest.mark.parametrize("n_vacuum", [6, 15])
def test_few_counts_beside_a_sample_are_no_peak_of_its_composition(n_vacuum):
    """Beside vacuum, counts per count of pixels with next to none set the peak: all was "taken for pure"."""
    from eelsunmix.comparison import compare
    from eelsunmix.edges import Edge

    expected = 10 * mixture((12, 40), width=8.0).copy()
    expected[:, :n_vacuum] *= 2e-3
    edges = {name: Edge(**one) for name, one in TI_O.items()}
    image = image_of(expected, seed=9)
    fit = eu.fit(image, "vca", n_endmembers=2)
    found = compare(
        image, eu.subtract_background(image, edges), {"m": fit}, {"m": eu.apply(fit, image)}, edges=edges
    )
    assert float(found.binarisation.sel({"label": "m"})) < 0.2


@pytest.mark.parametrize("failed", [("Ti_L23",), ("Ti_L23", "O_K")])
def test_nothing_is_judged_in_windows_of_a_reference_that_failed(failed):
    problems = {edge: [f"The fit window of {edge} ends above its onset; move it."] for edge in failed}
    comparison = compared(bilayer(), bs_attrs={"reference_problems": problems})
    for criterion in ("cross-talk", "background shape", "mixed shown as pure", "agreement with BS"):
        for row in rows(comparison, criterion).values():
            assert len(failed) == 1 or (row["light"], row["text"]) == ("grey", "void: BS failed")
            assert not any(edge in row["text"] for edge in failed)
    assert not any(f"BS of {edge}" in text for edge in failed for text in comparison.attrs["caveats"])


@pytest.mark.parametrize("seed", [132, 143, *range(100, 108)])
def test_a_perfect_method_does_not_depart_by_chance(seed):
    """So much noise that the correlation of one line of pixels is a guess; of the first two it is low.

    Of 90 such images three departed by the limit alone, and one does beyond chance.
    """
    image = image_of(0.08 * mixture((3, 30), width=2.0), seed=seed)
    true = np.stack([power_law(3.0, e456=30), power_law(3.1, e532=30)])
    fit = eu.fit(bilayer(), "vca", n_endmembers=2, brightness="constant")
    model = fit.assign(endmember_spectrum=fit.endmember_spectrum.copy(data=0.08 * true))
    found = against_bs(image, model, eu.apply(model, image))
    assert not any("departs from" in s or "No method" in s for s in found.attrs["sentences"])


@pytest.mark.parametrize("width", [8, 12])
def test_few_positions_are_no_excuse_where_the_counts_are_many(width):
    """A layer that is found at the wrong place, by many times the noise: eight positions tell."""
    line = np.zeros(width)
    line[width // 2 - 1 : width // 2 + 1] = 1
    wrong = np.roll(line, -1)
    true = 60 * np.stack([power_law(3.0), power_law(3.0, e456=30)])
    shares = [np.broadcast_to(np.stack([1 - s, s], -1), (6, width, 2)) for s in (line, wrong)]
    image = image_of(shares[0] @ true, seed=6)
    fit = eu.fit(bilayer(), "vca", n_endmembers=2, brightness="constant")
    fit = fit.assign(endmember_spectrum=fit.endmember_spectrum.copy(data=true))
    mapped = eu.apply(fit, image)
    mapped = mapped.assign({n: mapped[n].copy(data=shares[1]) for n in ("abundance", "refit_abundance")})
    found = against_bs(image, fit, mapped)
    assert rows(found, "agreement with BS")["m"]["light"] == "red"
    said = [s for s in found.attrs["sentences"] if s.startswith("m departs from the BS profile")]
    assert len(said) == 1
    assert "Ti (Ti_L23)" in said[0]


def test_the_chance_of_a_correlation_is_that_of_the_counts():
    """For a line beside the true one, the spread by repeated counts; the truth itself is excused."""
    from eelsunmix.comparison.agreement import correlation, noise_ceiling
    from eelsunmix.comparison.following import CHANCE_SD, at_most

    rng = np.random.default_rng(3)
    line, moved = (np.exp(-0.5 * ((np.arange(25) - at) / 3.0) ** 2) for at in (11, 14))
    found = [correlation(line + 0.03 * rng.normal(size=25), moved) for _ in range(2000)]
    r, ceiling = float(np.mean(found)), noise_ceiling(line + 0.03 * rng.normal(size=25), np.full(25, 0.03))
    expected = (at_most(r, ceiling, 25) - r) / CHANCE_SD
    np.testing.assert_allclose(np.std(found), expected, rtol=0.15)
    alarms = 0
    for _ in range(1000):
        noisy = line + 0.3 * rng.normal(size=25)
        r, ceiling = correlation(noisy, line), noise_ceiling(noisy, np.full(25, 0.3))
        alarms += at_most(r, ceiling, 25) < 0.9 * ceiling
    assert alarms <= 10


def test_a_misfit_is_said_where_chance_may_have_lowered_the_correlation():
    """An edge with no judgement by correlation has one by its misfit."""
    from eelsunmix.comparison import standings

    known = {"agreement_table": {}, "misfits": {"O_K, P": (0.2, "20 %")}, "factors": {}}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in known.items():
            patch.setattr(standings, name, lambda *_, value=value: value)
        patch.setattr(standings, "_leaking", lambda *_: [])
        (one,) = standings.standings(xr.Dataset(coords={"label": ["BS", "m"]}), ["m"], None)
    assert (one.edge, one.good, one.bad) == ("O_K", (), ())
    assert one.beyond == {"misfit": {"m": "20 %"}}
