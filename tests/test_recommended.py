"""The recommended result as one more method: its entry, its stores, and images too large to compare whole."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix import recommended, synthetic
from eelsunmix.comparison.matching import match_whitened
from eelsunmix.configuration import ConfigurationError, read_values
from eelsunmix.errors import InputError, MethodFailedError
from eelsunmix.methods._references import references
from eelsunmix.metrics import nmse_scale_free
from eelsunmix.model_arrays import model_arrays
from eelsunmix.nuisance import nuisance_arrays
from eelsunmix.numerics.nuisance import Nuisance
from eelsunmix.pca import denoise
from eelsunmix.rank import ComponentOptions, estimate_endmembers
from eelsunmix.recipes import RECIPES, Recipes
from eelsunmix.recommendation import sample
from eelsunmix.recommendation.candidates import LEARNERS
from eelsunmix.storage import check_layout
from eelsunmix.words import COMPARED

SAMPLE = {"samples": {"A": {"simulate": {"scene": "multilayer"}}}}


def methods(**given):
    return read_values(SAMPLE | given, "config").samples["A"].methods


def test_a_sample_without_methods_gets_the_recommended_result():
    assert list(methods()) == ["recommended"]
    assert list(methods(methods={})) == []


def test_it_stands_first_wherever_it_is_written():
    found = methods(methods={"vca": {}, "recommended": {"seed": 7}, "ica": None})
    assert list(found) == ["recommended", "vca", "ica"]
    assert found["recommended"].seed == 7


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"recommended": {"n_draws": 3}}, "recommended takes no n_draws, only a seed"),
        ({"recommended": {"seed": -1}}, "needs a whole number of at least 0"),
        ({"recommended": 3}, "needs a mapping of options"),
        ({"mine": {"method": "recommended"}}, "write recommended: {} for it"),
        ({"recommended": {"method": "vca"}}, "give another label to a method"),
        ({"recomended": {}}, "did you mean recommended"),
    ],
)
def test_mistakes_are_named(given, said):
    with pytest.raises(ConfigurationError, match=said):
        methods(methods=given)


def test_a_setting_of_it_is_part_of_its_recipe_and_of_no_other():
    def digests(**entry):
        values = read_values(SAMPLE | {"methods": {"vca": {}, "recommended": entry}}, "config")
        recipes = Recipes(values.samples)
        return {one.path: recipes.digest(one) for one in recipes.products()}

    before, after = digests(), digests(seed=1)
    changed = {path.removeprefix("results/A/") for path in before if before[path] != after[path]}
    assert changed == {
        "fit/recommended.zarr",
        "map/recommended.zarr",
        "comparison.zarr",
        "reports/A.html",
        "verdict.json",
        "reports/index.html",
    }
    assert RECIPES["fit_recommended"].inputs == ("corrected", "pca", "rank")


def test_an_edit_of_a_method_that_competes_is_one_of_it():
    assert {*COMPARED} == {one.method for one in LEARNERS.values()}
    modules = RECIPES["fit_recommended"].modules(None, "recommended")
    assert {f"eelsunmix.methods.{one}" for one in COMPARED} < {*modules}


def test_the_papers_of_its_candidates_are_cited_once():
    found = references("recommended")
    assert {*found} == {entry for one in COMPARED for entry in references(one)}
    assert len(found) == len({*found}) > 3


@pytest.fixture(scope="module")
def board():
    """Scene, its principal components, number of endmembers, and two pixels that are said to be vacuum."""
    scene = synthetic.chequerboard(size=(20, 27), block=6, filter_size=5, counts=800.0, seed=3)
    pca = denoise(scene.spectrum_image)
    rank = estimate_endmembers(scene.spectrum_image, pca, ComponentOptions(n=3))
    vacuum = xr.DataArray(np.zeros((20, 27), bool), dims=("y", "x"))
    vacuum[4, 5:7] = True
    return scene, pca, rank, vacuum


@pytest.fixture(scope="module")
def made(board):
    """The store, and what the package recommends, which it is made of."""
    scene, pca, _, vacuum = board
    image, seen = scene.spectrum_image, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recommended, "recommend", lambda *a, **k: seen.append(eu.recommend(*a, **k)) or seen[0])
        stored = recommended.fit_recommended(image, n_endmembers=3, pca=pca, vacuum=vacuum, seed=1)
    return stored, seen[0]


@pytest.fixture(scope="module")
def stored(made):
    return made[0]


def in_order(scene, spectra):
    known = scene.endmember_spectrum.to_numpy()
    return match_whitened(known, spectra.to_numpy().astype(float), np.sqrt(known.mean(axis=0)))


def error(scene, maps, spectra):
    true = scene.abundance.to_numpy()
    found = np.nan_to_num(maps["abundance"].to_numpy())[..., in_order(scene, spectra)]
    return float(nmse_scale_free(true, found, endmember_axis=-1).mean())


def test_its_stores_hold_what_the_package_recommends(board, made):
    (scene, pca, rank, vacuum), (stored, alone) = board, made
    check_layout(stored, "recommended", model_arrays(stored), place="fit")
    maps = recommended.map_recommended(
        stored, scene.spectrum_image, pca=pca, rank=rank, vacuum=vacuum, same_image=True
    )
    check_layout(maps, "map", place="map")
    for name in ("abundance", "thickness_weighted_abundance", "abundance_sd"):
        np.testing.assert_array_equal(maps[name], alone[name])
    assert (stored.attrs["chosen"], stored.attrs["reason"]) == (alone.attrs["method"], alone.attrs["reason"])
    assert stored.attrs["status"] == alone.attrs["status"]
    assert stored.attrs["anchoring"] == alone.attrs["anchoring"]
    assert next(iter(stored.attrs["twin_error"])) == stored.attrs["chosen"]
    assert (maps["abundance"].to_numpy()[4, 5:7] == 0).all()
    assert error(scene, maps, stored["endmember_spectrum"]) < 0.02
    image, energy = scene.spectrum_image, scene.spectrum_image.dims[-1]
    moved = image.mean(image.dims[:-1]).assign_coords({energy: image[energy] + 5})
    for same in (True, False):
        with pytest.raises(InputError, match="mean_spectrum has energy_loss"):
            recommended.map_recommended(
                stored, image, pca=pca, rank=rank, mean_spectrum=moved, same_image=same
            )


def test_bending_that_was_taken_out_is_kept_and_taken_out_of_other_images(board, made, monkeypatch):
    (scene, pca, rank, _), (_, alone) = board, made
    image, energy = scene.spectrum_image, scene.spectrum_image.dims[-1]
    nuisance = Nuisance(directions=np.ones((1, 200)), filters=np.full((1, 200), 1e-3))
    bent = alone.assign(nuisance_arrays(nuisance, energy)).assign_attrs(nuisance=1, nuisance_reason="bent")
    monkeypatch.setattr(recommended, "recommend", lambda *_, **__: bent)
    model = recommended.fit_recommended(image, n_endmembers=3, pca=pca)
    check_layout(model, "recommended", model_arrays(model), place="fit")
    assert (model.attrs["nuisance"], model.attrs["nuisance_reason"]) == (1, "bent")
    moved, straight = (
        recommended.map_recommended(one, image, pca=pca, rank=rank, same_image=False)["abundance"]
        for one in (model, model.drop_vars(["nuisance_direction", "nuisance_filter"]))
    )
    assert np.abs(moved - straight).max() > 0.01


def test_another_image_is_mapped_by_its_endmembers(board, stored):
    scene, pca, rank, _ = board
    other = scene.spectrum_image[:, ::-1]
    turned = pca.isel(x=slice(None, None, -1))
    maps = recommended.map_recommended(stored, other, pca=turned, rank=rank, same_image=False)
    check_layout(maps, "map", place="map")
    assert error(scene, maps.isel(x=slice(None, None, -1)), stored["endmember_spectrum"]) < 0.05


def test_a_large_image_is_compared_on_tiles_and_mapped_as_a_whole(monkeypatch):
    scene = synthetic.chequerboard(size=(41, 52), block=7, filter_size=5, counts=800.0, seed=4)
    pca = denoise(scene.spectrum_image)
    rank = estimate_endmembers(scene.spectrum_image, pca, ComponentOptions(n=3))
    monkeypatch.setattr(sample, "SIDE", 12)
    monkeypatch.setattr(sample, "MOST_PIXELS", 6 * 12 * 12)
    model = recommended.fit_recommended(scene.spectrum_image, n_endmembers=3, pca=pca, seed=0)
    assert model.attrs["n_learning_pixels"] == 6 * 12 * 12
    assert f"compared on tiles of {6 * 12 * 12} of the {41 * 52} pixels" in model.attrs["message"]
    check_layout(model, "recommended", model_arrays(model), place="fit")
    maps = recommended.map_recommended(model, scene.spectrum_image, pca=pca, rank=rank)
    check_layout(maps, "map", place="map")
    assert maps["abundance"].shape == (41, 52, 3)
    assert error(scene, maps, model["endmember_spectrum"]) < 0.05


def test_pixels_are_bounded_by_the_counts_that_they_hold():
    line = xr.DataArray(np.zeros((1, 1), np.uint8), dims=("y", "energy_loss"))
    assert not sample.is_large(line.isel(y=np.zeros(128 * 128, int), energy_loss=np.zeros(500, int)))
    assert sample.is_large(line.isel(y=np.zeros(8193, int), energy_loss=np.zeros(1024, int)))


def test_a_failure_is_recorded_like_that_of_any_method(board, monkeypatch):
    scene, pca, rank, _ = board

    def failing(*_, **__):
        raise MethodFailedError("recommend: no method gave a result; VCA is out of pixels")

    monkeypatch.setattr(recommended, "recommend", failing)
    model = recommended.fit_recommended(scene.spectrum_image, n_endmembers=3, pca=pca)
    check_layout(model, "recommended", model_arrays(model), place="fit")
    assert model.attrs["status"] == "failed"
    assert model.attrs["message"] == "no method gave a result; VCA is out of pixels"
    maps = recommended.map_recommended(model, scene.spectrum_image, pca=pca, rank=rank)
    check_layout(maps, "map", place="map")
    assert maps.attrs["status"] == "failed"


def test_a_mistake_of_the_user_is_no_failed_method(board, monkeypatch):
    scene, pca, _, _ = board

    def refusing(*_, **__):
        raise InputError("edges: Ru is beyond the end of the energy axis")

    monkeypatch.setattr(recommended, "recommend", refusing)
    with pytest.raises(InputError, match="Ru is beyond"):
        recommended.fit_recommended(scene.spectrum_image, n_endmembers=3, pca=pca)


@pytest.mark.parametrize(
    ("chosen", "kind"),
    [("consensus", "nlm"), ("BLU, posterior of many neighbours", "nlm"), ("BLU", "corrected")],
)
def test_other_images_are_averaged_where_averages_had_won(board, stored, monkeypatch, chosen, kind):
    scene, pca, rank, _ = board
    smoothed = pca.assign(score_nlm_guarded=pca["score"])
    seen = []
    monkeypatch.setattr(recommended, "mapped_image", lambda kind, counts, *_: seen.append(kind) or counts)
    model = stored.assign_attrs(chosen=chosen)
    recommended.map_recommended(model, scene.spectrum_image, pca=smoothed, rank=rank, same_image=False)
    assert seen == [kind]


@pytest.mark.parametrize("name", [name for name in RECIPES if name.endswith("recommended")])
def test_its_rules_have_the_names_of_their_recipes(name):
    rules = Path(eu.__file__).parents[1] / "rules" / "unmix.smk"
    assert f"\nrule {name}:\n" in rules.read_text()
