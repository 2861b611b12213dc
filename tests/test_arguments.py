"""Wrong arguments of the public functions: one line that names the argument, what it needs, what it got."""

import inspect

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix.arguments import KINDS, checked
from eelsunmix.edges import as_requests, complete_edges
from eelsunmix.errors import InputError
from eelsunmix.fitting import fit as bare_fit
from eelsunmix.pca.reconstruction import reconstruct
from eelsunmix.profiles import Profile, Region

FUNCTIONS = sorted(set(eu.__all__) - {"metrics", "synthetic"})
EDGES = {"Ti_L23": {"onset_eV": 440, "fit_eV": [405, 435], "integrate_eV": [440, 455]}}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Arguments of every function that it takes."""
    folder = tmp_path_factory.mktemp("arguments")
    energy = xr.DataArray(np.arange(400.0, 460.0), dims="energy_loss", attrs={"units": "eV"})
    counts = np.random.default_rng(1).poisson(50.0, (6, 7, 60)).astype(float)
    image = xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords={"energy_loss": energy})
    np.save(folder / "image.npy", counts)
    pca, bs = eu.denoise(image), eu.subtract_background(image, EDGES)
    model = eu.fit(image, "vca", n_endmembers=3)
    maps = {"vca": eu.apply(model, image)}
    small = xr.Dataset({"a": ("x", [1.0, 2.0])})
    eu.publish(small, folder / "small.zarr")
    places = {"profiles": {}, "regions": {}}
    counted = {"image": image, "counts": image, "edges": EDGES}
    fit = {**counted, "method": "vca", "n_endmembers": 3, "seed": 0, "pca": pca, "n_learning_pixels": 99}
    return {
        "apply": {"model": model, "image": image, "counts": image},
        "compare": {"image": image, "bs": bs, "fits": {"vca": model}, "maps": maps}
        | {"edges": complete_edges(as_requests(EDGES)), **places, "truth": small},
        "correct_gain": {"image": image, "edges": EDGES},
        "correct_image": {"image": image, "options": None, "edges": EDGES},
        "denoise": {"image": image, "options": None},
        "estimate_endmembers": {"image": image, "pca": pca, "options": None},
        "fit": fit | {"brightness": "auto", "device": "auto", "checkpoint": folder / "fit.checkpoint"},
        "open_image": {"path": folder / "image.npy", "signal": None},
        "open_store": {"path": folder / "small.zarr", "kind": None},
        "publish": {"dataset": small, "path": folder / "new.zarr", "inputs": [folder / "small.zarr"]}
        | {"settings": {"a": 1}, "kind": None, "own": None},
        "recommend": {"image": image, "n_endmembers": 3, "edges": EDGES, "seed": 0},
        "subtract_background": {"image": image, "edges": EDGES, "options": None, **places},
        "unmix": fit,
    }


def refusal(function, **arguments):
    with pytest.raises(InputError) as caught:
        getattr(eu, function)(**arguments)
    message = str(caught.value)
    assert message.isprintable()
    return message


STRANGE = {
    "object": object(),
    "class": int,
    "bytes": b"a",
    "set": {1},
    "complex": 1j,
    "long": "x" * 5000,
    "null": "a\0b",
    "huge": -(10**5000),
    "keys": {3: 4},
    "array": np.ones((6, 7, 60)),
    "line": xr.DataArray(np.ones(3)),
    "texts": xr.DataArray(np.full((6, 7, 60), "a"), dims=("y", "x", "energy_loss")),
    "empty": xr.DataArray(np.ones((0, 7, 60)), dims=("y", "x", "energy_loss")),
}
TAKEN = {("compare", "truth")}
"""Truth that has no spectra is that of a measured image, and ignored; so is any other dataset."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_argument_of_every_public_function_is_checked(good, function):
    for name, parameter in inspect.signature(getattr(eu, function)).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        for label, value in STRANGE.items():
            message = refusal(function, **good[function] | {name: value})
            assert name in message or function in ("open_image", "open_store"), (name, label, message)
            assert len(message) < 400, (name, label, message)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_right_is_taken(good, function, tmp_path):
    arguments = good[function]
    if function == "publish":
        arguments = arguments | {"path": tmp_path / "new.zarr"}
    if function == "open_image":
        with pytest.raises(InputError, match=r"image\.npy.*write axes"):
            eu.open_image(**arguments)
    else:
        getattr(eu, function)(**arguments)


