"""Whether the energy axis jumps at a scan line: by more than the features are wide it makes no derivative.

Two parts of the image then hold the same materials twice, at other energies. That takes up to twice the
components, and fewer where the spectra after the jump are shifted back.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.pca.score_maps import ScoreMaps
from eelsunmix.typing import Floats, Indices

LEAST_CHANNELS, FARTHEST_CHANNELS, FARTHEST_EV = 2, 40, 12.0
"""Jumps that are looked for: smaller ones make a derivative, as far as others different elements lie."""

BORDERS = 64
"""Scan lines after which a jump is looked for, at most."""

LEFT = 0.55
"""Part of the power beyond the components kept that is left, once a jump is undone; otherwise most of it."""

PARTS, ADDED = 12, 0.1
"""Parts of the range; part of that power that undoing a jump may add in some of them."""

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
        Power of the components that a jump adds, once it is undone, relative to that with the jump.
    """

    line: int
    channels: int
    left: float


def find_jump(pca: xr.Dataset, maps: ScoreMaps, noise: Noise) -> Jump | None:
    """Look for a line from which on all components are those before it, shifted in energy.

    Parameters
    ----------
    pca : Dataset
        From `denoise`.
    maps : ScoreMaps
        Of the PCA.
    noise : Noise
        The edge says which components stand out, without smooth factors of the spectrum.
    """
    rank, n_channels = min(noise.rank, maps.shape[-1]), pca["channel_weight"].size
    farthest = _farthest(pca, n_channels)
    if rank < 2 or farthest < LEAST_CHANNELS:
        return None
    gram = _gram_of_lines(maps.leading(rank))
    weight = pca["channel_weight"].to_numpy().astype(float)
    loadings = pca["loading"][:rank].to_numpy().astype(float)
    shifts = [sign * size for size in range(LEAST_CHANNELS, farthest + 1) for sign in (-1, 1)]
    found = [_best_border(gram, *_shifted(loadings, weight, shift), noise.edge) for shift in shifts]
    (left, border, kept), shift = min(zip(found, shifts, strict=True))
    if left > LEFT or not _returns(gram, *_shifted(loadings, weight, shift), border, kept):
        return None
    return Jump(line=border, channels=shift, left=left)


def _shifted(loadings: Floats, weight: Floats, shift: int) -> tuple[Floats, Floats]:
    """Give loadings (component, channel), and shifted ones, over the noise and without smooth factors."""
    n_channels, size = weight.size, abs(shift)
    kept = slice(size, n_channels - size)
    moved = np.roll(loadings, -shift, axis=1)[:, kept]
    smooth = _smooth(weight[kept])
    here, there = (_without(rows / weight[kept], smooth) for rows in (loadings[:, kept], moved))
    return here, there


def _farthest(pca: xr.Dataset, n_channels: int) -> int:
    limit = min(FARTHEST_CHANNELS, n_channels // 8)
    energy = pca["channel_weight"].dims[-1]
    if not limit or energy not in pca.coords or pca[energy].attrs.get("units") != "eV":
        return limit
    step = float(np.abs(np.diff(pca[energy].to_numpy())).mean())
    return min(limit, int(FARTHEST_EV / step))


def _gram_of_lines(maps: ScoreMaps) -> Floats:
    """Sum products of scores (border, component, component) up to each border; the last is of all."""
    products, n_pixels = [], 0
    for lines in maps.lines():
        n_pixels += int(np.isfinite(lines[..., 0]).sum())
        known = np.nan_to_num(lines)
        products.append(np.einsum("lxi,lxj->lij", known, known))
    summed: Floats = np.cumsum(np.concatenate(products), axis=0) / max(n_pixels, 1)
    return summed


def _best_border(gram: Floats, here: Floats, there: Floats, edge: float) -> tuple[float, int, int]:
    """Find what undoing a shift leaves at least, relative to before; the border; the components kept."""
    whole = _roots(gram[-1])
    # What leaves the range with the shift is gone from the image as a whole, too.
    before = np.minimum(*(np.linalg.eigvalsh(whole @ rows @ rows.T @ whole)[::-1] for rows in (here, there)))
    standing, borders = int(np.sum(before > edge)), _borders(len(gram))
    if standing < 2 or not borders.size:
        return np.inf, 0, 0
    first, second = _roots(gram[borders - 1]), _roots(gram[-1] - gram[borders - 1])
    across = first @ (here @ there.T) @ second
    joined = np.block(
        [
            [first @ (here @ here.T) @ first, across],
            [np.swapaxes(across, 1, 2), second @ (there @ there.T) @ second],
        ]
    )
    values = np.linalg.eigvalsh(joined)[:, ::-1]
    left = _tails(values)[:, 1:standing] / _tails(before)[1:standing]
    at, kept = np.unravel_index(int(left.argmin()), left.shape)
    return float(left[at, kept]), int(borders[at]), int(kept) + 1


def _returns(gram: Floats, here: Floats, there: Floats, border: int, kept: int) -> bool:
    """Whether undoing a shift adds nothing in any part of the range: an edge that stayed would be shifted."""
    first, second = _roots(gram[border - 1]), _roots(gram[-1] - gram[border - 1])
    with_jump, without = (_left_in_parts(np.vstack([first @ here, second @ b]), kept) for b in (here, there))
    added = np.maximum(without - with_jump, 0.0).sum()
    return bool(added < ADDED * with_jump.sum())


def _left_in_parts(rows: Floats, kept: int) -> Floats:
    """Power of all but the leading components of rows (row, channel), in parts of the range."""
    left, values, right = np.linalg.svd(rows, full_matrices=False)
    power = np.sum(((left[:, kept:] * values[kept:]) @ right[kept:]) ** 2, axis=0)
    return np.array([part.sum() for part in np.array_split(power, PARTS)])


def _tails(values: Floats) -> Floats:
    """Sum all values (..., index) from each one on."""
    tails: Floats = np.cumsum(values[..., ::-1], axis=-1)[..., ::-1]
    return tails


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
