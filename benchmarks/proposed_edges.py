"""Count the edges that `eelsunmix new` finds, misses and invents on simulated specimens of known elements.

    PYTHONPATH=tests:workflow python benchmarks/proposed_edges.py --seed 31 [--number 36] [--kind thick]

Each specimen holds one to three elements, with all their strong edges on a random axis, at three doses. An
edge is strong where its signal-to-noise ratio is above 10. Kinds: thin; thick (0.3 to 1.5 mean free paths);
rippled (a gain that waves by 1 %, with steps of 1 %); shifted (an axis 5 or 12 eV off either way); empty (no
edges, thin or thick or rippled); vacuum (a hundredth of the dose, no edges). Numbers: docs/decisions/032.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from edge_spectra import plural, spectrum_of
from eelsunmix.edge_table import TABLE, TabulatedEdge
from eelsunmix.proposal import propose_edges

ELEMENTS = (
    "B C N O F Na Mg Al Si P S Cl K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Y Zr Nb Mo Ru Pd Ag In Sn "
    "Ba La Ce Pr Nd Sm Gd Dy"
)
SHELLS = ("K", "L23", "M45")
DOSES = (3, 30, 300)
"""Counts per eV in the first channel of each of 63 pixels."""
KINDS = ("thin", "thick", "rippled", "shifted", "empty", "vacuum")
SHIFTS_EV = (-12.0, -5.0, 5.0, 12.0)
STRONG_SNR, NEAR_EV, HIDDEN_EV = 10.0, 8.0, 36.0


def specimens(rng: np.random.Generator) -> Iterator[tuple[list[TabulatedEdge], float, float]]:
    """Yield edges and the ends of the axis, without end."""
    while True:
        chosen = rng.choice(ELEMENTS.split(), rng.integers(1, 4), replace=False)
        edges = [edge for edge in TABLE if edge.element in chosen and edge.shell in SHELLS]
        onsets = [edge.onset_eV for edge in edges if 90 < edge.onset_eV < 2000]
        if not onsets:
            continue
        first = rng.choice(onsets)
        low = max(first - rng.uniform(60, 120), 0.5 * first + 20)
        high = low + rng.uniform(250, 700)
        seen = [edge for edge in edges if low + 45 < edge.onset_eV < high - 45]
        if low > 60 and seen:
            yield seen, float(low), float(high)


def rippled(energy: np.ndarray, spectrum: np.ndarray, seed: int) -> np.ndarray:
    """Multiply by a gain that waves by 1 %, over 15 to 80 eV, and has a step of 1 % every 100 to 250 eV."""
    rng = np.random.default_rng(seed)
    period, steps = rng.uniform(15, 80), np.floor((energy - energy[0]) / rng.uniform(100, 250))
    waves = np.sin(2 * np.pi * (energy / period + rng.uniform()))
    return spectrum * (1 + 0.01 * waves) * (1 + 0.01 * (steps % 2))


def changes(kind: str, seed: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray] | None:
    """Return what specimen or detector of a kind do to a spectrum."""
    rng = np.random.default_rng(seed)
    if kind == "empty":
        kind = str(rng.choice(["thin", "thick", "rippled"]))
    if kind == "thick":
        plasmon, width = rng.uniform(15, 28), rng.uniform(3, 12)
        return partial(plural, thickness=rng.uniform(0.3, 1.5), plasmon_eV=plasmon, width_eV=width)
    return partial(rippled, seed=seed) if kind == "rippled" else None


def judged(
    edges: list[TabulatedEdge], low: float, high: float, *, dose: float, seed: int, kind: str
) -> Counter[str]:
    """Count what is found of one specimen at one dose, and print what is missed or invented."""
    edges = [] if kind in ("empty", "vacuum") else edges
    shift = SHIFTS_EV[seed % 4] if kind == "shifted" else 0.0
    dose = dose / 100 if kind == "vacuum" else dose
    more = {"changed": change} if (change := changes(kind, seed)) else {}
    image, snr = spectrum_of([edge.name for edge in edges], low, high, dose, seed=seed, shift=shift, **more)
    proposed = [(one.named.rise.onset_eV - shift, one.named.name) for one in propose_edges(image).edges]
    strong = [edge for edge in edges if snr[edge.name] > STRONG_SNR]
    at = {edge: {name for place, name in proposed if _near(place, edge)} for edge in strong}
    missed = [edge for edge in strong if not at[edge]]
    hidden = [edge for edge in missed if any(0 < edge.onset_eV - one.onset_eV < HIDDEN_EV for one in edges)]
    invented = [one for one in proposed if not any(_near(one[0], edge) for edge in edges)]
    for edge in missed:
        after = [f"{edge.onset_eV - one.onset_eV:+.0f} eV from {one.name}" for one in edges if one != edge]
        print(f"missed {edge.name} (SNR {snr[edge.name]:.1f}, {dose} counts) {', '.join(after)}")
    for place, name in invented:
        print(f"invented {name} at {place:.0f} eV ({dose} counts) of {[edge.name for edge in edges]}")
    right = sum(edge.name in names for edge, names in at.items())
    return Counter(
        strong=len(strong),
        found=len(strong) - len(missed),
        hidden=len(hidden),
        right=right,
        proposed=len(proposed),
        invented=len(invented),
    )


def _near(place: float, edge: TabulatedEdge) -> bool:
    return abs(place - edge.onset_eV) < NEAR_EV


def main() -> None:
    """Print misses as they come, and the counts of each dose."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--number", type=int, default=36)
    parser.add_argument("--kind", choices=KINDS, default="thin")
    options = parser.parse_args()
    made = specimens(np.random.default_rng(options.seed))
    counts: dict[int, Counter[str]] = {dose: Counter() for dose in DOSES}
    for number, specimen in zip(range(options.number), made, strict=False):
        for dose in DOSES:
            counts[dose] += judged(*specimen, dose=dose, seed=1000 * options.seed + number, kind=options.kind)
    for dose, one in counts.items():
        print(
            f"{dose} counts: strong {one['strong']}, found {one['found']}, of the others {one['hidden']} "
            f"within {HIDDEN_EV:.0f} eV after another edge, named right {one['right']}, "
            f"invented {one['invented']} of {one['proposed']}"
        )


if __name__ == "__main__":
    main()
