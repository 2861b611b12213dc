"""Simulated scenes with known truth: the paper's chequerboards, and a multilayer close to its experiment.

Examples
--------
>>> from eelsunmix import synthetic
>>> scene = synthetic.multilayer(shape=(6, 40), counts=500, seed=1)
>>> scene.spectrum_image.sizes["x"], scene.abundance.endmember.values.tolist()
(40, ['Pt', 'Co', 'Ru'])
"""

from types import MappingProxyType
from typing import Any

from eelsunmix.errors import InputError
from eelsunmix.synthetic.chequer import ChequerboardOptions, simulate_chequerboard
from eelsunmix.synthetic.layers import MultilayerOptions
from eelsunmix.synthetic.scene import Scene
from eelsunmix.synthetic.stack import simulate_multilayer

__all__ = [
    "SCENES",
    "ChequerboardOptions",
    "MultilayerOptions",
    "Scene",
    "chequerboard",
    "multilayer",
    "simulate",
]

SCENES = MappingProxyType({"chequerboard": ChequerboardOptions, "multilayer": MultilayerOptions})
"""Options of each scene, by the name that the configuration uses (``simulate: {scene: multilayer}``)."""


def chequerboard(**options: Any) -> Scene:
    """Blocks of materials blurred by an averaging filter, mixed linearly, with Poisson noise.

    Parameters
    ----------
    **options
        Fields of `ChequerboardOptions`: ``endmembers="ru3"|"k4", size=64, block=8, filter_size=9,
        counts=1000.0, seed=0, noise=True``.

    References
    ----------
    Brun, Lambert, Bocher, Eur. Phys. J. Appl. Phys. 99, 28 (2024), section 2.1.
    """
    return simulate(ChequerboardOptions(**options))


def multilayer(**options: Any) -> Scene:
    """Pt | Co | Ru | Pt with a Ru layer of 0.5 nm that is nowhere pure, as in the paper's experiment.

    Parameters
    ----------
    **options
        Fields of `MultilayerOptions`: ``shape=(60, 75), pixel_nm=0.12, counts=3000.0,
        level="linear"|"thickness"|"realistic", seed=0, ...``.

    References
    ----------
    Brun, Lambert, Bocher, Eur. Phys. J. Appl. Phys. 99, 28 (2024), section 3.2.
    """
    return simulate(MultilayerOptions(**options))


def simulate(options: ChequerboardOptions | MultilayerOptions) -> Scene:
    """Make the scene that the options describe; the same options give the same counts."""
    if isinstance(options, ChequerboardOptions):
        return simulate_chequerboard(options)
    if isinstance(options, MultilayerOptions):
        return simulate_multilayer(options)
    raise InputError(f"simulate needs options of a scene ({', '.join(SCENES)}), not {type(options).__name__}")
