"""Compiled kernels of the Gibbs sampler: random numbers, truncated normals, sweeps over pixels and vertices.

Only imported inside functions, because it needs numba.  All in one file: numba keeps compiled code on disk,
and looks at the time stamp of the function's own file only: an edit in another one would go unseen.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, uint64

from eelsunmix.methods._contract import Array


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile without the lock of the interpreter; keep the result on disk where a place can be found."""
    options |= {"nogil": True, "fastmath": {"contract"}, "error_model": "numpy"}

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError:
            return njit(**options)(function)

    return decorate


_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)
_NORMAL = 1.0 / math.sqrt(2.0 * math.pi)
_ROOT_HALF = math.sqrt(0.5)
_FAR = 30.0
"""Beyond so many standard deviations the tail of the normal is sampled by its asymptotic form."""
_SURE = 8.3
_TABLE_END = 12.0
"""Of the tail beyond _SURE standard deviations (1e-17), no part in 1e16 is beyond these."""

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


def _quantile_polynomials() -> Array:
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
def upper_quantile(p: float) -> Any:
    """Value that a standard normal exceeds with probability p."""
    small = min(p, 1.0 - p)
    bits = np.float64(small).view(np.uint64)
    octave = 1021 - int(bits >> uint64(52))
    part = int((bits >> uint64(48)) & uint64(15))
    mantissa = np.uint64((bits & uint64(0xFFFFFFFFFFFFF)) | uint64(0x3FF0000000000000)).view(np.float64)
    if octave < 0:
        return 0.0
    if octave >= _OCTAVES:
        return _far_quantile(small)
    t = mantissa - (1.0 + (2 * part + 1) * (0.5 / _PARTS))
    c = QUANTILE[octave * _PARTS + part]
    square = t * t
    low, high = c[0] + c[1] * t + (c[2] + c[3] * t) * square, c[4] + c[5] * t + c[6] * square
    x = low + high * (square * square)
    return x if p < 0.5 else -x


@compiled()
def _far_quantile(p: float) -> Any:
    """Solve for it where p is below 1e-19: Newton's method on the logarithm of the tail."""
    x = math.sqrt(-2.0 * math.log(p))
    for _ in range(8):
        tail = 0.5 * math.erfc(x * _ROOT_HALF)
        x += math.log(tail / p) * tail / (_NORMAL * math.exp(-0.5 * x * x))
    return x


@compiled(inline="always")
def _near_tail(x: float) -> Any:
    """Probability that a standard normal exceeds x < `_TABLE_END`; above it, as at its end."""
    size = min(abs(x), _TABLE_END)
    node = int(size * _NODES_PER_UNIT + 0.5)
    t = size - node * (1.0 / _NODES_PER_UNIT)
    c = TAYLOR[node]
    # In pairs: shorter chains of operations that wait for each other than Horner's rule has.
    square = t * t
    low, high = c[0] + c[1] * t + (c[2] + c[3] * t) * square, c[4] + c[5] * t + (c[6] + c[7] * t) * square
    tail = low + high * (square * square)
    return tail if x > 0.0 else 1.0 - tail


@compiled(inline="always")
def tails(low: float, high: float) -> tuple[Any, Any]:
    """Probabilities that a standard normal exceeds low and high, where the middle of both is above zero.

    Near zero by `TAYLOR`, which is faster than erfc; precise relative to the first of the two.
    """
    if low < _SURE:
        return _near_tail(low), _near_tail(high)
    return 0.5 * math.erfc(low * _ROOT_HALF), 0.5 * math.erfc(high * _ROOT_HALF)


@compiled(inline="always")
def mirrored(low: float, high: float) -> tuple[Any, Any, Any]:
    """Turn an interval so that its middle is above zero; also the sign that turns it back."""
    turned = low + high < 0.0
    return -high if turned else low, -low if turned else high, -1.0 if turned else 1.0


