"""What is doubtful of the windows of X-ray lines, before and after their counts are known."""

from collections.abc import Mapping

import numpy as np

from eelsunmix.background.maps import SubtractionMaps
from eelsunmix.edges import Edge, elements_of
from eelsunmix.line_choice import SAME_LINE_EV, is_shared, overlaps
from eelsunmix.line_table import lines_of

LINE_ADVICE = (
    "Move edges.{name}.fit_eV and fit_above_eV to stretches without lines, or take another line of the "
    "element. If lines are not where you expect them, axes: {{energy: {{offset_keV: ...}}}} shifts the axis."
)
NEGATIVE_PART, SURE = 0.05, 5.0
"""Net counts of an image below minus this part of the background, by so many standard errors, are wrong: a
straight line lies up to 3 % above bremsstrahlung, which is hollow."""


def line_warnings(edges: Mapping[str, Edge], resolution_eV: float) -> list[str]:
    """Name lines whose windows hold lines of other elements that are named, and lines of no element.

    Parameters
    ----------
    edges : mapping of str to Edge
    resolution_eV : float
        FWHM of Mn Ka.
    """
    lines = {name: edge for name, edge in edges.items() if edge.is_line}
    elements = elements_of(edges.values())
    warnings = []
    for name, edge in lines.items():
        if not edge.integrate_eV[0] < edge.onset_eV < edge.integrate_eV[1]:
            warnings.append(f"edges.{name}.onset_eV: the line is not in its window integrate_eV")
        elif not any(abs(one.energy_eV - edge.onset_eV) < SAME_LINE_EV for one in lines_of(edge.element)):
            warnings.append(
                f"edges.{name}.onset_eV: {edge.element} has no line within {SAME_LINE_EV:g} eV of "
                f"{edge.onset_eV:g} eV; correct the energy or the element"
            )
        if found := overlaps(edge, elements, resolution_eV):
            warnings.append(f"edges.{name}: {_overlap(edge, found)}")
    return warnings


def shared_lines(edges: Mapping[str, Edge], resolution_eV: float) -> dict[str, str]:
    """Name the lines whose counts are as much those of other elements: they are no reference."""
    elements = elements_of(edges.values())
    return {
        name: _overlap(edge, overlaps(edge, elements, resolution_eV))
        for name, edge in edges.items()
        if edge.is_line and is_shared(edge, elements, resolution_eV)
    }


def _overlap(edge: Edge, found: Mapping[str, float]) -> str:
    names = ", ".join(f"{name.replace('_', ' ')} ({share:.0%})" for name, share in found.items())
    return (
        f"its window {edge.integrate_eV[0]:g}-{edge.integrate_eV[1]:g} eV holds lines of other elements: "
        f"{names} of the photons of {edge.element}, if all shells were equally bright"
    )


def line_below_zero(result: SubtractionMaps) -> str | None:
    """Say that the net counts of all pixels together are below zero, as no line is."""
    known = np.isfinite(result.net_counts)
    net, background = result.net_counts[known].sum(), result.background_counts[known].sum()
    error = np.sqrt((result.independent_sd[known] ** 2).sum())
    if not (background > 0 and net < -NEGATIVE_PART * background and net < -SURE * error):
        return None
    return (
        f"the net counts of the image are negative, {net / background:.0%} of the background and "
        f"{net / error:.0f} standard errors: something else lies in the windows beside the line"
    )
