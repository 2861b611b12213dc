"""Write the table of X-ray lines by which EDS images are read.

Source: Elam, Ravel, Sieber, Radiat. Phys. Chem. 63 (2002) 121, as tabulated in XrayDB 4.5.8, whose authors
place its data in the public domain.  The package reads the CSV, so that only this script and a test need
xraydb.  Run: ``python benchmarks/make_xray_lines.py``.
"""

from collections.abc import Iterator
from pathlib import Path

from xraydb import XrayDB

RANGE_EV = (100.0, 30_000.0)
LEAST_WEIGHT = 0.003
"""Part of the photons of a shell below which a line is left out."""
ELECTRONS = {"K": 2, "L1": 2, "L2": 2, "L3": 4, "M3": 4, "M4": 4, "M5": 6, "M4,5": 10}
COSTER_KRONIG = (("L1", "L2"), ("L1", "L3"), ("L2", "L3"))
LAST = 95
"""Americium: beyond it there is no specimen."""
OUTPUT = Path(__file__).parents[1] / "workflow/eelsunmix/line_table.csv"


def vacancies(database: XrayDB, element: str) -> dict[str, float]:
    """Vacancies of each level that electrons make: as many as electrons, over the energy that each takes."""
    edges = database.xray_edges(element)
    edges["M4,5"] = edges.get("M5") or edges.get("M4")
    made = {level: n / edges[level].energy for level, n in ELECTRONS.items() if edges.get(level)}
    for start, end in COSTER_KRONIG:
        if start in made and end in made:
            made[end] += made[start] * database.ck_probability(element, start, end, total=False)
    return made


def photons(database: XrayDB, element: str) -> Iterator[tuple[str, float, float]]:
    """Yield name, energy in eV and number of photons of each line of an element."""
    edges, made = database.xray_edges(element), vacancies(database, element)
    for name, line in database.xray_lines(element).items():
        level = line.initial_level
        if level in made:
            # Of some elements the table has the yield of M5 only together with that of M4.
            fluorescence = edges["M4" if level in ("M4,5", "M5") else level].fyield
            filled = filling_of_3p(database.atomic_number(element)) if name.startswith("Kb") else 1.0
            yield name, line.energy, made[level] * fluorescence * line.intensity * filled


def filling_of_3p(number: int) -> float:
    """Part of the 3p electrons that an element has: the tables give Mg the Kb of Fe, which it cannot emit."""
    return min(max(number - 12, 0), 6) / 6


def element_lines(database: XrayDB, element: str) -> list[str]:
    """Rows ``element,line,energy,weight``; the weights of a shell sum to one but for what is left out."""
    found = list(photons(database, element))
    total = {shell: sum(number for name, _, number in found if name[0] == shell) for shell in "KLM"}
    return [
        f"{element},{name.split(',')[0]},{energy:g},{number / total[name[0]]:.4f}"
        for name, energy, number in sorted(found, key=lambda one: one[1])
        if RANGE_EV[0] <= energy <= RANGE_EV[1] and number > LEAST_WEIGHT * total[name[0]]
    ]


def table() -> list[str]:
    """All rows, the elements by their atomic number."""
    database = XrayDB()
    symbols = [database.symbol(number) for number in range(3, LAST + 1)]
    return [row for element in symbols for row in element_lines(database, element)]


if __name__ == "__main__":
    rows = table()
    OUTPUT.write_text("element,line,energy_eV,weight\n" + "\n".join(rows) + "\n")
    print(f"{OUTPUT}: {len(rows)} lines")
