"""Core-loss spectra of materials, from tabulated cross-sections: what the simulated scenes are mixed from."""

import csv
import functools
import math
from collections.abc import Sequence
from importlib.resources import files

import numpy as np
import scipy

from eelsunmix.synthetic.materials import Material, material_of

ELECTRON_MASS_EV = 510_998.95
BOHR_RADIUS_CM = 5.29177e-9
RYDBERG_EV = 13.6057
CM2_PER_BARN = 1e-24
CM2_EV_PER_OSCILLATOR = 1.0975e-16
"""Photoabsorption cross-section, integrated over energy, of one dipole oscillator (Egerton, section 4.2)."""


TAIL_REFERENCE_EV = 250.0
PLASMON_EV, PLASMON_WIDTH_EV = 27.0, 9.0
FINE_STEP_EV = 0.25
TABLE_EV = (40.0, 1500.0)
"""Energies between which there are cross-sections."""
LOWEST_EV = 45.0


def pixel_spectrum(
    name: str, energy_loss: np.ndarray, *, thickness_nm: float = 30.0, psf_channels: float = 0.6
) -> np.ndarray:
    """Core-loss spectrum of a lamella of one material.

    Parameters
    ----------
    name : str
        One of `eelsunmix.synthetic.materials.MATERIALS`.
    energy_loss : ndarray, shape (channel,)
        Centres of the channels in eV, equally spaced.
    thickness_nm : float
        Thickness of the lamella. The spectrum grows with it and its background bends (plural scattering).
    psf_channels : float
        Standard deviation of the detector's point spread, in channels.

    Returns
    -------
    ndarray, shape (channel,)
        Scattered intensity in each channel per incident electron.

    References
    ----------
    R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope (2011), sections 3.4 and 4.2.

    Examples
    --------
    >>> spectrum = pixel_spectrum("Co", np.arange(216.0, 880.0, 3.33))
    >>> bool(spectrum[170] > spectrum[165])  # the L3 edge at 779 eV
    True
    """
    material = material_of(name)
    step = float(energy_loss[1] - energy_loss[0])
    fine = np.arange(LOWEST_EV, energy_loss[-1] + 6 * step, FINE_STEP_EV)
    areal_density_cm2 = material.units_per_nm3 * thickness_nm * 1e14
    single = single_scattering(material, fine) * CM2_PER_BARN * areal_density_cm2
    plural = plural_scattering(single, thickness_nm / material.mean_free_path_nm)
    blurred = scipy.ndimage.gaussian_filter1d(plural, psf_channels * step / FINE_STEP_EV, mode="nearest")
    return _integrate_channels(blurred, fine, energy_loss, step)


def single_scattering(material: Material, energy_ev: np.ndarray) -> np.ndarray:
    """Cross-section per formula unit, barn/eV: atoms, white lines and the tail of the valence losses."""
    atomic = _atomic(material, energy_ev)
    lines = sum(
        line.area_barn
        / (line.sd_eV * math.sqrt(2 * math.pi))
        * np.exp(-0.5 * ((energy_ev - line.energy_eV) / line.sd_eV) ** 2)
        for line in material.white_lines
    )
    at_reference = _atomic(material, np.array([TAIL_REFERENCE_EV]))[0]
    tail = material.tail_ratio * at_reference * (energy_ev / TAIL_REFERENCE_EV) ** -material.tail_exponent
    return atomic + lines + tail


def cross_section(
    element: str, energy_ev: np.ndarray, *, beam_ev: float = 100e3, collection_mrad: float = 35.0
) -> np.ndarray:
    """Differential cross-section of an atom for energy loss, in the dipole approximation.

    Parameters
    ----------
    element : str
    energy_ev : ndarray
        Energy losses, eV.
    beam_ev, collection_mrad : float
        Beam energy and collection half-angle.

    Returns
    -------
    ndarray
        barn/eV.

    References
    ----------
    Egerton (2011), equations 3.146 and 4.11: ``4 pi a0^2 R^2 / (T E) df/dE ln(1 + (beta / theta_E)^2)``.
    """
    table = _table()[element]
    photo_cm2 = CM2_PER_BARN * np.exp(np.interp(np.log(energy_ev), *np.log(table)))
    gamma = 1 + beam_ev / ELECTRON_MASS_EV
    speed2 = 1 - gamma**-2
    kinetic = ELECTRON_MASS_EV * speed2 / 2
    theta_e = energy_ev / (gamma * ELECTRON_MASS_EV * speed2)
    angles = np.log1p((collection_mrad * 1e-3 / theta_e) ** 2)
    dipole = 4 * math.pi * (BOHR_RADIUS_CM * RYDBERG_EV) ** 2 / (kinetic * energy_ev)
    return dipole * photo_cm2 / CM2_EV_PER_OSCILLATOR * angles / CM2_PER_BARN


def tabulated(element: str) -> bool:
    """Whether the package has the cross-sections of an element."""
    return element in _table()


def plural_scattering(single: np.ndarray, relative_thickness: float) -> np.ndarray:
    """Convolve a spectrum on the fine grid with the plasmon losses of a lamella of that t/lambda.

    The number of plasmons is Poisson-distributed; the aperture is taken to collect all of them. The grid
    has to begin some plasmon energies below the first channel of interest.
    """
    energies = np.arange(0, 8 * PLASMON_EV, FINE_STEP_EV)
    plasmon = energies * np.exp(-0.5 * ((energies - PLASMON_EV) / PLASMON_WIDTH_EV) ** 2)
    plasmon /= plasmon.sum()
    n_fft = len(single) + 4 * len(plasmon)
    low_loss = np.exp(relative_thickness * (np.fft.rfft(plasmon, n_fft) - 1))
    return np.fft.irfft(np.fft.rfft(single, n_fft) * low_loss, n_fft)[: len(single)]


def _atomic(material: Material, energy_ev: np.ndarray) -> np.ndarray:
    parts = [n * cross_section(element, energy_ev) for element, n in material.composition.items()]
    return np.sum(parts, axis=0)


def _integrate_channels(
    density: np.ndarray, fine: np.ndarray, centres: np.ndarray, step: float
) -> np.ndarray:
    """Integrals of a density over channels, whose borders need not lie on the fine grid."""
    integral = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2) * FINE_STEP_EV])
    borders = np.append(centres - step / 2, centres[-1] + step / 2)
    return np.diff(np.interp(borders, fine, integral))


@functools.cache
def _table() -> dict[str, tuple[Sequence[float], Sequence[float]]]:
    text = files("eelsunmix.synthetic").joinpath("cross_sections.csv").read_text()
    columns: dict[str, tuple[list[float], list[float]]] = {}
    for row in csv.DictReader(text.splitlines()):
        energies, values = columns.setdefault(row["element"], ([], []))
        energies.append(float(row["energy_eV"]))
        values.append(float(row["photoabsorption_barn"]))
    return dict(columns)
