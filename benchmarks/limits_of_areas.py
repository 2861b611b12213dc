"""Whether the deviations that the explorer gives for net counts of an area are right.

``python benchmarks/limits_of_areas.py [FIRST_SEED [SEEDS]]`` on images of a background alone, so that net
counts are errors: their rms in units of the deviations, and in brackets in units of those that independent
pixels would give.
"""

import sys

import numpy as np
import xarray as xr

from eelsunmix.background.image import subtract_background
from eelsunmix.background.subtraction import BackgroundOptions
from eelsunmix.edges import Edge
from eelsunmix.report.areas import deviations_of_areas

ENERGY = np.arange(400.0, 700.0)
EDGE = Edge(element="O", onset_eV=532, fit_eV=(480, 526), integrate_eV=(532, 580))
SIDES = (1, 2, 3, 6, 12)


def main(arguments: list[str]) -> None:
    """Print a row for each way to fit exponents, a column for each side of a square area."""
    first, seeds = (int(text) for text in [*arguments, *("1000", "60")[len(arguments) :]])
    for exponent in ("pixel", "local", "global"):
        found = np.array([_errors(seed, exponent) for seed in range(first, first + seeds)])
        rms = np.sqrt((found**2).mean(axis=0))
        print(f"| {exponent} | " + " | ".join(f"{new:.2f} ({old:.2f})" for new, old in rms) + " |")


def _errors(seed: int, exponent: str) -> list[tuple[float, float]]:
    """Mean net counts of areas over their deviations: as the explorer has them, and of independent pixels."""
    rng = np.random.default_rng(seed)
    expected = 200 * rng.uniform(0.8, 1.2, (17, 23, 1)) * (ENERGY / 400) ** -3.0
    energy = xr.DataArray(ENERGY, dims="energy_loss", attrs={"units": "eV"})
    image = xr.DataArray(
        rng.poisson(expected), dims=("y", "x", "energy_loss"), coords={"energy_loss": energy}
    )
    bs = subtract_background(image, {"O_K": EDGE}, BackgroundOptions(exponent=exponent)).isel(edge=0)
    alone, shared = deviations_of_areas(bs)
    errors = []
    for side in SIDES:
        area = {"y": slice(3, 3 + side), "x": slice(4, 4 + side)}
        net = float(bs["net_counts"].isel(area).mean())
        independent = float(np.sqrt((bs["net_counts_sd"].isel(area) ** 2).sum())) / side**2
        errors.append(
            (net / (independent if side == 1 else np.hypot(alone * independent, shared)), net / independent)
        )
    return errors


if __name__ == "__main__":
    main(sys.argv[1:])
