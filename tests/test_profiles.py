"""Bands and regions on images of unequal sides."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.profile_geometry import profile_pixels, profile_positions, region_mask, sum_profile
from eelsunmix.profiles import Profile, Region, as_options


def map_of(shape=(9, 6), pixel_nm=0.12, origin=(0.0, 0.0), units="nm"):
    coords = {
        dim: xr.DataArray(start + pixel_nm * np.arange(size), dims=dim, attrs={"units": units})
        for dim, size, start in zip(("y", "x"), shape, origin, strict=True)
    }
    return xr.DataArray(np.arange(np.prod(shape), dtype=float).reshape(shape), dims=("y", "x"), coords=coords)


def test_three_rows_of_the_paper_are_a_third_of_a_nanometre():
    band = profile_pixels(Profile(along="x", start_nm=0.0, width_nm=0.36), map_of())
    assert band.pixels == (0, 3)
    assert band.as_attrs()["width_nm"] == pytest.approx(0.36)
    assert profile_pixels(Profile(along="x", pixels=(0, 3)), map_of()) == band


def test_default_is_the_whole_image():
    image = map_of()
    np.testing.assert_allclose(sum_profile(image, Profile(along="x")), image.values.sum(axis=0))
    np.testing.assert_allclose(sum_profile(image, Profile(along="y")), image.values.sum(axis=1))


def test_start_counts_from_the_origin_of_the_axis():
    image = map_of(origin=(5.0, -2.0))
    band = profile_pixels(Profile(along="x", start_nm=5.24, width_nm=0.24), image)
    assert band.pixels == (2, 4)
    assert band.start == pytest.approx(5.24)
    profile = sum_profile(image, Profile(along="x", start_nm=5.24, width_nm=0.24))
    np.testing.assert_allclose(profile, image.values[2:4].sum(axis=0))
    np.testing.assert_allclose(profile.position, -2 + 0.12 * np.arange(6))
    assert profile.position.attrs["units"] == "nm"


@pytest.mark.parametrize("along", ["x", "y"])
def test_axis_order_and_further_dims_do_not_matter(along):
    image = map_of()
    profile = Profile(along=along, pixels=(1, 4))
    expected = sum_profile(image, profile)
    stacked = xr.concat([image, 2 * image], dim="edge").transpose("x", "edge", "y")
    found = sum_profile(stacked, profile)
    np.testing.assert_allclose(found.isel(edge=1), 2 * expected)


def test_the_others_stand_for_invalid_pixels():
    image = map_of()
    image[0, 2] = np.nan
    image[:, 4] = np.nan
    profile = sum_profile(image, Profile(along="x"))
    assert profile[2] == pytest.approx(image.values[1:, 2].mean() * image.shape[0])
    assert np.isnan(profile[4])


def test_uncalibrated_image_has_positions_in_pixels():
    image = map_of(pixel_nm=1.0, units="px")
    band = profile_pixels(Profile(along="y", pixels=(2, 5)), image)
    assert band.as_attrs()["pixels"] == [2, 5]
    assert band.as_attrs()["n_pixels"] == 3
    assert band.as_attrs()["width_nm"] is None
    bare = image.drop_vars(["x", "y"])
    np.testing.assert_array_equal(profile_positions(Profile(along="y"), bare), np.arange(9))


@pytest.mark.parametrize(
    ("profile", "units", "message"),
    [
        (
            Profile(along="x", pixels=(7, 10)),
            "nm",
            r"profiles\.P1: y pixels 7 to 9 .* 0 to 8 \(0 to 0\.96 nm\)",
        ),
        (Profile(along="y", pixels=(7, 10)), "nm", r"profiles\.P1: x pixels 7 to 9 .* 0 to 5"),
        (Profile(along="x", start_nm=-1.0, width_nm=0.36), "nm", r"profiles\.P1: y pixels -8 to -6"),
        (Profile(along="x", width_nm=5.0), "nm", r"profiles\.P1: y pixels 0 to 41"),
        (
            Profile(along="x", width_nm=5.0),
            "px",
            r"profiles\.P1\.width_nm: the image has no pixel size in nm",
        ),
    ],
)
def test_bands_off_the_image_are_refused(profile, units, message):
    with pytest.raises(InputError, match=message):
        profile_pixels(profile, map_of(units=units), name="P1")


@pytest.mark.parametrize(
    "keys",
    [
        {"start_nm": 1e308, "width_nm": 1.0},
        {"start_nm": -1e308, "width_nm": 1.0},
        {"start_nm": 0.0, "width_nm": 1e308},
        {"width_nm": 1e300},
    ],
)
def test_lengths_that_no_image_has_are_refused_in_one_line(keys):
    """They overflowed, or were written with 300 digits."""
    with pytest.raises(InputError, match=r"profiles\.p: (start|width)_nm needs .* 1e9 ") as caught:
        as_options(Profile, {"p": {"along": "x", **keys}})
    assert len(str(caught.value)) < 150
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="pixels"):
        profile_pixels(Profile(start_nm=-1e9, width_nm=1e9), map_of())


def test_region_holds_the_pixels_whose_centres_lie_in_it():
    mask = region_mask(Region(x_nm=(0.12, 0.36), y_nm=(0.0, 0.13)), map_of())
    assert mask.dims == ("y", "x")
    expected = np.zeros((9, 6), dtype=bool)
    expected[:2, 1:4] = True
    np.testing.assert_array_equal(mask, expected)
    assert region_mask(Region(), map_of()).all()


@pytest.mark.parametrize(
    ("region", "units", "message"),
    [
        (
            Region(x_nm=(3.0, 4.0)),
            "nm",
            r"regions\.vacuum\.x_nm: no pixel between 3 and 4 nm; .* from 0 to 0\.6 nm",
        ),
        (Region(y_nm=(0.0, 1.0)), "px", r"regions\.vacuum\.y_nm: the image has no pixel size in nm"),
    ],
)
def test_regions_off_the_image_are_refused(region, units, message):
    with pytest.raises(InputError, match=message):
        region_mask(region, map_of(units=units), name="vacuum")


def test_a_single_row_is_as_high_as_its_pixels_are_wide():
    """A row of 0.12 nm was said to be 1 nm wide, and widths in nm were divided by that."""
    line = xr.DataArray(
        np.ones((1, 9)),
        dims=("y", "x"),
        coords={"y": ("y", [0.0], {"units": "nm"}), "x": ("x", 0.12 * np.arange(9), {"units": "nm"})},
    )
    assert profile_pixels(Profile(along="x"), line).as_attrs()["width_nm"] == pytest.approx(0.12)
    assert profile_pixels(Profile(along="x"), line.isel(x=[0])).as_attrs()["width_nm"] == 1.0
