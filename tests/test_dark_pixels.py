"""Dark pixels beside bright ones: a film with its own edges is learned from, the glow of a vacuum is not."""

import dataclasses

import numpy as np
import pytest

from eelsunmix import fit, metrics, synthetic
from eelsunmix.methods import LearningSet
from eelsunmix.methods._dark_pixels import averages_of_dark_pixels

CHANNEL = np.linspace(0, 1, 60)
SLOPE = np.exp(-1.2 * CHANNEL)
EDGE = np.where(CHANNEL > 0.4, SLOPE, 0.5 * SLOPE)
TYPICAL = 20_000.0
GLOWS = {"as the sample": SLOPE, "constant": np.ones(60), "steep tail": (1 + CHANNEL) ** -6}


def drawn(dark, part, counts=TYPICAL):
    """300 pixels of a sample and 200 dark ones of a spectrum, in any order."""
    rng = np.random.default_rng(5)
    brightness = np.concatenate([rng.uniform(0.8, 1.4, 300), np.full(200, part)])
    shapes = np.repeat([SLOPE / SLOPE.sum(), dark / dark.sum()], [300, 200], axis=0)
    spectra = rng.permutation(rng.poisson(counts * brightness[:, None] * shapes)).astype(float)
    return LearningSet(
        spectra=spectra,
        channel_weight=np.sqrt(spectra.mean(axis=0)),
        pixel_weight=np.sqrt(spectra.sum(axis=1)),
        loadings=np.eye(3, 60),
        energy=200 + 200 * CHANNEL,
    )


@pytest.mark.parametrize("part", [0.04, 0.12])
@pytest.mark.parametrize("glow", GLOWS)
def test_the_glow_of_a_vacuum_is_not_learned_from(glow, part):
    assert len(averages_of_dark_pixels(drawn(GLOWS[glow], part), TYPICAL)[0]) == 0


@pytest.mark.parametrize("counts", [400.0, TYPICAL])
@pytest.mark.parametrize("part", [0.04, 0.12])
def test_a_film_is_averaged_over_as_many_pixels_as_have_typical_counts(part, counts):
    learning = drawn(EDGE, part, counts)
    found, weights = averages_of_dark_pixels(learning, counts)
    # The last parcel is left out, and at few counts the levels of brightness that tell no features.
    assert 0.5 * 200 * part <= len(found) <= 200 * part
    assert (0.02 * counts < found.sum(axis=1)).all()
    assert (found.sum(axis=1) < 0.2 * counts).all()
    shares, expected = found.mean(axis=0) / found.sum(axis=1).mean(), EDGE / EDGE.sum()
    deviation = np.sqrt(expected / (counts * len(found)))
    assert np.abs(shares - expected).max() < 5 * deviation.max()
    # A weight is the root of the counts of a pixel; of an average, over the root of their number.
    pixels = counts / found.sum(axis=1)
    np.testing.assert_allclose(weights, np.sqrt(found.sum(axis=1) / pixels), rtol=0.2)


def test_the_order_of_the_pixels_does_not_matter():
    learning = drawn(EDGE, 0.12, 400.0)
    order = np.random.default_rng(1).permutation(500)
    other = dataclasses.replace(
        learning, spectra=learning.spectra[order], pixel_weight=learning.pixel_weight[order]
    )
    for one, two in zip(*(averages_of_dark_pixels(each, 400.0) for each in (learning, other)), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12)


@pytest.mark.parametrize("seed", [9902, 9953])
def test_a_film_under_bright_particles_keeps_its_spectrum(seed):
    """Film alone has less than a fifth of the median counts there, or a fourth of that (5 nm)."""
    scene = synthetic.particles(size=(40, 42), seed=seed, film_nm=15.0 if seed == 9902 else 5.0)
    truth = scene.endmember_spectrum.to_numpy()
    found = fit(scene.spectrum_image, "udas", n_endmembers=3, seed=seed)["endmember_spectrum"].to_numpy()
    film = found[metrics.match(truth, found)[0]]
    parts = np.linalg.lstsq(truth.T, film, rcond=None)[0] * truth.sum(axis=1)
    assert abs(parts[1:]).sum() < 0.06 * film.sum(), "it held 20 and 60 % of Pt and Co"
