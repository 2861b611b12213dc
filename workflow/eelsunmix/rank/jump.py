"""Whether the energy axis jumps at a scan line: by more than the features are wide it makes no derivative.

Two parts of the image then hold the same materials twice, at other energies. That takes up to twice the
components, and fewer where the spectra after the jump are shifted back.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.typing import Floats, Indices

FARTHEST_EV, FARTHEST_CHANNELS = 12.0, 40
"""Jump that is looked for; edges of different elements lie farther from each other."""

BORDERS = 64
"""Scan lines after which a jump is looked for, at most."""

LEFT = 0.3
"""Part of the power of the last component that is left once a jump is undone; otherwise most of it."""

SMOOTH_DEGREE = 3
"""Of what is left out: a slope that differs looks like a background that is shifted."""


@dataclass(frozen=True, kw_only=True)
class Jump:
    """A jump of the energy axis between two scan lines.

    Parameters
    ----------
    line : int
        The first one after it, counted through all frames.
    channels : int
        By which features lie higher after it.
    left : float
        Power of the last component that is left, relative to that with the jump.
    """

    line: int
    channels: int
    left: float


def find_jump(pca: xr.Dataset, maps: Floats, noise: Noise) -> Jump | None:
    """Look for a line from which on all components are those before it, shifted in energy.

    Parameters
    ----------
    pca : Dataset
        From `denoise`.
    maps : ndarray, shape (frame, y, x, component)
        Scores of a brightness of one, NaN where invalid.
    noise : Noise
        The edge says which components stand out, without smooth factors of the spectrum.
    """
    rank, n_channels = min(noise.rank, maps.shape[-1]), pca["channel_weight"].size
    farthest = _farthest(pca, n_channels)
    if rank < 2 or farthest < 1:
        return None
    gram = _gram_of_lines(maps[..., :rank])
    weight = pca["channel_weight"].to_numpy().astype(float)
    loadings = pca["loading"][:rank].to_numpy().astype(float)
    found = [
        _best_border(gram, _Shifted.of(loadings, weight, shift), shift, noise.edge)
        for size in range(1, farthest + 1)
        for shift in (-size, size)
    ]
    best = min((jump for jump in found if jump), key=lambda jump: jump.left, default=None)
    return best if best and best.left < LEFT else None


def jump_warnings(pca: xr.Dataset, maps: Floats, noise: Noise) -> list[str]:
    """Say where the energy axis jumps, and what to do about it."""
    jump = find_jump(pca, maps, noise)
    if jump is None:
        return []
    energy = pca["channel_weight"].dims[-1]
    n_lines = maps.shape[1]
    frame = f" of frame {jump.line // n_lines}" if maps.shape[0] > 1 else ""
    where = f"scan line {jump.line % n_lines}{frame} (counted from 0)"
    size = f"{abs(jump.channels)} channel{'s' * (abs(jump.channels) > 1)}"
    if energy in pca["channel_weight"].coords:
        axis = pca[energy]
        step = abs(jump.channels) * float(np.abs(np.diff(axis.to_numpy())).mean())
        size += f" ({step:.3g} {axis.attrs.get('units', '')})"
    return [
        f"The energy axis jumps by about {size} at {where}: the spectra from there on are those before, "
        "shifted (or the one edge in the range shifts chemically). That makes components that are no "
        "material. Align the spectra on an edge that all pixels have (corrections.align, with max_shift_eV "
        "above the jump); without one, unmix the two parts as images of their own."
    ]


@dataclass(frozen=True, kw_only=True)
class _Shifted:
    """Products (component, component) of loadings with each other, with shifted ones, and of these."""

    here: Floats
    across: Floats
    there: Floats

    @classmethod
    def of(cls, loadings: Floats, weight: Floats, shift: int) -> "_Shifted":
        n_channels, size = weight.size, abs(shift)
        kept = slice(size, n_channels - size)
        moved = np.roll(loadings, -shift, axis=1)[:, kept]
        smooth = _smooth(weight[kept])
        here, there = (_without(rows / weight[kept], smooth) for rows in (loadings[:, kept], moved))
        return cls(here=here @ here.T, across=here @ there.T, there=there @ there.T)


def _farthest(pca: xr.Dataset, n_channels: int) -> int:
    limit = min(FARTHEST_CHANNELS, n_channels // 8)
    energy = pca["channel_weight"].dims[-1]
    if energy not in pca.coords or pca[energy].attrs.get("units") != "eV":
        return limit
    step = float(np.abs(np.diff(pca[energy].to_numpy())).mean())
    return min(limit, int(FARTHEST_EV / step))


def _gram_of_lines(maps: Floats) -> Floats:
    """Sum products of scores (border, component, component) up to each border; the last is of all."""
    lines = np.nan_to_num(maps.reshape(-1, *maps.shape[2:]))
    n_pixels = max(int(np.isfinite(maps[..., 0]).sum()), 1)
    summed: Floats = np.cumsum(np.einsum("lxi,lxj->lij", lines, lines), axis=0) / n_pixels
    return summed


def _best_border(gram: Floats, shifted: _Shifted, shift: int, edge: float) -> Jump | None:
    """Find the line after which undoing a shift leaves least of the last component."""
    before = np.linalg.eigvalsh(_roots(gram[-1:]) @ shifted.here @ _roots(gram[-1:]))[0]
    standing = int(np.sum(before > edge))
    borders = _borders(len(gram))
    if standing < 2 or not borders.size:
        return None
    first, second = _roots(gram[borders - 1]), _roots(gram[-1] - gram[borders - 1])
    across = first @ shifted.across @ second
    joined = np.block(
        [
            [first @ shifted.here @ first, across],
            [np.swapaxes(across, 1, 2), second @ shifted.there @ second],
        ]
    )
    values = np.linalg.eigvalsh(joined)[:, ::-1]
    left = values[:, standing - 1 :].sum(axis=1) / before[::-1][standing - 1 :].sum()
    best = int(left.argmin())
    return Jump(line=int(borders[best]), channels=shift, left=float(left[best]))


def _borders(n_lines: int) -> Indices:
    """First lines after a jump, with two lines at least on either side."""
    places = np.arange(2, n_lines - 1)
    chosen: Indices = places[:: max(1, -(-len(places) // BORDERS))]
    return chosen


def _roots(matrices: Floats) -> Floats:
    """Symmetric square roots of positive matrices (..., n, n)."""
    values, vectors = np.linalg.eigh(matrices)
    scaled = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
    roots: Floats = scaled @ np.swapaxes(vectors, -1, -2)
    return roots


def _smooth(weight: Floats) -> Floats:
    """Basis (channel, factor) of a smooth spectrum times polynomials, in units of the weight."""
    place = np.linspace(-1.0, 1.0, weight.size)
    level = np.exp(np.polynomial.Polynomial.fit(place, np.log(weight**2), SMOOTH_DEGREE)(place))
    factors = place[None] ** np.arange(SMOOTH_DEGREE + 1)[:, None]
    basis: Floats = np.linalg.qr((level / weight * factors).T)[0]
    return basis


def _without(rows: Floats, basis: Floats) -> Floats:
    left: Floats = rows - (rows @ basis) @ basis.T
    return left
