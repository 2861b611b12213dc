"""Defects planted in the windows, the energy axis and the backgrounds of edges: each is named, in words."""

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix.background import BackgroundOptions

TI = {"element": "Ti", "onset_eV": 456.0, "fit_eV": [405, 450], "integrate_eV": [456, 490]}
O = {"element": "O", "onset_eV": 532.0, "fit_eV": [492, 526], "integrate_eV": [532, 568]}  # noqa: E741
MN = {"element": "Mn", "onset_eV": 640.0, "fit_eV": [585, 632], "integrate_eV": [640, 676]}
ALL = {"Ti_L23": TI, "O_K": O, "Mn_L23": MN}
CARBON = {"C_K": {"element": "C", "onset_eV": 284.0, "fit_eV": [245, 278], "integrate_eV": [284, 320]}}


def axis(first, last, step):
    return np.arange(float(first), last, step)


def shape_of(energy, onset, height, *, delay=0.0, white=0.0):
    """Edge of a height relative to the background at its onset; it may rise slowly or have white lines."""
    above = np.clip(energy - onset, 0, None)
    rise = 1 - np.exp(-above / delay) if delay else 1.0
    lines = white * sum(np.exp(-0.5 * ((energy - onset - at) / 1.5) ** 2) for at in (3.0, 9.0))
    return np.where(energy >= onset, height * rise * (energy / onset) ** -3.0, 0.0) + height * lines


def spectrum(energy, *edges, exponent=3.0):
    """Power law of 1 at the first energy, with edges (onset, height, options)."""
    start = energy[0]
    total = (energy / start) ** -exponent
    for onset, height, *options in edges:
        scale = (onset / start) ** -exponent
        total = total + scale * shape_of(energy, onset, height, **(options[0] if options else {}))
    return total


def plural(energy, values, thickness):
    """Scatter once more, or more often, at a plasmon of 22 eV: the Poisson series of a thick specimen."""
    step = energy[1] - energy[0]
    loss = np.arange(0, 150, step)
    plasmon = loss * 5 / ((loss**2 - 22.0**2) ** 2 + (5 * loss) ** 2)
    plasmon /= plasmon.sum()
    once, total, weight = values, values.copy(), 1.0
    for order in range(1, 7):
        padded = np.concatenate([np.full(loss.size - 1, np.nan), once])
        # Below the first channel the power law goes on.
        below = energy[0] - step * np.arange(loss.size - 1, 0, -1)
        padded[: loss.size - 1] = once[0] * (below / energy[0]) ** -3.0
        once = np.convolve(padded, plasmon, mode="valid")
        weight *= thickness / order
        total = total + weight * once
    return total


def image_of(energy, expected, *, dose, seed=0, gain=1.0, shape=(9, 11), share=None):
    """Draw an image of `dose` counts in its first channel; the edges are stronger to the right."""
    share = np.ones(shape) if share is None else share
    brightness = 1 + 0.3 * np.sin(np.arange(shape[0]))[:, None] * share
    rng = np.random.default_rng(seed)
    mean = dose * brightness[..., None] * expected / expected.ravel()[0]
    counts = gain * rng.poisson(mean / gain).astype(float)
    coords = {name: (name, np.arange(float(n)), {"units": "nm"}) for name, n in zip("yx", shape, strict=True)}
    coords["energy_loss"] = ("energy_loss", energy, {"units": "eV"})
    return xr.DataArray(
        counts, dims=("y", "x", "energy_loss"), coords=coords, attrs={"counts_per_electron": gain}
    )


def edges_of(height=0.3, **options):
    return ((456, height, options), (532, height), (640, height, options))


def layered(energy, thin, other, shape=(9, 11)):
    """A map that goes from one material to another along x."""
    share = 1 / (1 + np.exp(-(np.arange(shape[1]) - shape[1] / 2)))
    return (thin * (1 - share[:, None]) + other * share[:, None])[None]


def clean(kind, seed):
    """An image without a defect, and its edges."""
    one, quarter = axis(400, 700, 1.0), axis(398, 690, 0.25)
    plain = spectrum(one, *edges_of(white=1.0))
    bare = spectrum(one)
    thin, thick = plural(one, plain, 0.2), plural(one, plain, 1.5)
    images = {
        "dose of 30": lambda: image_of(one, plain, dose=30, seed=seed),
        "dose of 1e3": lambda: image_of(one, plain, dose=1e3, seed=seed),
        "dose of 1e5": lambda: image_of(one, plain, dose=1e5, seed=seed),
        "a layer": lambda: image_of(one, layered(one, bare, plain), dose=400, seed=seed),
        "elements absent": lambda: image_of(one, bare, dose=1e5, seed=seed),
        "camera": lambda: image_of(one, plain, dose=900, seed=seed, gain=15.0),
        "camera of few counts": lambda: image_of(one, plain, dose=120, seed=seed, gain=15.0),
        "thin": lambda: image_of(one, thin, dose=1e4, seed=seed),
        "thick": lambda: image_of(one, thick, dose=1e5, seed=seed),
        "delayed": lambda: image_of(one, spectrum(one, *edges_of(delay=15.0)), dose=2e3, seed=seed),
        "0.25 eV per channel": lambda: image_of(
            quarter, spectrum(quarter, *edges_of(white=1.5)), dose=30, seed=seed
        ),
        "steep": lambda: image_of(one, spectrum(one, *edges_of(), exponent=4.5), dose=500, seed=seed),
        "flat": lambda: image_of(one, spectrum(one, *edges_of(), exponent=1.8), dose=500, seed=seed),
        "few pixels": lambda: image_of(one, plain, dose=40, seed=seed, shape=(1, 2)),
        "nearly no counts": lambda: image_of(one, plain, dose=2, seed=seed),
    }
    return images[kind]() if kind in images else sorted(images)


KINDS = clean("", 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("exponent", ["local", "pixel", "global"])
def test_clean_images_have_neither_warnings_nor_problems(kind, exponent):
    bs = eu.subtract_background(clean(kind, 5), ALL, BackgroundOptions(exponent=exponent))
    assert bs.attrs["warnings"] == []
    assert bs.attrs["reference_problems"] == {}
