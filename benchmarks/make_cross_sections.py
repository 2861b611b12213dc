"""Write the table of photoabsorption cross-sections that the simulated scenes are made of.

Source: C. T. Chantler, J. Phys. Chem. Ref. Data 24 (1995) 71 (NIST FFAST), as tabulated in XrayDB 4.5.8,
whose authors place its data in the public domain.  The package reads the CSV, so that a scene does not change
with the version of xraydb, which only this script needs.  Run: ``python benchmarks/make_cross_sections.py``.
"""

from pathlib import Path

import numpy as np
from xraydb import XrayDB

ELEMENTS = ("B", "C", "N", "O", "Co", "Ru", "Pt")
RANGE_EV = (40.0, 1500.0)
CM2_PER_BARN = 1e-24
AVOGADRO = 6.02214076e23
OUTPUT = Path(__file__).parents[1] / "workflow/eelsunmix/synthetic/cross_sections.csv"


def element_lines(database: XrayDB, element: str) -> list[str]:
    """Lines ``element,energy,barn`` on the grid of the table itself, which is finer at the edges."""
    energies = np.unique(np.round(database.chantler_energies(element, *RANGE_EV), 3))
    mass_absorption = database.mu_chantler(element, energies, photo=True)
    barn = mass_absorption * database.molar_mass(element) / AVOGADRO / CM2_PER_BARN
    return [f"{element},{energy:g},{value:.5g}" for energy, value in zip(energies, barn, strict=True)]


if __name__ == "__main__":
    database = XrayDB()
    lines = [line for element in ELEMENTS for line in element_lines(database, element)]
    OUTPUT.write_text("element,energy_eV,photoabsorption_barn\n" + "\n".join(lines) + "\n")
    print(f"{OUTPUT}: {len(lines)} lines")
