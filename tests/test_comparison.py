"""The comparison on simulated images, where what it has to find is known."""

import json
import re
import weakref
from types import SimpleNamespace

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

from eelsunmix import synthetic
from eelsunmix.background import BackgroundOptions, subtract_background
from eelsunmix.comparison import agreement, compare, components, doubts, pixel_samples, setting
from eelsunmix.comparison.caveats import _noisy
from eelsunmix.comparison.counts import confirmed_counts, edge_weights, judging_edges
from eelsunmix.comparison.elements import cross_talk, labels, reached_by_pixels
from eelsunmix.comparison.names import check_component_names, numbered_names, with_names
from eelsunmix.comparison.presence import is_above_zero
from eelsunmix.edges import Edge
from eelsunmix.errors import InputError
from eelsunmix.execution import map_stacks
from eelsunmix.execution.blocks import block_shape
from eelsunmix.execution.scratch import scratch_beside
from eelsunmix.fitting import fit
from eelsunmix.mapping import apply
from eelsunmix.methods import LinearModel
from eelsunmix.profiles import Profile, Region

NAVIGATION = ("y", "x")


@pytest.fixture(scope="module")
def scene():
    return synthetic.multilayer(shape=(24, 75), counts=6000.0, seed=1)


@pytest.fixture(scope="module")
def bs(scene):
    return subtract_background(
        scene.spectrum_image, scene.edges, profiles=scene.profiles, regions=scene.regions
    )


WINDOWS_OF_TI = {"onset_eV": 456, "fit_eV": (405, 450), "integrate_eV": (456, 486)}


def method(scene, spectra, abundance, *, chi2=1.0, **attrs):
    """Stores of a method that found these endmembers and abundances."""
    like = scene.spectrum_image
    coords = {dim: like[dim] for dim in NAVIGATION} | {"valid_pixel": like.valid_pixel}
    fit = xr.Dataset({"endmember_spectrum": (("endmember", "energy_loss"), spectra)})
    dims = (*NAVIGATION, "endmember")
    abundance = np.where(like.valid_pixel.to_numpy()[..., None], abundance, np.nan)
    mapped = xr.Dataset(
        {
            "abundance": (dims, abundance),
            "refit_abundance": (dims, abundance),
            "reduced_chi2": (NAVIGATION, np.full(abundance.shape[:2], chi2)),
        },
        coords=coords,
    )
    attrs = {"status": "converged", "message": "", "seconds": 1.5, **attrs}
    return fit.assign_attrs(attrs), mapped


def oracle(scene):
    return method(scene, scene.endmember_spectrum.to_numpy(), scene.abundance.to_numpy())


def swapped(scene):
    """The truth in another order and on other scales."""
    order, scales = [2, 0, 1], np.array([3.0, 0.1, 7.0])
    spectra = scene.endmember_spectrum.to_numpy()[order] * scales[:, None]
    return method(scene, spectra, scene.abundance.to_numpy()[..., order] / scales)


def leaky(scene, part=0.4):
    """Part of the Ru component is Co; the reconstruction is the same."""
    spectra, abundance = scene.endmember_spectrum.to_numpy().copy(), scene.abundance.to_numpy().copy()
    spectra[2] = (1 - part) * spectra[2] + part * spectra[1]
    abundance[..., 1] -= part / (1 - part) * abundance[..., 2]
    abundance[..., 2] /= 1 - part
    return method(scene, spectra, abundance)


def everywhere(scene):
    """Ru that is also found far from its layer."""
    abundance = 0.9 * scene.abundance.to_numpy() + 0.1 * np.array([0.0, 0.0, 1.0])
    return method(scene, scene.endmember_spectrum.to_numpy(), abundance, chi2=1.3)


def pure_only(scene):
    """Abundances of 0 and 1 alone."""
    abundance = scene.abundance.to_numpy()
    winner = np.argmax(abundance * np.array([1.0, 1.0, 2.0]), axis=-1)
    return method(scene, scene.endmember_spectrum.to_numpy(), np.eye(3)[winner])


def strong_in_one_pixel(scene):
    """As the truth, and a fourth component with a stronger edge of Ru, the third one, in one pixel."""
    spectra, abundance = scene.endmember_spectrum.to_numpy(), scene.abundance.to_numpy()
    stronger = 2 * spectra[2] - np.minimum(spectra[0], spectra[1])
    alone = np.zeros((*abundance.shape[:2], 1))
    alone[0, 0] = 0.1
    return method(scene, np.vstack([spectra, stronger]), np.concatenate([abundance, alone], axis=-1))


def failed(scene):
    attrs = {"status": "failed", "message": "the simplex has no volume", "seconds": 0.1}
    return xr.Dataset(attrs=attrs), xr.Dataset(attrs=attrs)


def run(scene, bs, methods, **options):
    stores = {name: make(scene) for name, make in methods.items()}
    defaults = {
        "edges": scene.edges,
        "profiles": scene.profiles,
        "regions": scene.regions,
        "truth": scene.to_dataset(),
    }
    return compare(
        scene.spectrum_image,
        bs,
        {name: fit for name, (fit, _) in stores.items()},
        {name: mapped for name, (_, mapped) in stores.items()},
        **(defaults | options),
    )


@pytest.fixture(scope="module")
def comparison(scene, bs):
    methods = {
        "failed": failed,
        "oracle": oracle,
        "swapped": swapped,
        "leaky": leaky,
        "everywhere": everywhere,
        "pure_only": pure_only,
    }
    return run(scene, bs, methods)


def lights(comparison, method):
    return {row["criterion"]: row["light"] for row in comparison.attrs["verdict"] if row["method"] == method}


def of(comparison, method):
    return comparison.sel({"label": method})


def test_the_truth_is_green_throughout(comparison):
    assert set(lights(comparison, "oracle").values()) == {"green"}


def test_names_of_the_user_belong_to_edges_whatever_the_order_of_the_endmembers(scene, bs, comparison):
    names = {"Ru": "the layer", "background": "Pt"}
    named = run(scene, bs, {"oracle": oracle, "swapped": swapped}, component_names=names)
    rare = of(run(scene, bs, {"m": strong_in_one_pixel}, component_names=names), "m")
    assert int(rare.owner.sel(edge="Ru_M23")) == 3
    assert rare.endmember_label.values.tolist()[2] == "the layer"
    for label in ("oracle", "swapped"):
        before, after = (of(one, label).endmember_label.values.tolist() for one in (comparison, named))
        ru, co = (int(of(named, label).owner.sel(edge=edge)) for edge in ("Ru_M23", "Co_L23"))
        assert after[ru] == "the layer"
        assert after[co] == before[co] == "Co"
        assert [new for old, new in zip(before, after, strict=True) if old == "background"] == ["Pt"]
    with pytest.raises(
        InputError, match=r"component_names: no edge of 'Fe' is named; possible: Ru, Co, backgr"
    ):
        run(scene, bs, {"oracle": oracle}, component_names={"Fe": "steel"})