@pytest.mark.parametrize("seed", [None, "a", -1, 1.5, True])
@pytest.mark.parametrize("function", ["fit", "unmix"])
def test_seeds(good, function, seed):
    found = refusal(function, **good[function] | {"seed": seed})
    assert found == f"{function}: seed needs a whole number of at least 0, not {seed!r}"


@pytest.mark.parametrize("function", ["fit", "unmix", "correct_gain", "subtract_background"])
@pytest.mark.parametrize("edges", [5, [1], "Ti_L23", {"Ti_L23": 5}, {"Ti_L23": {"onset": 456}}, {3: {}}])
def test_edges(good, function, edges):
    assert f"{function}: edges" in refusal(function, **good[function] | {"edges": edges})


def test_edges_are_needed_where_they_have_no_default(good):
    found = refusal("subtract_background", **good["subtract_background"] | {"edges": None})
    assert found == "subtract_background: edges needs a mapping (key: value) or a list of names, not None"


@pytest.mark.parametrize(
    "function", [name for name in FUNCTIONS if "image" in inspect.signature(getattr(eu, name)).parameters]
)
def test_an_array_without_labels_is_told_how_to_get_them(good, function):
    found = refusal(function, **good[function] | {"image": np.ones((6, 7, 60))})
    assert found == (
        f"{function}: image needs a DataArray, not an ndarray of shape (6, 7, 60); "
        "xarray.DataArray(array, dims=('y', 'x', 'energy_loss')) labels an array"
    )


def test_results_of_other_functions_are_told_from_a_pca(good):
    model, pca = good["apply"]["model"], good["fit"]["pca"]
    found = refusal("fit", **good["fit"] | {"pca": model})
    assert found == "fit: pca needs the result of eelsunmix.denoise, but has no variable eigenvalue"
    found = refusal("estimate_endmembers", image=good["fit"]["image"], pca=pca.drop_attrs())
    assert "has no attribute n_valid_pixels" in found
    assert "pca" in refusal("fit", **good["fit"] | {"pca": pca.isel(y=slice(3))})
    assert "pca" in refusal("fit", **good["fit"] | {"pca": pca.isel(y=0)})


def test_counts_of_other_pixels_are_refused(good):
    other = good["fit"]["image"].isel(x=slice(4))
    assert "counts has the sizes" in refusal("fit", **good["fit"] | {"counts": other})
    shifted = good["fit"]["image"].assign_coords(energy_loss=np.arange(401.0, 461.0))
    found = refusal("apply", **good["apply"] | {"counts": shifted})
    assert "counts have energy_loss 401 to 460, but the image has 400 to 459" in found


@pytest.mark.parametrize("name", ["image", "counts"])
def test_values_that_are_not_finite_are_refused_where_they_are_mapped(good, name):
    image = good["apply"]["image"].copy()
    image[2, 3, 4] = np.nan
    assert "is not finite" in refusal("apply", **good["apply"] | {name: image})
    masked = image.assign_coords(valid_pixel=(("y", "x"), np.isfinite(image).all("energy_loss").data))
    assert np.isnan(eu.apply(good["apply"]["model"], masked)["abundance"]).sum() == 3


def test_edges_of_a_comparison_are_those_of_its_background(good):
    found = refusal("compare", **good["compare"] | {"edges": {}})
    assert "edges are [], but bs has ['Ti_L23']" in found


def test_options_are_objects_not_mappings(good):
    found = refusal("denoise", image=good["denoise"]["image"], options={"n_components": 3})
    assert (
        found
        == "denoise: options needs DenoiseOptions(...) of eelsunmix.pca.options, not {'n_components': 3}"
    )


def test_inputs_are_many_paths_not_the_letters_of_one(good):
    found = refusal("publish", **good["publish"] | {"inputs": "small.zarr"})
    assert found == "publish: inputs needs a list of values, each text, not 'small.zarr'"


UNSTORABLE = {
    "attributes": xr.Dataset(attrs={"a": object()}),
    "keys": xr.Dataset(attrs={3: 1}),
    "objects": xr.Dataset({"a": ("x", np.array([object(), 1]))}),
    "outside": xr.Dataset({"../a": ("x", [1.0])}),
    "nameless": xr.Dataset({"": ("x", [1.0])}),
    "number": xr.Dataset({3: ("x", [1.0])}),
    "manifest": xr.Dataset({"manifest.json": ("x", [1.0])}),
    "metadata": xr.Dataset({"zarr.json": ("x", [1.0])}),
    "null": xr.Dataset({"a\0": ("x", [1.0])}),
    "long": xr.Dataset({"a" * 300: ("x", [1.0])}),
    "levels": xr.Dataset(coords={"i": ("x", [1, 2]), "j": ("x", [3, 4])}).set_index(x=["i", "j"]),
}


