"""How often frames of a series are wrongly said to be shifted in energy, and how often shifts are missed.

Series of several kinds and doses: 4, 7 and 12 frames in turn, doses of the frames between 0.7 and 1.4. In
half of them one frame is shifted by 1.5 to 12 channels (1.1 to 1.4 where channels are wide).

    python benchmarks/frame_shifts.py --seeds 200
"""

import argparse
from collections.abc import Callable

import numpy as np

from eelsunmix.corrections.frames.energy import energy_shifts

CORE, FINE = 400.0 + np.arange(512), 500 + 0.1 * np.arange(2048)
LOW, PLASMONS = -10 + 0.2 * np.arange(512), 4 + 0.2 * np.arange(512)
X_RAYS = 10.0 * np.arange(1, 513)

Spectrum = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Expected spectrum of a frame at these energies, around one."""


def edge(energy, onset, white=1.0):
    """Draw a step with a white line."""
    rise = 0.5 * (1 + np.tanh((energy - onset) / 1.5)) * (np.maximum(energy, 1) / onset) ** -3
    return rise * (1 + white * np.exp(-(((energy - onset - 4) / 3) ** 2)))


def power_law(energy, rng):
    """Draw a background alone."""
    return (energy / 400) ** -2.8


def one_edge(height: float, onset=580.0) -> Spectrum:
    """Make an edge of the same height in all frames."""
    return lambda energy, rng: power_law(energy, rng) + height * edge(energy, onset)


def materials(energy, rng):
    """Draw edges and a background that differ from frame to frame."""
    amounts = 0.1 * rng.random(3) + 0.01
    edges = [edge(energy, onset) for onset in (456.0, 532.0, 640.0)]
    return (energy / 400) ** -rng.uniform(2.4, 3.4) + amounts @ edges


def low_loss(energy, rng):
    """Draw plasmons of a thickness, in mean free paths, that differs from frame to frame."""
    t = rng.uniform(0.2, 1.5)
    one, two = (np.exp(-0.5 * ((energy - 16 * n) / 3 / n**0.5) ** 2) / 20 for n in (1, 2))
    return np.exp(-t) * (np.exp(-0.5 * (energy / 0.4) ** 2) + t * one + t**2 / 2 * two + 1e-6)


def lines(energy, rng):
    """Draw X-rays of materials that differ from frame to frame."""
    slowing = np.exp(-energy / 1500) * (1 - np.exp(-((np.maximum(energy, 0) / 400) ** 3)))
    peaks = [np.exp(-0.5 * ((energy - at) / (35 + at / 150)) ** 2) for at in (525, 1740, 4510)]
    return slowing + rng.uniform(2, 8, 3) @ peaks


KINDS = {
    "power law": (CORE, power_law, (20, 2000, 200_000)),
    "edge of 8 %": (CORE, one_edge(0.08), (200, 2000, 26_000)),
    "edge of 60 %": (CORE, one_edge(0.6), (200, 2000, 26_000)),
    "three edges and a background that change": (CORE, materials, (2000, 26_000)),
    "edge of 10 % in channels of 0.1 eV": (FINE, one_edge(0.1, 560.0), (3000, 100_000)),
    "low losses, thickness 0.2 to 1.5": (LOW, low_loss, (20_000, 2_000_000)),
    "the same without the zero-loss peak": (PLASMONS, low_loss, (20_000, 2_000_000)),
    "lines of X-rays, channels of 10 eV": (X_RAYS, lines, (3, 300)),
}


def series(kind: str, dose: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return counts (frame, channel), and true shifts in channels."""
    energy, spectrum, _ = KINDS[kind]
    rng = np.random.default_rng([seed, *map(ord, kind)])
    n_frames, step = (4, 7, 12)[seed % 3], energy[1] - energy[0]
    shifts = np.zeros(n_frames)
    if seed % 2:
        far = (1.1, 1.4) if step > 5 else (1.5, 12.0)
        shifts[rng.integers(n_frames)] = rng.choice([-1, 1]) * rng.uniform(*far)
    expected = [rng.uniform(0.7, 1.4) * spectrum(energy - step * shift, rng) for shift in shifts]
    return rng.poisson(dose * np.array(expected)).astype(float), shifts


def main() -> None:
    """Print a line for each kind and dose."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    seeds = range(parser.parse_args().seeds)
    print(
        "kind, counts per channel: series with a false alarm; shifted frames missed, wrong by half a channel"
    )
    for kind, (energy, _, doses) in KINDS.items():
        for dose in doses:
            false, missed, wrong, unknown, frames = 0, 0, 0, 0, 0
            for seed in seeds:
                counts, true = series(kind, dose, seed)
                found = energy_shifts(counts, 1.0, energy)
                named = np.abs(np.nan_to_num(found)) >= 1
                false += bool((named & (true == 0)).any())
                missed += int((~named & (true != 0)).sum())
                wrong += int((named & (true != 0) & (np.abs(found - true) > 0.5)).sum())
                unknown, frames = unknown + int(np.isnan(found).sum()), frames + true.size
            shifted = len(seeds) // 2
            print(
                f"{kind}, {dose}: {false} of {len(seeds)}; {missed} and {wrong} of {shifted}; "
                f"not known {100 * unknown / frames:.0f} % of frames",
                flush=True,
            )


if __name__ == "__main__":
    main()