@compiled(inline="always")
def truncated_normal(low: float, high: float, u: float) -> Any:
    """Map a uniform number to a standard normal that is confined to low <= x <= high (inverse of its CDF).

    Being continuous in all arguments, it does not amplify rounding errors, as rejection would.  Beyond
    `_FAR` standard deviations the density is replaced by ``x exp(-x^2 / 2)``, which differs from it by less
    than 1/900 of the width of the tail.
    """
    least, most, sign = mirrored(low, high)
    turned = 0.5 + sign * (u - 0.5)
    if least > _FAR:
        x = _in_far_tail(least, most, turned)
    else:
        above, beyond = tails(least, most)
        x = _between(least, most, above, beyond, turned)
    return min(max(sign * x, low), high)


@compiled(inline="always")
def _between(low: float, high: float, above: float, beyond: float, u: float) -> Any:
    """Quantile of a normal confined to an interval whose tails are `above` and `beyond`."""
    return upper_quantile(above - u * (above - beyond)) if above > beyond else low + u * (high - low)


@compiled()
def _in_far_tail(low: float, high: float, u: float) -> Any:
    """Quantile of the density ``x exp(-x^2 / 2)`` between low and high."""
    square = low * low
    reach = -math.expm1(0.5 * (square - high * high))
    return math.sqrt(square - 2.0 * math.log1p(-u * reach))


@compiled(inline="always")
def scaled_mass(low: float, high: float, above: float, beyond: float) -> Any:
    """Integral of ``exp((n^2 - x^2) / 2)`` from low to high, where n is the point of them next to zero.

    The middle of the interval is above zero, `above` and `beyond` are its `tails`.
    """
    if low > _FAR:
        # Mills' ratio to second order: relative error below 4e-6 at _FAR.
        return -math.expm1(0.5 * (low * low - high * high)) * (1.0 - 1.0 / (low * low)) / low
    near = max(low, 0.0)
    return _ROOT_TWO_PI * (above - beyond) * math.exp(0.5 * near * near)


