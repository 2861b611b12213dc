"""Four layers, one after the other, each pure inside: C, BN, B2O3 and B4C."""

import numpy as np
import scipy

from eelsunmix.options import NotNegative
from eelsunmix.synthetic.chequer import EDGES_OF, ENDMEMBERS
from eelsunmix.synthetic.edges import SCENE_EDGES
from eelsunmix.synthetic.mixture import Mixture, SceneOptions, scene_of
from eelsunmix.synthetic.scene import Scene, energy_axis
from eelsunmix.synthetic.spectra import pixel_spectrum
from eelsunmix.typing import Floats

AXIS = (300, 150.0, 1.5)


class StackOptions(SceneOptions):
    """Options of the stack of four layers.

    Parameters
    ----------
    size : int or pair of int
        Pixels along y and x; the layers stand across x.
    pixel_nm : float
    counts : float
        Expected counts in the first channel, mean over the pixels.
    seed : int
    noise : bool
        Poisson noise; without it the counts are the expected ones.
    probe_sd : float
        Standard deviation of the broadening, in pixels.
    roughness : float
        Standard deviation of the position of each interface from row to row, in pixels.
    """

    probe_sd: NotNegative = 1.2
    roughness: NotNegative = 0.7


def simulate_stack(options: StackOptions) -> Scene:
    """Make the scene that the options describe (`eelsunmix.synthetic.stack`)."""
    geometry_rng, noise_rng = options.generators()
    energy = energy_axis(*AXIS)
    names = ENDMEMBERS["k4"]
    mixture = Mixture(
        names=names,
        energy=energy,
        spectra=np.stack([pixel_spectrum(name, energy.to_numpy()) for name in names]),
        abundance=_layers(options, len(names), geometry_rng),
        edges={edge: SCENE_EDGES[edge] for edge in EDGES_OF["k4"]},
    )
    return scene_of("stack", options, mixture, noise_rng)


def _layers(options: StackOptions, n_layers: int, rng: np.random.Generator) -> Floats:
    rows, columns = options.shape
    widths = rng.uniform(0.8, 1.2, size=n_layers)
    interfaces = columns * np.cumsum(widths)[:-1] / widths.sum()
    rough = scipy.ndimage.gaussian_filter1d(rng.standard_normal((rows, n_layers - 1)), 3.0, axis=0)
    places = interfaces + options.roughness * rough / rough.std()
    layer = (np.arange(columns)[None, :, None] >= places[:, None, :]).sum(axis=-1)
    pure = np.eye(n_layers)[layer]
    mixed = scipy.ndimage.gaussian_filter1d(pure, options.probe_sd, axis=1, mode="nearest")
    return mixed / mixed.sum(axis=-1, keepdims=True)
