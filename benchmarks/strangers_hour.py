"""A stranger's hour, replayed: `new`, `run`, `export` on every file, nothing edited; a table of how it went.

``python benchmarks/strangers_hour.py FOLDER [NAME ...]`` works in a new FOLDER, on five simulated files and
those of `EELSUNMIX_DATA`, or on those named. Edges that are known are held against those proposed.
"""

import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from edge_spectra import EDGE, _shape  # noqa: E402 - of the tests, beside this folder
from xray_spectra import spectrum_of  # noqa: E402

SHAPE = (16, 23)


class Case(NamedTuple):
    """A file, the edges that are in it (None: not known), and by how much its energies are too high."""

    file: str
    edges: tuple[str, ...] | None
    shift_eV: float = 0.0


REAL = [
    Case("STO-LMO_EELS_SI.dm3", ("Ti_L23", "O_K", "Mn_L23", "La_M45"), -4.5),
    Case("NMC_core-loss_2x21.dm3", ("O_K", "Mn_L23", "Co_L23", "Ni_L23"), -16.7),
    Case("NMC_low-loss_2x21.dm3", None),
    Case("NMC_Si_2x28.dm3", ("Si_L23",)),
    Case("EDS_80x80.hspy", None),
    Case("Velox_EDS_16x16.emd", None),
    Case("reference/SrTiO3_350-862eV.dm3", ("Ti_L23", "O_K")),
    Case("reference/SrTiO3.dm4", ("Ti_L23", "O_K")),
    Case("STO-LMO_HAADF.dm3", None),
]
SIMULATED = [
    Case("axis_12_eV_off.hspy", ("Ti_L23", "O_K", "Mn_L23", "La_M45"), 12.0),
    Case("eds.hspy", ("Si_Ka", "Ca_Ka", "Fe_Ka")),
    Case("line_scan.hspy", ("O_K", "Fe_L23", "Ni_L23")),
    Case("unexpected_element.hspy", ("O_K", "Mn_L23", "Cu_L23")),
    Case("series.hspy", ("C_K", "N_K", "O_K")),
]


def main(arguments: list[str]) -> None:
    """Run all cases and print a row for each."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True)
    write_simulated(folder)
    data = Path(os.environ.get("EELSUNMIX_DATA", ROOT / "data" / "examples"))
    cases = [(folder / one.file, one) for one in SIMULATED] + [(data / one.file, one) for one in REAL]
    heads = ("file", "edges proposed", "missed", "false", "offset, true (eV)", "new", "run", "export")
    print(f"| {' | '.join((*heads, 'wall s', 'CPU s', 'said'))} |\n|{'---|' * 11}", flush=True)
    for path, case in cases:
        if not arguments[1:] or path.stem in arguments[1:]:
            print(row(folder, path, case), flush=True)


def row(folder: Path, path: Path, case: Case) -> str:
    """Run one case: exit codes, seconds, and where the proposal is wrong."""
    written = folder / f"{path.stem}{path.suffix[1:]}.yaml"
    begin, before, said = time.monotonic(), cpu_seconds(), ""
    codes = []
    for command in (
        ["new", path, "-o", written.name],
        ["run", written.name, "--cores", "2"],
        ["export", sample_of(written)],
    ):
        formats = ["--hspy", "--tiff", "--csv", "--nexus", "--publication"] * (command[0] == "export")
        done = eelsunmix(folder, *command, *formats)
        codes.append(str(done.returncode))
        said = done.stderr.strip().splitlines()[0][:150] if done.returncode else said
        if done.returncode:
            break
    codes += ["-"] * (3 - len(codes))
    found, offset = proposed(written)
    missed, wrong = judged(found, case)
    seconds = f"{time.monotonic() - begin:.0f} | {cpu_seconds() - before:.0f}"
    truth = f"{offset:+.1f}, {case.shift_eV:+.1f}" if case.edges else f"{offset:+.1f}"
    cells = [path.name, ", ".join(found) or "-", missed, wrong, truth, *codes, seconds, said or "-"]
    return f"| {' | '.join(cells)} |"


def judged(found: list[str], case: Case) -> tuple[str, str]:
    """Return the edges that are missed and those that are false, where it is known."""
    if case.edges is None:
        return "?", "?"
    missed = [name for name in case.edges if name not in found]
    return ", ".join(missed) or "-", ", ".join(name for name in found if name not in case.edges) or "-"


def sample_of(written: Path) -> str:
    """Name of the sample; only known once `new` has run."""
    return f"@{written.name}"


def eelsunmix(folder: Path, *arguments: Any) -> subprocess.CompletedProcess[str]:
    """Run one command in the folder, a name beginning with @ being that of the sample of a configuration."""
    words = [str(word) for word in arguments]
    for number, word in enumerate(words):
        if word.startswith("@"):
            text = yaml.safe_load((folder / word[1:]).read_text(encoding="utf-8"))
            words[number] = next(iter(text["samples"]))
    command = [sys.executable, "-m", "eelsunmix", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def proposed(written: Path) -> tuple[list[str], float]:
    """Edges of a proposal, and by how much the energies are said to be too high."""
    if not written.is_file():
        return [], 0.0
    text = written.read_text(encoding="utf-8")
    match = re.search(r"edges rise ([\d.]+) eV (below|above) the table", text)
    offset = float(match[1]) * (-1 if match[2] == "below" else 1) if match else 0.0
    return list(yaml.safe_load(text).get("edges") or {}), offset


def cpu_seconds() -> float:
    """CPU seconds of all children so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# Simulated files


