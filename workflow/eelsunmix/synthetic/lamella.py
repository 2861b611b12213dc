"""Where the materials of the multilayer are, how thick the lamella is, and what a pixel scatters."""

import numpy as np
import scipy

from eelsunmix.synthetic.layers import MultilayerOptions
from eelsunmix.synthetic.spectra import pixel_spectrum

STACK = ("Pt", "Co", "Ru")
FINE_NM = 0.01
THICKNESS_NODES = 5
BLOB_NM = 1.0
"""Step of the line where fractions are drawn; thicknesses in the library; size of hills and patches."""


def layer_fractions(options: MultilayerOptions, rng: np.random.Generator) -> np.ndarray:
    """Fractions of Pt, Co, Ru in each pixel, shape (y, x, 3), sum 1.

    Part of the Ru has changed places with Co: the Ru layer keeps ``1 - diffused_fraction`` of its Ru, and
    what it lost lies in the Co as an exponential tail. Pt and Ru meet sharply: the profile is asymmetric.
    """
    position = np.arange(-4.0, options.shape[1] * options.pixel_nm + 4.0, FINE_NM)
    fine = _fractions_on_line(options, position)
    fine = scipy.ndimage.gaussian_filter1d(fine, options.probe_sd_nm / FINE_NM, axis=0, mode="nearest")
    fine = np.clip(fine, 0, None) / fine.sum(axis=1, keepdims=True)
    shift = _smooth(rng.standard_normal(options.shape[0]), BLOB_NM / options.pixel_nm) * options.roughness_nm
    pixels = options.pixel_nm * np.arange(options.shape[1])
    where = pixels[None, :] - np.clip(shift, -2.0, 2.0)[:, None]
    return np.stack([np.interp(where, position, column) for column in fine.T], axis=-1)


def expected_intensity(
    options: MultilayerOptions, abundance: np.ndarray, energy_ev: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Scattered intensity of every pixel per incident electron, float32, shape (y, x, channel).

    The spectrum of each material depends on the local thickness through plural scattering. It is computed
    at a few thicknesses and interpolated by the polynomial through them (relative error below 1e-6).
    """
    thickness, current, carbon = beam_and_lamella(options, rng)
    nodes = thickness_nodes(thickness)
    library = np.stack(
        [[pixel_spectrum(name, energy_ev, thickness_nm=node) for node in nodes] for name in STACK]
    ).reshape(-1, len(energy_ev))
    carbon_spectrum = pixel_spectrum("C", energy_ev, thickness_nm=1.0)
    expected = np.empty((*options.shape, len(energy_ev)), dtype=np.float32)
    for row, fraction, height, beam, film in zip(
        expected, abundance, thickness, current, carbon, strict=True
    ):
        weights = fraction[:, :, None] * weights_of_nodes(nodes, height)[:, None, :]
        spectra = weights.reshape(len(fraction), -1) @ library + film[:, None] * carbon_spectrum
        row[...] = beam[:, None] * spectra
    return expected


def beam_and_lamella(
    options: MultilayerOptions, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thickness in nm, relative beam current and carbon thickness in nm of each pixel.

    The thickness is a wedge across the diagonal with smooth hills on it; the current drifts slowly in the
    order of the scan; carbon grows during the scan, in patches.
    """
    rows, columns = options.shape
    wedge, drift, film = (
        float(getattr(options, key)) for key in ("wedge", "current_drift", "contamination_nm")
    )
    ramp = np.linspace(-0.4, 0.4, columns)[None, :] + np.linspace(-0.1, 0.1, rows)[:, None]
    smoothing = BLOB_NM / options.pixel_nm
    hills, patches = (_smooth(rng.standard_normal((rows, columns)), smoothing) for _ in range(2))
    thickness = options.thickness_nm * (1 + wedge * ramp + 0.05 * wedge * np.clip(hills, -3, 3))
    scan = _smooth(rng.standard_normal(rows * columns), rows * columns / 10).reshape(rows, columns)
    growth = np.linspace(0.5, 1.5, rows)[:, None] * np.clip(1 + 0.3 * patches, 0, None)
    return thickness, 1 + drift * np.clip(scan, -3, 3), film * growth


def channel_gain(options: MultilayerOptions, rng: np.random.Generator) -> np.ndarray:
    """Factor of each channel: normal around 1, and 0 in the dead channels (never the outermost ones)."""
    gain = np.clip(1 + options.gain_sd * rng.standard_normal(options.n_channels), 0.05, None)
    n_dead = min(options.n_dead, max(options.n_channels - 2, 0))
    gain[1 + rng.choice(max(options.n_channels - 2, 1), size=n_dead, replace=False)] = 0.0
    return gain


def _fractions_on_line(options: MultilayerOptions, position: np.ndarray) -> np.ndarray:
    first, second = options.left_nm, options.left_nm + options.co_nm
    third = second + options.ru_nm
    in_co = (position >= first) & (position < second)
    in_ru = (position >= second) & (position < third)
    tail = np.where(in_co, np.exp((position - second) / options.diffusion_nm), 0.0)
    tail *= options.diffused_fraction * in_ru.sum() / tail.sum()
    ru = in_ru * (1 - options.diffused_fraction) + np.clip(tail, 0, 1)
    co = np.clip(in_co + in_ru - ru, 0, None)
    pt = 1.0 - in_co - in_ru
    return np.stack([pt, co, ru], axis=1)


def thickness_nodes(thickness: np.ndarray) -> np.ndarray:
    """Return the few thicknesses at which spectra are computed: Chebyshev nodes of the range."""
    if np.ptp(thickness) == 0:
        return thickness.ravel()[:1]
    angles = (np.arange(THICKNESS_NODES) + 0.5) * np.pi / THICKNESS_NODES
    middle, half = (thickness.max() + thickness.min()) / 2, (thickness.max() - thickness.min()) / 2
    return middle - half * np.cos(angles)


def weights_of_nodes(nodes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weights of the polynomial through the nodes, shape (value, node)."""
    columns = []
    for index, node in enumerate(nodes):
        others = np.delete(nodes, index)
        columns.append(np.prod((values[:, None] - others) / (node - others), axis=1))
    return np.stack(columns, axis=1)


def _smooth(noise: np.ndarray, sd_pixels: float) -> np.ndarray:
    """Smooth random field with mean 0 and standard deviation 1 (zeros where it has no variation)."""
    field = scipy.ndimage.gaussian_filter(noise, sd_pixels, mode="reflect")
    field -= field.mean()
    spread = field.std()
    return field / spread if spread > 0 else field
