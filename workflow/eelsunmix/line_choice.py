"""What names of X-ray lines mean on an energy axis: the one place where lines and windows are chosen."""

from collections.abc import Mapping, Sequence

from eelsunmix.edge_windows import NoRoomError, Span
from eelsunmix.edges import LINES_ARE_STRAIGHT, Edge, EdgeRequest
from eelsunmix.elements import SYMBOLS
from eelsunmix.errors import InputError
from eelsunmix.line_table import Line, best_lines, lines_of, split_line_name
from eelsunmix.line_windows import line_windows, share_inside

SAME_LINE_EV = 60.0
"""A line that is given by its energy is that of the table so near."""
OVERLAP, SHARED = 0.1, 0.5
"""Photons of other named elements over those of the line in its window, if all shells were equally bright:
from the first on it is said, from the second on the counts are those of two elements."""


def choose_line(
    name: str, request: EdgeRequest, requests: Mapping[str, EdgeRequest], span: Span, resolution_eV: float
) -> tuple[str, Edge]:
    """Choose name, energy and windows of a line; of an element that is named alone, of its best line.

    Parameters
    ----------
    name, request : str, EdgeRequest
        What is written stays as it is.
    requests : mapping of str to EdgeRequest
        All that are asked for; the lines of their elements are avoided.
    span : Span
        What may be used of the axis.
    resolution_eV : float
        FWHM of Mn Ka.

    Raises
    ------
    NoRoomError
        With the reason.
    InputError
        If the request says what curve the background is.
    """
    if request.background != "power_law":
        raise InputError(f"edges.{name}: background is {request.background}, {LINES_ARE_STRAIGHT}")
    elements = list(dict.fromkeys(str(one.element) for one in requests.values()))
    found, reasons = [], []
    for line in _meant(name, request):
        try:
            found.append((line, _edge(line, request, span, elements, resolution_eV)))
        except NoRoomError as reason:
            reasons.append(str(reason))
    if not found:
        raise NoRoomError("; ".join(reasons))
    alone = [one for one in found if not is_shared(one[1], elements, resolution_eV)]
    line, edge = (alone or found)[0]
    is_bare = request == EdgeRequest(element=name) if name in SYMBOLS else False
    return (line.name if is_bare else name), edge


def overlaps(edge: Edge, elements: Sequence[str], resolution_eV: float) -> dict[str, float]:
    """Return the lines of other elements in the window of a line, and their photons over its own.

    Parameters
    ----------
    edge : Edge
        Of a line.
    elements : sequence of str
        That are named.
    resolution_eV : float
        FWHM of Mn Ka.

    Returns
    -------
    dict of str to float
        Those of `OVERLAP` and more, if the shells of all elements were equally bright.
    """
    own = sum(share_inside(one, edge.integrate_eV, resolution_eV) for one in lines_of(edge.element))
    others = [one for element in elements if element != edge.element for one in lines_of(element)]
    shares = {
        one.name: share_inside(one, edge.integrate_eV, resolution_eV) / max(own, 1e-3) for one in others
    }
    return {name: share for name, share in shares.items() if share >= OVERLAP}


def is_shared(edge: Edge, elements: Sequence[str], resolution_eV: float) -> bool:
    """Whether the counts of a line are as much those of other elements that are named."""
    return sum(overlaps(edge, elements, resolution_eV).values()) >= SHARED


def _meant(name: str, request: EdgeRequest) -> list[Line]:
    """Return the lines that a name may mean, the best first; one that is given by its energy, as it is."""
    element = str(request.element)
    if request.onset_eV is not None:
        at = request.onset_eV
        near = [one for one in lines_of(element) if abs(one.energy_eV - at) < SAME_LINE_EV]
        nearest = max(near, key=lambda one: one.weight).family if near else "line"
        return [Line(element=element, family=nearest, energy_eV=at, low_eV=at, high_eV=at, weight=1.0)]
    named, family = split_line_name(name) or (None, None)
    if family is None or named != element:
        own = best_lines(element)
    else:
        own = [one for one in lines_of(element) if one.family == family]
    if not own:
        known = ", ".join(one.name for one in lines_of(element)) or "none"
        missing = f"{family} line" if family else "bright line"
        raise NoRoomError(f"{element} has no {missing} between 0.1 and 30 keV; its lines are {known}")
    return own


def _edge(
    line: Line, request: EdgeRequest, span: Span, elements: Sequence[str], resolution_eV: float
) -> Edge:
    given = (request.fit_eV, request.integrate_eV, request.fit_above_eV)
    below, signal, above = line_windows(line, span, elements, resolution_eV, given=given)
    return Edge(
        element=line.element,
        onset_eV=round(line.energy_eV, 1),
        fit_eV=below,
        integrate_eV=signal,
        fit_above_eV=above,
        reference=request.reference,
        shared=request.shared,
    )
