"""Simulated images with known truth: materials, scenes, and kinds of images in which nothing is wrong."""

from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from scipy import ndimage

from eelsunmix import synthetic
from eelsunmix.background import subtract_background
from eelsunmix.io import EnergyAxis
from planted_chain import DIMS, EDGES, ENERGY, FIRST_EV, SHAPE, TI, Sample, axes_of

# Spectra and scenes


def power_law(energy, exponent):
    """Background of one count at 400 eV."""
    return (np.maximum(energy, 1.0) / 400.0) ** -exponent


def edge_shape(energy, onset, *, white=0.6, delay=0.0):
    """Edge of height one at its onset, with two white lines of 2 eV (sd), or rising over `delay` eV."""
    above = np.clip(energy - onset, 0, None)
    rise = 1 - np.exp(-above / delay) if delay else 1 / (1 + np.exp(-(energy - onset - 1.5) / 0.7))
    lines = sum(np.exp(-0.5 * ((energy - onset - at) / 2.0) ** 2) for at in (4.0, 10.0))
    return rise * (np.maximum(energy, 1.0) / onset) ** -3.0 + white * lines


def material(energy, exponent, edges, **shape):
    """Power law with edges, `edges` onset -> height relative to the background at 400 eV times that there."""
    background = power_law(energy, exponent)
    heights = {onset: height * power_law(onset, exponent) for onset, height in edges.items()}
    return background + sum(h * edge_shape(energy, onset, **shape) for onset, h in heights.items())


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What is in an image: expected counts (y, x, channel), shares (y, x, material), spectra."""

    expected: np.ndarray
    share: np.ndarray
    spectra: np.ndarray
    energy: np.ndarray = field(default_factory=lambda: ENERGY)

    def net_counts(self, edges):
        """Net counts that BS finds in the noise-free image, (edge, y, x)."""
        coords = {"energy_loss": ("energy_loss", self.energy, {"units": "eV"})}
        image = xr.DataArray(self.expected, dims=DIMS, coords=coords)
        return subtract_background(image, edges).net_counts


def share_of(shape=SHAPE, width=1.2):
    """The first material to the left, the second to the right, (y, x, material)."""
    left = np.broadcast_to(1 / (1 + np.exp((np.arange(shape[1]) - 0.45 * shape[1]) / width)), shape)
    return np.stack([left, 1 - left], axis=-1)


def mixture(share, spectra, energy=ENERGY):
    """Scene of shares (y, x, material) of spectra (material, channel)."""
    return Scene(expected=share @ spectra, share=share, spectra=spectra, energy=energy)


def two_materials(shape=SHAPE, dose=500.0, energy=ENERGY, width=1.2):
    """Ti to the left, O to the right; `dose` counts at 400 eV."""
    spectra = dose * np.stack([material(energy, 3.0, {456.0: 0.35}), material(energy, 3.1, {532.0: 0.4})])
    return mixture(share_of(shape, width), spectra, energy)


def single_atoms(height, *, white, dose=500.0):
    """Nine Ti atoms, each in one pixel, on a film with O."""
    film = material(ENERGY, 3.1, {532.0: 0.4})
    atom = material(ENERGY, 3.1, {532.0: 0.4, 456.0: height}, white=white)
    share = np.zeros(SHAPE)
    share[[2, 2, 3, 6, 6, 7, 10, 10, 11], [3, 9, 14, 5, 11, 16, 2, 8, 13]] = 1
    return mixture(np.stack([share, 1 - share], axis=-1), dose * np.stack([atom, film]))


def drifting(sd, *, both=False, dose=2000.0, seed=5):
    """Energies walk by `sd` (eV) from pixel to pixel, of one material or of both; and the walk (y, x)."""
    walk = np.cumsum(np.random.default_rng(seed).standard_normal(SHAPE[0] * SHAPE[1]))
    walk = (sd * (walk - walk.mean()) / walk.std()).reshape(SHAPE)
    share = share_of() if both else np.ones((*SHAPE, 1))
    kinds = [(3.0, {456.0: 0.35}), (3.1, {532.0: 0.4})] if both else [(3.0, {456.0: 0.35, 532.0: 0.3})]
    spectra = dose * np.stack([material(ENERGY, *kind, white=1.0) for kind in kinds])
    moved = dose * np.stack([material(ENERGY + walk[..., None], *kind, white=1.0) for kind in kinds])
    expected = np.einsum("yxm,myxe->yxe", share, moved)
    return Scene(expected=expected, share=share, spectra=spectra), walk


# Kinds of images in which nothing is wrong: a function of a generator for each


def multilayer(rng):
    """Pt/Co/Ru/Pt, 3.33 eV per channel."""
    scene = synthetic.multilayer(shape=(13, 40), counts=8000.0, seed=int(rng.integers(2**31)))
    counts = scene.spectrum_image.to_numpy()
    edges = {name: edge for name, edge in scene.edges.items() if edge.reference}
    return Sample(counts=counts, axes=axes_of(216.0, 3.33), edges=edges, profiles=scene.profiles)


def core_shell(rng, dose=600.0):
    """Two particles in vacuum, a core with Ti in a shell with O."""
    y, x = np.mgrid[:19, :23]
    core, whole = np.zeros((19, 23)), np.zeros((19, 23))
    for row, column, radius in ((6, 6, 5.0), (12, 16, 6.0)):
        distance = np.hypot(y - row, x - column)
        whole += np.sqrt(np.clip(1 - (distance / radius) ** 2, 0, None))
        core += 0.6 * np.sqrt(np.clip(1 - (distance / (0.6 * radius)) ** 2, 0, None))
    share = np.stack([core, np.maximum(whole - core, 0)], axis=-1)
    return Sample(counts=rng.poisson(share @ (dose / 500 * two_materials().spectra) + 0.5).astype("u2"))


def wedge(rng):
    """A specimen that gets three times as thick."""
    thickness = np.linspace(0.5, 1.6, SHAPE[0])[:, None, None]
    return Sample(counts=rng.poisson(two_materials().expected * thickness).astype("u2"))


def atoms_on_film(rng, dose=500.0):
    """Nine Ti atoms, with the tails of the probe, on a film with O."""
    film = material(ENERGY, 3.1, {532.0: 0.4})
    atom = material(ENERGY, 3.1, {532.0: 0.4, 456.0: 0.6})
    share, (y, x) = np.zeros((17, 22)), np.mgrid[:17, :22]
    for row, column in zip((2, 2, 3, 7, 7, 8, 13, 13, 14), (3, 9, 15, 5, 12, 18, 2, 8, 16), strict=True):
        share += np.exp(-0.5 * ((y - row) ** 2 + (x - column) ** 2) / 0.9**2)
    return Sample(counts=rng.poisson(dose * (film + share[..., None] * (atom - film))).astype("u2"))


def eds_map(rng, dose=1.5):
    """Three grains in X-rays, single counts per channel."""
    energy, (y, x) = 0.1 + 0.01 * np.arange(220), np.mgrid[:23, :19]
    grains = np.where(x < 6, 0, np.where(y + x < 24, 1, 2))
    share = ndimage.gaussian_filter(np.eye(3)[grains], (0.8, 0.8, 0))
    lines = (((1.0, 0.525), (0.7, 1.74)), ((1.0, 0.705), (0.2, 0.525)), ((0.8, 1.48), (0.5, 0.28)))
    spectra = np.stack(
        [0.02 + sum(h * np.exp(-0.5 * ((energy - at) / 0.045) ** 2) for h, at in one) for one in lines]
    )
    axes = axes_of(None, None, ("y", "x", "energy"), energy=EnergyAxis(offset_keV=0.1, dispersion_keV=0.01))
    counts = rng.poisson(dose * share @ spectra).astype("u1")
    return Sample(counts=counts, axes=axes, edges={}, profiles={}, methods={"nmf": {}}, invalid_pixels="mask")


def line_scan(rng):
    """One line of 70 pixels."""
    return Sample(counts=rng.poisson(two_materials((1, 70), width=4.0).expected).astype("u2"))


def series(rng):
    """Three frames of slightly different beam currents."""
    counts = rng.poisson(np.stack([two_materials().expected * current for current in (1.0, 1.05, 0.97)]))
    return Sample(counts=counts.astype("u2"), axes=axes_of(FIRST_EV, 1.5, ("frame", *DIMS)))


def low_loss(rng, dose=2e4):
    """A zero-loss peak of 0.5 eV (sd) at 0.3 eV per channel and two plasmons, in a wedge."""
    energy = -6 + 0.3 * np.arange(180)

    def plasmon(at, width):
        resonance = energy * width * at**2 / ((energy**2 - at**2) ** 2 + (energy * width) ** 2 + 1e-9)
        return np.where(energy > 0, resonance, 0.0)

    thickness = np.linspace(0.4, 1.2, SHAPE[1])[:, None]
    once = share_of() @ np.stack([0.04 * plasmon(16.0, 4.0), 0.05 * plasmon(23.0, 7.0)])
    expected = dose * (np.exp(-0.5 * (energy / 0.5) ** 2) + thickness * once + 1e-4)
    axes = axes_of(-6.0, 0.3)
    return Sample(counts=rng.poisson(expected).astype("u4"), axes=axes, edges={}, profiles={})


def camera(expected, rng, *, blur=0.0, per=12.0):
    """Counts of a camera that spreads electrons over channels (sd) and adds read-out noise."""
    counts = per * rng.poisson(expected / per)
    counts = ndimage.gaussian_filter1d(counts, blur, axis=-1) if blur else counts
    return (counts + rng.normal(0, 3, counts.shape)).astype("f4")


def camera_image(rng, blur=0.0):
    """Counts of a camera, 12 per electron."""
    return Sample(counts=camera(10 * two_materials().expected, rng, blur=blur))


def camera_with_spread(rng):
    """Counts of a camera that spreads each electron over channels."""
    return camera_image(rng, blur=0.8)


def fano(rng, per=20.0, factor=0.15):
    """Counts of a scintillator: each electron gives 20 counts, with Fano noise."""
    electrons = rng.poisson(10 * two_materials().expected / per)
    counts = rng.normal(per * electrons, np.sqrt(factor * per * electrons + 4))
    return Sample(counts=np.round(counts).clip(0).astype("u2"))


def few_counts(rng):
    """A dozen counts per channel at 400 eV, four at the end."""
    return Sample(counts=rng.poisson(two_materials((26, 31), dose=12.0).expected).astype("u1"))


def many_counts(rng):
    """Forty thousand counts per channel at 400 eV."""
    return Sample(counts=rng.poisson(two_materials(dose=4e4).expected).astype("u4"))


def fine_channels(rng):
    """600 channels of 0.25 eV."""
    scene = two_materials((11, 16), dose=100.0, energy=430.0 + 0.25 * np.arange(600))
    edges = EDGES | {"Ti_L23": TI.replaced(fit_eV=(432.0, 451.0))}
    return Sample(counts=rng.poisson(scene.expected).astype("u2"), axes=axes_of(430.0, 0.25), edges=edges)


def beside_vacuum(rng):
    """Vacuum in five columns."""
    empty = np.where(np.arange(SHAPE[1]) < 5, 0.004, 1.0)[:, None]
    return Sample(counts=rng.poisson(two_materials().expected * empty).astype("u2"))


def one_material(rng):
    """One material with both edges."""
    spectrum = 500 * material(ENERGY, 3.0, {456.0: 0.35, 532.0: 0.3})
    return Sample(counts=rng.poisson(np.broadcast_to(spectrum, (*SHAPE, ENERGY.size))).astype("u2"))


def delayed_edge(rng):
    """An edge without white lines that rises over 12 eV."""
    slow = material(ENERGY, 3.0, {456.0: 0.4}, white=0.0, delay=12.0)
    spectra = 900 * np.stack([slow, material(ENERGY, 3.1, {532.0: 0.4})])
    return Sample(counts=rng.poisson(share_of() @ spectra).astype("u2"))


def lattice(rng):
    """Atomic planes of two kinds, 5.2 pixels apart."""
    wave = np.broadcast_to(0.5 + 0.5 * np.cos(2 * np.pi * np.arange(28) / 5.2), (14, 28))
    scene = mixture(np.stack([wave, 1 - wave], axis=-1), 2 * two_materials().spectra)
    return Sample(counts=rng.poisson(scene.expected).astype("u2"))
