"""Samples with one defect each: files of altered images, and configurations that do not fit them."""

from dataclasses import replace

import numpy as np
from scipy import ndimage

from eelsunmix.edges import Edge
from eelsunmix.io import AxesOptions, EnergyAxis
from planted_chain import (
    DIMS,
    EDGES,
    ENERGY,
    FIRST_EV,
    SHAPE,
    Sample,
    axes_of,
    hspy_writer,
    ndata_writer,
    velox_writer,
)
from planted_images import (
    edge_shape,
    material,
    mixture,
    power_law,
    share_of,
    two_materials,
)

BASE, BRIGHT = two_materials(), two_materials(dose=5000.0)
N_CHANNELS = ENERGY.size


def counted(expected, seed=1):
    """Counts of a detector that counts electrons."""
    return np.random.default_rng(seed).poisson(expected)


def sample(expected=BASE.expected, seed=1, **options):
    """Sample of expected counts."""
    return Sample(counts=counted(expected, seed).astype("u4"), **options)


def altered(change, scene=BASE, seed=1, **options):
    """Sample of a clean image whose counts (first argument) are changed, with a generator (second)."""
    counts = counted(scene.expected, seed).astype("u2")
    return Sample(counts=change(counts, np.random.default_rng(seed + 100)), **options)


def channel(number, change):
    """Change of one channel."""

    def changed(counts, rng):
        counts = counts.astype("u4")
        counts[..., number] = change(counts[..., number])
        return counts

    return changed


def pixel(place, change):
    """Change of the pixels at a place (index of y, x)."""

    def changed(counts, rng):
        counts = counts.astype("f4")
        counts[place] = change(counts[place])
        return counts

    return changed


def pattern(sd, seed=3):
    """Gain of the channels, mean 1."""
    values = 1 + sd * np.random.default_rng(seed).standard_normal(N_CHANNELS)
    return values / values.mean()


def broad_pattern():
    wide = np.convolve(np.random.default_rng(4).standard_normal(N_CHANNELS), np.hanning(7), "same")
    return 1 + 0.015 * wide / wide.std()


def additive_pattern():
    """A dark spectrum nobody subtracted, that differs between channels, in a wedge of a specimen."""
    wedge = np.linspace(0.15, 1.6, SHAPE[0])[:, None, None]
    scene = mixture(BASE.share * wedge, BASE.spectra)
    dark = np.random.default_rng(8).normal(0, 12, N_CHANNELS)
    return Sample(counts=(counted(scene.expected) + dark).astype("f4")), scene


