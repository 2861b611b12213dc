"""Compiled kernels for random numbers: a counter-based generator, and the truncated normal distribution.

Only imported inside functions, because it needs numba.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, uint64


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile without the lock of the interpreter; keep the result on disk where a place can be found."""
    options |= {"nogil": True, "fastmath": {"contract"}}

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError:
            return njit(**options)(function)

    return decorate


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

# Wichura, Appl. Stat. 37 (1988) 477, algorithm AS 241: numerators and denominators, highest power first.
_MIDDLE = (
    (
        2.5090809287301226727e3,
        3.3430575583588128105e4,
        6.7265770927008700853e4,
        4.5921953931549871457e4,
        1.3731693765509461125e4,
        1.9715909503065514427e3,
        1.3314166789178437745e2,
        3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3,
        2.8729085735721942674e4,
        3.9307895800092710610e4,
        2.1213794301586595867e4,
        5.3941960214247511077e3,
        6.8718700749205790830e2,
        4.2313330701600911252e1,
        1.0,
    ),
)
_TAIL = (
    (
        7.74545014278341407640e-4,
        2.27238449892691845833e-2,
        2.41780725177450611770e-1,
        1.27045825245236838258e0,
        3.64784832476320460504e0,
        5.76949722146069140550e0,
        4.63033784615654529590e0,
        1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9,
        5.47593808499534494600e-4,
        1.51986665636164571966e-2,
        1.48103976427480074590e-1,
        6.89767334985100004550e-1,
        1.67638483018380384940e0,
        2.05319162663775882187e0,
        1.0,
    ),
)
_FAR_TAIL = (
    (
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        1.24266094738807843860e-3,
        2.65321895265761230930e-2,
        2.96560571828504891230e-1,
        1.78482653991729133580e0,
        5.46378491116411436990e0,
        6.65790464350110377720e0,
    ),
    (
        2.04426310338993978564e-15,
        1.42151175831644588870e-7,
        1.84631831751005468180e-5,
        7.86869131145613259100e-4,
        1.48753612908506148525e-2,
        1.36929880922735805310e-1,
        5.99832206555887937690e-1,
        1.0,
    ),
)


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
def _ratio(coefficients: Any, x: float) -> Any:
    n, d = coefficients
    above = ((((((n[0] * x + n[1]) * x + n[2]) * x + n[3]) * x + n[4]) * x + n[5]) * x + n[6]) * x + n[7]
    below = ((((((d[0] * x + d[1]) * x + d[2]) * x + d[3]) * x + d[4]) * x + d[5]) * x + d[6]) * x + d[7]
    return above / below


@compiled()
def upper_quantile(p: float) -> Any:
    """Value that a standard normal exceeds with probability p."""
    q = 0.5 - p
    if abs(q) <= 0.425:
        return q * _ratio(_MIDDLE, 0.180625 - q * q)
    r = math.sqrt(-math.log(p if q > 0 else 1.0 - p))
    value = _ratio(_TAIL, r - 1.6) if r <= 5.0 else _ratio(_FAR_TAIL, r - 5.0)
    return value if q > 0 else -value


@compiled(inline="always")
def _near_tail(x: float) -> Any:
    """Probability that a standard normal exceeds x < `_TABLE_END`; above it, as at its end."""
    size = min(abs(x), _TABLE_END)
    node = int(size * _NODES_PER_UNIT + 0.5)
    t = size - node * (1.0 / _NODES_PER_UNIT)
    c = TAYLOR[node]
    tail = c[0] + t * (c[1] + t * (c[2] + t * (c[3] + t * (c[4] + t * (c[5] + t * (c[6] + t * c[7]))))))
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
def truncated_normal(low: float, high: float, u: float) -> Any:
    """Map a uniform number to a standard normal that is confined to low <= x <= high (inverse of its CDF).

    Being continuous in all arguments, it does not amplify rounding errors, as rejection would.  Beyond
    `_FAR` standard deviations the density is replaced by ``x exp(-x^2 / 2)``, which differs from it by less
    than 1/900 of the width of the tail.
    """
    # Mirrored without a branch, which would be mispredicted half of the time.
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    sign = 1.0 if middle > 0.0 else -1.0
    size = abs(middle)
    x = _truncated_above(size - half, size + half, 0.5 + sign * (u - 0.5))
    return min(max(sign * x, low), high)


@compiled(inline="always")
def _truncated_above(low: float, high: float, u: float) -> Any:
    """Map likewise where the interval has its middle above zero."""
    if low > _FAR:
        square = low * low
        reach = -math.expm1(0.5 * (square - high * high))
        x = math.sqrt(square - 2.0 * math.log1p(-u * reach))
    else:
        above, beyond = tails(low, high)
        x = upper_quantile(above - u * (above - beyond)) if above > beyond else low + u * (high - low)
    return x


@compiled(inline="always")
def log_mass(low: float, high: float) -> Any:
    """Logarithm of the probability of a standard normal between low and high."""
    middle, half = abs(0.5 * (low + high)), 0.5 * (high - low)
    low, high = middle - half, middle + half
    if low > _FAR:
        # Mills' ratio to second order: relative error below 4e-6 at _FAR.
        reach = -math.expm1(0.5 * (low * low - high * high))
        correction = 1.0 - 1.0 / (low * low)
        return -0.5 * low * low + math.log(max(reach, 1e-300) * correction * _NORMAL / low)
    above, beyond = tails(low, high)
    if above <= beyond:
        return -0.5 * low * low + math.log(max(high - low, 1e-300) * _NORMAL)
    return math.log(above - beyond)
