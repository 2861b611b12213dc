"""Spectra of X-rays of known elements, simulated otherwise than they are looked for."""

import numpy as np
from scipy import stats

from eelsunmix.line_table import best_lines, single_lines
from eelsunmix.line_windows import FWHM_OF_DEVIATION

COMMON = "C N O F Na Mg Al Si P S Cl K Ca Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Sr Zr Nb Mo Ag Sn Ba La Ce W Pt Au Pb".split()  # noqa: SIM905, E501


def random_specimen(rng):
    """One to five elements, some much rarer than others, with random states of the detector."""
    elements = rng.choice(COMMON, size=rng.integers(1, 6), replace=False).tolist()
    return dict(zip(elements, rng.lognormal(0, 0.9, size=len(elements)), strict=True))


def spectrum_of(amounts, photons, rng, *, beam_kev=None, offset_ev=None):
    """Summed counts with lines, bremsstrahlung, tails and escape peaks.

    Returns the energies in eV, the counts, and the SNR of the best line of each element that is excited: its
    photons in a window of 2.2 FWHM over the deviation of those and twice all else there.
    """
    beam = 1000 * (float(rng.choice([15.0, 20.0, 30.0])) if beam_kev is None else beam_kev)
    step, resolution = float(rng.choice([5.0, 10.0, 20.0])), float(rng.uniform(124, 142))
    offset = float(rng.normal(0, 5)) if offset_ev is None else offset_ev
    energy = 100.0 + step * np.arange(int(min(beam * 1.1, 20_000) / step))
    window = np.exp(-1.2 * (300.0 / energy) ** 3)  # of the detector, and absorption in the specimen
    lines = {one: _lines(one, energy, beam, offset, resolution, rng) * window for one in amounts}
    lines = {one: amount * rng.uniform(0.75, 1.3) * lines[one] for one, amount in amounts.items()}
    continuum = np.clip(beam / energy - 1, 0, None) * window
    share, total = rng.uniform(0.2, 0.6), sum(one.sum() for one in lines.values())
    part = photons * (1 - share) / total
    mean = part * sum(lines.values()) + photons * share * continuum / continuum.sum()
    snr = {one: _snr(one, energy, part * lines[one], mean, beam, offset, resolution) for one in amounts}
    return energy, rng.poisson(mean).astype(float), {one: value for one, value in snr.items() if value}


def _lines(element, energy, beam, offset, resolution, rng):
    found = np.zeros_like(energy)
    for line in single_lines()[element]:
        excited = max(0.0, 1 - 1.1 * line.energy_eV / beam) ** 1.3
        strength = line.weight * excited * rng.normal(1, 0.12) * (1.0 if line.family[0] == "K" else 0.8)
        found += strength * _peak(energy, line.energy_eV + offset, resolution)
    return found


def _peak(energy, middle, resolution):
    sd = _width(middle, resolution) / FWHM_OF_DEVIATION
    shelf = 0.01 / middle * (energy < middle)
    escape = 0.006 * stats.norm.pdf(energy, middle - 1740, sd) * (middle > 1840)
    return 0.98 * stats.norm.pdf(energy, middle, sd) + shelf + escape


def _width(energy, resolution):
    return np.sqrt(max(resolution**2 + 2.5 * (energy - 5895), 1600.0))


def _snr(element, energy, own, mean, beam, offset, resolution):
    lines = [line for line in best_lines(element) if energy[0] + 60 < line.energy_eV < 0.6 * beam]
    if not lines:
        return None
    at = lines[0].energy_eV
    inside = np.abs(energy - at - offset) < 1.1 * _width(at, resolution)
    net = own[inside].sum()
    return net / np.sqrt(net + 2 * (mean[inside].sum() - net))
