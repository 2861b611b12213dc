"""Whether the windows of the edges fit their onsets: this needs no image, so it is known before any job."""

from collections.abc import Mapping

from eelsunmix.edge_table import NEAR_EV, edges_of, tabulated_edge
from eelsunmix.edges import Edge

HIGHEST_EV = 2900.0
"""The table ends some eV above."""
ONSET_TOLERANCE_EV = 5.0
"""An onset may lie so far outside the windows: onsets are tabulated and read off to a few eV."""


def misplaced_windows(edges: Mapping[str, Edge]) -> list[str]:
    """Name windows that cannot be meant, whatever the energy axis of the image.

    Parameters
    ----------
    edges : mapping of str to Edge

    Returns
    -------
    list of str
        Fit windows across the onset of the edge itself or of another one, windows that hold counts of another
        element, onsets far from their windows.

    Examples
    --------
    >>> late = Edge(element="Ti", onset_eV=431, fit_eV=(405, 450), integrate_eV=(456, 486))
    >>> misplaced_windows({"Ti_L23": late})[0].split(";")[1]
    ' end it some eV before the onset'
    """
    warnings = []
    edges = {name: edge for name, edge in edges.items() if not edge.is_line}  # lines have no onsets
    for name, edge in edges.items():
        if _onset_in_fit(edge, edge):
            warnings.append(
                f"edges.{name}.fit_eV: the fit window {_written(edge.fit_eV)} holds the onset of the edge "
                f"itself, {edge.onset_eV:g} eV; end it some eV before the onset"
            )
        elif _away_from_windows(edge):
            reach = _written((edge.fit_eV[1], edge.integrate_eV[1]))
            warnings.append(
                f"edges.{name}.onset_eV: the onset {edge.onset_eV:g} eV is not between the fit window and "
                f"the end of the integration window ({reach}); correct the onset or move the windows"
            )
        warnings += [
            f"edges.{name}.fit_eV: the fit window {_written(edge.fit_eV)} lies across the onset of {other} "
            f"at {one.onset_eV:g} eV, which bends the background; begin it after that edge or end it before"
            for other, one in edges.items()
            if one.onset_eV != edge.onset_eV and _onset_in_fit(one, edge)
        ]
        warnings += [
            f"edges.{name}.integrate_eV: the window {_written(edge.integrate_eV)} lies across the "
            f"onset of {other} at {one.onset_eV:g} eV, whose counts are then taken for {edge.element}; "
            "end it before"
            for other, one in edges.items()
            if one.element != edge.element and edge.onset_eV < one.onset_eV < edge.integrate_eV[1]
        ]
        warnings += [
            f"edges.{name}.fit_eV: {other} rises at {one.onset_eV:g} eV, between the fit window "
            f"{_written(edge.fit_eV)} and the edge: its counts are then taken for {edge.element}; begin the "
            f"fit window after {other}, or leave {name} out"
            for other, one in edges.items()
            if one.element != edge.element and edge.fit_eV[1] <= one.onset_eV < edge.onset_eV
        ]
    return warnings


def strange_onsets(edges: Mapping[str, Edge]) -> list[str]:
    """Name onsets at which their elements have no edge; not for X-rays, whose lines lie elsewhere."""
    return [
        f"edges.{name}.onset_eV: {edge.element} has no edge within {NEAR_EV:g} eV of {edge.onset_eV:g} eV "
        f"(it has {_edges_in_words(edge.element)}); correct the onset or the element"
        for name, edge in edges.items()
        if edges_of(edge.element) and tabulated_edge(edge.element, edge.onset_eV) is None
        if edge.onset_eV < HIGHEST_EV and not _away_from_windows(edge)
    ]


def _edges_in_words(element: str) -> str:
    return ", ".join(f"{one.shell} at {one.onset_eV:g}" for one in edges_of(element)[:3])


def _onset_in_fit(onset_of: Edge, edge: Edge) -> bool:
    return edge.fit_eV[0] < onset_of.onset_eV < edge.fit_eV[1]


def _away_from_windows(edge: Edge) -> bool:
    before, after = edge.fit_eV[1] - edge.onset_eV, edge.onset_eV - edge.integrate_eV[1]
    return max(before, after) > ONSET_TOLERANCE_EV


def _written(window: tuple[float, float]) -> str:
    return f"{window[0]:g}-{window[1]:g} eV"
