"""Images of named edges, whose signal-to-noise ratios are known."""

import math

import numpy as np
import scipy
import xarray as xr

from eelsunmix.edge_table import TABLE

EDGE = {edge.name: edge for edge in TABLE}


def spectrum_of(names, low, high, dose, seed, shift=0.0, changed=lambda energy, spectrum: spectrum):
    """An image of named edges on a power law that bends a little, 7 x 9 pixels; and the SNR of each.

    `changed` is what specimen or detector do to the mean spectrum, and to each part of it.
    """
    rng = np.random.default_rng(seed)
    channel = float(rng.choice([0.4, 0.5, 1.0]))
    energy = np.arange(low, high, channel)
    background = (energy / low) ** -rng.uniform(2.4, 3.6) * (1 + 0.05 * rng.normal() * np.log(energy / low))
    parts = {}
    for name in names:
        height = np.interp(EDGE[name].onset_eV, energy, background) * np.exp(
            rng.uniform(np.log(0.1), np.log(0.8))
        )
        parts[name] = height * _shape(EDGE[name], energy)
    parts = {name: changed(energy, part) for name, part in parts.items()}
    mean = dose * channel * (changed(energy, background) + sum(parts.values()))
    thickness = rng.uniform(0.8, 1.2, (7, 9, 1))
    counts = rng.poisson(thickness * mean)
    axis = xr.DataArray(energy + shift, dims="energy_loss", name="energy_loss", attrs={"units": "eV"})
    image = xr.DataArray(
        counts,
        dims=("y", "x", "energy_loss"),
        coords={"energy_loss": axis},
        attrs={"counts_per_electron": 1.0, "units": "counts"},
    )
    return image, {name: _snr(EDGE[name], part, energy, mean, dose * channel) for name, part in parts.items()}


def _shape(edge, energy):
    above = energy - edge.onset_eV
    if edge.is_delayed:
        return (1 - np.exp(-np.clip(above, 0, None) / 18)) * (energy / edge.onset_eV) ** -3
    shape = scipy.special.ndtr(above) * (energy / edge.onset_eV) ** -3
    width, second = (2.0, edge.splitting) if edge.splitting else (1.5, 11.0)
    lines = np.exp(-0.5 * ((above - 2) / width) ** 2) + 0.6 * np.exp(-0.5 * ((above - 2 - second) / 2.4) ** 2)
    return shape + (1.4 if edge.splitting else 0.5) * lines


def _snr(edge, part, energy, mean, scale):
    """SNR of the summed spectrum in 40 eV, with a background of some uncertainty (Egerton, h = 8)."""
    inside = (energy >= edge.onset_eV - 2) & (energy < edge.onset_eV + 40)
    signal, whole = part[inside].sum() * scale * 63, mean[inside].sum() * 63
    return signal / np.sqrt(signal + 8 * (whole - signal))


def plural(energy, spectrum, thickness, plasmon_eV=22.0, width_eV=5.0):
    """Scatter again, or more often, at a plasmon: a specimen so many mean free paths thick."""
    step = energy[1] - energy[0]
    loss = np.arange(0, 120, step)
    once = loss * width_eV / ((loss**2 - plasmon_eV**2) ** 2 + (width_eV * loss) ** 2)
    once /= once.sum()
    # Below the first channel the power law goes on, and ends in a broad maximum near 25 eV, not in a step.
    below = np.maximum(energy[0] - step * np.arange(loss.size - 1, 0, -1), 0.1)
    softened = [1 / (one**3 + 25.0**4 / one) for one in (below, energy[0])]
    scattered = np.concatenate([spectrum[0] * softened[0] / softened[1], spectrum])
    total = np.zeros(spectrum.size)
    for order in range(8):
        total += np.exp(-thickness) * thickness**order / math.factorial(order) * scattered[loss.size - 1 :]
        scattered = np.convolve(scattered, once)[: scattered.size]
    return total
