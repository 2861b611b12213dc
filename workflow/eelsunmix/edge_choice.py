"""What names of edges mean on an energy axis: the one place where onsets and windows are chosen."""

import logging
from collections.abc import Callable, Mapping, Sequence

import xarray as xr

from eelsunmix.edge_table import TABLE, TabulatedEdge, edges_of, split_name
from eelsunmix.edge_windows import Neighbour, NoRoomError, Span, fit_window, signal_window, span_of
from eelsunmix.edges import Edge, EdgeRequest, Edges, as_requests, edge_fault
from eelsunmix.elements import SYMBOLS
from eelsunmix.energy.channels import channel_bounds
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.errors import InputError
from eelsunmix.line_choice import choose_line
from eelsunmix.line_table import RESOLUTION_EV
from eelsunmix.typing import Floats

SAME_EV = 20.0
"""An edge as given is that of the table so near."""
CHOSEN = ("onset_eV", "fit_eV", "integrate_eV", "fit_above_eV")

logger = logging.getLogger(__name__)


def resolve_edges(edges: Edges, energy: xr.DataArray | Floats) -> dict[str, Edge]:
    """Choose what the user has left open of each edge, or line of X-rays: its onset and its windows.

    Every stage calls this with the edges as written and the axis of its image, so that all agree. What is
    written stays as it is.

    Parameters
    ----------
    edges : sequence of str, or mapping of str to Edge, EdgeRequest or a mapping of their fields
        Names of edges (`Ti_L23`) or of elements (`Ti`), of which the best edge on the axis is taken.
    energy : DataArray or ndarray, shape (channel,)
        Centres of the channels; a DataArray says its unit, a plain array is of energy losses in eV. On an
        axis named `energy` names are those of lines; its attribute `resolution_eV` is the FWHM of Mn Ka.

    Returns
    -------
    dict of str to Edge
        By the names given; an element that was named alone gives its edge the name, `Ti_L23`.

    Raises
    ------
    InputError
        With the reason, for every edge that has no room for its windows.

    Examples
    --------
    >>> import numpy as np
    >>> edges = resolve_edges(["Ti", "O"], np.arange(380.0, 640.0, 0.5))
    >>> edges["Ti_L23"].fit_eV, edges["Ti_L23"].integrate_eV
    ((412.0, 450.0), (453.0, 497.0))
    >>> edges["O_K"].fit_eV, edges["O_K"].integrate_eV
    ((490.0, 526.0), (529.0, 579.0))
    >>> keV = xr.DataArray(np.arange(0.2, 10.0, 0.01), dims="energy", name="energy", attrs={"units": "keV"})
    >>> iron = resolve_edges(["Fe"], keV)["Fe_Ka"]
    >>> iron.fit_eV, iron.integrate_eV, iron.fit_above_eV
    ((6069.0, 6203.0), (6244.0, 6553.0), (6594.0, 6729.0))
    """
    requests = as_requests(edges)
    _check_lines(requests, energy)
    if all(request.is_complete for request in requests.values()):
        return {name: Edge(**request.model_dump()) for name, request in requests.items()}
    found: dict[str, Edge] = {}
    reasons = []
    choose = _chooser(requests, energy)
    for name, request in requests.items():
        if request.is_complete:
            found[name] = Edge(**request.model_dump())
            continue
        try:
            label, edge = choose(name, request)
        except NoRoomError as reason:
            reasons.append(f"edges.{name}: {reason}")
            continue
        if label in found or (label != name and label in requests):
            reasons.append(f"edges.{name}: {label} is named twice; name each edge once")
        found[label] = edge
    if reasons:
        raise InputError("; ".join(reasons))
    for text in choices_in_words(found, requests):
        logger.info("%s", text)
    return found


def meant_edges(name: str, request: EdgeRequest) -> list[TabulatedEdge]:
    """All edges that the name of one may mean, the strong ones of an element; the first is the best."""
    read = split_name(name)
    shell = read[1] if read else None
    own = [one for one in edges_of(str(request.element)) if shell in (None, one.shell)]
    return own if shell else [one for one in own if one.strong] or own


def choices_in_words(edges: Mapping[str, Edge], requests: Mapping[str, EdgeRequest]) -> list[str]:
    """Say what was chosen of each edge, as it could be written; edges in the order of the requests."""
    texts = []
    for (name, edge), request in zip(edges.items(), requests.values(), strict=True):
        left_open = [
            key for key in CHOSEN if getattr(request, key) is None and getattr(edge, key) is not None
        ]
        written = ", ".join(f"{key}: {_written(getattr(edge, key))}" for key in left_open)
        texts += [f"edges.{name}: chosen by its name and the axis: {written}"] if left_open else []
    return texts


def _written(value: float | tuple[float, float]) -> str:
    return f"[{value[0]:g}, {value[1]:g}]" if isinstance(value, tuple) else f"{value:g}"


def is_of_x_rays(energy: xr.DataArray | Floats) -> bool:
    """Whether an axis is one of X-rays, which have lines and no edges."""
    return isinstance(energy, xr.DataArray) and energy.name == "energy"


def resolution(energy: xr.DataArray | Floats) -> float:
    """Return the FWHM of Mn Ka in eV that an axis of X-rays says, or that of usual detectors."""
    attrs = energy.attrs if isinstance(energy, xr.DataArray) else {}
    return float(attrs.get("resolution_eV", RESOLUTION_EV))


