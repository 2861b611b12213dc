"""Edges near which nothing is estimated from the data."""

from collections.abc import Mapping, Sequence
from typing import Any

from eelsunmix.edge_choice import meant_edges
from eelsunmix.edges import as_requests
from eelsunmix.line_table import best_lines


def protected_edges(edges: Mapping[str, Any] | Sequence[str], *, of_x_rays: bool = False) -> dict[str, Any]:
    """Onsets near which nothing is estimated from the data: no windows are needed for that, and no axis.

    Parameters
    ----------
    edges : sequence of str, or mapping
        As in `resolve_edges`; an edge with an onset needs no element.
    of_x_rays : bool
        Whether names are those of lines.

    Returns
    -------
    dict
        Edges with an onset as they are; in the place of others, all that their names may mean.
    """
    if not isinstance(edges, Mapping):
        edges = as_requests(edges)
    found = {name: edge for name, edge in edges.items() if _onset_of(edge) is not None}
    for name, request in as_requests({n: e for n, e in edges.items() if n not in found}).items():
        if of_x_rays:
            lines = {one.name: one.energy_eV for one in best_lines(str(request.element))}
        else:
            lines = {one.name: one.onset_eV for one in meant_edges(name, request)}
        for own, onset in lines.items():
            found.setdefault(own, {"onset_eV": onset})
    return found


def _onset_of(edge: Any) -> Any:
    return edge.get("onset_eV") if isinstance(edge, Mapping) else edge.onset_eV
