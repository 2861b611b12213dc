"""Noise of the element maps: that of other draws of the same image, mapped with the same endmembers."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix import fit
from eelsunmix.background import BackgroundOptions, subtract_background
from eelsunmix.comparison import compare
from eelsunmix.image import as_spectrum_image
from eelsunmix.mapping import apply
from eelsunmix.mapping.map_noise import variance_of_refit
from eelsunmix.profiles import Profile
from eelsunmix.synthetic import SCENES, simulate

METHODS = ("udas", "nmf", "ica")
PROFILES = {"all_rows": Profile(along="x")}


def compared(image, scene, fits):
    bs = subtract_background(image, scene.edges, BackgroundOptions(), profiles=PROFILES)
    maps = {name: apply(one, image) for name, one in fits.items()}
    return compare(image, bs, fits, maps, edges=scene.edges, profiles=PROFILES)


@pytest.fixture(scope="module", params=["linear", "thickness"])
def noisy_and_clean(request):
    scene = simulate(SCENES["multilayer"](shape=(30, 75), level=request.param, counts=800, seed=77))
    image = as_spectrum_image(scene.spectrum_image)
    fits = {name: fit(image, name, n_endmembers=3, seed=2) for name in METHODS}
    clean = image.copy(data=scene.expected_counts.to_numpy().astype(float))
    return compared(image, scene, fits), compared(clean, scene, fits)


# Not the profiles of udas: many rows of clipped abundances have a bias that is no noise (decision 030).
COVERED = [(name, method) for name in ("element_map", "subspace_map") for method in METHODS]
COVERED += [("element_profile", method) for method in METHODS if method != "udas"]


@pytest.mark.parametrize(("name", "method"), COVERED)
def test_intervals_of_maps_cover_what_the_expected_counts_give(noisy_and_clean, name, method):
    noisy, clean = (one.sel(label=method) for one in noisy_and_clean)
    dims = [dim for dim in clean[name].dims if dim not in ("edge", "profile")]
    seen = clean[name] > 0.1 * clean[name].max(dims)
    inside = np.abs(noisy[name] - clean[name]) < 1.96 * noisy[f"{name}_sd"]
    part = float(inside.where(seen).mean())
    # Non-negative parts of the subspace that are cut off make its map quieter; profiles are few points.
    # NMF starts at the simplex of uDAS and has some of its bias in profiles.
    least = {"nmf": 0.7}.get(method, 0.85) if name == "element_profile" else 0.92
    assert least < part <= (0.975 if name == "element_map" else 1)


def test_a_wrong_factor_of_the_noise_would_be_seen(noisy_and_clean):
    noisy, clean = (one.sel(label="udas") for one in noisy_and_clean)
    seen = clean.element_map > 0.1 * clean.element_map.max(["y", "x"])
    score = (noisy.element_map - clean.element_map) / noisy.element_map_sd
    assert 0.85 < float(score.where(seen).std()) < 1.15


def test_the_reference_keeps_its_own_deviations(noisy_and_clean):
    noisy = noisy_and_clean[0].sel(label="BS")
    assert np.isfinite(noisy.element_map_sd).all()
    xr.testing.assert_equal(
        noisy.element_map_sd.drop_attrs().rename(None), noisy.subspace_map_sd.drop_attrs().rename(None)
    )


def test_deviations_of_thickness_weighted_abundances_are_those_of_amounts():
    """Where no bound is reached, shares times brightness are the unconstrained amounts of the refit."""
    scene = simulate(SCENES["particles"](size=(24, 31), counts=600, seed=9))
    image = as_spectrum_image(scene.spectrum_image)
    model = fit(image, "udas", n_endmembers=3, seed=1, brightness="variable")
    found, lazy = apply(model, image), apply(model, image.chunk({"y": 7, "x": 11}))
    name = "thickness_weighted_abundance_sd"
    inside = ((found.abundance > 0) & (found.refit_abundance > 0)).all("endmember").to_numpy()
    assert inside.sum() > 100
    np.testing.assert_allclose(found[name].values[inside], found.refit_abundance_sd.values[inside], rtol=0.1)
    xr.testing.assert_allclose(lazy[name].compute(), found[name], rtol=1e-4)


def test_pixels_without_sample_have_deviations_too():
    scene = simulate(SCENES["vacuum"](size=(20, 27), seed=2))
    image = as_spectrum_image(scene.spectrum_image)
    fits = {name: fit(image, name, n_endmembers=3, seed=1) for name in ("vca", "ica")}
    found = compared(image, scene, fits)
    assert not scene.sample.to_numpy().all()
    assert np.isfinite(found.element_map_sd).all()
    assert np.isfinite(found.element_profile_sd).all()
    dark = found.element_map_sd.where(~scene.sample).max(["y", "x"])
    assert (dark < 0.2 * found.element_map_sd.where(scene.sample).median(["y", "x"])).sel(label="vca").all()


def test_the_refit_of_a_pixel_without_anything_has_a_deviation_too():
    endmembers = np.array([[40.0, 30, 20, 10, 5], [10.0, 20, 30, 20, 10]])
    net = np.array([[3.0, 0.0, 1.0], [0.0, 8.0, 2.0]])
    variance = variance_of_refit(
        endmembers, np.sqrt(endmembers.mean(axis=0)), np.array([[0, 0], [9, 4.0]]), net
    )
    one_count = variance_of_refit(
        endmembers, np.sqrt(endmembers.mean(axis=0)), 0.5 / endmembers.sum(axis=1)[None], net
    )
    np.testing.assert_allclose(variance[0], one_count[0])
    assert (variance[0] > 0).all()
    assert (variance[1] > 10 * variance[0]).all()
