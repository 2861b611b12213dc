"""What users give in notebooks: images of every order, type and size, and mistakes named in one line."""

import types

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix.background import subtract_background as bare_subtract_background
from eelsunmix.edges import Edge
from eelsunmix.errors import InputError

ENERGY = np.arange(400.0, 448.0)
TI = {"onset_eV": 425, "fit_eV": [402, 422], "integrate_eV": [425, 445]}
EDGES = {"Ti_L23": TI}
README = {"Ti_L23": {"element": "Ti", "onset_eV": 425, "fit_eV": [402, 422], "integrate_eV": [425, 445]}}


def make(shape=(4, 5), dims=("y", "x"), units="eV", energy=ENERGY):
    """Counts of two materials, the edge in one of them."""
    rng = np.random.default_rng(7)
    share = np.linspace(0, 1, int(np.prod(shape))).reshape(*shape, 1)
    spectra = 300 * (400 / ENERGY) ** 3 + 90 * share * (ENERGY > 425)
    axis = xr.DataArray(energy, dims="energy_loss", attrs={"units": units})
    return xr.DataArray(
        rng.poisson(spectra).astype(float), dims=(*dims, "energy_loss"), coords={"energy_loss": axis}
    )


BASE = make()
MASK = xr.DataArray(np.arange(20).reshape(4, 5) % 7 > 0, dims=("y", "x"))


def apply(image):
    return eu.apply(eu.fit(BASE, "vca", n_endmembers=2), image)


CALLS = {
    "correct_image": lambda image: eu.correct_image(image, edges=EDGES),
    "correct_gain": lambda image: eu.correct_gain(image, edges=EDGES),
    "denoise": eu.denoise,
    "estimate_endmembers": lambda image: eu.estimate_endmembers(image, eu.denoise(image)),
    "subtract_background": lambda image: eu.subtract_background(image, EDGES),
    "fit": lambda image: eu.fit(image, "vca", n_endmembers=2),
    "apply": apply,
    "unmix": lambda image: eu.unmix(image, "nmf", n_endmembers=2),
}
EVERY = pytest.mark.parametrize("function", CALLS)


def refusal(call, *arguments, **named):
    with pytest.raises(InputError) as caught:
        call(*arguments, **named)
    assert str(caught.value).isprintable()
    return str(caught.value)


def same(found, expected):
    """Numbers alike, in whatever order the dims are."""
    if isinstance(found, xr.DataArray):
        found, expected = found.to_dataset(name="values"), expected.to_dataset(name="values")
    assert found.data_vars.keys() == expected.data_vars.keys()
    for name, array in expected.data_vars.items():
        if array.dtype.kind != "O":
            scale = float(np.abs(array).max()) if array.dtype.kind == "f" and array.size else 1.0
            np.testing.assert_allclose(
                found[name].transpose(*array.dims), array, rtol=1e-3, atol=1e-4 * (scale or 1.0), err_msg=name
            )


def with_value(value, *places):
    image = BASE.copy(deep=True)
    for place in places:
        image.data[place] = value
    return image


@EVERY
@pytest.mark.parametrize(
    "dims", [("energy_loss", "x", "y"), ("x", "y", "energy_loss"), ("y", "energy_loss", "x")]
)
def test_the_order_of_the_dims_changes_no_result(function, dims):
    same(CALLS[function](BASE.transpose(*dims)), CALLS[function](BASE))


@EVERY
@pytest.mark.parametrize("dtype", ["u2", "i8", "f2", "f4", ">f4", "longdouble"])
def test_the_type_of_the_counts_changes_no_result(function, dtype):
    same(CALLS[function](BASE.astype(dtype)), CALLS[function](BASE))


@EVERY
def test_chunks_that_cut_spectra_change_no_result(function):
    same(CALLS[function](BASE.chunk({"y": 3, "x": 2, "energy_loss": 11})).compute(), CALLS[function](BASE))


