"""Speed of the Gibbs sampler of BLU: pixel-coordinate-sweeps per minute and core.

Run ``python benchmarks/blu_speed.py``; one thread, CPU time, the compilation not included.
"""

import time

import numpy as np

from eelsunmix.methods.blu import kernels

N_PIXELS, N_SWEEPS = 20_000, 60


def main() -> None:
    """Measure both priors for three to six endmembers."""
    for n_endmembers in (3, 4, 6):
        for prior in ("uniform", "faces"):
            rate = draws_per_minute(n_endmembers, faces=prior == "faces")
            print(f"{n_endmembers} endmembers, {prior:7}: {rate:.2e} per minute, {6e10 / rate:.0f} ns each")


def draws_per_minute(n_endmembers: int, *, faces: bool) -> float:
    """Sweep a simplex of unit edges in which the noise is a twentieth of an edge."""
    rng = np.random.default_rng(0)
    vertices = np.eye(n_endmembers)[:, 1:].copy()
    abundances = rng.dirichlet(np.full(n_endmembers, 0.5), N_PIXELS)
    abundances[abundances < 0.05] = 0.0
    abundances /= abundances.sum(axis=1, keepdims=True)
    points = abundances @ vertices + 0.05 * rng.normal(size=(N_PIXELS, n_endmembers - 1))
    probability = np.full(2**n_endmembers if faces else 0, 0.5**n_endmembers)
    sums = np.zeros((n_endmembers, 2 * n_endmembers - 1))
    deviation = np.full(N_PIXELS, 0.05)
    for number in range(-2, N_SWEEPS):
        if number == 0:
            start = time.process_time()
        reference = number % n_endmembers
        kernels.sweep_abundances(
            1, number + 2, 0, reference, 1, points, deviation, vertices, probability, abundances
        )
        kernels.gather(points, deviation, abundances, sums)
    return 60 * N_PIXELS * (n_endmembers - 1) * N_SWEEPS / (time.process_time() - start)


if __name__ == "__main__":
    main()