def test_two_components_of_one_name_are_said_and_unknown_counts_take_no_name(scene, bs):
    alike = run(scene, bs, {"oracle": oracle}, component_names={"Ru": "Co"})
    (said,) = [text for text in alike.attrs["warnings"] if text.startswith("Called alike")]
    assert re.match(r"Called alike are components \d · Co and \d · Co of oracle: ", said)
    both = run(scene, bs, {"oracle": oracle}, component_names={"Ru": "metal", "Co": "metal"})
    assert any("· metal of oracle" in text for text in both.attrs["warnings"])
    own = run(scene, bs, {"oracle": oracle}, component_names={"Ru": "metal", "background": "Pt"})
    assert not any(text.startswith("Called alike") for text in own.attrs["warnings"])
    setting = SimpleNamespace(
        edges={"Ti_L23": SimpleNamespace(element="Ti")},
        reference_problems={},
        component_names={"Ti": "oxide"},
    )
    abundance = xr.DataArray(np.ones((2, 3)), dims=("y", "endmember"))
    counts = np.array([[np.nan], [9.0], [0.0]])
    assert with_names(["a", "b", "c"], counts, abundance, setting) == ["a", "oxide", "c"]
    assert with_names(["a", "b", "c"], counts, abundance.where([False, True, True]), setting)[1] == "oxide"
    with pytest.raises(InputError, match="component_names: without edges, components have numbers"):
        check_component_names({"background": "Pt"}, {})


def test_matched_components_share_a_number_and_no_two_of_a_page_a_name():
    dims = ("label", "endmember")
    shown = xr.DataArray([["", "", ""], ["Ti", "Ti", "weak O"], ["O", "Ti", "Ti"], ["Ti", "", ""]], dims=dims)
    group = xr.DataArray([[-1, -1, -1], [0, 1, 2], [1, -1, 0], [-1, -1, -1]], dims=dims)
    names = numbered_names(shown, group, with_edges=True)
    assert names.values.tolist()[1:] == [
        ["1 · Ti", "2 · Ti", "3 · weak O"],
        ["2 · O", "4 · Ti", "1 · Ti"],
        ["5 · Ti", "", ""],
    ]
    assert numbered_names(shown, group, with_edges=False).values.tolist()[2] == [
        "component 2",
        "component 4",
        "component 1",
    ]


def test_the_order_of_edges_and_profiles_changes_nothing(scene, bs, comparison):
    """A configuration may name them in another order than the one that the stored reference was made with."""
    turned = {name: dict(reversed(getattr(scene, name).items())) for name in ("edges", "profiles")}
    found = run(scene, bs, {"oracle": oracle, "leaky": leaky}, **turned)
    kept = comparison.sel(label=["BS", "oracle", "leaky"])
    for name in ("owner", "cross_talk", "endmember_label", "element_map", "true_abundance_profile"):
        xr.testing.assert_identical(found[name], kept[name].drop_vars("other_label", errors="ignore"))


def test_the_truth_correlates_with_bs_as_well_as_the_ceiling_says(comparison):
    one = of(comparison, "oracle")
    # Ru M4,5 is left out: the power law of a mixture is not the mixture of power laws, by far there.
    judged = one.sel(edge=["Ru_M23", "Co_L23"])
    np.testing.assert_allclose(judged.map_correlation, judged.map_noise_ceiling, atol=0.03)
    np.testing.assert_allclose(
        judged.profile_correlation.sel(profile="all_rows"),
        judged.profile_noise_ceiling.sel(profile="all_rows"),
        atol=0.04,
    )


def test_the_scale_of_the_truth_is_that_of_bs(comparison):
    one = of(comparison, "oracle").sel(edge="Co_L23", profile="all_rows")
    np.testing.assert_allclose(float(one.profile_scale), 1, atol=0.03)
    assert float(one.profile_error) < 0.05


def test_element_maps_are_the_true_ones(comparison):
    one = of(comparison, "oracle")
    np.testing.assert_allclose(one.element_map, comparison.true_element_map, rtol=1e-5)
    np.testing.assert_allclose(one.element_profile, comparison.true_element_profile, rtol=1e-4)
    np.testing.assert_allclose(one.truth_map_correlation, 1, rtol=1e-6)
    np.testing.assert_allclose(one.truth_map_nmse, 0, atol=1e-9)
    # Together with what BS makes of Pt, they are the sum of the BS of all materials.
    np.testing.assert_allclose(one.subspace_map, comparison.material_bs_map, rtol=1e-5)
    assert float(comparison.material_bs_map.sel(edge="Ru_M45").min()) < -1000
    assert float(comparison.true_element_map.min()) == 0


def test_scores_are_those_of_the_stored_curves(comparison):
    """Ru M4,5: BS subtracts far too much in Pt. The store has what the scores need, and reproduces them."""
    reference, noise = of(comparison, "BS"), of(comparison, "BS").element_profile_sd
    assert float(of(comparison, "oracle").overshoot_map.sel(edge="Ru_M45").min()) < -1000
    assert not of(comparison, "BS").overshoot_map.any()
    for method in ("oracle", "leaky", "everywhere"):
        one = of(comparison, method)
        left = reference.element_profile - one.profile_scale * (one.element_profile + one.overshoot_profile)
        chi2 = ((left / noise) ** 2).sum("position") / (left.notnull().sum("position") - 1)
        np.testing.assert_allclose(chi2, one.profile_reduced_chi2, rtol=1e-6)
        maps = one.map_scale * (one.element_map + one.overshoot_map)
        found = xr.corr(reference.element_map, maps, ("y", "x"))
        np.testing.assert_allclose(found, one.map_correlation, rtol=1e-4)


def test_profiles_scaled_to_bs_are_drawn_as_they_are_scored(comparison):
    from eelsunmix.report.figures.profiles import element_profiles

    one = of(comparison, "oracle").sel(edge="Ru_M45", profile="all_rows")
    looks = {"profile": "all_rows", "styles": {"oracle": {}}, "methods": ["oracle"], "unit": "nm"}
    for scaled in (False, True):
        figure = element_profiles(comparison, edges=["Ru_M45"], scaled=scaled, **looks)
        (drawn,) = [np.asarray(line["y"]) for line in figure["data"] if line.get("name") == "oracle"]
        reference, noise = (
            of(comparison, "BS")[name].sel(edge="Ru_M45", profile="all_rows").values
            for name in ("element_profile", "element_profile_sd")
        )
        chi2 = float((((drawn - reference) / noise) ** 2).sum() / (drawn.size - 1))
        assert np.isclose(chi2, float(one.profile_reduced_chi2), rtol=1e-3) == scaled


def test_true_abundances_are_those_of_the_image(comparison, scene):
    np.testing.assert_allclose(comparison.true_abundance, scene.abundance, rtol=1e-6)
    assert comparison.true_abundance.dims == ("y", "x", "true_endmember")