def write_simulated(folder: Path) -> None:
    """Write the five files."""
    oxide, other = ("Ti_L23", "O_K"), ("O_K", "Mn_L23", "La_M45")
    write(folder / "axis_12_eV_off.hspy", *layers((oxide, other), 400, 900, seed=1), shift=12.0)
    write(
        folder / "line_scan.hspy",
        *layers((("O_K", "Fe_L23"), ("O_K", "Ni_L23")), 450, 960, seed=2, shape=(1, 47)),
    )
    write(
        folder / "unexpected_element.hspy",
        *layers((("O_K", "Mn_L23"), ("O_K", "Mn_L23", "Cu_L23")), 450, 1060, seed=3),
    )
    counts, energy = layers((("C_K", "N_K"), ("C_K", "O_K")), 240, 640, seed=4)
    rng = np.random.default_rng(5)
    write(folder / "series.hspy", np.stack([rng.binomial(counts, part) for part in (1.0, 0.8, 0.6)]), energy)
    write_x_rays(folder / "eds.hspy")


def layers(
    materials: Any, low: float, high: float, *, seed: int, shape: tuple[int, int] = SHAPE, dose: float = 400.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the counts of two materials side by side, with a soft interface, and the energies."""
    rng = np.random.default_rng(seed)
    energy = np.arange(low, high, 0.5)
    background = (energy / low) ** -rng.uniform(2.6, 3.4)
    spectra = [
        sum((height(name, energy, background, rng) for name in names), background) for names in materials
    ]
    share = 1 / (1 + np.exp(-(np.arange(shape[1]) - shape[1] / 2) / 1.5))
    mean = (1 - share)[:, None] * spectra[0] + share[:, None] * spectra[1]
    thickness = rng.uniform(0.9, 1.1, (*shape, 1))
    return rng.poisson(dose * thickness * mean), energy


def height(name: str, energy: np.ndarray, background: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return one edge, 30 to 80 % of the background high."""
    at_onset = np.interp(EDGE[name].onset_eV, energy, background)
    return np.asarray(at_onset * rng.uniform(0.3, 0.8) * _shape(EDGE[name], energy))


def write_x_rays(path: Path) -> None:
    """Write Si, Ca and Fe in shares that differ from pixel to pixel, 120 photons in each."""
    # The same seed for each element: the same channels and resolution.
    pure = [
        spectrum_of({one: 1.0}, 1e7, np.random.default_rng(6), beam_kev=20, offset_ev=0.0)[:2]
        for one in ("Si", "Ca", "Fe")
    ]
    energy, spectra = pure[0][0] / 1000, np.stack([counts / 1e7 for _, counts in pure])
    rng = np.random.default_rng(6)
    shares = rng.dirichlet(np.full(3, 0.4), SHAPE)
    write(path, rng.poisson(120 * shares @ spectra), energy, unit="keV")


def write(
    path: Path, counts: np.ndarray, energy: np.ndarray, *, shift: float = 0.0, unit: str = "eV"
) -> None:
    """Write an image as HyperSpy does."""
    from rsciio.hspy import file_writer

    names = ["frame", "y", "x"][-(counts.ndim - 1) :]
    axes: list[dict[str, Any]] = [
        {"name": name, "units": "" if name == "frame" else "nm", "scale": 1.0 if name == "frame" else 0.4}
        | {"offset": 0.0, "size": size, "navigate": True, "_type": "UniformDataAxis", "is_binned": False}
        for name, size in zip(names, counts.shape, strict=False)
    ]
    step = float(energy[1] - energy[0])
    axes.append(
        {
            "name": "Energy loss" if unit == "eV" else "Energy",
            "units": unit,
            "scale": step,
            "size": len(energy),
        }
        | {
            "offset": float(energy[0]) + shift,
            "navigate": False,
            "_type": "UniformDataAxis",
            "is_binned": True,
        }
    )
    kind = "EELS" if unit == "eV" else "EDS_TEM"
    metadata = {"General": {"title": path.stem}, "Signal": {"signal_type": kind}, "_HyperSpy": {}}
    signal = {"data": counts.astype("uint32"), "axes": axes, "metadata": metadata, "original_metadata": {}}
    signal |= {"attributes": {"_lazy": False, "ragged": False}, "learning_results": {}, "models": {}}
    signal |= {"tmp_parameters": {}, "package_info": {"package": "hyperspy", "package_version": "2.0"}}
    file_writer(str(path), signal, show_progressbar=False)


if __name__ == "__main__":
    main(sys.argv[1:])
