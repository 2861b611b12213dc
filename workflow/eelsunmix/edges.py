"""Edges and their windows, as the user names them."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from eelsunmix.elements import SYMBOLS
from eelsunmix.errors import InputError, in_brief
from eelsunmix.options import BrokenRuleError, Options, Positive, PositiveInterval

_SYMBOL = {"pattern": f"^({'|'.join(sorted(SYMBOLS))})$", "examples": ["Ru"]}


def _known_element(symbol: str) -> str:
    if symbol not in SYMBOLS:
        right = symbol.capitalize()
        hint = f"did you mean {right}?" if right in SYMBOLS else "write its symbol, such as Ru"
        raise ValueError(f"needs a chemical element, not {in_brief(symbol)}; {hint}")
    return symbol


class Edge(Options):
    """One ionisation edge, where its background is fitted and where its counts are summed.

    Parameters
    ----------
    element : str
        Symbol of the element.
    onset_eV : float
        Onset of the edge.
    fit_eV : tuple of float
        Window before the edge in which the power law is fitted.
    integrate_eV : tuple of float
        Window after the onset in which the net counts are summed; may not overlap `fit_eV`.
    reference : bool
        Whether the maps of this edge are the reference for the element when methods are compared.
    """

    element: Annotated[str, AfterValidator(_known_element), Field(json_schema_extra=_SYMBOL)]
    onset_eV: Positive
    fit_eV: PositiveInterval
    integrate_eV: PositiveInterval
    reference: bool = False

    @model_validator(mode="after")
    def _windows_do_not_overlap(self) -> Self:
        if self.fit_eV[1] > self.integrate_eV[0]:
            end, start = self.fit_eV[1], self.integrate_eV[0]
            raise BrokenRuleError("fit_eV", f"must end before integrate_eV begins, but {end:g} > {start:g}")
        return self


def as_edges(edges: Mapping[str, Edge | Mapping[str, Any]]) -> dict[str, Edge]:
    """Make edges of plain mappings; the element is the beginning of the name where it is not given.

    Examples
    --------
    >>> plain = {"onset_eV": 456, "fit_eV": [405, 450], "integrate_eV": [456, 486]}
    >>> as_edges({"Ti_L23": plain})["Ti_L23"].element
    'Ti'
    """
    return {
        name: edge if isinstance(edge, Edge) else _as_edge(name, {"element": name.split("_")[0], **edge})
        for name, edge in edges.items()
    }


def _as_edge(name: str, fields: Mapping[str, Any]) -> Edge:
    try:
        return Edge(**fields)
    except InputError as error:
        raise InputError(f"edges.{name}: {str(error).removeprefix('Edge: ')}") from None
