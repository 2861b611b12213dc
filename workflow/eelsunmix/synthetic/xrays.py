"""An X-ray (EDS) map with few counts: grains of four minerals, one of them in few pixels."""

from types import MappingProxyType
from typing import Annotated

import numpy as np
import scipy
import xarray as xr
from pydantic import Field

from eelsunmix.options import Positive
from eelsunmix.synthetic.mixture import Fraction, Mixture, SceneOptions, scene_of
from eelsunmix.synthetic.scene import Scene
from eelsunmix.typing import Floats

N_CHANNELS, FIRST_KEV, STEP_KEV = 360, 0.24, 0.02
RESOLUTION_MN_EV = 130.0
CONTINUUM_SHARE = 0.25
"""Part of the counts that is bremsstrahlung."""

LINES_KEV = MappingProxyType(
    {
        "O": ((0.525, 0.5),),
        "Mg": ((1.254, 0.9),),
        "Si": ((1.740, 1.0),),
        "S": ((2.308, 1.0), (2.464, 0.05)),
        "Ti": ((4.511, 0.9), (4.932, 0.12), (0.452, 0.1)),
        "Fe": ((6.404, 0.8), (7.058, 0.12), (0.705, 0.25)),
    }
)
"""Energies of the characteristic lines and round numbers for their strength per atom."""

PHASES = MappingProxyType(
    {
        "quartz": {"Si": 1, "O": 2},
        "olivine": {"Mg": 1, "Fe": 1, "Si": 1, "O": 4},
        "ilmenite": {"Fe": 1, "Ti": 1, "O": 3},
        "pyrite": {"Fe": 1, "S": 2},
    }
)


class EDSOptions(SceneOptions):
    """Options of the X-ray map.

    Parameters
    ----------
    size : int or pair of int
        Pixels along y and x.
    pixel_nm : float
    counts : float
        Expected counts of a pixel in all channels together.
    seed : int
    noise : bool
        Poisson noise; without it the counts are the expected ones.
    n_grains : int
        Grains of the three main phases.
    rare_fraction : float
        Part of the pixels that the fourth phase has.
    """

    pixel_nm: Positive = 20.0
    counts: Positive = 28.0
    n_grains: Annotated[int, Field(ge=3)] = 24
    rare_fraction: Fraction = 0.02


def simulate_eds(options: EDSOptions) -> Scene:
    """Make the scene that the options describe (`eelsunmix.synthetic.eds`)."""
    geometry_rng, noise_rng = options.generators()
    energy = xr.DataArray(
        FIRST_KEV + STEP_KEV * np.arange(N_CHANNELS), dims="energy", name="energy", attrs={"units": "keV"}
    )
    mixture = Mixture(
        names=tuple(PHASES),
        energy=energy,
        spectra=np.stack(
            [_phase_spectrum(composition, energy.to_numpy()) for composition in PHASES.values()]
        ),
        abundance=_grains(options, geometry_rng),
        compositions=PHASES,
        whole_spectrum=True,
        signal="EDS",
    )
    return scene_of("eds", options, mixture, noise_rng)


def _phase_spectrum(composition: dict[str, int], energy_kev: Floats) -> Floats:
    """Lines on a continuum, per formula unit, brought to the same counts for all phases."""
    lines = np.zeros_like(energy_kev)
    for element, atoms in composition.items():
        for place, strength in LINES_KEV[element]:
            # Width of a silicon detector: noise, and a part that grows with the energy.
            width = 1e-3 * np.sqrt(max(RESOLUTION_MN_EV**2 + 2500 * (place - 5.895), 1600.0)) / 2.355
            lines += atoms * strength * np.exp(-0.5 * ((energy_kev - place) / width) ** 2) / width
    continuum = np.clip(12.0 - energy_kev, 0, None) / energy_kev * np.exp(-0.3 / energy_kev**2)
    spectrum: Floats = (
        1 - CONTINUUM_SHARE
    ) * lines / lines.sum() + CONTINUUM_SHARE * continuum / continuum.sum()
    return spectrum


def _grains(options: EDSOptions, rng: np.random.Generator) -> Floats:
    """Voronoi cells of three phases and one round grain of the fourth, blurred a little."""
    rows, columns = options.shape
    y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    middles = rng.uniform((0, 0), (rows, columns), size=(options.n_grains, 2))
    square = (y[..., None] - middles[:, 0]) ** 2 + (x[..., None] - middles[:, 1]) ** 2
    phase = (np.arange(options.n_grains) % 3)[square.argmin(axis=-1)]
    place = rng.uniform((0.2 * rows, 0.2 * columns), (0.8 * rows, 0.8 * columns))
    number = max(1, round(options.rare_fraction * rows * columns))
    distance = (y - place[0]) ** 2 + (x - place[1]) ** 2
    phase.ravel()[np.argsort(distance, axis=None, kind="stable")[:number]] = 3
    mixed = scipy.ndimage.uniform_filter(np.eye(4)[phase], size=(3, 3, 1), mode="nearest").clip(0)
    fractions: Floats = mixed / mixed.sum(axis=-1, keepdims=True)
    return fractions
