"""What was fitted before the edges, in words."""

from collections.abc import Mapping
from typing import Any

from eelsunmix.edges import CURVES, BackgroundCurve

_FITTED: dict[BackgroundCurve, str] = {
    "power_law": "by Poisson maximum likelihood (Trebbia, 1988)",
    "exponential": "by Poisson maximum likelihood",
    "convex": "(exponents 2 to 5, coefficients not negative) by weighted least squares (Cueva et al., 2012)",
}


def beside_their_onsets(
    offset_eV: float, sd_eV: float | None = None, *, onsets: str = "the expected onsets"
) -> str:
    """Say where edges rise, with the standard error if it is given.

    Examples
    --------
    >>> beside_their_onsets(-1.24), beside_their_onsets(-0.04, 1.0)
    ('1.2 eV below the expected onsets', 'at the expected onsets (± 1.0 eV)')
    """
    size = f"{abs(offset_eV):.1f}"
    if size == "0.0":
        return f"at {onsets}" + ("" if sd_eV is None else f" (± {sd_eV:.1f} eV)")
    error = "" if sd_eV is None else f" ± {sd_eV:.1f}"
    return f"{size}{error} eV {'below' if offset_eV < 0 else 'above'} {onsets}"


def off_their_energies(lines: Mapping[str, Mapping[str, float]]) -> str:
    """Say how far lines of X-rays, as a store has them, peak from their energies.

    Examples
    --------
    >>> off_their_energies({"Si_Ka": {"energy_eV": 1737.2, "given_eV": 1740}})
    '3 eV below the expected energy'
    >>> off_their_energies({"a": {"energy_eV": 8.0, "given_eV": 10}, "b": {"energy_eV": 4.0, "given_eV": 0}})
    '2 eV below to 4 eV above the expected energies'
    >>> off_their_energies({"a": {"energy_eV": 9.0, "given_eV": 9}, "b": {"energy_eV": 3.0, "given_eV": 0}})
    '0 to 3 eV above the expected energies'
    >>> off_their_energies({"a": {"energy_eV": 9.0, "given_eV": 9}, "b": {"energy_eV": 4.0, "given_eV": 7}})
    '0 to 3 eV below the expected energies'
    """
    off = sorted({round(one["energy_eV"] - one["given_eV"]) for one in lines.values()})
    energies = "the expected energies" if len(lines) > 1 else "the expected energy"
    return f"{_span(off[0], off[-1])} {energies}"


def _span(low_eV: int, high_eV: int) -> str:
    if low_eV < 0 < high_eV:
        return f"{-low_eV} eV below to {high_eV} eV above"
    near, far = sorted((abs(low_eV), abs(high_eV)))
    if far == 0:
        return "at"
    size = str(far) if near == far else f"{near} to {far}"
    return f"{size} eV {'below' if low_eV < 0 else 'above'}"


def lines_of(edges: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Name the lines of X-rays among edges as a store has them."""
    return [name for name, edge in edges.items() if _curve(edge) is None]


def curves_of(edges: Mapping[str, Mapping[str, Any]]) -> list[BackgroundCurve]:
    """Return the curves that edges, as a store has them, were given; each once, and none of lines.

    Examples
    --------
    >>> curves_of({"Ti_L23": {"background": "convex"}, "Fe_Ka": {"fit_above_eV": [6600, 6700]}})
    ['convex']
    """
    used = {_curve(edge) for edge in edges.values()}
    return [curve for curve in CURVES if curve in used]


def backgrounds_in_words(edges: Mapping[str, Mapping[str, Any]]) -> str:
    """Say which curve was fitted before which of the edges that a store has.

    Examples
    --------
    >>> backgrounds_in_words({"Ti_L23": {}, "O_K": {"background": "exponential"}})[:77]
    'a power law is fitted by Poisson maximum likelihood (Trebbia, 1988) (Ti L23),'
    """
    curves = curves_of(edges)
    said = []
    for curve in curves:
        names = [name.replace("_", " ") for name, edge in edges.items() if _curve(edge) == curve]
        where = f" ({', '.join(names)})" if len(curves) > 1 else ""
        said.append(f"{CURVES[curve]} is fitted {_FITTED[curve]}{where}")
    return ", and ".join(said)


def _curve(edge: Mapping[str, Any]) -> str | None:
    return None if "fit_above_eV" in edge else str(edge.get("background", "power_law"))
