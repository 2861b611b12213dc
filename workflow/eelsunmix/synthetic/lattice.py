"""Atomic columns on a lattice: sharp peaks of two materials on a background that is never pure."""

from typing import Annotated

import numpy as np
from pydantic import Field

from eelsunmix.options import Positive
from eelsunmix.synthetic.chequer import AXES, EDGES_OF, ENDMEMBERS
from eelsunmix.synthetic.edges import SCENE_EDGES
from eelsunmix.synthetic.mixture import Mixture, SceneOptions, scene_of
from eelsunmix.synthetic.scene import Scene, energy_axis
from eelsunmix.synthetic.spectra import pixel_spectrum
from eelsunmix.typing import Floats

PEAK, BASE = 0.55, 0.07


class ColumnsOptions(SceneOptions):
    """Options of the atomic columns.

    Parameters
    ----------
    period : int
        Pixels from a column to the next one of the same material.
    column_sd : float
        Standard deviation of a column, in pixels.
    """

    pixel_nm: Positive = 0.05
    period: Annotated[int, Field(ge=4)] = 8
    column_sd: Positive = 1.5


def simulate_columns(options: ColumnsOptions) -> Scene:
    """Make the scene that the options describe (`eelsunmix.synthetic.columns`)."""
    geometry_rng, noise_rng = options.generators()
    energy = energy_axis(*AXES["ru3"])
    names = ENDMEMBERS["ru3"]
    spectra = np.stack([pixel_spectrum(name, energy.to_numpy()) for name in names])
    offset = geometry_rng.uniform(0, options.period, size=2)
    shifts = (offset, offset + options.period / 2)
    cobalt, ruthenium = (BASE + PEAK * _columns(options, shift, geometry_rng) for shift in shifts)
    abundance = np.stack([1 - cobalt - ruthenium, cobalt, ruthenium], axis=-1)
    mixture = Mixture(
        names=names,
        energy=energy,
        spectra=spectra,
        abundance=abundance,
        edges={edge: SCENE_EDGES[edge] for edge in EDGES_OF["ru3"]},
    )
    return scene_of("columns", options, mixture, noise_rng)


def _columns(options: ColumnsOptions, offset: Floats, rng: np.random.Generator) -> Floats:
    """Peaks of 0.75 to 1 of a lattice; where two overlap, the higher one counts. Shape (y, x)."""
    rows, columns = (np.arange(size) for size in options.shape)
    places = [
        np.arange(shift - options.period, size + options.period, options.period)
        for shift, size in zip(offset, options.shape, strict=True)
    ]
    highest = np.zeros(options.shape)
    for y in places[0]:
        for x in places[1]:
            square = (rows[:, None] - y) ** 2 + (columns[None] - x) ** 2
            peak = rng.uniform(0.75, 1.0) * np.exp(-0.5 * square / options.column_sd**2)
            highest = np.maximum(highest, peak)
    return highest
