"""Edges near which nothing is estimated from the data."""

from collections.abc import Mapping, Sequence
from typing import Any

from eelsunmix.edge_choice import meant_edges
from eelsunmix.edges import as_requests


def protected_edges(edges: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Onsets near which nothing is estimated from the data: no windows are needed for that, and no axis.

    Parameters
    ----------
    edges : sequence of str, or mapping
        As in `resolve_edges`; an edge with an onset needs no element.

    Returns
    -------
    dict
        Edges with an onset as they are; in the place of others, all that their names may mean.
    """
    if not isinstance(edges, Mapping):
        edges = as_requests(edges)
    found = {name: edge for name, edge in edges.items() if _onset_of(edge) is not None}
    for name, request in as_requests({n: e for n, e in edges.items() if n not in found}).items():
        for one in meant_edges(name, request):
            found.setdefault(one.name, {"onset_eV": one.onset_eV})
    return found


def _onset_of(edge: Any) -> Any:
    return edge.get("onset_eV") if isinstance(edge, Mapping) else edge.onset_eV
