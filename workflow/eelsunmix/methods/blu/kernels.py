"""Compiled kernels of the Gibbs sampler: random numbers, truncated normals, sweeps over pixels and vertices.

Only imported inside functions, because it needs numba.  All in one file: numba keeps compiled code on disk,
and looks at the time stamp of the function's own file only: an edit in another one would go unseen.
"""

import logging
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, uint64

from eelsunmix.methods.blu.cache import kept_on_disk
from eelsunmix.typing import Floats

logger = logging.getLogger(__name__)


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile without the lock of the interpreter; keep the result on disk where a place can be found."""
    options |= {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}

    def decorate(function: Callable[..., Any]) -> Any:
        return _kept_if_possible(kept_on_disk(njit(**options)(function)))

    return decorate


def _kept_if_possible(kernel: Any) -> Any:
    """Let a full disk cost the next start a compilation, and not this one its result."""
    keep = kernel._cache.save_overload

    def keep_or_go_on(*arguments: Any) -> None:
        try:
            keep(*arguments)
        except OSError as error:
            logger.warning("a compiled kernel cannot be kept on disk, so it is compiled again: %s", error)

    kernel._cache.save_overload = keep_or_go_on
    return kernel


_NORMAL = 1.0 / math.sqrt(2.0 * math.pi)
_ROOT_HALF = math.sqrt(0.5)
_FAR = 30.0
"""Beyond so many standard deviations the tail of the normal is sampled by its asymptotic form."""
_SURE = 8.3
"""Up to so many, the nearer end of an interval is looked up in tables."""
_TABLE_END = 12.0
"""Of the tail beyond _SURE standard deviations (1e-17), no part in 1e16 is beyond these."""
_LANES = 256
"""Pixels that are drawn side by side, in loops without branches that are compiled to vector instructions;
always so many, since a rest would be compiled, and rounded, differently."""
_NODES_PER_UNIT = 64


def _taylor_of_the_tail() -> np.ndarray:
    """Coefficients of the upper tail's Taylor series at evenly spaced nodes, shape (node, power).

    The derivatives of the normal density are Hermite polynomials times the density.
    """
    x = np.arange(int(_TABLE_END * _NODES_PER_UNIT) + 2) / _NODES_PER_UNIT
    density = np.exp(-0.5 * x * x) * _NORMAL
    rows = [np.array([0.5 * math.erfc(value * _ROOT_HALF) for value in x])]
    for power in range(1, 8):
        hermite = np.polynomial.hermite_e.hermeval(x, np.eye(power)[-1])
        rows.append((-1) ** power * hermite * density / math.factorial(power))
    return np.ascontiguousarray(np.stack(rows, axis=1))


TAYLOR = _taylor_of_the_tail()

_OCTAVES, _PARTS, _DEGREE = 64, 16, 6
"""Pieces of the quantile: parts of the intervals between powers of two; the degree of each polynomial."""
_SMALL = 0.5**_OCTAVES


def _quantile_polynomials() -> Floats:
    """Coefficients of polynomials for the quantile of the upper tail, shape (part of an octave, power)."""
    from scipy.special import ndtri

    half = 0.5 / _PARTS
    nodes = half * np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))
    middles = 1.0 + (2 * np.arange(_PARTS) + 1) * half
    scale = 0.5 ** np.arange(1, _OCTAVES + 1)
    values = -ndtri(scale[:, None, None] * 0.5 * (middles[:, None] + nodes))
    powers = np.vander(nodes, increasing=True)
    found = np.linalg.solve(powers, values.reshape(-1, len(nodes)).T).T
    return np.ascontiguousarray(found)


QUANTILE = _quantile_polynomials()


@compiled(inline="always")
def philox(key: int, sweep: int, pixel: int, draw: int) -> tuple[Any, Any]:
    """Two random words of 64 bits that depend on nothing but the key and the counter.

    References
    ----------
    .. [1] Salmon et al., Proc. SC11 (2011), Philox-4x32 with ten rounds.
    """
    mask = uint64(0xFFFFFFFF)
    c0, c1, c2, c3 = uint64(sweep), uint64(pixel), uint64(draw), uint64(0)
    k0, k1 = uint64(key) & mask, uint64(key) >> uint64(32)
    for _ in range(10):
        first, second = uint64(0xD2511F53) * c0, uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (
            (second >> uint64(32)) ^ c1 ^ k0,
            second & mask,
            (first >> uint64(32)) ^ c3 ^ k1,
            first & mask,
        )
        k0, k1 = (k0 + uint64(0x9E3779B9)) & mask, (k1 + uint64(0xBB67AE85)) & mask
    return (c0 << uint64(32)) | c1, (c2 << uint64(32)) | c3


@compiled(inline="always")
def uniform(word: Any) -> float:
    """Turn a random word into a number in (0, 1), never one of its ends."""
    return (float(word >> uint64(12)) + 0.5) * (1.0 / 4503599627370496.0)


@compiled(inline="always")
def _near_quantile(p: float) -> Any:
    """Value that a standard normal exceeds with probability p, by `QUANTILE`; p is above 2**-_OCTAVES."""
    small = min(p, 1.0 - p)
    bits = np.float64(small).view(np.uint64)
    octave: Any = 1021 - np.int64(bits >> uint64(52))
    part = np.int64((bits >> uint64(48)) & uint64(15))
    mantissa = np.uint64((bits & uint64(0xFFFFFFFFFFFFF)) | uint64(0x3FF0000000000000)).view(np.float64)
    t = mantissa - (1.0 + (2 * part + 1) * (0.5 / _PARTS))
    row = min(max(octave, 0), _OCTAVES - 1) * _PARTS + part
    c0, c1, c2, c3 = QUANTILE[row, 0], QUANTILE[row, 1], QUANTILE[row, 2], QUANTILE[row, 3]
    c4, c5, c6 = QUANTILE[row, 4], QUANTILE[row, 5], QUANTILE[row, 6]
    # In pairs: shorter chains of operations that wait for each other than Horner's rule has.
    square = t * t
    low, high = c0 + c1 * t + (c2 + c3 * t) * square, c4 + c5 * t + c6 * square
    x = low + high * (square * square) if octave >= 0 else 0.0
    return x if p < 0.5 else -x


@compiled()
def upper_quantile(p: float) -> Any:
    """Value that a standard normal exceeds with probability p, which may be as small as 1e-300."""
    if p > _SMALL:
        return _near_quantile(p)
    x = math.sqrt(-2.0 * math.log(p))
    for _ in range(8):
        # Newton's method on the logarithm of the tail.
        tail = 0.5 * math.erfc(x * _ROOT_HALF)
        x += math.log(tail / p) * tail / (_NORMAL * math.exp(-0.5 * x * x))
    return x


@compiled(inline="always")
def tail_and_density(x: float) -> tuple[Any, Any]:
    """Probability that a standard normal exceeds x, and its density, by `TAYLOR`; beyond, as at its end."""
    size = min(abs(x), _TABLE_END)
    node = np.int64(size * _NODES_PER_UNIT + 0.5)
    t = size - node * (1.0 / _NODES_PER_UNIT)
    c0, c1, c2, c3 = TAYLOR[node, 0], TAYLOR[node, 1], TAYLOR[node, 2], TAYLOR[node, 3]
    c4, c5, c6, c7 = TAYLOR[node, 4], TAYLOR[node, 5], TAYLOR[node, 6], TAYLOR[node, 7]
    square = t * t
    low, high = c0 + c1 * t + (c2 + c3 * t) * square, c4 + c5 * t + (c6 + c7 * t) * square
    above = low + high * (square * square)
    low, high = c1 + 2 * c2 * t + (3 * c3 + 4 * c4 * t) * square, 5 * c5 + 6 * c6 * t + 7 * c7 * square
    return above if x > 0.0 else 1.0 - above, -(low + high * (square * square))


@compiled(inline="always")
def mirrored(low: float, high: float) -> tuple[Any, Any, Any]:
    """Turn an interval so that its middle is above zero; also the sign that turns it back."""
    turned = low + high < 0.0
    return -high if turned else low, -low if turned else high, -1.0 if turned else 1.0


@compiled(inline="always")
def _looked_up(low: float, high: float, at_low: float, at_high: float, u: float) -> Any:
    """Do what `drawn` does, without a branch; NaN where the tables do not reach."""
    least, most, sign = mirrored(low, high)
    above, first = tail_and_density(least)
    beyond, last = tail_and_density(most)
    none = at_low * (first if sign > 0.0 else last)
    full = at_high * (last if sign > 0.0 else first)
    both = above - beyond
    left = (u * (none + full + both) - none) / both
    share = min(max(0.5 + sign * (left - 0.5), 0.0), 1.0)
    p = above - share * both
    x = min(max(sign * _near_quantile(p), low), high)
    x = low if left <= 0.0 else x
    x = high if left >= 1.0 else x
    reached = (least < _SURE) & (above > beyond) & (p > _SMALL)
    return x if reached else np.nan


@compiled()
def _worked_out(low: float, high: float, at_low: float, at_high: float, u: float) -> Any:
    """Do what `drawn` does for any interval.

    Beyond `_FAR` standard deviations the density is replaced by ``x exp(-x^2 / 2)``, which differs from it by
    less than 1/900 of the width of the tail, and its integral by Mills' ratio to second order (4e-6).
    """
    least, most, sign = mirrored(low, high)
    exponent = 0.5 * (least * least - most * most)
    above, beyond = 0.5 * math.erfc(least * _ROOT_HALF), 0.5 * math.erfc(most * _ROOT_HALF)
    if least > _FAR:
        first, mass = 1.0, -math.expm1(exponent) * (1.0 - 1.0 / (least * least)) / least
    else:
        first = _NORMAL * math.exp(-0.5 * least * least)
        mass = above - beyond if above > beyond else first * (most - least)
    last = first * math.exp(exponent)
    none, full = (at_low * first, at_high * last) if sign > 0.0 else (at_low * last, at_high * first)
    u = u * (none + full + mass) - none
    if u <= 0.0:
        return low
    if u >= mass:
        return high
    share = 0.5 + sign * (u / mass - 0.5)
    if least > _FAR:
        x = math.sqrt(least * least - 2.0 * math.log1p(share * math.expm1(exponent)))
    elif above > beyond:
        x = upper_quantile(above - share * (above - beyond))
    else:
        x = least + share * (most - least)
    return min(max(sign * x, low), high)


@compiled(inline="always")
def drawn(low: float, high: float, at_low: float, at_high: float, u: float) -> Any:
    """Turn a uniform number into one from low to high, which may be one of these ends.

    Between them the density is the standard normal one, up to a factor; times ``at_low`` and ``at_high`` it
    is the mass at the ends.  The inverse of this distribution is taken: being continuous in all arguments, it
    does not amplify rounding errors, as rejection would.
    """
    x = _looked_up(low, high, at_low, at_high, u)
    return _worked_out(low, high, at_low, at_high, u) if math.isnan(x) else x


@compiled()
def sweep_abundances(
    key: int,
    sweep: int,
    first_pixel: int,
    reference: int,
    n_passes: int,
    points: Floats,
    deviation: Floats,
    vertices: Floats,
    faces: Floats,
    a: Floats,
) -> None:
    """Draw the abundances of some pixels anew, given the vertices; in place.

    One coordinate after the other is drawn together with the reference, whose sum stays.  With `faces`
    empty the prior is uniform on the simplex; else it is a mixture of uniform distributions on its faces, of
    probability ``faces[bits of the face]`` each.

    Parameters
    ----------
    key, sweep, first_pixel : int
        Key and counters of the random numbers; the pixels count from `first_pixel`, or all are given the same
        numbers where it is -1.
    reference : int
        The endmember that takes up what the others give.
    points : ndarray, shape (pixel, dimension)
    deviation : ndarray, shape (pixel,)
        Standard deviation of the noise in each dimension.
    vertices : ndarray, shape (endmember, dimension)
    a : ndarray, shape (pixel, endmember)
    """
    edges, densities = vertices - vertices[reference], _face_densities(faces)
    words = np.empty((2, _LANES), np.uint64)
    misfit, shares = np.empty((points.shape[1], _LANES)), np.empty((a.shape[1], _LANES))
    sd, work = np.empty(_LANES), np.empty((5, _LANES))
    for first in range(0, len(points), _LANES):
        _load(first, points, deviation, vertices, a, misfit, sd, shares)
        for draw in range(n_passes * (len(edges) - 1)):
            r = draw % (len(edges) - 1)
            r += 1 if r >= reference else 0
            if draw % 2 == 0:
                _fill_words(key, sweep, first_pixel + first if first_pixel >= 0 else -1, draw // 2, words)
            length = math.sqrt(max(np.sum(edges[r] * edges[r]), 1e-300))
            _weigh_faces(densities, shares, r, reference, work)
            _find_intervals(misfit, edges[r], length, sd, shares, r, reference, work)
            _draw_lanes(words[draw % 2], work)
            _move(misfit, edges[r], length, sd, shares, r, reference, work)
        last = min(first + _LANES, len(points))
        a[first:last] = shares[:, : last - first].T


@compiled()
def _fill_words(key: int, sweep: int, first_pixel: int, draw: int, words: Any) -> None:
    """Two random words for each lane."""
    for lane in range(_LANES):
        words[0, lane], words[1, lane] = philox(
            key, sweep, first_pixel + lane if first_pixel >= 0 else 0, draw
        )


@compiled()
def _load(
    first: int,
    points: Floats,
    deviation: Floats,
    vertices: Floats,
    a: Floats,
    misfit: Floats,
    sd: Floats,
    shares: Floats,
) -> None:
    """Fill the lanes with pixels, the last one repeated; the misfit is what the abundances leave of them."""
    for lane in range(_LANES):
        pixel = min(first + lane, len(points) - 1)
        sd[lane] = deviation[pixel]
        for r in range(len(vertices)):
            shares[r, lane] = a[pixel, r]
        for k in range(len(misfit)):
            left = points[pixel, k]
            for r in range(len(vertices)):
                left -= a[pixel, r] * vertices[r, k]
            misfit[k, lane] = left


@compiled()
def _face_densities(faces: Floats) -> Any:
    """Prior density on each face of the simplex: its probability times (n - 1)! for n vertices."""
    densities = faces.copy()
    for bits in range(len(faces)):
        rest, n_vertices = bits & (bits - 1), 1
        while rest:
            densities[bits] *= n_vertices
            rest, n_vertices = rest & (rest - 1), n_vertices + 1
    return densities


@compiled()
def _weigh_faces(densities: Floats, shares: Floats, r: int, reference: int, work: Floats) -> None:
    """Weigh the face without r and the one without the reference by their density over that of both.

    Of the faces that the other coordinates allow; fills the first two rows of `work`.
    """
    work[:2] = 0.0
    if len(densities) == 0:
        return
    others = np.zeros(_LANES, np.int64)
    for s in range(len(shares)):
        if s not in (r, reference):
            for lane in range(_LANES):
                others[lane] |= (1 if shares[s, lane] > 0.0 else 0) << s
    for lane in range(_LANES):
        both = densities[others[lane] | (1 << r) | (1 << reference)]
        work[0, lane] = densities[others[lane] | (1 << reference)] / both
        work[1, lane] = densities[others[lane] | (1 << r)] / both


@compiled()
def _find_intervals(
    misfit: Floats,
    edge: Floats,
    length: float,
    sd: Floats,
    shares: Floats,
    r: int,
    reference: int,
    work: Floats,
) -> None:
    """Fill rows 2 and 3 of `work`: zero and the whole room, in standard deviations from the best value.

    The room is what r and the reference share.  Rows 0 and 1 become masses over the density of such a unit.
    """
    # Not unpacked: numba would lose sight of the strides, and LLVM of the vectors.
    at_low, at_high, low, high = work[0], work[1], work[2], work[3]
    low[:] = 0.0
    for k in range(len(edge)):
        for lane in range(_LANES):
            low[lane] -= misfit[k, lane] * edge[k]
    for lane in range(_LANES):
        room, scale = shares[r, lane] + shares[reference, lane], length / sd[lane]
        low[lane] = (low[lane] / length**2 - shares[r, lane]) * scale
        high[lane] = low[lane] + room * scale
        at_low[lane] *= scale
        at_high[lane] *= scale


@compiled()
def _draw_lanes(words: Any, work: Floats) -> None:
    """Draw between the numbers in rows 2 and 3 of `work`, with the masses in rows 0 and 1; fills row 4."""
    at_low, at_high, low, high, x = work[0], work[1], work[2], work[3], work[4]
    for lane in range(_LANES):
        x[lane] = _looked_up(low[lane], high[lane], at_low[lane], at_high[lane], uniform(words[lane]))
    for lane in range(_LANES):
        if math.isnan(x[lane]) and high[lane] > low[lane]:
            x[lane] = _worked_out(low[lane], high[lane], at_low[lane], at_high[lane], uniform(words[lane]))


@compiled()
def _move(
    misfit: Floats,
    edge: Floats,
    length: float,
    sd: Floats,
    shares: Floats,
    r: int,
    reference: int,
    work: Floats,
) -> None:
    """Set the abundances to what was drawn; those without room stay."""
    low, high, x = work[2], work[3], work[4]
    for lane in range(_LANES):
        room = shares[r, lane] + shares[reference, lane]
        value = min(max((x[lane] - low[lane]) * sd[lane] / length, 0.0), room)
        value = room if x[lane] >= high[lane] else value
        value = value if high[lane] > low[lane] else shares[r, lane]
        x[lane] = value - shares[r, lane]
        shares[r, lane], shares[reference, lane] = value, room - value
    for k in range(len(edge)):
        for lane in range(_LANES):
            misfit[k, lane] -= x[lane] * edge[k]


@compiled()
def gather(points: Floats, precision: Floats, a: Floats, sums: Floats) -> None:
    """Add up what the vertices are drawn from.

    Parameters
    ----------
    precision : ndarray, shape (pixel,)
        Inverse variance of each pixel, up to a common factor.
    sums : ndarray, shape (endmember, endmember + dimension)
        Receives ``a^T diag(precision) [a, points]``.
    """
    n_endmembers, n_dimensions = a.shape[1], points.shape[1]
    sums[:] = 0.0
    for pixel in range(len(points)):
        for r in range(n_endmembers):
            weighted = precision[pixel] * a[pixel, r]
            for s in range(r + 1):
                sums[r, s] += weighted * a[pixel, s]
            for k in range(n_dimensions):
                sums[r, n_endmembers + k] += weighted * points[pixel, k]
    for r in range(n_endmembers):
        sums[:r, r] = sums[r, :r]


@compiled()
def count_faces(a: Floats, faces: Any) -> None:
    """Count the pixels on each face of the simplex; bit r of its number stands for endmember r."""
    faces[:] = 0
    for pixel in range(len(a)):
        bits = 0
        for r in range(a.shape[1]):
            bits |= (1 if a[pixel, r] > 0.0 else 0) << r
        faces[bits] += 1


@compiled()
def sweep_vertices(
    uniforms: Floats,
    sums: Floats,
    variance: float,
    centre: Floats,
    prior_variance: float,
    axes: Floats,
    room: Floats,
    vertices: Floats,
) -> None:
    """Draw the vertices anew, coordinate by coordinate, given the abundances; in place.

    Parameters
    ----------
    uniforms : ndarray, shape (pass, endmember, dimension)
        Random numbers in (0, 1).
    sums : ndarray
        As `gather` makes it.
    variance : float
        Of the noise of a pixel of precision one.
    centre : ndarray, shape (endmember, dimension)
        Prior mean.
    prior_variance : float
    axes : ndarray, shape (dimension, channel)
        Spectra are ``origin + vertices @ axes``.
    room : ndarray, shape (endmember, channel)
        How far each channel of the spectra of the vertices is above its lower limit; changed in place.
    """
    n_passes, n_endmembers, n_dimensions = uniforms.shape
    for number in range(n_passes):
        for r in range(n_endmembers):
            precision = sums[r, r] / variance + 1.0 / prior_variance
            scale = math.sqrt(precision)
            for k in range(n_dimensions):
                pull = sums[r, n_endmembers + k]
                for s in range(n_endmembers):
                    pull -= sums[r, s] * vertices[s, k]
                # The way to the conditional mean, from where the vertex is.
                way = (pull / variance + (centre[r, k] - vertices[r, k]) / prior_variance) / precision
                low, high = _limits(room[r], axes[k])
                u = uniforms[number, r, k]
                change = way + drawn((low - way) * scale, (high - way) * scale, 0.0, 0.0, u) / scale
                change = min(max(change, low), high)
                vertices[r, k] += change
                for c in range(len(axes[k])):
                    room[r, c] += change * axes[k, c]


@compiled()
def _limits(room: Floats, axis: Floats) -> tuple[float, float]:
    """How far one may go along an axis before a channel falls below its limit."""
    low, high = -1e30, 1e30
    for c in range(len(room)):
        if axis[c] > 0.0:
            low = max(low, -max(room[c], 0.0) / axis[c])
        elif axis[c] < 0.0:
            high = min(high, -max(room[c], 0.0) / axis[c])
    return low, high
