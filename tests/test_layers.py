"""Which images are layered, so that `eelsunmix new` chooses a profile."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix import synthetic
from eelsunmix.proposal import configuration_text, propose_edges
from eelsunmix.proposal.layers import layered_along, varies_along

SIZE = (19, 33)


def turned(image):
    return image.rename({"y": "x", "x": "y"}).transpose("y", "x", ...)


def test_a_stack_varies_along_the_axis_that_its_layers_stand_across():
    scene = synthetic.stack(size=SIZE, counts=400, seed=71)
    assert varies_along(scene.spectrum_image, scene.edges) == "x"
    assert varies_along(turned(scene.spectrum_image), scene.edges) == "y"


@pytest.mark.parametrize("kind", ["chequerboard", "gradient", "vacuum", "eds"])
def test_an_image_that_varies_along_both_axes_is_not_layered(kind):
    scene = synthetic.simulate(synthetic.SCENES[kind](size=SIZE, seed=72))
    assert varies_along(scene.spectrum_image, scene.edges) is None


def test_noise_is_not_layered_and_a_few_lines_are_a_line_scan():
    scene = synthetic.stack(size=SIZE, counts=400, seed=73)
    mean = scene.spectrum_image.mean(("y", "x"))
    rng = np.random.default_rng(74)
    noise = scene.spectrum_image.copy(data=rng.poisson(np.broadcast_to(mean, scene.spectrum_image.shape)))
    assert varies_along(noise, scene.edges) is None
    assert varies_along(noise[:2], scene.edges) == varies_along(noise[:1], scene.edges) == "x"
    assert varies_along(noise[:1, :7], scene.edges) is None  # too short to be a profile
    assert varies_along(noise, {}) is None


def test_an_image_without_noise_is_judged_alike():
    scene = synthetic.stack(size=SIZE, counts=400, seed=77, noise=False, roughness=0.0)
    assert varies_along(scene.spectrum_image, scene.edges) == "x"
    same = scene.spectrum_image.copy(data=np.ones(scene.spectrum_image.shape))
    assert varies_along(same, scene.edges) is None


def test_pixels_without_sample_and_frames_do_not_count():
    scene = synthetic.stack(size=SIZE, counts=400, seed=75)
    valid = xr.DataArray(np.ones(SIZE, dtype=bool), dims=("y", "x"))
    valid[:, :4] = False
    image = scene.spectrum_image.where(valid, 0)
    assert varies_along(image.assign_coords(valid_pixel=valid), scene.edges) == "x"
    frames = xr.concat([scene.spectrum_image.drop_vars("valid_pixel", errors="ignore")] * 2, "frame")
    assert varies_along(frames, scene.edges) == "x"


def test_the_profile_that_was_chosen_is_written_and_said_to_be_chosen():
    image = synthetic.multilayer(shape=(17, 31), seed=76).spectrum_image
    proposal = propose_edges(image)
    along = layered_along(image, proposal)
    assert along == "x"
    text = configuration_text({"S": "a.dm4"}, proposal, page="p.html", layered=along)
    assert "\nprofiles: {along_x: {along: x}}\n" in text
    assert "Nobody asked for a profile" in text
    assert "# profiles:" in configuration_text({"S": "a.dm4"}, proposal, page="p.html")