def test_order_and_scale_of_components_do_not_matter(comparison):
    one, other = of(comparison, "oracle"), of(comparison, "swapped")
    np.testing.assert_allclose(other.element_map, one.element_map, rtol=1e-4, atol=1e-3)
    assert other.group.values.tolist() == [2, 0, 1]
    assert other.truth_match.values.tolist() == [1, 2, 0]
    assert other.endmember_label.values.tolist() == ["Ru", "background", "Co"]
    assert other.owner.values.tolist() == [0, 0, 2]
    np.testing.assert_allclose(other.cross_talk, one.cross_talk.values[[2, 0, 1]], rtol=1e-6)
    np.testing.assert_allclose(other.truth_sad, 0, atol=1e-7)
    np.testing.assert_allclose(other.truth_nmse_scale_free, 0, atol=1e-12)
    np.testing.assert_allclose(float(comparison.sad_between.sel({"label": "swapped"})[2]), 0, atol=1e-7)


def test_endmembers_learned_on_other_channels_are_laid_on_those_of_the_image(scene, bs, comparison):
    """The model of a sample with more channels, each a third of a channel off, gives the same elements."""
    other = synthetic.multilayer(shape=(4, 75), n_channels=220, offset_eV=216 - 9.33 * 3.33)
    learned = LinearModel(endmembers=6 * other.endmember_spectrum.to_numpy()).to_dataset()
    learned = learned.rename(channel="energy_loss").assign_coords(
        energy_loss=other.spectrum_image.energy_loss
    )
    _, mapped = oracle(scene)
    one = of(
        run(scene, bs, {"elsewhere": lambda _: (learned.assign_attrs(method="vca"), mapped)}), "elsewhere"
    )
    expected = of(comparison, "oracle")
    # The counts of the simulation are those of the first channel, which is another one.
    scale = float((one.element_map / expected.element_map).median())
    np.testing.assert_allclose(one.element_map / scale, expected.element_map, rtol=0.03, atol=3)
    assert one.truth_match.values.tolist() == [0, 1, 2]
    assert float(one.truth_sad.max()) < 0.01


def test_co_in_the_ru_component_is_flagged(comparison):
    one = of(comparison, "leaky")
    # 0.4 of the Co spectrum against 0.6 of Ru with about the same total counts.
    assert 0.25 < float(one.cross_talk.sel(edge="Co_L23")[2]) < 0.5
    assert lights(comparison, "leaky")["cross-talk"] == "amber"
    assert lights(comparison, "oracle")["cross-talk"] == "green"
    sentence = [s for s in comparison.attrs["sentences"] if " · Ru with weak Co of leaky" in s]
    assert len(sentence) == 1
    assert "Co edge" in sentence[0]
    assert "good up to 10 %" in sentence[0]
    assert "oracle" not in sentence[0]


def test_counts_of_all_components_do_not_change_when_they_are_rotated(comparison):
    one, other = of(comparison, "oracle"), of(comparison, "leaky")
    error = other.subspace_map.sel(edge="Co_L23") - one.subspace_map.sel(edge="Co_L23")
    # Not exactly: each component has its own power law.
    assert float(abs(error).max()) < 0.03 * float(one.subspace_map.sel(edge="Co_L23").max())


def test_co_in_the_ru_component_is_in_the_map_of_co(comparison):
    """It is a sure edge that BS confirms: the map has no hole where the Ru is."""
    other = of(comparison, "leaky").sel(edge="Co_L23")
    assert float(other.truth_map_correlation) > 0.999
    assert lights(comparison, "leaky")["misfit to BS"] == "green"
    assert other.edge_weight.values[[0, 1]].tolist() == [0, 1]
    assert 0.98 < float(other.edge_weight[2]) < 1


@pytest.mark.parametrize("part", [0.38, 0.42, 0.46, 0.5, 0.54])
def test_no_limit_of_strength_decides_what_is_in_a_map(scene, bs, part):
    """At 0.47 the Ru component shows Co half as strongly as its owner does."""
    found = of(run(scene, bs, {"m": lambda scene: leaky(scene, part)}), "m").sel(edge="Co_L23")
    assert float(found.truth_map_nmse) < 1e-3


def test_ru_far_from_its_layer_is_flagged(comparison, scene):
    one = of(comparison, "everywhere")
    peak = float(scene.abundance.sel(endmember="Ru").max())
    np.testing.assert_allclose(
        float(one.off_region_owner.sel(edge="Ru_M23")), 0.1 / (0.9 * peak + 0.1), rtol=0.05
    )
    assert lights(comparison, "everywhere")["outside its region"] == "red"
    assert lights(comparison, "everywhere")["reconstruction"] == "amber"
    assert any("everywhere (1.3)" in sentence for sentence in comparison.attrs["sentences"])


def test_binarised_maps_are_flagged(comparison):
    assert float(of(comparison, "oracle").binarisation) < 0.1
    assert float(of(comparison, "pure_only").binarisation) > 0.95
    assert lights(comparison, "pure_only")["mixed shown as pure"] == "red"


def test_a_failed_method_keeps_its_place(comparison):
    one = of(comparison, "failed")
    assert comparison.label.values.tolist()[:2] == ["BS", "failed"]
    assert np.isnan(one.element_map).all()
    assert np.isnan(one.element_profile).all()
    assert (one.group == -1).all()
    assert str(one.status.item()) == "failed"
    assert lights(comparison, "failed").pop("convergence") == "red"
    assert any("failed gave no result: the simplex has no volume" in s for s in comparison.attrs["sentences"])


def test_the_reference_row_is_bs_itself(comparison, bs):
    one = of(comparison, "BS")
    np.testing.assert_array_equal(one.element_map, bs.net_counts)
    np.testing.assert_allclose(one.element_profile, bs.profile_counts)
    np.testing.assert_allclose(one.element_profile_sd, bs.profile_counts_sd)
    np.testing.assert_allclose(one.off_region_mean, bs.off_region_mean)
    np.testing.assert_allclose(one.map_correlation, 1)
    assert str(one.status.item()) == "reference"
    assert (one.endmember_label == "").all()


def test_ru_m45_of_bs_is_negative_off_the_layer_and_said_to_be(comparison):
    reference = of(comparison, "BS").sel(edge="Ru_M45")
    assert float(reference.off_region_mean) < -10 * float(reference.off_region_sd)
    assert float(reference.negative_fraction) > 0.5
    assert any("Ru_M45" in caveat and "Ru is absent" in caveat for caveat in comparison.attrs["caveats"])
    assert any("C K" in caveat for caveat in comparison.attrs["caveats"])
    assert lights(comparison, "BS")["outside its region"] == "red"


def test_the_asymmetry_of_ru_is_found(comparison):
    profile = of(comparison, "oracle").sel(edge="Ru_M45", profile="all_rows")
    assert float(profile.asymmetry) < -0.4
    assert 0.5 < float(profile.fwhm) < 1.0


def test_abundance_profiles_are_means_over_the_width(comparison, scene):
    expected = scene.abundance.isel(y=slice(0, 3)).mean("y").transpose("endmember", "x")
    np.testing.assert_allclose(comparison.true_abundance_profile.sel(profile="three_rows"), expected)
    np.testing.assert_allclose(
        of(comparison, "oracle").truth_abundance_profile.sel(profile="three_rows"), expected
    )


