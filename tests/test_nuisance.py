"""Directions in which one material differs from itself are learned where no edge is, and taken out."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix import apply, fit, metrics, synthetic
from eelsunmix.configuration import read_configuration
from eelsunmix.errors import InputError
from eelsunmix.numerics.nuisance import find_nuisance
from eelsunmix.profile_geometry import edge_free_pixels

LAYERS = {"shape": (20, 75), "co_nm": 2.2, "ru_nm": 1.8, "diffused_fraction": 0.05, "probe_sd_nm": 0.1}


def layers(level, seed=0, **options):
    """Simulate a multilayer with pure pixels, and say which are of Pt, which has no edge."""
    scene = synthetic.multilayer(**LAYERS, counts=20_000.0, level=level, seed=seed, **options)
    pure = scene.abundance.sel(endmember="Pt").drop_vars("endmember") > 0.999
    return scene, pure


@pytest.fixture(scope="module")
def wedge():
    return layers("thickness", wedge=1.2)


def error(scene, model):
    found = apply(model, scene.spectrum_image)["abundance"].to_numpy().reshape(-1, 3).astype(float)
    true = scene.abundance.to_numpy().reshape(-1, 3)
    order = metrics.match(scene.endmember_spectrum.to_numpy(), model["endmember_spectrum"].to_numpy())
    return float(np.mean(metrics.nmse(true, found[:, order])))


def test_what_is_typical_stays_and_what_is_not_moves_there():
    rng = np.random.default_rng(0)
    energy = np.linspace(1.0, 2.0, 40)
    slopes, thickness = rng.normal(3.0, 0.2, 900), rng.uniform(0.5, 2.0, 900)
    spectra = 1000 * thickness[:, None] * energy ** -slopes[:, None]
    nuisance, excess = find_nuisance(rng.poisson(spectra).astype(float), 1, 1.0)
    assert excess[0] > 3
    typical = spectra.mean(axis=0)
    np.testing.assert_allclose(nuisance.removed(2.5 * typical), 2.5 * typical, rtol=5e-3)
    moved = nuisance.removed(typical + 0.3 * nuisance.directions[0])
    np.testing.assert_allclose(moved, nuisance.removed(typical), rtol=1e-9)
    shapes, clean = (one / one.sum(axis=1, keepdims=True) for one in (spectra, nuisance.removed(spectra)))
    assert clean.std(axis=0).max() < 0.2 * shapes.std(axis=0).max()


def test_noise_alone_has_no_direction_whatever_the_detector_makes_of_an_electron():
    rng = np.random.default_rng(1)
    spectra = rng.poisson(50 * np.linspace(3, 1, 60) * rng.uniform(0.5, 2, (400, 1)))
    for factor in (1.0, 15.0):
        excess = find_nuisance(factor * spectra, 1, factor)[1]
        assert excess.max() < 1.15


def test_a_wedge_costs_less_without_its_direction(wedge):
    scene, pure = wedge
    without, plain = (
        fit(scene.spectrum_image, "vca", n_endmembers=3, nuisance=number, edge_free=pure)
        for number in ("auto", 0)
    )
    assert (without.attrs["nuisance"], plain.attrs["nuisance"]) == (1, 0)
    assert error(scene, without) < 0.7 * error(scene, plain)
    assert "pixels without edges differ along two directions by" in without.attrs["nuisance_reason"]


def test_nothing_is_taken_out_of_an_image_of_one_thickness():
    scene, pure = layers("linear")
    found, plain = (
        fit(scene.spectrum_image, "vca", n_endmembers=3, nuisance=number, edge_free=pure)
        for number in ("auto", 0)
    )
    assert found.attrs["nuisance"] == 0
    np.testing.assert_array_equal(found["endmember_spectrum"], plain["endmember_spectrum"])


def test_without_pixels_that_are_free_of_edges_it_says_what_is_not_known(wedge):
    image = wedge[0].spectrum_image
    model = fit(image, "vca", n_endmembers=3, nuisance="auto")
    assert model.attrs["nuisance"] == 0
    assert "how thickness bends the background is not known" in model.attrs["nuisance_reason"]
    with pytest.raises(InputError, match="nuisance: 1 cannot be learned, as no pixels are known"):
        fit(image, "vca", n_endmembers=3, nuisance=1)
    few = xr.zeros_like(wedge[1])
    few[:2, :3] = True
    with pytest.raises(InputError, match="only 6 pixels with sample are in regions without edges"):
        fit(image, "vca", n_endmembers=3, nuisance=1, edge_free=few)
    with pytest.raises(InputError, match="nuisance is for abundances that sum to one"):
        fit(image, "nmf", n_endmembers=3, nuisance=1, edge_free=wedge[1])


def test_lazy_images_give_the_same_and_other_channels_are_refused(wedge):
    scene, pure = wedge
    image = scene.spectrum_image
    model = fit(image, "vca", n_endmembers=3, nuisance=2, edge_free=pure.transpose("x", "y"))
    assert model["nuisance_direction"].dims == ("nuisance", "energy_loss")
    assert model.sizes["nuisance"] == 2
    eager = apply(model, image)["abundance"]
    lazy = apply(model, image.chunk({"y": 7, "x": 75, "energy_loss": -1}))["abundance"]
    np.testing.assert_allclose(lazy, eager, rtol=1e-5, atol=1e-6)
    with pytest.raises(InputError, match="known in its own channels alone"):
        apply(model, image.isel(energy_loss=slice(10, None)))


def test_regions_without_all_elements_are_those_that_are_learned_from(tmp_path):
    text = """
samples:
  A: {simulate: {scene: multilayer}}
edges: [Ru, Co]
regions:
  left: {x_nm: [0.0, 1.0], without: [Ru, Co]}
  right: {x_nm: [7.0, 8.0], without: [Ru]}
methods:
  vca: {nuisance: auto}
  blu: {}
  nmf: {}
"""
    file = tmp_path / "config.yaml"
    file.write_text(text)
    sample = read_configuration([file]).samples["A"]
    assert list(sample.edge_free_for("vca")) == ["left"]
    assert sample.edge_free_for("blu") == {}
    image = synthetic.multilayer(shape=(4, 75), counts=9.0).spectrum_image
    mask = edge_free_pixels(image, sample.edge_free_for("vca"))
    assert mask.sum() == 4 * 9
    assert edge_free_pixels(image, {}) is None
    file.write_text(text.replace("nmf: {}", "nmf: {nuisance: 1}"))
    with pytest.raises(InputError, match=r"nmf\.nuisance: for methods whose abundances sum to one"):
        read_configuration([file])