@EVERY
def test_what_invalid_pixels_hold_changes_no_result(function):
    masked = BASE.assign_coords(valid_pixel=MASK)
    holes = masked.where(MASK)
    assert np.isnan(holes).sum() == 3 * 48
    found, expected = CALLS[function](holes), CALLS[function](masked)
    if function.startswith("correct"):  # which leave invalid pixels as they are
        found, expected = found.where(MASK), expected.where(MASK)
    same(found, expected)


@EVERY
@pytest.mark.parametrize("mask", ["u1", "f8", "turned", "lazy"])
def test_masks_of_zeros_and_ones_are_masks(function, mask):
    given = {"turned": MASK.T, "lazy": MASK.chunk({"x": 2})}
    given = given[mask] if mask in given else MASK.astype(mask)
    same(
        CALLS[function](BASE.assign_coords(valid_pixel=given)),
        CALLS[function](BASE.assign_coords(valid_pixel=MASK)),
    )


def mask_of(values, dims=("y", "x")):
    return BASE.assign_coords(valid_pixel=(dims, values))


UNUSABLE = {
    "complex": (BASE.astype(complex), "values of type complex128; it needs real numbers"),
    "bool": (BASE > 200, "values of type bool"),
    "objects": (BASE.astype(object), "values of type object"),
    "one channel": (BASE[..., :1], "has a single channel along energy_loss"),
    "one spectrum": (BASE[0, 0], "it needs an energy dim and at least one of pixels"),
    "no pixels": (BASE[:, :0], "holds no values"),
    "energy NaN": (make(energy=np.where(ENERGY == 410, np.nan, ENERGY)), "the energy nan in channel 10"),
    "energy inf": (make(energy=np.where(ENERGY == 447, np.inf, ENERGY)), "the energy inf in channel 47"),
    "falling": (BASE[..., ::-1], r"447 before 446 in channel 1; image.sortby('energy_loss')"),
    "twice": (make(energy=np.repeat(ENERGY[::2], 2)), "400 before 400"),
    "rolled": (make(energy=np.roll(ENERGY, 7)), "447 before 400 in channel 7"),
    "texts": (make(energy=ENERGY.astype(str)), "energies energy_loss of type <U"),
    "dates": (make(energy=ENERGY.astype("datetime64[s]")), "energies energy_loss of type datetime64[s]"),
    "nm": (make(units="nm"), "energies energy_loss in 'nm'; set the attribute units to eV or keV"),
    "unknown order": (
        BASE.rename(energy_loss="E").transpose("E", "y", "x"),
        "rename that of the energies to energy_loss",
    ),
    "mask of rows": (mask_of([True] * 4, "y"), "a mask valid_pixel with the dims ('y',)"),
    "mask of values": (
        BASE.assign_coords(valid_pixel=BASE > 0),
        "it needs those of the pixels, ('y', 'x')",
    ),
    "mask of one": (BASE.assign_coords(valid_pixel=True), "a mask valid_pixel with the dims ()"),
    "mask of texts": (mask_of(MASK.values.astype(str)), "a mask valid_pixel of type <U5"),
    "mask of NaN": (mask_of(np.where(MASK, 1.0, np.nan)), "a mask valid_pixel of type float64"),
    "mask of numbers": (mask_of(np.arange(20).reshape(4, 5)), "it needs True and False"),
    "all masked": (mask_of(np.zeros((4, 5), bool)), "has no valid pixel"),
    "positions": (BASE.assign_coords(x=list("abcde")), "positions x that are not finite numbers"),
    "no positions": (BASE.assign_coords(y=np.full(4, np.nan)), "image.drop_vars('y')"),
    "dim of results": (BASE.rename(x="component"), "'component', a name that results need"),
    "coordinate of results": (BASE.assign_coords(endmember=3), "'endmember', a name that results need"),
    "number as dim": (BASE.rename(x=0), "the dim 0, whose name is no text"),
    "noise as text": (BASE.assign_attrs(counts_per_electron="2"), "counts_per_electron '2'"),
    "noise of zero": (BASE.assign_attrs(counts_per_electron=0), "it needs a number above 0"),
    "noise NaN": (BASE.assign_attrs(channel_variance_to_mean=np.nan), "channel_variance_to_mean nan"),
}