@pytest.mark.parametrize("dataset", UNSTORABLE.values(), ids=UNSTORABLE)
def test_what_no_store_can_hold_is_refused_before_anything_is_written(dataset, tmp_path):
    assert "publish: dataset " in refusal("publish", dataset=dataset, path=tmp_path / "new.zarr")
    assert list(tmp_path.iterdir()) == []


def test_texts_and_folders_of_arrays_can_be_stored(tmp_path):
    texts = np.array(["a", "bc"], dtype=object)
    eu.publish(xr.Dataset({"deep/a": ("x", [1.0, 2.0]), "b": ("x", texts)}), tmp_path / "new.zarr")
    assert eu.open_store(tmp_path / "new.zarr")["b"].to_numpy().tolist() == ["a", "bc"]


def test_a_file_in_the_place_of_a_folder_is_named(good, tmp_path):
    (tmp_path / "file").touch()
    found = refusal("publish", dataset=good["publish"]["dataset"], path=tmp_path / "file" / "a.zarr")
    assert "a.zarr: cannot be written, a file stands where a folder is needed; move it away" in found


def test_a_comparison_takes_the_mappings_that_its_background_took(good):
    given = good["compare"]
    profiles, regions = {"across": {"along": "x"}}, {"vacuum": {"without": ["Ti"]}}
    bs = eu.subtract_background(given["image"], EDGES, profiles=profiles, regions=regions)
    plain = given | {"bs": bs, "edges": EDGES, "profiles": profiles, "regions": regions}
    objects = plain | {
        "edges": complete_edges(as_requests(EDGES)),
        "profiles": {"across": Profile(along="x")},
        "regions": {"vacuum": Region(without=("Ti",))},
    }
    assert eu.compare(**plain).identical(eu.compare(**objects))
    assert "no room to sum its counts from 456 eV on" in refusal(
        "compare", **plain | {"edges": {"Ti_L23": {}}}
    )
    assert "along" in refusal("compare", **plain | {"profiles": {"across": {"along": "z"}}})


def test_what_is_compared_is_of_one_image(good):
    """Every store has been made of another image, or of other settings, in turn."""
    given = good["compare"]
    image, model = given["image"], given["fits"]["vca"]
    other = image.isel(x=slice(4))
    found = refusal("compare", **given | {"image": other})
    assert found == "bs: pixels 6 y x 7 x, but the image has 6 y x 4 x"
    assert "bs: pixels 6 y x 4 x" in refusal(
        "compare", **given | {"bs": eu.subtract_background(other, EDGES)}
    )
    totals = other.sum("energy_loss")
    assert "total_counts: pixels 6 y x 4 x" in refusal("compare", **given | {"total_counts": totals})
    elsewhere = {"vca": eu.apply(model, other)}
    assert "maps['vca']: pixels 6 y x 4 x" in refusal("compare", **given | {"maps": elsewhere})
    fewer = {"vca": eu.fit(image, "vca", n_endmembers=2)}
    assert "maps['vca'] was not made by fits['vca']" in refusal("compare", **given | {"fits": fewer})
    assert "fits has the label 'BS'" in refusal("compare", **given | {"fits": {"BS": model}, "maps": {}})
    assert "maps has the label 'vca', but fits has ['a']" in refusal(
        "compare", **given | {"fits": {"a": model}}
    )


def test_what_is_compared_has_the_same_counts(good):
    """Maps of another image, of another model, or of endmembers in another order, all of the right sizes."""
    given = good["compare"]
    image, model = given["image"], given["fits"]["vca"]
    assert "maps['vca']: its mean spectrum and that of the image differ by " in refusal(
        "compare", **given | {"image": 2 * image}
    )
    other = eu.fit(image, "nmf", n_endmembers=3)
    assert "maps['vca'] was not made by fits['vca']: other method" in refusal(
        "compare", **given | {"maps": {"vca": eu.apply(other, image)}}
    )
    turned = model.assign(
        endmember_spectrum=model.endmember_spectrum.copy(data=model.endmember_spectrum[::-1])
    )
    assert "maps['vca']: its mean spectrum" in refusal("compare", **given | {"fits": {"vca": turned}})
    for wrong in (-image.sum("energy_loss"), 1.02 * image.sum("energy_loss")):
        assert "total_counts: " in refusal("compare", **given | {"total_counts": wrong})


