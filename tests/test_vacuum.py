"""Pixels without sample are found, left out and zero; and none where there is sample everywhere."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix import unmix
from eelsunmix.corrections import correct_image
from eelsunmix.errors import InputError
from eelsunmix.learning import learning_set
from eelsunmix.pca import denoise
from eelsunmix.vacuum import sample_pixels, vacuum_pixels
from eelsunmix.vacuum.dark import typical_counts
from vacuum_images import CLEAN, HOLED, SHAPE, with_vacuum, without_vacuum

PER_MILLE = 1e-3 * SHAPE[0] * SHAPE[1]


@pytest.mark.parametrize("kind", CLEAN)
@pytest.mark.parametrize("counts", [8, 28, 200, 2000, 50_000])
def test_no_vacuum_is_found_where_there_is_sample_everywhere(kind, counts):
    assert sum(vacuum_pixels(without_vacuum(kind, counts, seed)).sum() for seed in range(3)) == 0


@pytest.mark.parametrize(("kind", "least"), HOLED.items())
@pytest.mark.parametrize("counts", [200, 2000, 50_000])
def test_vacuum_beside_a_sample_is_found_and_no_sample_with_it(kind, least, counts):
    image, vacuum = with_vacuum(kind, counts, seed=1)
    found = vacuum_pixels(image)
    assert not found[~vacuum].any()
    assert found[vacuum].mean() > least


@pytest.mark.parametrize("kind", ["even", "columns"])
def test_lone_pixels_a_thousand_times_brighter_do_not_make_vacuum_of_the_sample(kind):
    for seed in range(3):
        image = without_vacuum(kind, 2000, seed).astype(float)
        hot = np.random.default_rng(seed).permutation(SHAPE[0] * SHAPE[1]).reshape(SHAPE) % 50 == 0
        image = image.where(~xr.DataArray(hot, dims=("y", "x")), 1000 * image)
        assert not vacuum_pixels(image).any()


def test_noise_of_the_read_out_hides_no_vacuum():
    image, vacuum = with_vacuum("small hole", 20_000, seed=4)
    noise = np.random.default_rng(5).normal(0, 3.0, image.shape)
    electrons = image.where(~xr.DataArray(vacuum, dims=("y", "x")), 0)
    found = vacuum_pixels(electrons + noise)
    assert not found[~vacuum].any()
    assert found[vacuum].mean() > 0.9


def test_at_single_digit_counts_whole_holes_are_found_and_no_sample():
    image, vacuum = with_vacuum("nothing", 28, seed=1)
    found = vacuum_pixels(image)
    assert not found[~vacuum].any()
    assert found[vacuum].mean() > 0.85


def test_electrons_decide_and_not_the_counts_that_a_camera_makes_of_them():
    image = without_vacuum("wedge", 8, seed=2)
    assert not vacuum_pixels((image * 15).assign_attrs(counts_per_electron=15.0)).any()
    image, _ = with_vacuum("particles", 2000, seed=2)
    found = vacuum_pixels((image * 15).assign_attrs(counts_per_electron=15.0))
    np.testing.assert_array_equal(found, vacuum_pixels(image))


def test_frames_are_looked_at_one_by_one_and_invalid_pixels_are_no_vacuum():
    image, vacuum = with_vacuum("nothing", 2000, seed=3)
    full = without_vacuum("even", 2000, seed=3)
    series = xr.concat([image, full, image], "frame")
    masked = np.ones(series.shape[:-1], bool)
    masked[2] = False
    found = vacuum_pixels(series.assign_coords(valid_pixel=(series.dims[:-1], masked)))
    np.testing.assert_array_equal(found[0], vacuum)
    assert not found[1:].any()


def test_blocks_of_a_lazy_image_give_the_same():
    image, _ = with_vacuum("halo", 2000, seed=4)
    lazy = image.chunk({"y": 10, "x": 70, "energy_loss": 60})
    np.testing.assert_array_equal(vacuum_pixels(lazy), vacuum_pixels(image))


def test_the_user_may_switch_it_off_or_give_a_limit():
    image, vacuum = with_vacuum("glow", 2000, seed=5)
    corrected = correct_image(image)
    np.testing.assert_array_equal(corrected["vacuum"], vacuum)
    assert corrected["vacuum"].dims == ("y", "x")
    assert not correct_image(image, vacuum="none")["vacuum"].any()
    np.testing.assert_array_equal(correct_image(image, vacuum=500.0)["vacuum"], vacuum)


def test_a_stage_takes_the_map_that_it_is_given():
    image, _ = with_vacuum("glow", 2000, seed=5)
    mine = xr.DataArray(np.zeros(SHAPE, bool), dims=("y", "x"))
    mine[:3] = True
    assert (~sample_pixels(image, mine.transpose("x", "y")))[:3].all()
    assert sample_pixels(image, mine).sum() == 61 * 70
    rng = np.random.default_rng(0)
    assert len(learning_set(image, denoise(image), rng=rng, vacuum=mine).spectra) == 61 * 70
    with pytest.raises(InputError, match="vacuum has the sizes"):
        sample_pixels(image, mine[:5])
    with pytest.raises(InputError, match="type int64"):
        sample_pixels(image, mine.astype(np.int64))


def test_abundances_are_zero_in_vacuum_and_learned_from_the_sample():
    image, vacuum = with_vacuum("particles", 2000, seed=6)
    result = unmix(image, "vca", n_endmembers=2)
    assert result.attrs["n_learning_pixels"] == (~vacuum).sum()
    abundance = result["abundance"].to_numpy()
    assert (abundance[vacuum] == 0).all()
    assert (result["refit_abundance"].to_numpy()[vacuum] == 0).all()
    assert (result["refit_abundance_sd"].to_numpy()[vacuum] > 0).all()
    assert np.median(result["reduced_chi2"].to_numpy()[vacuum]) > 0
    np.testing.assert_allclose(abundance[~vacuum].sum(axis=-1), 1.0, rtol=1e-5)
    # A pixel that was called a pure endmember is one of the sample, as bright as that.
    assert result["endmember_spectrum"].sum("energy_loss").min() > 1000


def test_thickness_weighted_abundances_follow_the_counts_and_have_a_deviation():
    image, vacuum = with_vacuum("wedge of film", 20_000, seed=7)
    result = unmix(image, "blu", n_endmembers=2, n_sweeps=40, n_burn_in=10)
    weighted = result["thickness_weighted_abundance"]
    counts = weighted.astype(float) @ result["endmember_spectrum"].astype(float)
    total = image.sum("energy_loss").to_numpy()
    np.testing.assert_allclose(counts.sum("energy_loss").to_numpy()[~vacuum], total[~vacuum], rtol=1e-4)
    assert (weighted.to_numpy()[vacuum] == 0).all()
    deviation = result["thickness_weighted_abundance_sd"].to_numpy()
    assert np.isfinite(deviation).all()
    assert (deviation >= 0).all()
    assert "thickness_weighted_abundance" not in unmix(image, "nmf", n_endmembers=2)


def test_typical_counts_are_those_of_the_sample_however_small_it_is():
    totals = np.concatenate([np.full(960, 3.0), np.full(40, 1000.0)])
    assert typical_counts(totals) == 1000.0
    totals[:8] = 1e9  # a few hot pixels do not make vacuum of all others
    assert typical_counts(totals) == 1000.0
    assert typical_counts(np.zeros(50)) == 0.0
    assert typical_counts(np.zeros(0)) == 0.0
