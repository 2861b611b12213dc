"""Which background is right when: bias and deviation of net counts where there is no edge, and the speed.

``.venv/bin/python benchmarks/backgrounds.py [pixel|local|global]`` prints the tables of decision 049.
"""

import argparse
import time

import numpy as np
import xarray as xr

from eelsunmix.background import BackgroundOptions, subtract_background
from eelsunmix.background.subtraction import subtract
from eelsunmix.background.windows import locate
from eelsunmix.edges import CURVES, Edge

ENERGY = np.arange(60.0, 1100.0)
SIZES = (40, 36)
DOSES = (10, 300, 10_000)
"""Counts per channel at the end of the fit window."""


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exponent", nargs="?", default="local", choices=("pixel", "local", "global"))
    options = BackgroundOptions(exponent=parser.parse_args().exponent)
    print("| background | fit, summed (eV) | counts | " + " | ".join(CURVES) + " |")
    print("|---|---|---|---|---|---|")
    for name, (spectra, fit, signal) in kinds().items():
        for dose in DOSES:
            cells = [pulls(spectra, fit, signal, dose, curve, options) for curve in CURVES]
            print(f"| {name} | {fit[0]}-{fit[1]}, {signal[0]}-{signal[1]} | {dose} | {' | '.join(cells)} |")
    for curve in CURVES:
        print(f"{curve}: {speed(curve, options) / 1e6:.2f} million pixels per second")


def kinds() -> dict[str, tuple[np.ndarray, tuple[int, int], tuple[int, int]]]:
    """Name -> spectra of background (pixel of a row, channel), fit and integration window in eV."""
    steep = ENERGY**-3.0
    two = mixture(2.2, 4.4, share=0.5)
    tail = steep + 0.6 * edge_at(390, 3.4)
    thick = plural(steep + 0.4 * edge_at(330, 3.2))
    layers = np.where(np.arange(SIZES[1])[:, None] < SIZES[1] // 2, power(2.3), power(3.7))
    low = np.exp(-ENERGY / 22)
    return {
        "E^-3": (steep, (400, 450), (456, 496)),
        "E^-3, long window": (steep, (250, 450), (456, 556)),
        "layers, r 2.3 and 3.7": (layers, (400, 450), (456, 496)),
        "two power laws": (two, (400, 450), (456, 496)),
        "two power laws, long window": (two, (250, 450), (456, 556)),
        "tail of an edge at 390 eV": (tail, (400, 450), (456, 496)),
        "tail of an edge at 390 eV, far": (tail, (400, 520), (532, 582)),
        "thick, tail of an edge at 330 eV": (thick, (400, 450), (456, 496)),
        "exponential of 22 eV": (low, (70, 96), (99, 130)),
    }


def power(exponent: float) -> np.ndarray:
    """Return a power law that is 1 at 450 eV."""
    return (ENERGY / 450) ** -exponent


def mixture(first: float, second: float, *, share: float) -> np.ndarray:
    """Return two power laws; `share` is that of the first at 450 eV."""
    return share * power(first) + (1 - share) * power(second)


def edge_at(onset: float, exponent: float) -> np.ndarray:
    """Return an edge as high as E^-3 at its onset."""
    return np.where(onset <= ENERGY, onset**-3.0 * (ENERGY / onset) ** -exponent, 0.0)


def plural(spectrum: np.ndarray) -> np.ndarray:
    """Return it scattered again by a plasmon of 24 eV, 1 mean free path thick."""
    losses = np.arange(0.0, 100)
    once = losses / ((losses**2 - 24**2) ** 2 + (losses * 12) ** 2)
    once /= once.sum()
    kernel = np.zeros(losses.size)
    term = np.eye(1, losses.size)[0]
    for order in range(6):
        kernel += np.exp(-1.0) / max(1, np.prod(np.arange(1, order + 1))) * term
        term = np.convolve(term, once)[: losses.size]
    return np.convolve(spectrum, kernel)[: spectrum.size]


def pulls(spectra, fit, signal, dose, curve, options) -> str:
    """Return mean and standard deviation of net counts over their sd, and over the background."""
    rng = np.random.default_rng([dose, fit[0], signal[1]])
    level = spectra[..., [np.searchsorted(ENERGY, fit[1])]]
    expected = np.broadcast_to(dose * spectra / level, (*SIZES, ENERGY.size))
    image = xr.DataArray(
        rng.poisson(expected).astype(float),
        dims=("y", "x", "energy_loss"),
        coords={"energy_loss": ("energy_loss", ENERGY, {"units": "eV"})},
        attrs={"counts_per_electron": 1.0},
    )
    edge = Edge(element="Ti", onset_eV=signal[0], fit_eV=fit, integrate_eV=signal, background=curve)
    bs = subtract_background(image, {"Ti_L23": edge}, options)
    snr, bias = bs["snr"].values, float(bs["net_counts"].mean() / bs["background_counts"].mean())
    return f"{snr.mean():+.2f} ± {snr.std():.2f} ({100 * bias:+.1f} %)"


def speed(curve: str, options: BackgroundOptions) -> float:
    """Pixels per second of one core."""
    edge = Edge(element="Ti", onset_eV=456, fit_eV=(400, 450), integrate_eV=(456, 496), background=curve)
    place = locate(edge, ENERGY)
    expected = np.append(np.diff(place.fit_bounds**-2.0), np.diff(place.integrate_bounds**-2.0))
    sums = np.random.default_rng(0).poisson(3000 * expected / expected[0], size=(256, 256, expected.size))
    valid = np.ones(sums.shape[:2], dtype=bool)
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        subtract(sums, valid, place, options, counts_per_electron=1.0, average_over=(0, 1))
        best = min(best, time.process_time() - start)
    return valid.size / best


if __name__ == "__main__":
    main()