def test_angles_of_edges_are_for_components_with_edges(comparison):
    assert np.isnan(of(comparison, "oracle").truth_sad_edge.sel(true_endmember="Pt"))
    assert float(of(comparison, "leaky").truth_sad_edge.sel(true_endmember="Ru")) > 0.1


def test_attributes_are_plain_values(comparison):
    text = json.dumps(comparison.attrs, allow_nan=False)
    rows = json.loads(text)["verdict"]
    assert set(rows[0]) == {
        *("method", "criterion", "value", "text", "green", "amber", "percent", "light", "explanation")
    }
    assert {row["light"] for row in rows} <= {"green", "amber", "red", "grey"}


def test_it_can_be_published(comparison, tmp_path):
    from eelsunmix.storage import open_store, publish

    publish(comparison, tmp_path / "comparison.zarr", kind="comparison")
    found = open_store(tmp_path / "comparison.zarr")
    np.testing.assert_array_equal(found.endmember_label, comparison.endmember_label)
    np.testing.assert_array_equal(found.element_map, comparison.element_map)
    assert found.attrs["sentences"] == comparison.attrs["sentences"]


class Disk:
    """An image that counts how many of its blocks are in memory at a time."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.ndim = values, values.shape, values.dtype, values.ndim
        self.now = self.most = 0

    def __getitem__(self, place):
        block = self.values[place].copy()
        if block.size:  # Dask asks for the type, too
            self.now += 1
            self.most = max(self.most, self.now)
            weakref.finalize(block, self._freed)
        return block

    def _freed(self):
        self.now -= 1


@pytest.mark.guarantee("G11")
def test_lazy_equals_eager_and_reads_no_more_than_a_block_at_a_time(scene, bs, monkeypatch):
    monkeypatch.setattr("eelsunmix.execution.blocks.BLOCK_ELEMENTS", 4000)
    eager = run(scene, bs, {"oracle": oracle})
    disk = Disk(scene.spectrum_image.to_numpy())
    lazy = scene.spectrum_image.copy(data=da.from_array(disk, block_shape(disk.shape), asarray=False))
    assert lazy.data.npartitions > 50
    fit, mapped = oracle(scene)
    with dask.config.set(scheduler="synchronous"):
        found = compare(
            lazy,
            bs.chunk(),
            {"oracle": fit},
            {"oracle": mapped.chunk()},
            edges=scene.edges,
            profiles=scene.profiles,
            regions=scene.regions,
            truth=scene.to_dataset().chunk(),
        )
    xr.testing.assert_allclose(found, eager)
    assert found.attrs == eager.attrs
    assert disk.most == 1


def in_few_digits(said):
    """What is said, with numbers as far as sums in another order leave them."""
    if isinstance(said, float):
        return float(f"{said:.3g}")
    if isinstance(said, dict):
        return {key: in_few_digits(one) for key, one in said.items()}
    return [in_few_digits(one) for one in said] if isinstance(said, (list, tuple)) else said


def test_parts_of_the_pixels_give_what_the_whole_gives(scene, bs, monkeypatch, tmp_path):
    methods = {"oracle": oracle, "failed": failed}
    whole = run(scene, bs, methods)
    for module in (map_stacks, components, setting, doubts):
        for name in {"PIXELS"} & vars(module).keys():
            monkeypatch.setattr(module, name, 70)
    monkeypatch.setattr(agreement, "_PIECE", 70)
    with scratch_beside(tmp_path / "a.log"):
        parts = run(scene, bs, methods)
        large = {name for name, one in parts.data_vars.items() if one.chunks}
        assert {"element_map", "subspace_map_sd", "overshoot_map", "owner_abundance_high"} <= large
        xr.testing.assert_allclose(parts.compute(), whole, rtol=1e-5, atol=1e-6)
        assert in_few_digits(parts.attrs) == in_few_digits(whole.attrs)
    assert list(tmp_path.iterdir()) == []


def test_maps_that_are_loaded_leave_those_of_the_caller_lazy():
    given = xr.Dataset({"abundance": (("y", "x"), np.arange(6.0).reshape(2, 3))}).chunk(y=1)
    loaded = map_stacks.decompressed(given, ("y", "x"))
    assert loaded["abundance"].chunks is None
    assert given["abundance"].chunks is not None


def test_maps_of_a_large_image_are_decompressed_once(monkeypatch, tmp_path):
    """A chunk holds many parts of the pixels, each of which is read many times."""
    monkeypatch.setattr(map_stacks, "LOADED", 10)
    monkeypatch.setattr(map_stacks, "PIXELS", 20)
    values, read = np.random.default_rng(0).normal(size=(9, 8, 3)).astype(np.float32), []

    def chunk(block_id):
        read.append(block_id)
        return values[6 * block_id[0] : 6 * block_id[0] + 6]

    meta = np.empty((0, 0, 0), np.float32)
    stored = da.map_blocks(chunk, chunks=((6, 3), 8, 3), dtype=np.float32, meta=meta)
    given = xr.Dataset({"abundance": (("y", "x", "endmember"), stored), "seen": (("y", "x"), values[..., 0])})
    with scratch_beside(tmp_path / "a.log"):
        kept = map_stacks.decompressed(given, ("y", "x"))
        for part in map_stacks.pixel_parts({"y": 9, "x": 8}):
            place = tuple(part.values())
            np.testing.assert_array_equal(kept["abundance"].isel(part), values[place])
        assert sorted(read) == [(0, 0, 0), (1, 0, 0)]
        assert kept["seen"].chunks is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(3, 400, 301), (701, 600), (2, 300_000), (400_000,), (5, 100_000, 3)])
def test_a_sample_has_squares_of_neighbours_from_everywhere(shape):
    dims = ("frame", "y", "x")[-len(shape) :]
    parts = map_stacks.pixel_parts(dict(zip(dims, shape, strict=True)))
    sample = pixel_samples.pixel_sample(parts, shape)
    index = np.arange(np.prod(shape)).reshape(shape)
    pieces = [index[tuple(part.values())].ravel() for part in parts]
    np.testing.assert_array_equal(np.concatenate(pieces), index.ravel())
    chosen = np.concatenate([piece[own] for piece, own in zip(pieces, sample.chosen, strict=True)])
    assert len(np.unique(chosen)) == chosen.size == np.prod(sample.shape)
    assert 0.8 * pixel_samples.SAMPLE < chosen.size <= 1.05 * pixel_samples.SAMPLE
    assert sample.part == chosen.size / index.size
    squares = chosen.reshape(sample.shape)
    assert (np.diff(squares, axis=2) == 1).all()
    assert (np.diff(squares, axis=1) == shape[-1]).all()
    assert np.histogram(chosen, 20, (0, index.size))[0].min() > 0.7 * chosen.size / 20


def test_invalid_pixels_are_nan_and_take_no_part(scene, bs):
    valid = np.ones(scene.spectrum_image.shape[:2], dtype=bool)
    valid[3:9, 40:50] = False
    image = scene.spectrum_image.where(xr.DataArray(valid, dims=NAVIGATION), 0).astype(np.uint16)
    image = image.assign_coords(valid_pixel=(NAVIGATION, valid)).assign_attrs(scene.spectrum_image.attrs)
    reference = subtract_background(image, scene.edges, profiles=scene.profiles, regions=scene.regions)
    fit, mapped = oracle(scene)
    mapped = mapped.assign_coords(valid_pixel=(NAVIGATION, valid))
    for name in ("abundance", "refit_abundance"):
        mapped[name] = mapped[name].where(mapped.valid_pixel)
    found = compare(
        image,
        reference,
        {"oracle": fit},
        {"oracle": mapped},
        edges=scene.edges,
        profiles=scene.profiles,
        regions=scene.regions,
        truth=scene.to_dataset(),
    )
    assert np.isnan(found.element_map.values[:, :, ~valid]).all()
    assert np.isfinite(found.element_map.values[:, :, valid]).all()
    assert set(lights(found, "oracle").values()) == {"green"}


@pytest.mark.parametrize("columns", [50, 75])
def test_chi_square_of_the_reconstruction_is_that_of_the_sample(scene, bs, columns):
    """Most pixels, or all, have no abundances, as in vacuum; the noise there is not that of counts."""

    def with_vacuum(scene):
        fit, mapped = oracle(scene)
        empty = xr.DataArray(np.arange(75) < columns, dims="x")
        maps = mapped[["abundance", "refit_abundance"]].where(~empty, 0.0)
        return fit, mapped.assign(maps).assign(reduced_chi2=mapped.reduced_chi2.where(~empty, 1.9))

    found = run(scene, bs, {"m": with_vacuum}).reconstruction_chi2.sel(label="m")
    assert float(found) == (1.0 if columns < 75 else 1.9)


def test_without_edges_components_are_still_matched(scene):
    empty = subtract_background(scene.spectrum_image, {})
    methods = {"oracle": oracle, "swapped": swapped}
    found = run(scene, empty, methods, edges={}, profiles={}, regions={})
    assert found.sizes["edge"] == 0
    assert of(found, "swapped").group.values.tolist() == [2, 0, 1]
    assert of(found, "oracle").endmember_label.values.tolist() == [
        "component 1",
        "component 2",
        "component 3",
    ]
    assert lights(found, "oracle")["agreement with BS"] == "grey"
    np.testing.assert_allclose(of(found, "oracle").truth_nmse, 0, atol=1e-12)


def test_without_methods_the_reference_stands_alone(scene, bs):
    found = run(scene, bs, {})
    assert found.label.values.tolist() == ["BS"]
    assert found.sizes["endmember"] == 0


def test_without_truth_profiles_or_regions(scene):
    reference = subtract_background(scene.spectrum_image, scene.edges)
    options = {"profiles": {}, "regions": {}, "truth": None}
    found = run(scene, reference, {"oracle": oracle}, **options)
    assert "true_element_map" not in found
    assert np.isnan(found.off_region_owner).all()
    assert lights(found, "oracle")["agreement with BS"] == "green"
    assert lights(found, "oracle")["outside its region"] == "grey"


def test_truth_of_a_measured_image_is_ignored(scene, bs):
    raw = scene.to_dataset()
    measured = raw.drop_vars([name for name in raw if str(name).startswith("true_")])
    assert "truth_nmse" not in run(scene, bs, {"oracle": oracle}, truth=measured)


def crop_and_bin(image):
    """As the corrections do: rows 2 to 21 in pairs, columns 5 to 74, channels 3 to 196 in pairs."""
    image = image.isel(y=slice(2, 22), x=slice(5, None), energy_loss=slice(3, 197))
    attrs = {dim: image[dim].attrs for dim in image.dims}
    image = image.coarsen(y=2, energy_loss=2).sum()
    for dim, kept in attrs.items():
        image[dim].attrs.update(kept)
    return image


def test_truth_follows_crop_and_bins(scene):
    image = crop_and_bin(scene.spectrum_image.drop_vars("valid_pixel")).assign_attrs(counts_per_electron=1.0)
    expected = crop_and_bin(scene.expected_counts)
    abundance = scene.abundance.isel(y=slice(2, 22), x=slice(5, None)).coarsen(y=2).mean()
    spectra = scene.endmember_spectrum.isel(energy_loss=slice(3, 197)).coarsen(energy_loss=2).sum() * 2
    np.testing.assert_allclose(abundance.values @ spectra.values, expected, rtol=1e-6)
    reference = subtract_background(image, scene.edges)
    fit = xr.Dataset({"endmember_spectrum": spectra.drop_vars("endmember")}, attrs={"status": "converged"})
    mapped = xr.Dataset({"abundance": abundance, "refit_abundance": abundance}).drop_vars("endmember")
    found = compare(image, reference, {"m": fit}, {"m": mapped}, edges=scene.edges, truth=scene.to_dataset())
    one = of(found, "m")
    np.testing.assert_allclose(one.truth_sad, 0, atol=1e-7)
    np.testing.assert_allclose(one.truth_nmse, 0, atol=1e-12)
    np.testing.assert_allclose(one.element_map, found.true_element_map, rtol=1e-4, atol=1e-2)


def test_truth_that_does_not_fit_is_left_out_with_a_reason(scene, bs):
    raw = scene.to_dataset().assign_coords(x=scene.spectrum_image.x + 3.0)
    found = run(scene, bs, {"oracle": oracle}, truth=raw)
    assert "truth_nmse" not in found
    assert any("axis x does not fit" in caveat for caveat in found.attrs["caveats"])


@pytest.mark.parametrize("part", [0.08, 0.15])
def test_a_material_with_little_of_an_element_is_in_the_true_map(part):
    """Pt holds some Co: the simulation says so, and the spectra are not asked."""
    scene = synthetic.multilayer(shape=(12, 75), counts=6000.0, seed=4)
    truth = scene.to_dataset()
    spectra = scene.endmember_spectrum.to_numpy().copy()
    spectra[0] = (1 - part) * spectra[0] + part * spectra[1]
    expected = scene.abundance.to_numpy() @ spectra
    truth["true_endmember_spectrum"] = truth.true_endmember_spectrum.copy(data=spectra)
    truth["true_expected_counts"] = truth.true_expected_counts.copy(data=expected.astype(np.float32))
    truth.attrs["composition"] = scene.composition | {"Pt": {"Pt": 1 - part, "Co": part}}
    image = scene.spectrum_image.copy(data=np.random.default_rng(5).poisson(expected).astype(np.uint32))
    reference = subtract_background(image, scene.edges, profiles=scene.profiles, regions=scene.regions)
    fit, mapped = method(scene, spectra, scene.abundance.to_numpy())
    options = {"edges": scene.edges, "profiles": scene.profiles, "regions": scene.regions}
    one = compare(image, reference, {"m": fit}, {"m": mapped}, truth=truth, **options).sel({"label": "m"})
    np.testing.assert_allclose(one.truth_map_nmse, 0, atol=1e-5)
    np.testing.assert_allclose(one.true_element_map, one.element_map, rtol=1e-2, atol=0.01)


def test_without_the_materials_there_is_no_truth_of_the_elements(scene, bs):
    truth = scene.to_dataset()
    del truth.attrs["composition"]
    found = run(scene, bs, {"oracle": oracle}, truth=truth)
    assert not [
        name for name in found if "true_element" in name or "truth_map" in name or "material_bs" in name
    ]
    assert any("does not say which elements its materials contain" in text for text in found.attrs["caveats"])
    np.testing.assert_allclose(of(found, "oracle").truth_nmse, 0, atol=1e-12)


def test_true_maps_follow_thickness_and_beam_current():
    scene = synthetic.multilayer(shape=(8, 40), pixel_nm=0.2, level="thickness", noise=False, seed=3)
    image = scene.spectrum_image.assign_attrs(counts_per_electron=1.0)
    reference = subtract_background(image, scene.edges)
    found = run(scene, reference, {"oracle": oracle}, profiles={}, regions={})
    true = found.true_element_map.sel(edge="Co_L23").values
    measured = reference.net_counts.sel(edge="Co_L23").values
    # BS of the noise-free image sees the same counts; plural scattering changes the edge by some percent.
    np.testing.assert_allclose(true.sum(), measured.sum(), rtol=0.1)
    assert np.corrcoef(true.ravel(), measured.ravel())[0, 1] > 0.99


def test_a_series_of_frames_is_compared_frame_by_frame():
    scene = synthetic.multilayer(shape=(6, 40), pixel_nm=0.2, counts=6000.0)
    frames = [synthetic.multilayer(shape=(6, 40), pixel_nm=0.2, counts=6000.0, seed=s) for s in range(2)]
    image = xr.concat([frame.spectrum_image.drop_vars("valid_pixel") for frame in frames], "frame")
    abundance = xr.concat([frame.abundance for frame in frames], "frame").drop_vars("endmember")
    profiles = {"all_rows": Profile(along="x")}
    reference = subtract_background(image, scene.edges, profiles=profiles, regions=scene.regions)
    spectra = scene.endmember_spectrum.drop_vars("endmember")
    fit = xr.Dataset({"endmember_spectrum": spectra}, attrs={"status": "converged", "seconds": 1.0})
    mapped = xr.Dataset({"abundance": abundance, "refit_abundance": abundance})
    found = compare(
        image,
        reference,
        {"m": fit},
        {"m": mapped},
        edges=scene.edges,
        profiles=profiles,
        regions=scene.regions,
    )
    assert found.element_map.dims == ("label", "edge", "frame", "y", "x")
    assert found.element_profile.dims == ("label", "edge", "profile", "frame", "position")
    assert float(of(found, "m").profile_correlation.sel(edge="Co_L23")[0]) > 0.95


def test_one_component_may_own_several_elements(scene, bs):
    """Co and Ru in one component, as Mn and La are in a perovskite."""

    def two(scene):
        spectra, abundance = scene.endmember_spectrum.to_numpy(), scene.abundance.to_numpy()
        merged = np.stack([spectra[0], 0.7 * spectra[1] + 0.3 * spectra[2]])
        return method(scene, merged, np.stack([abundance[..., 0], 1 - abundance[..., 0]], axis=-1))

    found = run(scene, bs, {"oracle": oracle, "two": two})
    assert of(found, "two").endmember_label.values.tolist() == ["background", "Ru+Co", ""]
    assert of(found, "two").group.values.tolist()[2] == -1
    assert np.isnan(of(found, "two").endmember_net_counts.values[2]).all()
    assert (of(found, "two").truth_match == -1).sum() == 1


def test_materials_that_share_an_element_are_named_after_it():
    scene = synthetic.chequerboard(endmembers="k4", size=(16, 24), block=4, filter_size=3, counts=3000.0)
    reference = subtract_background(scene.spectrum_image, scene.edges)
    found = run(scene, reference, {"oracle": oracle}, profiles={}, regions={})
    # C, BN, B2O3, B4C; the C of B4C is weak beside that of carbon.
    assert of(found, "oracle").endmember_label.values.tolist() == ["C", "B+N", "B+O", "B"]
    assert lights(found, "oracle")["cross-talk"] == "amber"
    assert lights(found, "oracle")["agreement with BS"] == "green"


def test_chi_square_below_that_of_noise_judges_nobody(scene, bs):
    def correlated(scene):
        return method(scene, scene.endmember_spectrum.to_numpy(), scene.abundance.to_numpy(), chi2=0.5)

    found = run(scene, bs, {"m": correlated})
    assert lights(found, "m")["reconstruction"] == "grey"
    assert any("channels share noise" in caveat for caveat in found.attrs["caveats"])


def test_signed_components_are_called_impossible(scene, bs):
    def signed(scene):
        spectra = scene.endmember_spectrum.to_numpy().copy()
        spectra[1] -= 0.9 * spectra[0]
        abundance = scene.abundance.to_numpy().copy()
        abundance[..., 0] += 0.9 * abundance[..., 1]
        return method(scene, spectra, abundance)

    found = run(scene, bs, {"signed": signed})
    assert lights(found, "signed")["background shape"] in ("amber", "red")


@pytest.mark.parametrize(
    ("strongest", "failed", "found"),
    [
        (0.05, {}, "Ti"),
        (0.09, {}, "weak Ti"),
        (0.3, {}, "weak Ti"),
        (0.05, {"Ti_L23": ["bent"]}, "weak Ti"),
        (float("nan"), {}, "weak Ti"),
        (0.001, {}, "Ti"),
    ],
)
def test_weak_is_less_than_half_of_the_strongest_pixels(strongest, failed, found):
    """A corner of a simplex may lie beyond all pixels; noise makes some pixels stronger than it is."""
    edges = {"Ti_L23": Edge(element="Ti", **WINDOWS_OF_TI)}
    known = SimpleNamespace(edges=edges, reference_problems=failed, strongest_pixels={"Ti_L23": strongest})
    spectra, net, owner = np.full((4, 20), 50.0), np.array([[100.0], [40.0], [15.0], [5.0]]), np.array([0])
    reached = reached_by_pixels(spectra, net, owner, known)
    names = labels(cross_talk(spectra, net, owner), list(edges.values()), reached=reached)
    # A phase of few pixels is no corner beyond them: what has a seventh of its strength stays weak.
    assert names == ["Ti", found, "weak Ti", "background"]


def test_strongest_pixels_are_those_of_the_edge_in_the_counts_of_a_pixel(scene, bs):
    one = setting.Setting(
        energy=scene.spectrum_image.energy_loss,
        mean_spectrum=np.ones(scene.spectrum_image.sizes["energy_loss"]),
        bs=bs,
        edges=scene.edges,
        profiles={},
        regions={},
        total_counts=scene.spectrum_image.sum("energy_loss"),
    )
    co = bs.net_counts.sel(edge="Co_L23") / one.total_counts
    assert one.strongest_pixels["Co_L23"] == pytest.approx(float(co.quantile(0.995)))
    pure = scene.abundance.isel(endmember=1).to_numpy() > 0.95
    assert one.strongest_pixels["Co_L23"] == pytest.approx(float(co.to_numpy()[pure].mean()), rel=0.2)


def test_real_methods_run_through(scene, bs):
    from eelsunmix import apply, fit

    model = fit(scene.spectrum_image, "vca", n_endmembers=3, seed=0)
    found = compare(
        scene.spectrum_image,
        bs,
        {"vca": model},
        {"vca": apply(model, scene.spectrum_image)},
        edges=scene.edges,
        profiles=scene.profiles,
        regions=scene.regions,
        truth=scene.to_dataset(),
    )
    assert sorted(of(found, "vca").endmember_label.values.tolist()) == ["Co", "Ru with weak Co", "background"]
    assert float(of(found, "vca").map_correlation.sel(edge="Co_L23")) > 0.9
    # The Ru layer is nowhere pure, and VCA takes pixels as components: its Ru contains Co.
    assert lights(found, "vca")["cross-talk"] == "amber"


def test_maps_of_another_image_are_refused(scene, bs):
    fit, mapped = oracle(scene)
    with pytest.raises(InputError, match=r"maps\['m'\]: pixels 24 y x 70 x, but the image has 24 y x 75 x"):
        compare(scene.spectrum_image, bs, {"m": fit}, {"m": mapped.isel(x=slice(70))}, edges=scene.edges)


def test_noisy_edges_judge_nobody():
    scene = synthetic.multilayer(shape=(6, 40), pixel_nm=0.2, counts=20.0)
    edges = {"Ru_M23": scene.edges["Ru_M23"]}
    region = {"left": Region(x_nm=(0.0, 1.0), without=("Ru",))}
    reference = subtract_background(scene.spectrum_image, edges, regions=region)
    found = run(scene, reference, {"oracle": oracle}, edges=edges, profiles={}, regions=region)
    assert float(found.map_noise_ceiling[0]) < 0.5
    assert lights(found, "oracle")["agreement with BS"] == "grey"
    assert any("The BS map of Ru_M23 (0." in caveat for caveat in found.attrs["caveats"])


def test_noisy_edges_share_a_caveat():
    assert _noisy({}) == ""
    assert _noisy({"Al_Ka": 0.0, "Ca_Ka": 0.31}).startswith(
        "The BS maps of Al_Ka (0.00) and Ca_Ka (0.31) are mostly"
    )


def test_an_element_nobody_shows_has_no_owner(scene):
    edges = {
        "N_K": Edge(element="N", onset_eV=600, fit_eV=(560, 595), integrate_eV=(600, 640)),
        "Co_L23": scene.edges["Co_L23"],
    }

    def background_only(scene):
        energy = scene.spectrum_image.energy_loss.to_numpy()
        spectra = 1e4 * (energy / energy[0])[None] ** np.array([[-3.0], [-2.5]])
        # A dip where the edge should be, so that net counts are negative.
        spectra[:, (energy > 600) & (energy < 640)] *= 0.99
        spectra[:, energy > 770] *= 0.99
        return method(scene, spectra, scene.abundance.to_numpy()[..., :2])

    reference = subtract_background(scene.spectrum_image, edges)
    methods = {"m": background_only, "oracle": oracle}  # of another number of components
    found = run(scene, reference, methods, edges=edges, profiles={}, regions={}, truth=None)
    assert (of(found, "m").element_map == 0).all()
    assert np.isfinite(of(found, "oracle").map_scale).all()
    assert np.isnan(of(found, "m").map_correlation).all()
    assert of(found, "m").owner.values.tolist() == [-1, -1]
    assert np.isnan(of(found, "m").cross_talk).all()
    assert any("No component of m shows the edge N_K" in sentence for sentence in found.attrs["sentences"])


@pytest.mark.parametrize("exponent", ["pixel", "local", "global"])
def test_net_counts_of_components_scatter_as_their_deviation_says(exponent):
    """Exponents of neighbours err together: of independent pixels the deviation was 2.5 counts, found 6.2.

    Two wide areas, a layer of one pixel and a single pixel.
    """
    rng, energy = np.random.default_rng(77), np.arange(440.0, 620.0, 2.0)
    owner = np.repeat(np.arange(13)[None] > 5, 10, axis=0).astype(int)
    owner[:, 9], owner[4, 2] = 2, 3
    shares = np.eye(4)[owner]
    spectra = (
        90 * (energy / energy[0]) ** -3.0 * np.array([1 + 0.4 * one * (energy > 531) for one in (1, 0, 1, 1)])
    )
    edges = {"O_K": Edge(element="O", onset_eV=532, fit_eV=(480, 526), integrate_eV=(532, 580))}
    refit = xr.DataArray(shares, dims=("y", "x", "endmember"))
    axis = xr.DataArray(energy, dims="energy_loss", attrs={"units": "eV"})
    found = []
    for _ in range(40):
        counts = xr.DataArray(
            rng.poisson(shares @ spectra), dims=("y", "x", "energy_loss"), coords={"energy_loss": axis}
        )
        bs = subtract_background(counts, edges, BackgroundOptions(exponent=exponent))
        setting = SimpleNamespace(
            edges=edges,
            navigation=("y", "x"),
            bs=bs,
            parts=[{"y": slice(0, 10), "x": slice(0, 13)}],
            at=lambda _, bs=bs: SimpleNamespace(bs=bs),
        )
        found.append(confirmed_counts(refit, setting))
    net, sd = np.array(found)[..., 0].swapaxes(0, 1)
    ratio = net.std(axis=0, ddof=1) / np.sqrt((sd**2).mean(axis=0))
    assert ((ratio > 0.7) & (ratio < 1.35)).all(), ratio


@pytest.mark.parametrize("exponent", ["pixel", "local", "global"])
@pytest.mark.parametrize(
    "sizes", [{"y": 30, "x": 21}, {"frame": 2, "y": 23, "x": 9}, {"y": 1, "x": 60}], ids=str
)
def test_net_counts_of_components_are_the_same_whatever_the_parts(sizes, exponent):
    """Exponents reach over the rim of a part, and over masked pixels, but not into other frames."""
    rng, energy = np.random.default_rng(1), np.arange(440.0, 620.0, 2.0)
    shape = tuple(sizes.values())
    owner = rng.integers(0, 3, shape)
    owner[..., :3] = 0
    valid = np.ones(shape, bool)
    valid[..., shape[-2] // 2, 4:7] = False
    heights = [1 + 0.4 * one * (energy > 531) for one in (1, 0, 1)]
    counts = rng.poisson(np.eye(3)[owner] @ (90 * (energy / energy[0]) ** -3.0 * np.array(heights)))
    axis = xr.DataArray(energy, dims="energy_loss", attrs={"units": "eV"})
    coords = {"energy_loss": axis, "valid_pixel": (tuple(sizes), valid)}
    image = xr.DataArray(counts, dims=(*sizes, "energy_loss"), coords=coords)
    edges = {"O_K": Edge(element="O", onset_eV=532, fit_eV=(480, 526), integrate_eV=(532, 580))}
    bs = subtract_background(image, edges, BackgroundOptions(exponent=exponent, local_sigma_px=0.8))
    refit = xr.DataArray(np.eye(3)[owner], dims=(*sizes, "endmember"))

    asked = []

    def found(steps):
        corners = np.ndindex(*(-(-size // step) for size, step in zip(shape, steps, strict=True)))
        parts = [
            {
                dim: slice(at * step, min((at + 1) * step, size))
                for (dim, size), at, step in zip(sizes.items(), corner, steps, strict=True)
            }
            for corner in corners
        ]
        setting = SimpleNamespace(
            edges=edges,
            navigation=tuple(sizes),
            bs=bs,
            parts=parts,
            at=lambda part: asked.append(part) or SimpleNamespace(bs=bs.isel(part)),
        )
        asked.clear()
        net = confirmed_counts(refit, setting)
        assert asked[: len(parts)] == parts  # the shares alone need no rim
        return net

    np.testing.assert_allclose(found([max(1, size // 3) for size in shape]), found(shape), rtol=1e-10)


@pytest.mark.parametrize("weak", [0.6, 2.1, -1.0])
def test_an_edge_that_is_too_weak_to_be_seen_hides_no_clear_one(weak):
    """Net counts of two endmembers at a clear and at a weak edge of Ti, and at one of O, of deviation 1."""
    edges = {name: Edge(element=name.split("_")[0], **WINDOWS_OF_TI) for name in ("Ti_L23", "Ti_M23", "O_K")}
    setting = SimpleNamespace(edges=edges, reference_problems={})
    net = np.array([[102.0, 2.5, 0.5], [91.0, weak, 80.0]])
    owner = np.array([0, 0, 1])
    assert judging_edges(net, np.ones_like(net), owner, setting).tolist() == [True, False, True]
    weight = edge_weights(net, net, np.ones_like(net), owner, setting)
    np.testing.assert_allclose(weight[1, :2], 1 - (2 / 91) ** 2)
    assert weight[0, 2] == 0
    clear = np.array([[102.0, 25.0, 0.5], [91.0, weak, 80.0]])
    lost = edge_weights(clear, clear, np.ones_like(net), owner, setting)[1, :2]
    assert (lost < 0.1).all()  # the second edge would be seen there


def test_without_a_clear_edge_the_clearest_judges():
    edges = {name: Edge(element="Ti", **WINDOWS_OF_TI) for name in ("Ti_L23", "Ti_M23")}
    net = np.array([[4.0, 3.0], [3.0, 0.0], [0.0, 9.0]])
    setting = SimpleNamespace(edges=edges, reference_problems={})
    assert judging_edges(net, np.ones_like(net), np.array([0, 0]), setting).tolist() == [True, False]
    failed = SimpleNamespace(edges=edges, reference_problems={"Ti_L23": ["wrong"]})
    assert judging_edges(net, np.ones_like(net), np.array([0, 0]), failed).tolist() == [False, True]


def compared_by_vca(expected, energy, edges, *, seed):
    """The comparison of VCA of two components with BS, of counts drawn from the expected ones."""
    counts = xr.DataArray(
        np.random.default_rng(seed).poisson(expected),
        dims=("y", "x", "energy_loss"),
        coords={"y": np.arange(10.0), "x": np.arange(13.0), "energy_loss": energy},
    )
    for dim, unit in (("y", "nm"), ("x", "nm"), ("energy_loss", "eV")):
        counts[dim].attrs["units"] = unit
    image = counts.assign_coords(valid_pixel=(("y", "x"), np.ones((10, 13), bool)))
    model = fit(image, "vca", n_endmembers=2)
    bs, maps = subtract_background(image, edges), {"vca": apply(model, image)}
    return compare(image, bs, {"vca": model}, maps, edges=edges, profiles={})


def test_an_element_that_is_not_there_names_no_component():
    """Its owner is the endmember with the most noise at its edge."""
    energy, layer = np.arange(440.0, 800.0, 2.0), (np.arange(13) > 5)[None, :, None]
    expected = 90 * (energy / energy[0]) ** -3.0 * (1 + 0.4 * layer * (energy > 531)) * np.ones((10, 1, 1))
    windows = {"O_K": (532, (480, 526), (532, 580)), "Co_L23": (779, (700, 776), (779, 798))}
    edges = {
        name: Edge(element=name.split("_")[0], onset_eV=onset, fit_eV=fit_eV, integrate_eV=integrate_eV)
        for name, (onset, fit_eV, integrate_eV) in windows.items()
    }
    named, caveats = [], []
    for seed in range(6):
        found = compared_by_vca(expected, energy, edges, seed=seed)
        named += found["endmember_label"].sel(label="vca").values.tolist()
        caveats += found.attrs["ambiguity"]
    assert sum("O" in name for name in named) >= 6
    assert not any("Co" in name for name in named)
    assert any(text.startswith("O of vca: shape known to") for text in caveats)
    assert not any(text.startswith(("Co of", "O and Co", "Co and O")) for text in caveats)


def test_a_reference_that_varies_below_zero_does_not_judge_whoever_shows_nothing_there():
    """Absent elements had a red light, "agreement 0.00", from backgrounds that bend with the material."""
    energy, layer = np.arange(440.0, 800.0, 2.0), (np.arange(13) > 5)[None, :, None]
    expected = 6000 * (energy / energy[0]) ** -3.0 * np.ones((10, 13, 1))
    edge = Edge(element="O", onset_eV=532, fit_eV=(480, 526), integrate_eV=(532, 580))
    found = {}
    for sign in (-1, 1):
        bent = expected * (1 + sign * 0.02 * layer * (energy > 531))
        found[sign] = compared_by_vca(bent, energy, {"O_K": edge}, seed=0)
    lights = {
        sign: {row["criterion"]: row["light"] for row in one.attrs["verdict"] if row["method"] == "vca"}
        for sign, one in found.items()
    }
    assert min(one["map_noise_ceiling"].item() for one in found.values()) > 0.8
    assert (lights[-1]["agreement with BS"], lights[1]["agreement with BS"]) == ("grey", "green")


def test_counts_above_zero_exceed_the_largest_of_so_many_of_noise():
    noise, sd = np.random.default_rng(0).normal(size=(2, 300, 40)), np.ones(40)
    assert [is_above_zero(one - 9.0, sd) for one in noise[0]] == [False] * 300
    assert [is_above_zero(one + 9.0 * (np.arange(40) > 20), sd) for one in noise[0]] == [True] * 300
    assert sum(is_above_zero(one, sd) for one in noise.reshape(-1, 40)) < 6
    assert not is_above_zero(np.full(3, np.nan), np.ones(3))