@EVERY
@pytest.mark.parametrize(("image", "words"), UNUSABLE.values(), ids=UNUSABLE)
def test_images_that_no_stage_can_use_are_refused_in_words(function, image, words):
    message = refusal(CALLS[function], image)
    assert words in message
    assert ": image has " in message


@EVERY
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_valid_pixels_that_are_not_finite_are_named(function, value):
    image = with_value(value, (2, 3, 30))
    if function == "subtract_background":
        found = CALLS[function](image)
        assert "1 of 20 valid pixels" in " ".join(found.attrs["warnings"])
        assert np.isnan(found["net_counts"][0, 2, 3])
        assert np.isfinite(found["net_counts"]).sum() == 19
    else:
        assert "not finite" in refusal(CALLS[function], image) or "mark it in valid_pixel" in refusal(
            CALLS[function], image
        )


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (2, 2)])
def test_images_of_few_pixels(shape):
    image = make(shape)
    pca = eu.denoise(image)
    assert eu.estimate_endmembers(image, pca).attrs["n_endmembers"] >= 1
    assert np.isfinite(eu.subtract_background(image, EDGES)["net_counts"]).all()
    assert np.isfinite(eu.apply(eu.fit(BASE, "vca", n_endmembers=2), image)["abundance"]).all()
    if shape == (1, 1):
        found = refusal(eu.fit, image, "vca", n_endmembers=2)
        assert "n_endmembers is 2, but the image has only 1 valid pixel" in found


@EVERY
def test_a_series_of_frames_is_an_image(function):
    series = make((2, 3, 4), ("frame", "y", "x"))
    same(CALLS[function](series.transpose("energy_loss", "x", "frame", "y")), CALLS[function](series))


@pytest.mark.parametrize("dim", ["x", "y", "pixel"])
def test_a_line_of_spectra_is_subtracted_or_told_how_to_become_an_image(dim):
    line = BASE[1].rename(x=dim) if dim != "x" else BASE[1]
    row = BASE[1:2].transpose("y", "x", "energy_loss")
    found = eu.subtract_background(line, EDGES, eu_options())["net_counts"]
    expected = eu.subtract_background(row, EDGES, eu_options())["net_counts"]
    np.testing.assert_allclose(found.to_numpy().ravel(), expected.to_numpy().ravel(), rtol=1e-5)
    assert "image.expand_dims('y')" in refusal(eu.denoise, line)
    profiles = {"p": {"along": "y" if dim == "x" else "x"}}
    message = refusal(eu.subtract_background, line, EDGES, profiles=profiles)
    assert "profiles.p: needs an image with the dims y and x" in message


def eu_options():
    from eelsunmix.background import BackgroundOptions

    return BackgroundOptions(exponent="global")


OTHERS = {
    "fewer rows": (BASE[:3], "its sizes are {'y': 4, 'x': 5, 'energy_loss': 48}"),
    "fewer channels": (BASE[..., :40], "its sizes are"),
    "other energies": (make(energy=ENERGY + 1), "its energy_loss goes from 400 to 447, not 401 to 448"),
    "other mask": (BASE.assign_coords(valid_pixel=MASK), "it has other valid pixels"),
    "other counts": (BASE[::-1].assign_coords(y=range(4)), "its scores are not those of these counts"),
    "another dose": (BASE * 2, "its scores are not those of these counts"),
    "other dims": (BASE.rename(x="column"), "its sizes are"),
}


@pytest.mark.parametrize(("image", "words"), OTHERS.values(), ids=OTHERS)
def test_the_components_of_another_image_are_refused(image, words):
    message = refusal(eu.estimate_endmembers, image, eu.denoise(BASE))
    assert message.startswith(f"pca: the PCA belongs to another image than this one: {words}")
    assert message.endswith("run denoise again")


