"""Core-shell particles on a film that ends within the image: no core is pure, and beside it is vacuum."""

from typing import Annotated

import numpy as np
import scipy
from pydantic import Field

from eelsunmix.options import NotNegative, Positive
from eelsunmix.synthetic.chequer import AXES
from eelsunmix.synthetic.edges import SCENE_EDGES
from eelsunmix.synthetic.mixture import Fraction, Mixture, SceneOptions, scene_of, shares_and_brightness
from eelsunmix.synthetic.scene import Scene, energy_axis
from eelsunmix.synthetic.spectra import pixel_spectrum
from eelsunmix.typing import Floats

NOMINAL_NM = 30.0


class ParticlesOptions(SceneOptions):
    """Options of the core-shell particles.

    Parameters
    ----------
    n_particles : int
        Spheres of Co in shells of Pt.
    radius_nm : float
        Mean outer radius.
    film_nm : float
        Thickness of the carbon film.
    vacuum : float
        Part of the columns, on the left, in which there is no film.
    dark_counts : float
        Expected counts in every channel of every pixel that no electron has made.
    """

    n_particles: Annotated[int, Field(ge=1)] = 6
    radius_nm: Positive = 4.5
    film_nm: Positive = 15.0
    vacuum: Fraction = 0.25
    dark_counts: NotNegative = 0.02


def simulate_particles(options: ParticlesOptions) -> Scene:
    """Make the scene that the options describe (`eelsunmix.synthetic.particles`)."""
    geometry_rng, noise_rng = options.generators()
    names = ("C", "Pt", "Co")
    energy = energy_axis(*AXES["ru3"])
    spectra = np.stack([pixel_spectrum(name, energy.to_numpy(), thickness_nm=NOMINAL_NM) for name in names])
    abundance, brightness = shares_and_brightness(_thicknesses(options, geometry_rng) / NOMINAL_NM)
    mixture = Mixture(
        names=names,
        energy=energy,
        spectra=spectra,
        abundance=abundance,
        brightness=brightness,
        edges={edge: SCENE_EDGES[edge] for edge in ("C_K", "Co_L23")},
    )
    return scene_of("particles", options, mixture, noise_rng, dark_counts=options.dark_counts)


def _thicknesses(options: ParticlesOptions, rng: np.random.Generator) -> Floats:
    """Thickness of C, Pt and Co along the beam in nm, blurred by the probe, shape (y, x, 3)."""
    rows, columns = (options.pixel_nm * np.arange(size) for size in options.shape)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    rim = options.vacuum * columns[-1]
    film = np.where(x >= rim, options.film_nm, 0.0)
    shell, core = np.zeros_like(film), np.zeros_like(film)
    for _ in range(options.n_particles):
        outer = options.radius_nm * rng.uniform(0.75, 1.25)
        inner = outer * rng.uniform(0.6, 0.75)
        middle = rng.uniform((0.0, rim), (rows[-1], columns[-1]))
        whole, inside = (_chord(y - middle[0], x - middle[1], radius) for radius in (outer, inner))
        new = whole > shell + core  # the particle in front hides none: it lies where there is none yet
        shell, core = np.where(new, whole - inside, shell), np.where(new, inside, core)
    stacked = np.stack([film, shell, core], axis=-1)
    blurred = scipy.ndimage.gaussian_filter(stacked, (0.6, 0.6, 0.0), mode="nearest", truncate=2.5)
    return np.where(blurred > 1e-3, blurred, 0.0)


def _chord(y: Floats, x: Floats, radius: float) -> Floats:
    """Length of the beam's way through a sphere."""
    return 2 * np.sqrt(np.clip(radius**2 - y**2 - x**2, 0.0, None))
