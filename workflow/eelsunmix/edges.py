"""Edges, and lines of X-rays, with their windows, as the user names them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from eelsunmix.edge_table import edges_of, split_name
from eelsunmix.elements import SYMBOLS
from eelsunmix.errors import InputError, in_brief
from eelsunmix.line_table import lines_of, split_line_name
from eelsunmix.options import BrokenRuleError, Options, PositiveInterval

BackgroundCurve = Literal["power_law", "exponential", "convex"]
"""What the background before an edge is taken for."""
CURVES: dict[BackgroundCurve, str] = {
    "power_law": "a power law",
    "exponential": "an exponential",
    "convex": "a convex combination of power laws",
}
"""Their names in sentences."""
LINES_ARE_STRAIGHT = (
    "but what lies under a line of X-rays, between the windows on both sides of it, is a straight line; "
    "leave background out"
)
_SYMBOL = {"pattern": f"^({'|'.join(sorted(SYMBOLS))})$", "examples": ["Ru"]}


def _known_element(symbol: str) -> str:
    if symbol not in SYMBOLS:
        right = symbol.capitalize()
        hint = f"did you mean {right}?" if right in SYMBOLS else "write its symbol, such as Ru"
        raise ValueError(f"needs a chemical element, not {in_brief(symbol)}; {hint}")
    return symbol


Element = Annotated[str, AfterValidator(_known_element), Field(json_schema_extra=_SYMBOL)]
"""Symbol of a chemical element."""
Onset = Annotated[float, Field(ge=1, le=1e6)]
"""Energy of an edge or line; beyond, a number is a typing error or of another unit."""


class EdgeRequest(Options):
    """One ionisation edge, or one line of X-rays; what is not given follows from its name and the axis.

    Parameters
    ----------
    element : str, optional
        Symbol of the element; the beginning of the name where it is not given, `Ti` of `Ti_L23`.
    onset_eV : float, optional
        Onset of the edge, or energy of the line; that of the table where it is not given.
    fit_eV : tuple of float, optional
        Window before the edge in which the background is fitted.
    integrate_eV : tuple of float, optional
        Window after the onset in which the net counts are summed; may not overlap `fit_eV`.
    fit_above_eV : tuple of float, optional
        Of a line of X-rays: the window after it; the background is the straight line through both windows.
    reference : bool
        Whether the maps of this edge are the reference for the element when methods are compared.
    shared : bool
        Whether several materials of the image hold the element, as B in BN beside B4C: anchoring then takes
        it out of none, and is done only if one element fewer than endmembers is left.
    background : {"power_law", "exponential", "convex"}
        What its background is: A E^-r; A exp(-E / w); or a sum of power laws of exponents 2 to 5 with
        coefficients that are not negative, for long fit windows and those on the tail of another edge.
    """

    element: Element | None = None
    onset_eV: Onset | None = None
    fit_eV: PositiveInterval | None = None
    integrate_eV: PositiveInterval | None = None
    fit_above_eV: PositiveInterval | None = None
    reference: bool = False
    shared: bool = False
    background: BackgroundCurve = "power_law"

    @model_validator(mode="after")
    def _windows_do_not_overlap(self) -> Self:
        below, signal, above = self.fit_eV, self.integrate_eV, self.fit_above_eV
        if below and signal and below[1] > signal[0]:
            found = f"{below[1]:g} > {signal[0]:g}"
            raise BrokenRuleError("fit_eV", f"must end before integrate_eV begins, but {found}")
        if above and signal and signal[1] > above[0]:
            found = f"{above[0]:g} < {signal[1]:g}"
            raise BrokenRuleError("fit_above_eV", f"must begin after integrate_eV, but {found}")
        return self

    @model_validator(mode="after")
    def _a_line_has_no_curve(self) -> Self:
        if self.fit_above_eV and self.background != "power_law":
            raise BrokenRuleError("background", f"is {self.background}, {LINES_ARE_STRAIGHT}")
        return self

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to be chosen."""
        return None not in (self.onset_eV, self.fit_eV, self.integrate_eV)


class Edge(EdgeRequest):
    """One ionisation edge, or one line of X-rays, of which nothing is left to be chosen.

    Parameters
    ----------
    element : str
        Symbol of the element.
    onset_eV : float
        Onset of the edge, or energy of the line.
    fit_eV : tuple of float
        Window before the edge in which the background is fitted.
    integrate_eV : tuple of float
        Window after the onset in which the net counts are summed; may not overlap `fit_eV`.
    fit_above_eV, reference, shared, background
        As in `EdgeRequest`.
    """

    element: Element
    onset_eV: Onset
    fit_eV: PositiveInterval
    integrate_eV: PositiveInterval

    @property
    def is_line(self) -> bool:
        """Whether it is a line of X-rays, with a background on both sides."""
        return self.fit_above_eV is not None


