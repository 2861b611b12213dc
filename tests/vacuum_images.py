"""Images of a sample, with and without vacuum beside it; rows and columns differ in number."""

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

SHAPE = (64, 70)
Y, X = np.mgrid[0 : 1 : SHAPE[0] * 1j, 0 : 1 : SHAPE[1] * 1j]
ENERGY = np.linspace(200.0, 400.0, 60)
ONES = np.ones(SHAPE)
MATRIX, EDGE, OTHER_SLOPE = range(3)


def spectra():
    """Spectra of a background, which sums to one, of one with an edge, and of one that falls more slowly."""
    background = (ENERGY / 200) ** -3.0
    edge = np.where(ENERGY > 280, 0.6 * (ENERGY / 280) ** -3.0, 0.0)
    return np.stack([background, background + edge, (ENERGY / 200) ** -2.0]) / background.sum()


def image(thickness, fraction, counts, seed):
    """Draw counts of a thickness and a fraction of the material `EDGE`, both maps."""
    rng = np.random.default_rng(seed)
    mixture = (1 - fraction)[..., None] * spectra()[MATRIX] + fraction[..., None] * spectra()[EDGE]
    return _drawn(thickness[..., None] * mixture * counts, rng)


def _drawn(expected, rng):
    return xr.DataArray(rng.poisson(expected), dims=("y", "x", "energy_loss"), coords={"energy_loss": ENERGY})


def smooth(seed, width=4.0):
    """Draw a random smooth map between zero and one."""
    values = gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), width)
    return (values - values.min()) / np.ptp(values)


def discs(seed, number=6, radius=0.12):
    """Draw discs at random places."""
    places = np.random.default_rng(seed).uniform(size=(number, 2))
    return np.any([np.hypot(Y - y, X - x) < radius for y, x in places], axis=0)


def without_vacuum(kind, counts, seed):
    """Draw an image of sample everywhere, at least 5 % of it (or, where it has its own edge, 1 %)."""
    inside, fraction = discs(seed), smooth(seed)
    if kind == "dark phase":  # the only one with the edge
        return image(np.where(inside, 1.0, 0.012), np.where(inside, 0.0, 1.0), counts, seed)
    if kind == "X-rays":  # lines alone, hardly any continuum
        lines = np.exp(-(((ENERGY - np.array([[250.0], [320.0]])) / 6) ** 2)) + 1e-3
        expected = np.where(inside[..., None], lines[0], 0.05 * lines[1]) * counts / lines.sum(axis=1)[0]
        return _drawn(expected, np.random.default_rng(seed))
    thickness = {
        "even": ONES,
        "wedge": 0.05 + 0.95 * X,
        "wedge to nothing": X,
        "steep wedge": np.clip(0.05 + 8 * (X - 0.5), 0.05, 1.0),
        "exponential wedge": np.exp(-3 * X),
        "two wedges": np.maximum(X * Y, 0.05),
        "columns": 0.3 + np.cos(20 * X) ** 2 * np.cos(20 * Y) ** 2,
        "step": np.where(X > 0.5, 1.0, 0.05),
        "thin discs": np.where(inside, 0.05, 1.0),
        "discs on a thin film": np.where(inside, 1.0, 0.05),
        "gradient of the dose": 20.0**-X,
        "rough": np.clip(gaussian_filter(fraction - 0.5, 1.0) * 3 + 0.5, 0.05, 2.0),
        "rougher": np.maximum(np.exp(5 * (fraction - 1)), 0.05),
    }[kind]
    return image(thickness, fraction, counts, seed)


def with_vacuum(kind, counts, seed):
    """Draw an image with vacuum; also where that is."""
    inside, fraction, hole = discs(seed), smooth(seed), X < 0.4
    depth = np.clip(0.4 - X, 0.0, None) * (SHAPE[1] - 1)
    small, beside = np.hypot(X - 0.5, Y - 0.5) < 0.1, X < 0.55
    sample, vacuum, empty = {
        "nothing": (ONES, hole, 0.0),
        "glow": (ONES, hole, 0.01),
        "small hole": (ONES, small, 0.003),
        "short halo": (ONES, hole, 0.003 + 0.08 * np.exp(-depth / 1.5)),
        "halo": (ONES, hole, 0.003 + 0.06 * np.exp(-depth / 3)),
        "long halo": (ONES, hole, 0.002 + 0.04 * np.exp(-depth / 8)),
        "film": (0.3 + inside, beside, 0.002),
        "thin film": (0.08 + inside, beside, 0.002),
        "wedge of film": (0.3 + 0.7 * Y, beside, 0.003),
        "wedge beside": (0.05 + 0.95 * (X - 0.4) / 0.6, hole, 0.002),
        "steep wedge beside": (np.clip(0.05 + 8 * (X - 0.4), 0.05, 1.0), hole, 0.002),
        "particles": (ONES, ~inside, 0.003),
    }[kind]
    return image(np.where(vacuum, empty, sample), fraction, counts, seed), vacuum


CLEAN = (
    *("even", "wedge", "wedge to nothing", "steep wedge", "exponential wedge", "two wedges", "columns"),
    *("step", "thin discs", "discs on a thin film", "gradient of the dose", "rough", "rougher"),
    *("dark phase", "X-rays"),
)
HOLED = {
    "nothing": 0.99,
    "glow": 0.99,
    "small hole": 0.9,
    "short halo": 0.95,
    "halo": 0.8,
    "long halo": 0.7,
    "film": 0.9,
    "thin film": 0.6,
    "wedge of film": 0.99,
    "wedge beside": 0.9,
    "steep wedge beside": 0.9,
    "particles": 0.99,
}
"""Part of the vacuum that is found at 200 counts per pixel and more."""
