"""The chequerboard of hyperspectral benchmarks, as in the paper: pure pixels, linear mixing."""

import math
from typing import Annotated, Literal, Self

import numpy as np
import scipy
from pydantic import Field, model_validator

from eelsunmix.options import LISTED, ODD, BrokenRuleError, Options, Positive
from eelsunmix.synthetic.edges import SCENE_EDGES
from eelsunmix.synthetic.scene import (
    Scene,
    count_electrons,
    energy_axis,
    label_image,
    label_truth,
    position_axes,
)
from eelsunmix.synthetic.spectra import pixel_spectrum

ENDMEMBERS = {"ru3": ("Pt", "Co", "Ru"), "k4": ("C", "BN", "B2O3", "B4C")}
AXES = {"ru3": (200, 216.0, 3.33), "k4": (903, 150.0, 0.5)}
EDGES_OF = {"ru3": ("Ru_M23", "Ru_M45", "Co_L23"), "k4": ("B_K", "C_K", "N_K", "O_K")}


Pixels = Annotated[int, Field(ge=1)]


class ChequerboardOptions(Options):
    """Options of the chequerboard.

    Parameters
    ----------
    endmembers : {"ru3", "k4"}
        Pt, Co, Ru in 200 channels of 3.33 eV; or C, BN, B2O3, B4C in 903 channels of 0.5 eV.
    size : int or pair of int
        Pixels along y and x.
    block : int
        Pixels along the side of a block; each block is of one randomly chosen material.
    filter_size : int
        Side of the averaging filter that mixes the pixels (odd).
    pixel_nm : float
        Calibration of the axes; has no part in the simulation.
    counts : float
        Expected counts in the first channel, mean over the pixels.
    seed : int
    noise : bool
        Poisson noise; without it the counts are the expected ones.
    """

    endmembers: Literal["ru3", "k4"] = "ru3"
    size: Pixels | Annotated[tuple[Pixels, Pixels], LISTED] = 64
    block: Pixels = 8
    filter_size: Annotated[int, Field(ge=1), ODD] = 9
    pixel_nm: Positive = 0.12
    counts: Positive = 1000.0
    seed: int = Field(0, ge=0)
    noise: bool = True

    @model_validator(mode="after")
    def _every_material_has_a_block(self) -> Self:
        needed = len(ENDMEMBERS[self.endmembers])
        if math.prod(self.blocks) < needed:
            raise BrokenRuleError(
                "size", f"needs at least {needed} blocks of {self.block} pixels, found {self.size}"
            )
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels along y and x."""
        return (self.size, self.size) if isinstance(self.size, int) else (self.size[0], self.size[1])

    @property
    def blocks(self) -> tuple[int, int]:
        """Blocks along y and x, the cut ones included."""
        return -(-self.shape[0] // self.block), -(-self.shape[1] // self.block)


def simulate_chequerboard(options: ChequerboardOptions) -> Scene:
    """Make the scene that the options describe (`eelsunmix.synthetic.chequerboard`)."""
    geometry_rng, noise_rng = np.random.default_rng(options.seed).spawn(2)
    names = ENDMEMBERS[options.endmembers]
    energy = energy_axis(*AXES[options.endmembers])
    spectra = np.stack([pixel_spectrum(name, energy.to_numpy()) for name in names])
    abundance = mixed_blocks(options, len(names), geometry_rng)
    spectra *= options.counts / (abundance @ spectra[:, 0]).mean()
    expected = (abundance @ spectra).astype(np.float32)
    gain = np.ones(len(energy))
    counts = count_electrons(expected, gain, noise_rng, noise=options.noise)
    coords = {**position_axes(options.shape, options.pixel_nm), "energy_loss": energy}
    image = label_image(counts, coords, f"chequerboard {options.endmembers}")
    return Scene(
        name="chequerboard",
        options=options.model_dump(),
        spectrum_image=image,
        **label_truth(spectra, abundance, expected, gain, names=names, image=image),
        edges={edge: SCENE_EDGES[edge] for edge in EDGES_OF[options.endmembers]},
    )


def mixed_blocks(options: ChequerboardOptions, n_endmembers: int, rng: np.random.Generator) -> np.ndarray:
    """Blocks of randomly chosen materials, mixed by the averaging filter; shape (y, x, endmember), sum 1.

    Draws in which a material has no block are rejected, so that every material is in the scene.
    """
    owner = rng.integers(n_endmembers, size=options.blocks)
    while len(np.unique(owner)) < n_endmembers:
        owner = rng.integers(n_endmembers, size=options.blocks)
    rows, columns = options.shape
    pixels = np.kron(owner, np.ones((options.block, options.block), dtype=int))[:rows, :columns]
    pure = np.eye(n_endmembers)[pixels]
    mixed = scipy.ndimage.uniform_filter(
        pure, size=(options.filter_size, options.filter_size, 1), mode="nearest"
    )
    mixed = np.clip(mixed, 0, None)
    return mixed / mixed.sum(axis=-1, keepdims=True)
