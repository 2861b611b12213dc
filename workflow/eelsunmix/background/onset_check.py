"""Whether the windows of the edges fit their onsets: this needs no image, so it is known before any job."""

import math
from collections.abc import Iterable, Iterator, Mapping

from eelsunmix.edge_table import LOWEST_EV, NEAR_EV, edges_of, split_name, tabulated_edge, written_lines
from eelsunmix.edge_windows import SHORTEST_RECOVERY_EV
from eelsunmix.edges import Edge

HIGHEST_EV = 2900.0
"""The table ends some eV above."""
ONSET_TOLERANCE_EV = 5.0
"""An onset may lie so far outside the windows: onsets are tabulated and read off to a few eV."""
FINE_STRUCTURE_EV, SHORT_EV = 30.0, 40.0
"""A fit window that begins so soon behind another edge, and is so short, has little else to hold it."""


def misplaced_windows(edges: Mapping[str, Edge]) -> list[str]:
    """Name windows that cannot be meant, whatever the energy axis of the image.

    Parameters
    ----------
    edges : mapping of str to Edge

    Returns
    -------
    list of str
        Fit windows across the onset of the edge itself or of another one, or just after another one; windows
        that hold counts of another element; onsets far from their windows.

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
        for other, one in edges.items():
            warnings += _beside(name, edge, other, one)
    return warnings


def _beside(name: str, edge: Edge, other: str, one: Edge) -> Iterator[str]:
    """Say what another edge does in the windows of an edge."""
    fit, onset = f"edges.{name}.fit_eV: the fit window {_written(edge.fit_eV)}", f"{one.onset_eV:g} eV"
    if one.onset_eV != edge.onset_eV and _onset_in_fit(one, edge):
        yield (
            f"{fit} lies across the onset of {other} at {onset}, which bends the background; begin it after "
            "that edge or end it before"
        )
    if one.onset_eV < edge.onset_eV and one.onset_eV <= edge.fit_eV[0] < _recovered(one):
        begin = math.ceil(_recovered(one))
        yield f"{fit} begins on {other}, which rises at {onset}; begin it at {begin} eV or later"
    if one.element == edge.element:
        return
    if edge.onset_eV < one.onset_eV < edge.integrate_eV[1]:
        yield (
            f"edges.{name}.integrate_eV: the window {_written(edge.integrate_eV)} lies across the onset of "
            f"{other} at {onset}, whose counts are then taken for {edge.element}; end it before"
        )
    if edge.fit_eV[1] <= one.onset_eV < edge.onset_eV:
        yield (
            f"edges.{name}.fit_eV: {other} rises at {onset}, between the fit window {_written(edge.fit_eV)} "
            f"and the edge: its counts are then taken for {edge.element}; begin the fit window after "
            f"{other}, or leave {name} out"
        )


def on_fine_structure(edges: Mapping[str, Edge]) -> list[str]:
    """Name fit windows that have little but the fine structure of another edge: none may be better.

    Examples
    --------
    >>> oxygen = Edge(element="O", onset_eV=532, fit_eV=(481, 526), integrate_eV=(532, 570))
    >>> behind = Edge(element="Cr", onset_eV=575, fit_eV=(546, 569), integrate_eV=(575, 620))
    >>> on_fine_structure({"O_K": oxygen, "Cr_L23": behind})[0].split(":")[0]
    'edges.Cr_L23.fit_eV'
    """
    edges = {name: edge for name, edge in edges.items() if not edge.is_line}
    return [
        f"edges.{name}.fit_eV: the fit window {_written(edge.fit_eV)} lies on the fine structure of {other}, "
        f"which rises at {one.onset_eV:g} eV: where {one.element} is, BS may find {edge.element} that is not "
        "there; look at the spectra before you believe it"
        for name, edge in edges.items()
        for other, one in edges.items()
        if one.element != edge.element
        and _recovered(one) <= edge.fit_eV[0] < one.onset_eV + FINE_STRUCTURE_EV
        and one.onset_eV < edge.onset_eV
        and edge.fit_eV[1] - edge.fit_eV[0] < SHORT_EV
    ]


def strange_onsets(edges: Mapping[str, Edge]) -> list[str]:
    """Name onsets at which their elements have no edge, or another one than their names say.

    Not for X-rays, whose lines lie elsewhere.

    Examples
    --------
    >>> named = Edge(element="Co", onset_eV=779, fit_eV=(680, 770), integrate_eV=(778, 860))
    >>> strange_onsets({"Co_K": named})
    ['edges.Co_K: 779 eV is the onset of Co_L23, not of Co_K; correct the name or the onset']
    """
    return [
        text
        for name, edge in edges.items()
        if edge.onset_eV < HIGHEST_EV and not _away_from_windows(edge)
        for text in (_no_edge_there(name, edge), _another_edge(name, edge))
        if text
    ]


def _no_edge_there(name: str, edge: Edge) -> str | None:
    known = _edges_in_words(edge.element)
    if tabulated_edge(edge.element, edge.onset_eV) or not (known or edge.onset_eV > LOWEST_EV):
        return None
    has = f"it has {known}" if known else "the table knows none of it"
    return (
        f"edges.{name}.onset_eV: {edge.element} has no edge within {NEAR_EV:g} eV of {edge.onset_eV:g} eV "
        f"({has}); correct the onset or the element"
    )


def _another_edge(name: str, edge: Edge) -> str | None:
    """Say that a name is of another edge than the onset; of `Fe_M` alone the lines are not known."""
    _, shell = split_name(name) or (None, None)
    near = tabulated_edge(edge.element, edge.onset_eV)
    if not shell or not (shell == "K" or written_lines(name)) or near is None or near.shell == shell:
        return None
    if any(
        abs(one.onset_eV - edge.onset_eV) <= NEAR_EV for one in edges_of(edge.element) if one.shell == shell
    ):
        return None
    found = f"edges.{name}: {edge.onset_eV:g} eV is the onset of {near.name}"
    return f"{found}, not of {edge.element}_{shell}; correct the name or the onset"


def unusual_names(names: Iterable[str]) -> list[str]:
    """Name edges whose lines were typed from the last to the first: as a slip, or as some write them.

    Examples
    --------
    >>> unusual_names(["Ti_L23", "Ti L3,2", "Ti_L32"])
    ['edges.Ti_L32: is taken for Ti_L23, and called Ti_L32 in all results; if that is a slip, write Ti_L23']
    """
    return [
        f"edges.{name}: is taken for {element}_{shell}, and called {name} in all results; if that is a slip, "
        f"write {element}_{shell}"
        for name in names
        for element, shell in filter(None, [split_name(name)])
        if shell and sorted(lines := written_lines(name)) != [*lines]
    ]


def _edges_in_words(element: str) -> str:
    return ", ".join(f"{one.shell} at {one.onset_eV:g}" for one in edges_of(element)[:3])


def _onset_in_fit(onset_of: Edge, edge: Edge) -> bool:
    return edge.fit_eV[0] < onset_of.onset_eV < edge.fit_eV[1]


def _recovered(edge: Edge) -> float:
    """Where the fine structure of an edge has decayed enough for the background of another one."""
    near = tabulated_edge(edge.element, edge.onset_eV)
    return edge.onset_eV + (near.splitting if near else 0.0) + SHORTEST_RECOVERY_EV


def _away_from_windows(edge: Edge) -> bool:
    before, after = edge.fit_eV[1] - edge.onset_eV, edge.onset_eV - edge.integrate_eV[1]
    return max(before, after) > ONSET_TOLERANCE_EV


def _written(window: tuple[float, float]) -> str:
    return f"{window[0]:g}-{window[1]:g} eV"
