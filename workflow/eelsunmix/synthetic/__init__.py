"""Simulated scenes with known truth: the paper's chequerboards, a multilayer close to its experiment, others.

Examples
--------
>>> from eelsunmix import synthetic
>>> scene = synthetic.multilayer(shape=(6, 40), counts=500, seed=1)
>>> scene.spectrum_image.sizes["x"], scene.abundance.endmember.values.tolist()
(40, ['Pt', 'Co', 'Ru'])
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from eelsunmix.errors import InputError
from eelsunmix.synthetic.blocks import (
    DriftOptions,
    GradientOptions,
    RareOptions,
    VacuumOptions,
    simulate_drift,
    simulate_gradient,
    simulate_rare,
    simulate_vacuum,
)
from eelsunmix.synthetic.chequer import ChequerboardOptions, simulate_chequerboard
from eelsunmix.synthetic.core_shell import ParticlesOptions, simulate_particles
from eelsunmix.synthetic.four_layers import StackOptions, simulate_stack
from eelsunmix.synthetic.lattice import ColumnsOptions, simulate_columns
from eelsunmix.synthetic.layered import simulate_multilayer
from eelsunmix.synthetic.layers import MultilayerOptions
from eelsunmix.synthetic.mixture import SceneOptions
from eelsunmix.synthetic.scene import Scene
from eelsunmix.synthetic.xrays import EDSOptions, simulate_eds

__all__ = [
    "SCENES",
    "AnySceneOptions",
    "ChequerboardOptions",
    "ColumnsOptions",
    "DriftOptions",
    "EDSOptions",
    "GradientOptions",
    "MultilayerOptions",
    "ParticlesOptions",
    "RareOptions",
    "Scene",
    "StackOptions",
    "VacuumOptions",
    "chequerboard",
    "columns",
    "drift",
    "eds",
    "gradient",
    "multilayer",
    "particles",
    "rare",
    "simulate",
    "stack",
    "vacuum",
]

AnySceneOptions = ChequerboardOptions | MultilayerOptions | SceneOptions
"""Options of any scene: all have a seed and counts."""

_MAKERS: dict[type[AnySceneOptions], Callable[[Any], Scene]] = {
    ChequerboardOptions: simulate_chequerboard,
    MultilayerOptions: simulate_multilayer,
    ParticlesOptions: simulate_particles,
    ColumnsOptions: simulate_columns,
    StackOptions: simulate_stack,
    GradientOptions: simulate_gradient,
    EDSOptions: simulate_eds,
    RareOptions: simulate_rare,
    DriftOptions: simulate_drift,
    VacuumOptions: simulate_vacuum,
}

SCENES = MappingProxyType({kind.__name__.removesuffix("Options").lower(): kind for kind in _MAKERS})
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


def particles(**options: Any) -> Scene:
    """Core-shell particles of Co and Pt on a carbon film that ends in vacuum; no core is pure.

    Parameters
    ----------
    **options
        Fields of `ParticlesOptions`.
    """
    return simulate(ParticlesOptions(**options))


def columns(**options: Any) -> Scene:
    """Atomic columns of Co and Ru on Pt, which is nowhere pure.

    Parameters
    ----------
    **options
        Fields of `ColumnsOptions`.
    """
    return simulate(ColumnsOptions(**options))


def stack(**options: Any) -> Scene:
    """Four layers, C | BN | B2O3 | B4C, pure inside.

    Parameters
    ----------
    **options
        Fields of `StackOptions`.
    """
    return simulate(StackOptions(**options))


def gradient(**options: Any) -> Scene:
    """Blocks of Pt, Co and Ru on a thickness wedge, which bends the background.

    Parameters
    ----------
    **options
        Fields of `GradientOptions`.
    """
    return simulate(GradientOptions(**options))


def eds(**options: Any) -> Scene:
    """Grains of four minerals in an X-ray map with some 28 counts per pixel; one of them is rare.

    Parameters
    ----------
    **options
        Fields of `EDSOptions`.
    """
    return simulate(EDSOptions(**options))


def rare(**options: Any) -> Scene:
    """Blocks of Pt and Co, and Ru in 0.3 % of the pixels.

    Parameters
    ----------
    **options
        Fields of `RareOptions`.
    """
    return simulate(RareOptions(**options))


def drift(**options: Any) -> Scene:
    """Blocks of C, BN, B2O3 and B4C while the energy axis drifts.

    Parameters
    ----------
    **options
        Fields of `DriftOptions`.
    """
    return simulate(DriftOptions(**options))


def vacuum(**options: Any) -> Scene:
    """Blocks of Pt, Co and Ru with vacuum at one side and a hole.

    Parameters
    ----------
    **options
        Fields of `VacuumOptions`.
    """
    return simulate(VacuumOptions(**options))


def simulate(options: AnySceneOptions) -> Scene:
    """Make the scene that the options describe; the same options give the same counts."""
    make = _MAKERS.get(type(options))
    if make is None:
        raise InputError(
            f"simulate needs options of a scene ({', '.join(SCENES)}), not {type(options).__name__}"
        )
    return make(options)
