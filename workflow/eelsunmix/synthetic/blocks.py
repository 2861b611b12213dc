"""Scenes of blocks with one difficulty each: a thickness wedge, a rare phase, energy drift, holes."""

import dataclasses

import numpy as np

from eelsunmix.options import NotNegative, Positive
from eelsunmix.synthetic.chequer import AXES, EDGES_OF, ENDMEMBERS, ChequerboardOptions, mixed_blocks
from eelsunmix.synthetic.edges import SCENE_EDGES
from eelsunmix.synthetic.lamella import thickness_nodes, weights_of_nodes
from eelsunmix.synthetic.mixture import Fraction, Mixture, SceneOptions, scene_of
from eelsunmix.synthetic.scene import Scene, energy_axis
from eelsunmix.synthetic.spectra import pixel_spectrum

THICKNESS_NM = 30.0
DRIFT_AXIS = (400, 150.0, 1.0)


class GradientOptions(SceneOptions):
    """Options of the thickness wedge: blocks of Pt, Co and Ru, whose background bends with the thickness.

    Parameters
    ----------
    wedge : float
        Range of the thickness over the image, relative to its mean.
    """

    wedge: Fraction = 0.8


class RareOptions(SceneOptions):
    """Options of the rare phase: blocks of Pt and Co, and one inclusion of Ru.

    Parameters
    ----------
    rare_fraction : float
        Part of the pixels that the inclusion has.
    """

    rare_fraction: Fraction = 0.003


class DriftOptions(SceneOptions):
    """Options of the energy drift: blocks of C, BN, B2O3 and B4C, and an energy axis that moves.

    Parameters
    ----------
    drift_eV : float
        How far the spectra move from the first scan line to the last.
    """

    drift_eV: Positive = 1.0


class VacuumOptions(SceneOptions):
    """Options of the holes: blocks of Pt, Co and Ru with vacuum at one side and a round hole.

    Parameters
    ----------
    vacuum : float
        Part of the columns, on the left, that are vacuum.
    hole : float
        Radius of the hole, relative to the shorter side.
    dark_counts : float
        Expected counts in every channel of every pixel that no electron has made.
    """

    vacuum: Fraction = 0.15
    hole: Fraction = 0.15
    dark_counts: NotNegative = 0.02


def simulate_gradient(options: GradientOptions) -> Scene:
    """Make the scene that the options describe (`eelsunmix.synthetic.gradient`)."""
    geometry_rng, noise_rng = options.generators()
    plain = _blocks("ru3", options, geometry_rng)
    rows, columns = options.shape
    ramp = np.linspace(-0.4, 0.4, columns)[None] + np.linspace(-0.1, 0.1, rows)[:, None]
    brightness = 1 + options.wedge * ramp
    nodes = thickness_nodes(THICKNESS_NM * brightness)
    energy = plain.energy.to_numpy()
    library = np.stack(
        [[pixel_spectrum(name, energy, thickness_nm=node) for node in nodes] for name in plain.names]
    )
    of_nodes = weights_of_nodes(nodes, THICKNESS_NM * brightness.ravel()).reshape(rows, columns, -1)
    expected = np.einsum("yxm,yxn,mnc->yxc", plain.abundance, of_nodes, library, optimize=True)
    return scene_of(
        "gradient", options, dataclasses.replace(plain, brightness=brightness, expected=expected), noise_rng
    )


def simulate_rare(options: RareOptions) -> Scene:
    """Make the scene that the options describe (`eelsunmix.synthetic.rare`)."""
    geometry_rng, noise_rng = options.generators()
    plain = _blocks("ru3", options, geometry_rng, n_mixed=2)
    rows, columns = options.shape
    middle = geometry_rng.uniform((0, 0), (rows - 1, columns - 1))
    square = (np.arange(rows)[:, None] - middle[0]) ** 2 + (np.arange(columns)[None] - middle[1]) ** 2
    number = max(1, round(options.rare_fraction * rows * columns))
    nearest = np.unravel_index(np.argsort(square, axis=None, kind="stable")[:number], square.shape)
    abundance = plain.abundance.copy()
    abundance[nearest] = (0.0, 0.0, 1.0)
    return scene_of("rare", options, dataclasses.replace(plain, abundance=abundance), noise_rng)


def simulate_drift(options: DriftOptions) -> Scene:
    """Make the scene that the options describe (`eelsunmix.synthetic.drift`)."""
    geometry_rng, noise_rng = options.generators()
    plain = _blocks("k4", options, geometry_rng, axis=DRIFT_AXIS)
    shifts = options.drift_eV * np.linspace(-0.5, 0.5, options.shape[0])
    energy = plain.energy.to_numpy()
    of_rows = np.stack([[pixel_spectrum(name, energy - shift) for name in plain.names] for shift in shifts])
    expected = np.einsum("yxm,ymc->yxc", plain.abundance, of_rows, optimize=True)
    return scene_of("drift", options, dataclasses.replace(plain, expected=expected), noise_rng)


def simulate_vacuum(options: VacuumOptions) -> Scene:
    """Make the scene that the options describe (`eelsunmix.synthetic.vacuum`)."""
    geometry_rng, noise_rng = options.generators()
    plain = _blocks("ru3", options, geometry_rng)
    rows, columns = options.shape
    middle = geometry_rng.uniform((0.3 * rows, 0.5 * columns), (0.7 * rows, 0.8 * columns))
    square = (np.arange(rows)[:, None] - middle[0]) ** 2 + (np.arange(columns)[None] - middle[1]) ** 2
    there = (square > (options.hole * min(rows, columns)) ** 2) & (
        np.arange(columns) >= options.vacuum * columns
    )
    mixture = dataclasses.replace(
        plain, abundance=plain.abundance * there[..., None], brightness=there.astype(float)
    )
    return scene_of("vacuum", options, mixture, noise_rng, dark_counts=options.dark_counts)


def _blocks(
    endmembers: str,
    options: SceneOptions,
    rng: np.random.Generator,
    *,
    n_mixed: int | None = None,
    axis: tuple[int, float, float] | None = None,
) -> Mixture:
    """Blocks of the first `n_mixed` materials, mixed as on the chequerboard of the paper."""
    names = ENDMEMBERS[endmembers]
    energy = energy_axis(*(axis or AXES[endmembers]))
    board = ChequerboardOptions(size=options.shape, block=max(2, min(options.shape) // 8))
    blocks = mixed_blocks(board, n_mixed or len(names), rng)
    unused = len(names) - blocks.shape[-1]
    return Mixture(
        names=names,
        energy=energy,
        spectra=np.stack([pixel_spectrum(name, energy.to_numpy()) for name in names]),
        abundance=np.pad(blocks, ((0, 0), (0, 0), (0, unused))),
        edges={
            name: SCENE_EDGES[name]
            for name in EDGES_OF[endmembers]
            if SCENE_EDGES[name].integrate_eV[1] <= energy[-1]
        },
    )