@compiled()
def sweep_abundances(
    key: int,
    sweep: int,
    first_pixel: int,
    reference: int,
    n_passes: int,
    points: Array,
    deviation: Array,
    vertices: Array,
    faces: Array,
    a: Array,
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
    edges = vertices - vertices[reference]
    lengths = np.empty(len(edges))
    for r in range(len(edges)):
        lengths[r] = math.sqrt(max(np.sum(edges[r] * edges[r]), 1e-300))
    misfit = _misfit(points, vertices, a)
    words = np.empty((2, len(points)), np.uint64)
    draw = 0
    for _ in range(n_passes):
        for r in range(len(edges)):
            if r == reference:
                continue
            if draw % 2 == 0:
                for pixel in range(len(points)):
                    counter = first_pixel + pixel if first_pixel >= 0 else 0
                    words[0, pixel], words[1, pixel] = philox(key, sweep, counter, draw // 2)
            _draw_coordinate(words[draw % 2], misfit, edges, lengths[r], deviation, faces, a, r, reference)
            draw += 1


@compiled()
def _misfit(points: Array, vertices: Array, a: Array) -> Any:
    """Return what the abundances leave of the points."""
    misfit = points.copy()
    for pixel in range(len(points)):
        for r in range(len(vertices)):
            for k in range(points.shape[1]):
                misfit[pixel, k] -= a[pixel, r] * vertices[r, k]
    return misfit


@compiled()
def _draw_coordinate(
    words: Any,
    misfit: Array,
    edges: Array,
    length: float,
    deviation: Array,
    faces: Array,
    a: Array,
    r: int,
    reference: int,
) -> None:
    """Draw one coordinate of all pixels, which do not wait for each other as coordinates of one would."""
    inverse = 1.0 / length
    for pixel in range(len(a)):
        room = a[pixel, r] + a[pixel, reference]
        if room > 0.0:
            u, sd = uniform(words[pixel]), deviation[pixel]
            value = _drawn(misfit, edges, length, inverse, sd, u, room, faces, a, pixel, r, reference)
            for k in range(misfit.shape[1]):
                misfit[pixel, k] -= (value - a[pixel, r]) * edges[r, k]
            a[pixel, r] = value
            a[pixel, reference] = room - value


@compiled(inline="always")
def _drawn(
    misfit: Array,
    edges: Array,
    length: float,
    inverse: float,
    deviation: float,
    u: float,
    room: float,
    faces: Array,
    a: Array,
    pixel: int,
    r: int,
    reference: int,
) -> Any:
    """Draw one coordinate: a normal around the best value, confined to what the reference can give."""
    overlap = 0.0
    for k in range(misfit.shape[1]):
        overlap += misfit[pixel, k] * edges[r, k]
    scale, width = length / deviation, inverse * deviation
    middle = overlap * (inverse * inverse) + a[pixel, r]
    low, high = -middle * scale, (room - middle) * scale
    if len(faces) > 0:
        return _on_faces(low, high, width, u, room, faces, a, pixel, r, reference)
    return min(max(middle + truncated_normal(low, high, u) * width, 0.0), room)


@compiled(inline="always")
def _on_faces(
    low: float,
    high: float,
    width: float,
    u: float,
    room: float,
    faces: Array,
    a: Array,
    pixel: int,
    r: int,
    reference: int,
) -> Any:
    """Draw a coordinate that may be zero, or all of the room, each with a probability of its own.

    Of the faces that the other coordinates allow, the one without r, the one without the reference and the
    one with both are weighed by their prior density times their likelihood; the uniform density of a face of
    n vertices is (n - 1)!.
    """
    others, n_others = 0, 0
    for s in range(a.shape[1]):
        used = 1 if a[pixel, s] > 0.0 and s != r and s != reference else 0
        others |= used << s
        n_others += used
    least, most, sign = mirrored(low, high)
    above, beyond = tails(least, most)
    near = max(least, 0.0) ** 2
    none = faces[others | (1 << reference)] * math.exp(0.5 * (near - low * low))
    full = faces[others | (1 << r)] * math.exp(0.5 * (near - high * high))
    both = faces[others | (1 << r) | (1 << reference)] * (n_others + 1) * width
    both *= scaled_mass(least, most, above, beyond)
    u *= none + full + both
    if u <= none:
        return 0.0
    if u >= none + both:
        return room
    turned = 0.5 + sign * ((u - none) / both - 0.5)
    x = _in_far_tail(least, most, turned) if least > _FAR else _between(least, most, above, beyond, turned)
    return min(max((sign * x - low) * width, 0.0), room)


@compiled()
def gather(points: Array, precision: Array, a: Array, sums: Array) -> None:
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
            for s in range(n_endmembers):
                sums[r, s] += weighted * a[pixel, s]
            for k in range(n_dimensions):
                sums[r, n_endmembers + k] += weighted * points[pixel, k]


@compiled()
def count_faces(a: Array, faces: Any) -> None:
    """Count the pixels on each face of the simplex; bit r of its number stands for endmember r."""
    faces[:] = 0
    for pixel in range(len(a)):
        bits = 0
        for r in range(a.shape[1]):
            bits |= (1 if a[pixel, r] > 0.0 else 0) << r
        faces[bits] += 1


@compiled()
def accumulate(a: Array, total: Array, squares: Array) -> None:
    """Add the abundances and their squares to running sums."""
    for pixel in range(a.shape[0]):
        for r in range(a.shape[1]):
            total[pixel, r] += a[pixel, r]
            squares[pixel, r] += a[pixel, r] * a[pixel, r]


@compiled()
def sweep_vertices(
    uniforms: Array,
    sums: Array,
    variance: float,
    centre: Array,
    prior_variance: float,
    axes: Array,
    room: Array,
    vertices: Array,
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
                change = way + truncated_normal((low - way) * scale, (high - way) * scale, u) / scale
                change = min(max(change, low), high)
                vertices[r, k] += change
                for c in range(len(axes[k])):
                    room[r, c] += change * axes[k, c]


@compiled()
def _limits(room: Array, axis: Array) -> tuple[float, float]:
    """How far one may go along an axis before a channel falls below its limit."""
    low, high = -1e30, 1e30
    for c in range(len(room)):
        if axis[c] > 0.0:
            low = max(low, -max(room[c], 0.0) / axis[c])
        elif axis[c] < 0.0:
            high = min(high, -max(room[c], 0.0) / axis[c])
    return low, high
