"""Units of the axes: the one place that knows what a file may call them."""

import functools
import re
import unicodedata
from typing import Any

ENERGIES = {"eV": 1.0, "keV": 1e3, "meV": 1e-3}
LENGTHS = {"nm": 1.0, "pm": 1e-3, "angstrom": 0.1, "um": 1e3}
"""Usual units in eV and nm, so that a stage whose stores say eV and nm does not load a units library."""

UNCALIBRATED = ("", "px", "pixel", "pixels")
"""What stands for a unit where a file has no calibration."""

_SPELLINGS = {
    spelling.casefold(): unit
    for unit, spellings in {
        "eV": ("eV", "electronvolt", "electronvolts", "electron volt", "electron volts"),
        "keV": ("keV", "kiloelectronvolt", "kiloelectronvolts"),
        "angstrom": ("A", "Å", "angstrom", "angstroms", "Ångström"),
        "nm": ("nm", "nanometer", "nanometers", "nanometre", "nanometres"),
        "pm": ("pm",),
        "um": ("um", "μm", "micron", "microns"),
        "mm": ("mm",),
    }.items()
    for spelling in spellings
}
"""How programs spell what a units library knows in one case only. Never mev: it may be meV or MeV."""

_FAMILIES = {"eV": ("electron_volt", "joule"), "nm": ("meter", "angstrom", "micron")}
"""Units with any prefix; the library also has lengths named pixel, point, hand and rod."""

LONGEST = 60
"""Characters of a unit; longer text is none, and the library takes the square of its length to say so."""

_POWER = re.compile(r"(?<=[^\W\d])(?:\*\*|\^)[-+]?\d{1,2}(?![\d.^]|\*\*)")
"""Of a unit; what else is raised to a power are numbers, and these powers may fill the memory."""

_IN_BRACKETS = re.compile(r".*[(\[]\s*([^()\[\]]+?)\s*[)\]]")


def electronvolts_per(unit: str) -> float | None:
    """Return the size of a unit of energy in eV, however it is spelt; None for what is no unit of energy.

    Examples
    --------
    >>> electronvolts_per("KeV"), electronvolts_per("Energy Loss (eV)"), electronvolts_per("nm")
    (1000.0, 1.0, None)
    """
    return _size(unit, ENERGIES, "eV")


def nanometres_per(unit: str) -> float | None:
    """Return the size of a unit of length in nm, however it is spelt; None for what is no unit of length.

    Examples
    --------
    >>> nanometres_per("A"), nanometres_per("µm"), nanometres_per("eV")
    (0.1, 1000.0, None)
    """
    return _size(unit, LENGTHS, "nm")


def is_computed(unit: str) -> bool:
    """Whether a library of units would compute powers of numbers in a text, such as "9**9**9", for hours.

    Examples
    --------
    >>> [is_computed(unit) for unit in ("arb. units", "[1/n_m]", "A^-1", "m**2*s", "m²")]
    [False, False, False, False, False]
    >>> [is_computed(unit) for unit in ("9**9**9", "m^999999999", "(9)**(9)**(9)", "9⁹⁹⁹")]
    [True, True, True, True]
    """
    raised = re.search(r"[⁰¹²³⁴-⁹]{3}", unit)
    return raised is not None or re.search(r"\*\*|\^", _POWER.sub("", unit)) is not None


def _size(unit: str, usual: dict[str, float], base: str) -> float | None:
    """Return the size of a unit in the base unit; "Energy Loss (eV)" of ISO 22029 is in eV."""
    if len(unit) > LONGEST:
        return None
    # NFKC: one code point for either mu and for either A with a ring.
    unit = unicodedata.normalize("NFKC", unit).strip()
    said = _IN_BRACKETS.fullmatch(unit)
    unit = said[1] if said else unit
    spelt = _SPELLINGS.get(unit.casefold(), unit)
    known = next((name for name in (unit, spelt) if name in ENERGIES | LENGTHS), None)
    if known or unit.casefold() in UNCALIBRATED:
        return usual.get(known or "")
    found = _of_library(unit, base)
    return _of_library(spelt, base) if found is None else found


@functools.cache
def _of_library(unit: str, base: str) -> float | None:
    import pint

    # One word only: "e V" is a product and no unit; the library's grammar is not for what stands in files.
    if not unit.replace("_", "").isalpha():
        return None
    try:
        parsed = _registry().parse_units(unit)
    except pint.UndefinedUnitError:
        return None  # what is no unit is refused where it is used, in one line
    if not str(parsed).endswith(_FAMILIES[base]):
        return None
    return float(f"{_registry().Quantity(1, parsed).to(base).magnitude:.12g}")


@functools.cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()