TAKE_EDGES = {
    "correct_image": lambda edges: eu.correct_image(BASE, edges=edges),
    "correct_gain": lambda edges: eu.correct_gain(BASE, edges=edges),
    "subtract_background": lambda edges: eu.subtract_background(BASE, edges),
    "fit": lambda edges: eu.fit(BASE, "vca", n_endmembers=2, edges=edges),
    "unmix": lambda edges: eu.unmix(BASE, "vca", n_endmembers=2, edges=edges),
}
WAYS = {
    "object": {"Ti_L23": Edge(element="Ti", **TI)},
    "no element": EDGES,
    "tuples": {"Ti_L23": TI | {"fit_eV": (402, 422)}},
    "arrays": {"Ti_L23": TI | {"fit_eV": np.array([402.0, 422.0])}},
    "numbers of NumPy": {
        "Ti_L23": TI | {"onset_eV": np.float32(425), "fit_eV": [np.float32(402), np.int64(422)]}
    },
    "read-only": types.MappingProxyType({"Ti_L23": types.MappingProxyType(TI)}),
}


@pytest.mark.parametrize("function", TAKE_EDGES)
@pytest.mark.parametrize("edges", WAYS.values(), ids=WAYS)
def test_edges_may_be_written_in_any_usual_way(function, edges):
    same(TAKE_EDGES[function](edges), TAKE_EDGES[function](README))


@pytest.mark.parametrize("function", TAKE_EDGES)
@pytest.mark.parametrize("onset", [np.nan, np.inf, -3, 0, "425", True])
def test_onsets_are_numbers(function, onset):
    message = refusal(TAKE_EDGES[function], {"Ti_L23": TI | {"onset_eV": onset}})
    assert f"{function}: edges['Ti_L23'] onset_eV needs a " in message
    assert "number from 1 to 1e6, found" in message


@pytest.mark.parametrize("function", TAKE_EDGES)
def test_keys_of_edges_that_do_not_exist_are_named(function):
    message = refusal(TAKE_EDGES[function], {"Ti_L23": TI | {"fit_ev": [402, 422]}})
    assert "edges['Ti_L23'] has the unknown key 'fit_ev'; did you mean fit_eV?" in message


WINDOWS = {
    "beside": (
        {"integrate_eV": [440, 460]},
        "integrate_eV: window 440-460 eV does not lie wholly on the axis",
    ),
    "beyond": ({"integrate_eV": [600, 620]}, "does not lie wholly on the axis 400-447 eV"),
    "short": ({"fit_eV": [419, 421]}, "fit_eV: window 419-421 eV has 3 channels (at least 4 needed)"),
    "between": ({"integrate_eV": [425.2, 425.7]}, "has 0 channels (at least 1 needed)"),
}


@pytest.mark.parametrize(("changed", "words"), WINDOWS.values(), ids=WINDOWS)
def test_windows_say_the_one_thing_that_is_wrong(changed, words):
    message = refusal(eu.subtract_background, BASE, {"Ti_L23": TI | changed})
    assert words in message
    assert message.endswith("widen it" if "needed" in words else "move it onto the axis")


@pytest.mark.parametrize(("unit", "factor"), [("nm", 1), ("um", 1e-3), ("µm", 1e-3), ("Å", 10), ("m", 1e-9)])
def test_positions_in_any_unit_of_length_are_in_nm(unit, factor):
    places = {
        dim: (dim, factor * (2.0 + 0.5 * np.arange(size)), {"units": unit})
        for dim, size in BASE[..., 0].sizes.items()
    }
    image = BASE.assign_coords(places)
    found = eu.subtract_background(
        image,
        EDGES,
        profiles={"p": {"along": "x", "start_nm": 2.5, "width_nm": 1.0}},
        regions={"r": {"x_nm": [2.0, 3.1], "without": ["Ti"]}},
    )
    assert found.attrs["profiles"]["p"]["pixels"] == [1, 3]
    assert found["profile_position"].attrs["units"] == "nm"
    np.testing.assert_allclose(found["profile_position"][0], 2.0 + 0.5 * np.arange(5))
    np.testing.assert_allclose(found["off_region_mean"], found["net_counts"][0, :, :3].mean(), rtol=1e-5)


