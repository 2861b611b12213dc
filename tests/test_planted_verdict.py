"""Defects planted in simulated images: corrected, or named by what compares and judges."""

import re

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu

TI = {"Ti_L23": {"element": "Ti", "onset_eV": 456.0, "fit_eV": [408, 450], "integrate_eV": [458.0, 500.0]}}
ENERGY = 400.0 + 1.5 * np.arange(140)


def power_law(exponent=3.0, **edges):
    """Background of 300 counts per channel at 400 eV, with steps of so many per cent at these energies."""
    steps = sum((float(onset[1:]) <= ENERGY) * height / 100 for onset, height in edges.items())
    return 300.0 * (ENERGY / 400.0) ** -exponent * (1.0 + steps)


def image_of(expected, *, seed=0, valid=None):
    """Draw counts; pixels of 1 nm."""
    counts = np.random.default_rng(seed).poisson(expected).astype(float)
    shape = counts.shape[:2]
    valid = np.ones(shape, bool) if valid is None else valid
    counts[~valid] = 0
    axes = {d: (d, np.arange(float(n)), {"units": "nm"}) for d, n in zip("yx", shape, strict=True)}
    return xr.DataArray(
        counts,
        dims=("y", "x", "energy_loss"),
        coords={
            **axes,
            "energy_loss": ("energy_loss", ENERGY, {"units": "eV"}),
            "valid_pixel": (("y", "x"), valid),
        },
        attrs={"counts_per_electron": 1.0, "units": "counts"},
    )


@pytest.mark.parametrize(("along", "masked"), [("x", np.s_[1:4, 3:9]), ("y", np.s_[2:7, 5:9])])
def test_masked_pixels_neither_dip_the_profile_nor_go_unnoticed_in_its_deviation(along, masked):
    expected = np.broadcast_to(power_law(e456=30), (12, 15, ENERGY.size))
    valid = np.ones((12, 15), bool)
    valid[masked] = False
    bs = eu.subtract_background(
        image_of(expected, valid=valid), TI, profiles={"P": {"along": along, "pixels": (0, 7)}}
    )
    whole = eu.subtract_background(image_of(expected), TI, profiles={"P": {"along": along, "pixels": (0, 7)}})
    band = valid[:7] if along == "x" else valid[:, :7].T
    present = band.sum(axis=0)
    counts, sd = (bs[name][0, 0].values[: present.size] for name in ("profile_counts", "profile_counts_sd"))
    sure = whole.profile_counts_sd[0, 0].values[: present.size]
    # The same element everywhere: within five deviations of the true mean, which 12 places or more decide.
    assert np.abs((counts - whole.profile_counts.mean().item()) / sd).max() < 5
    np.testing.assert_allclose((sd / sure)[present < 7], np.sqrt(7 / present[present < 7]), rtol=0.15)


def chained(shape, seed):
    """Three materials whose shares change gradually along a line: hardly a pixel is pure."""
    x = np.linspace(-3, 3, shape[1])[:, None]
    ends, middle = 1 / (1 + np.exp(-x)), np.exp(-(x**2))
    shares = np.concatenate([1 - ends, middle, ends], axis=1)
    shares /= shares.sum(axis=1, keepdims=True)
    spectra = np.stack([power_law(2.9, e456=25), power_law(3.1, e532=25), power_law(3.2, e560=25)])
    return image_of(np.broadcast_to(shares @ spectra, (*shape, ENERGY.size)), seed=seed)


def test_a_chain_that_hardly_moved_has_not_converged():
    found = [eu.fit(chained((3, 17), seed), "blu", n_endmembers=3, seed=seed).attrs for seed in (20, 21, 22)]
    sizes = [int(re.search(r"sample size at least (\d+)", one["message"])[1]) for one in found]
    assert min(sizes) < 50
    for size, one in zip(sizes, found, strict=True):
        assert size >= 50 or (one["status"] == "not converged" and "raise n_sweeps" in one["message"])


@pytest.mark.parametrize("options", [{}, {"loss": "kullback-leibler"}, {"max_iter": 3}])
def test_the_status_of_nmf_is_what_its_message_says(options):
    image = chained((6, 11), 5)
    for n_endmembers in (1, 2):
        attrs = eu.fit(image, "nmf", n_endmembers=n_endmembers, **options).attrs
        assert (attrs["status"] == "not converged") == ("the limit is" in attrs["message"])
    assert eu.fit(image, "nmf", n_endmembers=1, **options).attrs["status"] == "converged"