def test_maps_of_the_denoised_image_are_compared_with_the_counts(good):
    given = good["compare"]
    image = given["image"]
    denoised = reconstruct(eu.denoise(image), 3).transpose(*image.dims)
    model = eu.fit(denoised, "vca", n_endmembers=3)
    eu.compare(**given | {"fits": {"vca": model}, "maps": {"vca": eu.apply(model, denoised)}})


def test_what_is_compared_has_the_same_places_and_windows(good):
    given = good["compare"]
    placed = given["image"].assign_coords(x=np.arange(7.0))
    bs = eu.subtract_background(placed, EDGES)
    turned = bs.isel(x=slice(None, None, -1))
    found = refusal("compare", **given | {"image": placed, "bs": turned})
    assert found == "bs: its pixels lie at other x than those of the image; make it again"
    wider = {"Ti_L23": EDGES["Ti_L23"] | {"integrate_eV": [440, 458]}}
    found = refusal("compare", **given | {"edges": wider})
    assert found == "edges['Ti_L23'] has another integrate_eV than that of bs; give both the same"


def test_counts_in_masked_pixels_are_no_part_of_the_comparison(good):
    given = good["compare"]
    mask = np.ones((6, 7), bool)
    mask[2, :3] = False
    image = given["image"].assign_coords(valid_pixel=(("y", "x"), mask))
    bright = image.where(image.valid_pixel, 1e6)
    bs, model = eu.subtract_background(image, EDGES), given["fits"]["vca"]
    maps = {"vca": eu.apply(model, image)}
    left, without = (
        eu.compare(one, bs, {"vca": model}, maps, edges=EDGES)
        for one in (bright, image.where(image.valid_pixel, 0))
    )
    xr.testing.assert_allclose(left["endmember_net_counts"], without["endmember_net_counts"])


def test_profiles_of_a_comparison_are_those_of_its_background(good):
    given = good["compare"]
    found = refusal("compare", **given | {"profiles": {"across": {"along": "x"}}})
    assert found == "profiles are ['across'], but bs has []; give both the same"
    bs = eu.subtract_background(given["image"], EDGES, profiles={"across": {"along": "x"}})
    narrower = {"across": {"along": "x", "pixels": [0, 3]}}
    found = refusal("compare", **given | {"bs": bs, "profiles": narrower})
    assert found == "profiles['across'] is another band than that of bs; give both the same"


def test_axes_in_another_order_are_compared(good):
    given = good["compare"]
    turned = eu.compare(**given | {"image": given["image"].transpose("energy_loss", "x", "y")})
    xr.testing.assert_allclose(turned["element_map"], eu.compare(**given)["element_map"])


def test_missing_and_unknown_arguments_are_named(good):
    image = good["fit"]["image"]
    assert "missing a required argument: 'n_endmembers'; it takes image, method" in refusal(
        "fit", image=image, method="vca"
    )
    assert "unexpected keyword argument 'option'; did you mean options?" in refusal(
        "denoise", image=image, option=3
    )


def test_signatures_docstrings_and_results_stay_what_they_are(good):
    assert eu.fit is eu.fit
    assert inspect.signature(eu.fit) == inspect.signature(bare_fit)
    assert (eu.fit.__doc__, eu.fit.__module__) == (bare_fit.__doc__, "eelsunmix.fitting")
    given = good["fit"] | {"seed": np.int64(3)}
    timed = {"seconds": 0.0}
    assert eu.fit(**given).assign_attrs(timed).identical(bare_fit(**given | {"seed": 3}).assign_attrs(timed))
    assert type(eu.fit(**given).attrs["seed"]) is int


def test_every_kind_belongs_to_an_argument_of_a_public_function():
    names = {name for function in FUNCTIONS for name in inspect.signature(getattr(eu, function)).parameters}
    assert {key.rpartition(".")[2] for key in KINDS} <= names


def test_keywords_that_are_passed_on_are_checked_by_their_names():
    def passes_on(image, **options):
        return options

    guarded = checked(passes_on)
    image = xr.DataArray(np.ones((2, 3)))
    assert guarded(image, pca=None, anything=object)["pca"] is None
    with pytest.raises(InputError, match="n_learning_pixels needs a whole number of at least 1, not None"):
        guarded(image, n_learning_pixels=None)
