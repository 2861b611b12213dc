"""How components are called: a number that all methods share, and what they show or the user calls them."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from eelsunmix.comparison.setting import Setting
from eelsunmix.edges import Edge, elements_of
from eelsunmix.errors import InputError, in_brief, suggestion
from eelsunmix.typing import Floats
from eelsunmix.words import BACKGROUND, UNNAMED


def check_component_names(names: Mapping[str, str], edges: Mapping[str, Edge]) -> None:
    """Refuse a name for an element without an edge, or any without edges: it would never be seen.

    Raises
    ------
    InputError
    """
    if names and not edges:
        raise InputError(f"component_names: {UNNAMED}")
    known = [*elements_of(edges.values()), BACKGROUND]
    for element in names:
        if element not in known:
            raise InputError(
                f"component_names: no edge of {in_brief(element)} is named; {suggestion(element, known)}"
            )


def with_names(
    labels: Sequence[str], net_counts: Floats, abundance: xr.DataArray, setting: Setting
) -> list[str]:
    """Replace the labels of the endmembers that the user has named.

    Methods order their endmembers as they like, so a name belongs to the endmember that holds most of the
    counts of an element; one with several names has them all. The strongest edge would not do: a component of
    noise in few pixels may have it.

    Parameters
    ----------
    labels : sequence of str
        Of the endmembers of one method, see `eelsunmix.comparison.elements.labels`.
    net_counts : ndarray, shape (endmember, edge)
        Of each edge in each endmember.
    abundance : DataArray, dims (navigation, endmember)
    setting : Setting
    """
    if not setting.component_names:
        return list(labels)
    mean = abundance.mean([dim for dim in abundance.dims if dim != "endmember"]).to_numpy()
    given: dict[int, list[str]] = {}
    for element, name in setting.component_names.items():
        # What is unknown of one endmember takes no name from another.
        held = np.nan_to_num(_held(element, net_counts, setting) * mean)
        if held.size and held.max() > 0 and name not in given.setdefault(int(held.argmax()), []):
            given[int(held.argmax())].append(name)
    return [
        " + ".join(given.get(endmember) or [background_name(setting) if label == BACKGROUND else label])
        for endmember, label in enumerate(labels)
    ]


def _held(element: str, net_counts: Floats, setting: Setting) -> Floats:
    """Net counts of an element in each endmember, by edges whose background could be subtracted, if any."""
    own = [name for name, edge in setting.edges.items() if edge.element == element]
    sound = [name for name in own if name not in setting.reference_problems] or own
    columns = [place for place, name in enumerate(setting.edges) if name in sound]
    held: Floats = net_counts[:, columns].sum(axis=1)
    return held


def numbered_names(labels: xr.DataArray, group: xr.DataArray, *, with_edges: bool) -> xr.DataArray:
    """Name each endmember so that no other component of the page has its name, such as "2 · Mn+La".

    Matched endmembers have the number of their group in all methods; those without a partner, in the order of
    the methods, the numbers after these.

    Parameters
    ----------
    labels : DataArray of str, dims (label, endmember)
        What each endmember shows; empty where there is none.
    group : DataArray of int, dims (label, endmember)
        See `eelsunmix.comparison.matching.groups`; -1 where nothing is matched.
    with_edges : bool
        Whether labels say more than a number.
    """
    shown, number = labels.to_numpy(), group.to_numpy() + 1
    alone = (number == 0) & (shown != "")
    number[alone] = number.max(initial=0) + np.arange(1, alone.sum() + 1)
    names = [
        "" if not text else f"{which} · {text}" if with_edges else f"component {which}"
        for text, which in zip(shown.ravel().tolist(), number.ravel().tolist(), strict=True)
    ]
    return labels.copy(data=np.array(names, dtype=str).reshape(shown.shape))


def component_name(one: xr.Dataset, endmember: int) -> str:
    """Name of a component of one method of the comparison."""
    return str(one["endmember_name"].values[endmember])


def background_name(setting: Setting) -> str:
    """Return the name of a component that shows no edge."""
    return setting.component_names.get(BACKGROUND, BACKGROUND)
