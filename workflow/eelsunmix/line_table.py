"""X-ray lines from 0.1 to 30 keV: what names of lines mean, and how wide a detector sees them."""

import csv
import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eelsunmix.elements import SYMBOLS

RESOLUTION_EV, MANGANESE_EV = 130.0, 5895.0
"""Full width at half maximum (FWHM) of Mn Ka, by which detectors are described, and where that line lies."""
NARROWEST_EV = 40.0
SOFTEST_EV = 600.0
NOMINAL = {"K": "Ka", "L": "La", "M": "Ma"}
"""The lines that the name of a shell stands for."""
_GREEK = str.maketrans("αβγζη", "abgzn")
_TABLE = Path(__file__).with_name("line_table.csv")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of the table, or several that share a name, such as Ka.

    Parameters
    ----------
    element, family : str
        Such as Fe and Ka.
    energy_eV : float
        Mean, by the photons of each.
    low_eV, high_eV : float
        The first and the last of them.
    weight : float
        Part of the photons of the shell.
    """

    element: str
    family: str
    energy_eV: float
    low_eV: float
    high_eV: float
    weight: float

    @property
    def name(self) -> str:
        """Element and family, as the configuration writes them."""
        return f"{self.element}_{self.family}"


@functools.cache
def single_lines() -> dict[str, tuple[Line, ...]]:
    """Return all lines of each element, by energy.

    Notes
    -----
    Energies and shares within a level are those of W. T. Elam, B. D. Ravel, J. R. Sieber, Radiat. Phys. Chem.
    63 (2002) 121; `benchmarks/make_xray_lines.py` makes the table, and has how levels are weighted.
    """
    found: dict[str, list[Line]] = {}
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            energy = float(row["energy_eV"])
            line = Line(
                element=row["element"],
                family=row["line"][:2],
                energy_eV=energy,
                low_eV=energy,
                high_eV=energy,
                weight=float(row["weight"]),
            )
            found.setdefault(line.element, []).append(line)
    return {element: tuple(lines) for element, lines in found.items()}


@functools.cache
def lines_of(element: str) -> tuple[Line, ...]:
    """Return the lines of an element, those of a family as one, by energy; none for what has none.

    Examples
    --------
    >>> [(line.name, round(line.energy_eV)) for line in lines_of("Mn") if line.family[0] == "K"]
    [('Mn_Ka', 5897), ('Mn_Kb', 6492)]
    """
    families: dict[str, list[Line]] = {}
    for line in single_lines().get(element, ()):
        families.setdefault(line.family, []).append(line)
    return tuple(sorted(map(_as_one, families.values()), key=lambda line: line.energy_eV))


def _as_one(lines: Sequence[Line]) -> Line:
    weight = sum(line.weight for line in lines)
    strong = [line.energy_eV for line in lines if line.weight > 0.1 * weight]
    return Line(
        element=lines[0].element,
        family=lines[0].family,
        energy_eV=sum(line.weight * line.energy_eV for line in lines) / weight,
        low_eV=min(strong),
        high_eV=max(strong),
        weight=weight,
    )


def best_lines(element: str, families: Iterable[str] = NOMINAL.values()) -> list[Line]:
    """Return the lines by which an element is measured, the best first.

    Ka up to 11 keV, La up to 6 keV, Ma; then those that need more of the beam and of the detector. L and M
    below 0.6 keV are left out: they are weak, absorbed, and beside K of light elements.

    Examples
    --------
    >>> [[line.name for line in best_lines(element)] for element in ("Fe", "Ag", "Au")]
    [['Fe_Ka', 'Fe_La'], ['Ag_La', 'Ag_Ka'], ['Au_Ma', 'Au_La']]
    """
    highest = {"Ka": 11_000.0, "La": 6_000.0}
    own = [line for line in lines_of(element) if line.family in families]
    own = [line for line in own if line.family == "Ka" or line.energy_eV > SOFTEST_EV]
    return sorted(own, key=lambda line: (line.energy_eV > highest.get(line.family, 4_000.0), line.family))


def split_line_name(name: str) -> tuple[str, str | None] | None:
    """Take the name of a line apart: element and family, or the element alone; None for other names.

    Examples
    --------
    >>> [split_line_name(name) for name in ("Fe_Ka", "Fe Kα1", "Fe_K", "Fe", "Fe_L23")]
    [('Fe', 'Ka'), ('Fe', 'Ka'), ('Fe', 'Ka'), ('Fe', None), None]
    """
    match = re.fullmatch(
        r"([A-Z][a-z]?)(?:[ _-]*([KLM])[ _-]*([a-z]?)[0-9,]{0,4})?", name.strip().translate(_GREEK)
    )
    if match is None or match[1] not in SYMBOLS or (match[2] and not match[3] and name.strip()[-1].isdigit()):
        return None
    shell, letter = match[2], match[3]
    if shell is None:
        return match[1], None
    return match[1], shell + letter if letter else NOMINAL[shell]


def full_width(energy_eV: float, resolution_eV: float = RESOLUTION_EV) -> float:
    """Full width at half maximum of a line in eV.

    Parameters
    ----------
    energy_eV, resolution_eV : float
        Of the line; width of Mn Ka.

    References
    ----------
    .. [1] Fiori, Newbury, Scanning Electron Microscopy 1 (1978) 401.

    Examples
    --------
    >>> full_width(5895.0), round(full_width(277.0))
    (130.0, 53)
    """
    square = resolution_eV**2 + 2.5 * (energy_eV - MANGANESE_EV)
    return float(np.sqrt(max(square, NARROWEST_EV**2)))
