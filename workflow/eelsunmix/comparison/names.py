"""The user's names of components, in the place of those after the elements that they show."""

from collections.abc import Mapping, Sequence

from numpy.typing import NDArray

from eelsunmix.comparison.setting import Setting
from eelsunmix.edges import Edge
from eelsunmix.errors import InputError, in_brief, suggestion
from eelsunmix.words import BACKGROUND


def check_component_names(names: Mapping[str, str], edges: Mapping[str, Edge]) -> None:
    """Refuse a name for an element without an edge: it would never be seen.

    Raises
    ------
    InputError
    """
    known = list(dict.fromkeys([*(edge.element for edge in edges.values()), BACKGROUND]))
    for element in names:
        if element not in known:
            raise InputError(
                f"component_names: no edge of {in_brief(element)} is named; {suggestion(element, known)}"
            )


def with_names(labels: Sequence[str], owner: NDArray, setting: Setting) -> list[str]:
    """Replace the labels of the endmembers that the user has named.

    Methods order their endmembers as they like, so a name belongs to the endmember in which the edges of an
    element are strongest; one with several names has them all.

    Parameters
    ----------
    labels : sequence of str
        Of the endmembers of one method, see `eelsunmix.comparison.elements.labels`.
    owner : ndarray of int, shape (edge,)
        Endmember in which each edge is strongest; -1 where none shows it.
    setting : Setting
    """
    given: dict[int, list[str]] = {}
    for edge, endmember in zip(setting.edges.values(), owner.tolist(), strict=True):
        name = setting.component_names.get(edge.element)
        if name is not None and name not in given.setdefault(endmember, []):
            given[endmember].append(name)
    return [
        " + ".join(given.get(endmember) or [background_name(setting) if label == BACKGROUND else label])
        for endmember, label in enumerate(labels)
    ]


def background_name(setting: Setting) -> str:
    """Return the name of a component that shows no edge."""
    return setting.component_names.get(BACKGROUND, BACKGROUND)