def _check_lines(requests: Mapping[str, EdgeRequest], energy: xr.DataArray | Floats) -> None:
    for name, request in requests.items():
        if request.fit_above_eV and not is_of_x_rays(energy):
            raise InputError(
                f"edges.{name}: fit_above_eV is of lines of X-rays, and the image is of energy losses; "
                "leave it out"
            )


def _chooser(
    requests: Mapping[str, EdgeRequest], energy: xr.DataArray | Floats
) -> Callable[[str, EdgeRequest], tuple[str, Edge]]:
    span = _span(energy)
    if is_of_x_rays(energy):
        return lambda name, request: choose_line(name, request, requests, span, resolution(energy))
    for name, request in requests.items():
        if fault := edge_fault(name, request):
            raise InputError(f"edges.{name}: {fault}")
    neighbours = _neighbours(requests)
    return lambda name, request: _chosen(name, request, span, neighbours)


def _span(energy: xr.DataArray | Floats) -> Span:
    energies = in_electronvolts(energy)
    if energies.size < 2:
        raise InputError(f"edges: the energy axis has {energies.size} channel; backgrounds need a spectrum")
    return span_of(channel_bounds(energies))


def _neighbours(requests: Mapping[str, EdgeRequest]) -> list[Neighbour]:
    """All edges that the named elements show: those given, and the strong ones of the table."""
    given = [
        Neighbour(
            element=str(one.element),
            first_eV=one.onset_eV,
            last_eV=one.onset_eV + _splitting(one, one.onset_eV),
        )
        for one in requests.values()
        if one.onset_eV is not None
    ]
    elements = {one.element for one in requests.values()}
    named = {split_name(name) for name in requests}
    listed = [
        Neighbour(element=one.element, first_eV=one.onset_eV, last_eV=one.onset_eV + one.splitting)
        for one in TABLE
        if one.element in elements and (one.strong or (one.element, one.shell) in named)
    ]
    return [*given, *(one for one in listed if not any(_is_same(one, other) for other in given))]


def _is_same(one: Neighbour, other: Neighbour) -> bool:
    return one.element == other.element and abs(one.first_eV - other.first_eV) < SAME_EV


def _near(request: EdgeRequest, onset: float) -> TabulatedEdge | None:
    own = edges_of(str(request.element))
    return next((one for one in own if abs(one.onset_eV - onset) < SAME_EV), None)


def _splitting(request: EdgeRequest, onset: float) -> float:
    near = _near(request, onset)
    return near.splitting if near else 0.0


def _chosen(name: str, request: EdgeRequest, span: Span, neighbours: Sequence[Neighbour]) -> tuple[str, Edge]:
    """Name and windows of an edge; of an element that is named alone, of its first edge that has room."""
    if request.onset_eV is not None:
        return name, _with_windows(request, request.onset_eV, span, neighbours)
    edge, found = _first_with_room(request, meant_edges(name, request), span, neighbours)
    # An element alone, of which nothing else is written, is called by its edge.
    is_bare = request == EdgeRequest(element=name) if name in SYMBOLS else False
    return (edge.name if is_bare else name), found


def _first_with_room(
    request: EdgeRequest, own: Sequence[TabulatedEdge], span: Span, neighbours: Sequence[Neighbour]
) -> tuple[TabulatedEdge, Edge]:
    reasons = []
    for one in own:
        try:
            return one, _with_windows(request, one.onset_eV, span, neighbours)
        except NoRoomError as reason:
            if span.low < one.onset_eV < span.high:
                reasons.append(f"{one.name}: {reason}" if len(own) > 1 else str(reason))
    raise NoRoomError("; ".join(reasons) or _off_axis(str(request.element), own, span))


def _off_axis(element: str, meant: Sequence[TabulatedEdge], span: Span) -> str:
    on_axis = [one for one in edges_of(element) if span.low < one.onset_eV < span.high and one not in meant]
    weak = f"name one that is weak ({_listed(on_axis)}), or " if on_axis else ""
    axis = f"the axis {span.low:.0f}-{span.high:.0f} eV"
    lies = "lies" if len(meant) == 1 else "lie"
    return f"{_listed(meant)} {lies} off {axis}; {weak}leave it out"


def _listed(edges: Sequence[TabulatedEdge]) -> str:
    return ", ".join(f"{one.name} at {one.onset_eV:g} eV" for one in edges)


def _with_windows(request: EdgeRequest, onset: float, span: Span, neighbours: Sequence[Neighbour]) -> Edge:
    own = Neighbour(element=str(request.element), first_eV=onset, last_eV=onset)
    others = [one for one in neighbours if not _is_same(one, own)]
    near = _near(request, onset)
    fit_ends = request.fit_eV[1] if request.fit_eV else 0.0
    signal = request.integrate_eV or signal_window(
        onset, span, others, delayed=near is not None and near.is_delayed, fit_ends=fit_ends
    )
    fit = request.fit_eV or fit_window(onset, signal[0], span, others)
    return Edge(
        element=own.element,
        onset_eV=onset,
        fit_eV=fit,
        integrate_eV=signal,
        reference=request.reference,
        shared=request.shared,
        background=request.background,
    )
