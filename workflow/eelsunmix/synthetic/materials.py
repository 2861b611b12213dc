"""What the materials of the simulated scenes are made of."""

from dataclasses import dataclass
from types import MappingProxyType

from eelsunmix.errors import InputError


@dataclass(frozen=True, kw_only=True)
class WhiteLine:
    """A narrow peak above the atomic continuum: transitions to unoccupied d or pi* states.

    Parameters
    ----------
    energy_eV, sd_eV : float
        Centre and standard deviation of the Gaussian.
    area_barn : float
        Its area per formula unit.
    """

    energy_eV: float
    sd_eV: float
    area_barn: float


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a material contributes to a core-loss spectrum.

    Parameters
    ----------
    composition : dict
        Element -> atoms per formula unit.
    units_per_nm3 : float
        Density of formula units.
    mean_free_path_nm : float
        Of inelastic scattering at 100 kV into a 35 mrad aperture (Iakoubovskii's formula).
    tail_ratio, tail_exponent : float
        Power-law tail of the valence losses: its strength at 250 eV relative to the atoms, and its exponent.
    white_lines : tuple of WhiteLine
    """

    composition: dict[str, int]
    units_per_nm3: float
    mean_free_path_nm: float
    tail_ratio: float
    tail_exponent: float
    white_lines: tuple[WhiteLine, ...] = ()


def _lines(*triples: tuple[float, float, float]) -> tuple[WhiteLine, ...]:
    return tuple(WhiteLine(energy_eV=energy, sd_eV=sd, area_barn=area) for energy, sd, area in triples)


MATERIALS = MappingProxyType(
    {
        "Pt": Material(
            composition={"Pt": 1}, units_per_nm3=66.2, mean_free_path_nm=61, tail_ratio=0.8, tail_exponent=2.8
        ),
        "Ru": Material(
            composition={"Ru": 1},
            units_per_nm3=73.6,
            mean_free_path_nm=69,
            tail_ratio=5.0,
            tail_exponent=2.9,
            white_lines=_lines((463.5, 3.5, 700.0), (485.3, 3.5, 350.0)),
        ),
        "Co": Material(
            composition={"Co": 1},
            units_per_nm3=90.9,
            mean_free_path_nm=75,
            tail_ratio=2.5,
            tail_exponent=3.0,
            white_lines=_lines((780.0, 3.0, 500.0), (795.0, 3.0, 250.0)),
        ),
        "C": Material(
            composition={"C": 1},
            units_per_nm3=100.0,
            mean_free_path_nm=107,
            tail_ratio=2.0,
            tail_exponent=3.1,
            white_lines=_lines((285.4, 0.9, 250.0)),
        ),
        "BN": Material(
            composition={"B": 1, "N": 1},
            units_per_nm3=50.9,
            mean_free_path_nm=106,
            tail_ratio=1.0,
            tail_exponent=3.3,
            white_lines=_lines((192.0, 0.7, 900.0), (401.5, 0.9, 150.0)),
        ),
        "B2O3": Material(
            composition={"B": 2, "O": 3},
            units_per_nm3=21.3,
            mean_free_path_nm=120,
            tail_ratio=1.2,
            tail_exponent=2.9,
            white_lines=_lines((194.0, 0.6, 1600.0), (538.0, 2.5, 250.0)),
        ),
        "B4C": Material(
            composition={"B": 4, "C": 1},
            units_per_nm3=27.5,
            mean_free_path_nm=105,
            tail_ratio=0.8,
            tail_exponent=3.0,
            white_lines=_lines((191.0, 1.5, 1500.0), (285.8, 1.2, 120.0)),
        ),
    }
)
"""Densities are those of the solids; tails and white lines are round numbers of the size seen in practice."""


def material_of(name: str) -> Material:
    """Material of that name, or a message that lists what there is."""
    if name not in MATERIALS:
        raise InputError(f"material {name!r} is not known; choose among {', '.join(MATERIALS)}")
    return MATERIALS[name]