def scan_lines(counts, sd):
    """Add an amount of one pattern of the channels to every scan line, in no order."""
    amount = sd * np.random.default_rng(1).standard_normal(len(counts))
    stripes = np.where(np.arange(N_CHANNELS) // 32 % 2, 1.0, -1.0)
    return (counts + amount[:, None, None] * stripes).astype("f4")


TALL = two_materials((34, 12))
TALL_BRIGHT = two_materials((34, 12), dose=3000.0)


def hspy(counts=None, *, units="eV", offset=FIRST_EV, scale=1.5, pixel=("nm", 0.4), **options):
    """Sample in a file with axes of its own."""
    counts = counted(BASE.expected).astype("u2") if counts is None else counts
    write = hspy_writer({"units": units, "offset": offset, "scale": scale}, pixel=pixel)
    return Sample(counts=counts, write=write, axes=AxesOptions(), **options)


def mirrored():
    counts = counted(BASE.expected).astype("u2")
    return hspy(counts[..., ::-1], offset=float(ENERGY[-1]), scale=-1.5)


UNEVEN = FIRST_EV + 250 * np.linspace(0, 1, N_CHANNELS) ** 1.3
UNEVEN_SCENE = two_materials(energy=UNEVEN)


def uneven():
    return Sample(
        counts=counted(UNEVEN_SCENE.expected).astype("u2"),
        write=hspy_writer({"units": "eV", "axis": UNEVEN - 13}),
        axes=AxesOptions(energy=EnergyAxis(offset_eV=FIRST_EV)),
    )


def millielectronvolts():
    energy = {"units": "meV", "offset": 1e3 * FIRST_EV, "scale": 1500.0}
    counts = counted(BASE.expected).astype("f4")
    return Sample(counts=counts, write=ndata_writer(energy), axes=AxesOptions())


def velox(examples, scene):
    counts = counted(scene.expected).astype("u2")
    return Sample(counts=counts, write=velox_writer(examples), axes=AxesOptions(), signal="EELS")


def off_axis(offset=0.0, dispersion=1.5):
    return sample(axes=axes_of(FIRST_EV + offset, dispersion))


def twice(counts, rng):
    counts[6] = counts[5]
    return counts


def frames(seeds):
    counts = np.stack([counted(BASE.expected, seed) for seed in seeds]).astype("u2")
    return Sample(counts=counts, axes=axes_of(FIRST_EV, 1.5, ("frame", *DIMS)))


def averaged():
    fine = counted(two_materials((26, 36), dose=300.0).expected)
    return Sample(counts=fine.reshape(13, 2, 18, 2, N_CHANNELS).mean((1, 3)).astype("f4"))


def denoised(counts, rng):
    left, sizes, right = np.linalg.svd(counts.reshape(-1, N_CHANNELS).astype(float), full_matrices=False)
    return ((left[:, :4] * sizes[:4]) @ right[:4]).reshape(counts.shape).astype("f4")


def stretched():
    coarse = counted(two_materials(energy=FIRST_EV + 3 * np.arange(N_CHANNELS // 2)).expected)
    return Sample(counts=ndimage.zoom(coarse.astype("f4"), (1, 1, 2), order=1))


def spikes(counts, rng):
    counts = counts.astype("u4")
    places = rng.choice(counts.size, 12, replace=False)
    counts.ravel()[places] += rng.integers(900, 5000, 12).astype("u4")
    return counts


def vacuum(hot):
    """Vacuum in six columns; one channel of them holds more counts."""
    empty = np.arange(SHAPE[1]) < 6
    expected = BASE.expected * np.where(empty, 0.004, 1.0)[:, None]
    expected[:, empty, 90] += hot
    return sample(expected)


def zero_loss(dispersion, sd):
    """A zero-loss peak of a width (sd) in eV, and a plasmon, in a film."""
    energy = dispersion * (np.arange(140) - 6.0)
    peak = np.exp(-0.5 * (np.subtract.outer(energy, np.linspace(-0.5, 0.5, 41) * dispersion) / sd) ** 2)
    peak = peak.mean(axis=1) / peak.mean(axis=1).sum()
    plasmon = 0.1 * dispersion * np.exp(-0.5 * ((energy - 17) / 4) ** 2)
    expected = np.broadcast_to(1e5 * (peak + plasmon + 1e-4), (*SHAPE, 140))
    axes = axes_of(float(energy[0]), dispersion)
    return sample(expected, axes=axes, edges={}, profiles={})


def filled(low, high, end="first"):
    """Zeros of somebody's alignment in `low` to `high` channels of each pixel."""

    def change(counts, rng):
        runs = rng.integers(low, high, counts.shape[:2])[..., None]
        place = np.arange(N_CHANNELS) if end == "first" else np.arange(N_CHANNELS)[::-1]
        return np.where(place < runs, 0, counts)

    return change


def with_edge(name, **options):
    """Edges of the base image, one of them with other options."""
    return EDGES | {name: EDGES[name].replaced(**options)}


NI = Edge(element="Ni", onset_eV=855.0, fit_eV=(790.0, 850.0), integrate_eV=(856.0, 892.0))
NI_ENERGY = 760.0 + np.arange(160.0)


def nickel():
    """Ni to the left, whose L3 peak begins before its onset of the table."""
    lines = sum(a * np.exp(-0.5 * ((NI_ENERGY - at) / 2) ** 2) for at, a in ((856, 1.0), (873, 0.45)))
    step = 0.2 / (1 + np.exp(-(NI_ENERGY - 854)))
    ni = (NI_ENERGY / 760) ** -3.0 * (1 + step + lines)
    spectra = 800 * np.stack([ni, (NI_ENERGY / 760) ** -2.8])
    return mixture(share_of(), spectra, NI_ENERGY)


def nickel_fitted_to(end):
    edge = NI.replaced(fit_eV=(790.0, end), integrate_eV=(max(end + 1, 856.0), 892.0))
    axes = axes_of(float(NI_ENERGY[0]), 1.0)
    return sample(nickel().expected, axes=axes, edges={"Ni_L23": edge})


def rare_phase():
    expected = BASE.expected.copy()
    for y, x in ((5, 6), (5, 7), (6, 6)):
        expected[y, x] += 300 * power_law(580.0, 3.0) * edge_shape(ENERGY, 580.0)
    return sample(expected)


def two_thicknesses():
    thick = (np.arange(SHAPE[1]) >= 8)[:, None]
    same = material(ENERGY, 3.0, {456.0: 0.3, 532.0: 0.25})
    expected = np.where(thick, 1.6 * same * (ENERGY / 400) ** 0.5, same)
    return sample(500 * np.broadcast_to(expected, (*SHAPE, N_CHANNELS)))


def another_dose(factor):
    constant = {"vca": {"brightness": "constant"}}
    learned = two_materials(dose=2000.0).expected
    return replace(sample(factor * learned, 7, methods=constant), fit_on=sample(learned, methods=constant))


def moved(energy):
    """The two materials with all edges so many eV higher."""
    kinds = ((3.0, {456.0: 0.35}), (3.1, {532.0: 0.4}))
    return mixture(share_of(), 2000 * np.stack([material(ENERGY - energy, *kind) for kind in kinds]))


def jumping(energy):
    """The two materials; from the eighth scan line on all edges lie so many eV higher."""
    scene = moved(0.0)
    later = (np.arange(SHAPE[0]) > 6)[:, None, None]
    return replace(scene, expected=np.where(later, moved(energy).expected, scene.expected))


def without_block(value):
    """Pixels 3 to 5, columns 2 to 6, hold no counts, or none that are finite."""
    return pixel(np.s_[3:6, 2:7], lambda counts: np.full_like(counts, value))


def shared_element():
    both = [material(ENERGY, 3.0, {456.0: 0.35, 532.0: 0.3}), material(ENERGY, 3.1, {532.0: 0.4})]
    return mixture(share_of(), 2000 * np.stack(both))


def planes():
    wave = np.broadcast_to(0.5 + 0.5 * np.cos(2 * np.pi * np.arange(28) / 5.2), (14, 28))
    return mixture(np.stack([wave, 1 - wave], axis=-1), 2 * BASE.spectra)