def complete_edges(requests: Mapping[str, EdgeRequest]) -> dict[str, Edge]:
    """Edges of which nothing is left to be chosen."""
    complete = {name: one for name, one in requests.items() if one.is_complete and one.element}
    return {name: Edge(**one.model_dump()) for name, one in complete.items()}


def elements_of(edges: Iterable[Edge]) -> list[str]:
    """Elements of edges, each once, in their order."""
    return list(dict.fromkeys(edge.element for edge in edges))


Edges = Mapping[str, EdgeRequest | Mapping[str, Any]] | Sequence[str]
"""Edges as a user may give them: names alone, or names with all or some of their fields."""


def as_requests(edges: Edges) -> dict[str, EdgeRequest]:
    """Read edges as a user may give them; each then has an element, or an onset.

    Raises
    ------
    InputError
        If a name is of no edge and the fields do not say of which, or says another element than they.

    Examples
    --------
    >>> as_requests(["Ti", "O_K"])["O_K"].element
    'O'
    """
    if not isinstance(edges, Mapping):
        edges = {name: {} for name in _each_once(edges)}
    return {name: _request(name, edge) for name, edge in edges.items()}


def name_fault(name: str, edge: EdgeRequest) -> str | None:
    """Say what the name of an edge or line leaves open, or what its fields contradict; None if all is clear.

    Examples
    --------
    >>> name_fault("Ti_Ka", EdgeRequest()), name_fault("Ti", EdgeRequest())
    (None, None)
    >>> name_fault("Ti_N", EdgeRequest())
    'Ti has no N45 edge between 30 and 3000 eV; its edges are Ti_L23, Ti_M23, Ti_L1, Ti_M1'
    """
    named, shell = split_name(name) or split_line_name(name) or (None, None)
    if edge.element and shell and edge.element != named:
        return f"the name says {named}, but the element is {edge.element}; correct one of them"
    element = edge.element or element_of(name)
    if element is None:
        symbol = name.partition("_")[0].capitalize()
        meant = f"; in capitals it is not {symbol}" if symbol in SYMBOLS else ""
        return f"names no element{meant}; write element: Ti, or a name such as Ti_L23"
    lines = [line.name for line in lines_of(element)]
    _, family = split_line_name(name) or (None, None)
    if edge.onset_eV is not None or (f"{element}_{family}" in lines if family else not shell and lines):
        return None
    if family and not split_name(name):
        return f"{element} has no {family} line between 0.1 and 30 keV; its lines are {', '.join(lines)}"
    return edge_fault(name, edge.replaced(element=element))


def edge_fault(name: str, edge: EdgeRequest) -> str | None:
    """Say why what is named is no edge of energy losses; None if it is one.

    Examples
    --------
    >>> edge_fault("O_Ka", EdgeRequest(element="O"))
    'O_Ka is a line of X-rays, and the image is of energy losses; the edges of O are O_K'
    """
    element, (_, shell) = edge.element, split_name(name) or (None, None)
    known = [one.shell for one in edges_of(str(element))]
    if edge.onset_eV is not None:
        return None
    written = ", ".join(f"{element}_{one}" for one in known)
    if split_name(name) is None and (split_line_name(name) or ("", None))[1]:
        losses = "the image is of energy losses"
        return f"{name} is a line of X-rays, and {losses}; the edges of {element} are {written}"
    if shell in known if shell else known:
        return None
    advice = f"its edges are {written}" if known else "give onset_eV"
    return f"{element} has no {f'{shell} ' if shell else ''}edge between 30 and 3000 eV; {advice}"


def _request(name: str, edge: EdgeRequest | Mapping[str, Any]) -> EdgeRequest:
    given = edge.model_dump() if isinstance(edge, EdgeRequest) else {**edge}
    try:
        request = EdgeRequest(**given)
    except InputError as error:
        raise InputError(f"edges.{name}: {str(error).removeprefix('EdgeRequest: ')}") from None
    if fault := name_fault(name, request):
        raise InputError(f"edges.{name}: {fault}")
    return request if request.element else request.replaced(element=element_of(name))


def element_of(name: str) -> str | None:
    """Take the element from the name of an edge: what it is the name of, or what stands before `_`."""
    read = split_name(name) or split_line_name(name) or split_name(name.split("_")[0])
    return read[0] if read else None


def _each_once(names: Sequence[str]) -> Sequence[str]:
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise InputError(f"edges: {in_brief(twice)} is named twice; name each edge once")
    return names