def test_positions_that_fall_are_refused_where_they_are_needed():
    image = BASE.assign_coords(y=("y", 2.0 - 0.5 * np.arange(4), {"units": "nm"}))
    profiles = {"p": {"along": "x", "start_nm": 1.0, "width_nm": 1.0}}
    message = refusal(eu.subtract_background, image, EDGES, profiles=profiles)
    assert message.startswith("profiles.p.width_nm: the positions of the image do not increase")
    assert eu.subtract_background(image, EDGES, profiles={"p": {"pixels": [0, 2]}}).attrs["profiles"]


def test_one_channel_has_no_background():
    assert "image has a single channel" in refusal(bare_subtract_background, BASE[..., :1], {})


def test_an_image_of_x_rays_may_be_in_kev():
    axis = xr.DataArray(ENERGY / 1e3, dims="energy", attrs={"units": "keV"})
    eds = BASE.rename(energy_loss="energy").assign_coords(energy=axis)
    found, expected = (eu.subtract_background(image, EDGES)["net_counts"] for image in (eds, BASE))
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("count", [np.int64(2), np.uint8(2), 2])
def test_whole_numbers_of_numpy_are_numbers(count):
    found = eu.fit(BASE, "vca", n_endmembers=count, seed=np.int32(5), n_learning_pixels=np.int16(15))
    assert found.attrs["n_endmembers"] == 2
    assert type(found.attrs["seed"]) is int


@pytest.mark.parametrize("count", [21, 49, 10**6])
def test_more_endmembers_than_pixels_or_channels_are_refused(count):
    message = refusal(eu.fit, BASE, "vca", n_endmembers=count)
    assert message.startswith(
        f"n_endmembers is {count}, but the image has only 20 valid pixels and 48 channels"
    )


def test_what_stores_cannot_hold_is_named(tmp_path):
    dates = make(energy=ENERGY.astype("datetime64[s]"))
    for image, words in {
        "longdouble": (BASE.astype("longdouble"), "use float64"),
        "dates": (dates, "has dates energy_loss with the attribute units"),
        "dims": (BASE.rename(x=0), "has the dim 0, whose name is no text"),
    }.values():
        message = refusal(eu.publish, image.to_dataset(name="a"), tmp_path / "a.zarr")
        assert message.startswith("publish: dataset has ")
        assert words in message


def test_the_mean_spectrum_is_that_of_the_valid_pixels():
    """Also where a mask of the user leaves counts in the pixels that are not valid."""
    found = eu.correct_image(BASE.assign_coords(valid_pixel=MASK), edges=EDGES)
    np.testing.assert_allclose(found["mean_spectrum"], found["counts"].where(MASK).mean(("y", "x")))


@pytest.mark.parametrize("place", [{"x_nm": [50, 60]}, {"x_nm": [0, 1], "without": ["Ti"]}])
def test_regions_that_are_not_on_the_image_are_refused_whoever_uses_them(place):
    assert "regions.r.x_nm: " in refusal(eu.subtract_background, BASE, EDGES, regions={"r": place})


def test_a_mistake_in_one_of_many_edges_or_profiles_names_it():
    edges = EDGES | {"O_K": TI | {"fit_eV": [422, 402]}}
    message = refusal(eu.subtract_background, BASE, edges)
    assert "edges['O_K'] fit_eV needs two increasing numbers [low, high], not [422, 402]" in message
    message = refusal(bare_subtract_background, BASE, EDGES | {"Zz_K": TI})
    assert message.startswith("edges.Zz_K: names no element")
    profiles = {"a": {}, "b": {"along": "z"}}
    assert refusal(eu.subtract_background, BASE, EDGES, profiles=profiles).startswith(
        "profiles.b: along needs"
    )
