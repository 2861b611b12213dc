"""Words of the verdict's sentences."""

from collections.abc import Iterable, Sequence

import numpy as np

CONVERGENCE = "convergence"
"""The criterion of the verdict that has no limits."""
ALL_BUT = 2
"""Up to so many methods are named as exceptions instead of all the others."""


def listed(names: Sequence[str], last: str = "and") -> str:
    """Join names, the last one by a word.

    Examples
    --------
    >>> listed(["nmf"]), listed(["nmf", "ica", "vca"]), listed(["nmf", "ica"], "or")
    ('nmf', 'nmf, ica and vca', 'nmf or ica')
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def among(chosen: Sequence[str], everyone: Iterable[str]) -> str:
    """Name some of the methods in the shortest way.

    Examples
    --------
    >>> among(["a", "b", "c"], "abc"), among(["a", "b", "c"], "abcd"), among(["a"], "ab")
    ('all methods', 'all methods but d', 'a')
    """
    everyone = list(everyone)
    others = [name for name in everyone if name not in chosen]
    if not others and len(everyone) > 1:
        return "all methods"
    if len(others) <= ALL_BUT < len(chosen):
        return f"all methods but {listed(others)}"
    return listed(chosen)


def span(low: str, high: str) -> str:
    """Write a range, or its one value.

    Examples
    --------
    >>> span("34 %", "44 %"), span("15 %", "15 %")
    ('34 % to 44 %', '15 %')
    """
    return low if low == high else f"{low} to {high}"


def percent(fraction: float, decimals: int = 0) -> str:
    """Write a fraction as per cent, a whole number of them where no decimals are asked for.

    Examples
    --------
    >>> percent(0.347), percent(0.347, 1), percent(-0.001)
    ('35 %', '34.7 %', '0 %')
    """
    return f"{100 * fraction:z.{decimals}f} %"


def rounded(value: float) -> str:
    """Write a number with two digits that mean something, without an exponent.

    Examples
    --------
    >>> rounded(1.3333), rounded(1437.0), rounded(0.00123)
    ('1.3', '1400', '0.0012')
    """
    return np.format_float_positional(float(f"{value:.2g}"), trim="-")
