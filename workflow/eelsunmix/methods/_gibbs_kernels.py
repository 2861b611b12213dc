"""Compiled kernels of the Gibbs sampler: sweeps over the pixels, and over the coordinates of the vertices.

Only imported inside functions, because it needs numba.
"""

import math
from typing import Any

import numpy as np

from eelsunmix.methods._contract import Array
from eelsunmix.methods._random_kernels import compiled, log_mass, philox, truncated_normal, uniform

_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)


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
    log_face: Array,
    a: Array,
) -> None:
    """Draw the abundances of some pixels anew, given the vertices; in place.

    One coordinate after the other is drawn together with the reference, whose sum stays.  With `log_face`
    empty the prior is uniform on the simplex; else it is a mixture of uniform distributions on its faces, of
    probability ``exp(log_face[bits of the face])`` each.

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
    misfit = np.empty(points.shape[1])
    for pixel in range(len(points)):
        counter = first_pixel + pixel if first_pixel >= 0 else 0
        for k in range(points.shape[1]):
            misfit[k] = points[pixel, k]
            for r in range(len(vertices)):
                misfit[k] -= a[pixel, r] * vertices[r, k]
        row, sd = a[pixel], deviation[pixel]
        _draw_pixel(key, sweep, counter, reference, n_passes, misfit, sd, edges, lengths, log_face, row)


@compiled(inline="always")
def _draw_pixel(
    key: int,
    sweep: int,
    counter: int,
    reference: int,
    n_passes: int,
    misfit: Array,
    deviation: float,
    edges: Array,
    lengths: Array,
    log_face: Array,
    a: Array,
) -> None:
    """Draw the coordinates of one pixel; each pair shares a call of the random number generator."""
    first, second = philox(key, sweep, counter, 0)
    draw = 0
    for _ in range(n_passes):
        for r in range(len(a)):
            if r == reference:
                continue
            if draw % 2 == 0 and draw > 0:
                first, second = philox(key, sweep, counter, draw // 2)
            u = uniform(first if draw % 2 == 0 else second)
            draw += 1
            room = a[r] + a[reference]
            if room > 0.0:
                value = _drawn(misfit, edges[r], lengths[r], deviation, u, room, log_face, a, r, reference)
                for k in range(len(misfit)):
                    misfit[k] -= (value - a[r]) * edges[r, k]
                a[r] = value
                a[reference] = room - value


@compiled(inline="always")
def _drawn(
    misfit: Array,
    edge: Array,
    length: float,
    deviation: float,
    u: float,
    room: float,
    log_face: Array,
    a: Array,
    r: int,
    reference: int,
) -> Any:
    """Draw one coordinate: a normal around the best value, confined to what the reference can give."""
    overlap = 0.0
    for k in range(len(misfit)):
        overlap += misfit[k] * edge[k]
    scale, width = length / deviation, deviation / length
    middle = overlap / (length * length) + a[r]
    low, high = -middle * scale, (room - middle) * scale
    if len(log_face) > 0:
        return _on_faces(low, high, width, u, room, log_face, a, r, reference)
    return min(max(middle + truncated_normal(low, high, u) * width, 0.0), room)


@compiled()
def _on_faces(
    low: float,
    high: float,
    width: float,
    u: float,
    room: float,
    log_face: Array,
    a: Array,
    r: int,
    reference: int,
) -> Any:
    """Draw a coordinate that may be zero, or all of the room, with a probability of its own.

    Of the faces that the other coordinates allow, the one without r, the one without the reference and the
    one with both are weighed by their prior density times their likelihood; the uniform density of a face of
    n vertices is (n - 1)!.
    """
    others, n_others = 0, 0
    for s in range(len(a)):
        if s != r and s != reference and a[s] > 0.0:
            others |= 1 << s
            n_others += 1
    none = log_face[others | (1 << reference)] - 0.5 * low * low
    full = log_face[others | (1 << r)] - 0.5 * high * high
    both = log_face[others | (1 << r) | (1 << reference)]
    both += math.log((n_others + 1) * _ROOT_TWO_PI * width) + log_mass(low, high)
    top = max(none, full, both)
    none, full, both = math.exp(none - top), math.exp(full - top), math.exp(both - top)
    u *= none + full + both
    if u <= none:
        return 0.0
    if u >= none + both:
        return room
    return min(max((truncated_normal(low, high, (u - none) / both) - low) * width, 0.0), room)


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
            if a[pixel, r] > 0.0:
                bits |= 1 << r
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
