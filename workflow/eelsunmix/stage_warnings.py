"""What the stages of a sample warn of: one list, gathered from all of its stores."""

from collections.abc import Iterator, Mapping

import xarray as xr

PLACES = {
    "raw": "Import",
    "corrected": "Corrections",
    "pca": "Denoising",
    "rank": "Number of components",
    "bs": "Background subtraction",
    "comparison": "Components",
}
"""Store -> where its warnings come from, as the report says it, in the order in which they are shown."""


def collect_warnings(
    stores: Mapping[str, xr.Dataset],
    fits: Mapping[str, xr.Dataset] | None = None,
    maps: Mapping[str, xr.Dataset] | None = None,
) -> list[tuple[str, str]]:
    """Gather the warnings of all stores of a sample: an axis that is off first, then failed references.

    Parameters
    ----------
    stores : mapping of str to Dataset
        By the names of `PLACES`, as `eelsunmix.report.write_report` takes them; others are not looked at.
    fits, maps : mapping of str to Dataset, optional
        Stores of the methods by label.

    Returns
    -------
    list of (str, str)
        Where each comes from, and its sentences; a warning that several stores repeat is there once.

    Examples
    --------
    >>> rank = xr.Dataset(attrs={"warnings": ["No eigenvalue is above the noise."]})
    >>> collect_warnings({"rank": rank})
    [('Number of components', 'No eigenvalue is above the noise.')]
    """
    places: dict[str, list[str]] = {}
    for place, text in _in_order(stores, fits or {}, maps or {}):
        known = places.setdefault(text, [])
        known += [place] if place not in known else []
    return [(", ".join(known), text) for text, known in places.items()]


def reference_problems(bs: xr.Dataset) -> dict[str, list[str]]:
    """Edges whose background subtraction failed, and what is wrong with it, in sentences."""
    found = dict(bs.attrs.get("reference_problems") or {})
    return {str(edge): [*map(str, texts)] for edge, texts in found.items() if texts}


def marked_or_all(reference: Mapping[str, bool]) -> list[str]:
    """Edges that the user marks as reference; all of them where none is marked.

    Examples
    --------
    >>> marked_or_all({"Ti_L23": True, "O_K": False}), marked_or_all({"Ti_L23": False, "O_K": False})
    (['Ti_L23'], ['Ti_L23', 'O_K'])
    """
    return [name for name, marked in reference.items() if marked] or list(reference)


def _in_order(
    stores: Mapping[str, xr.Dataset], fits: Mapping[str, xr.Dataset], maps: Mapping[str, xr.Dataset]
) -> Iterator[tuple[str, str]]:
    bs = stores.get("bs", xr.Dataset())
    of_axis = list(dict(bs.attrs.get("energy_axis") or {}).get("warnings", []))
    yield from (("The energy axis", text) for text in of_axis)
    for edge, texts in _references_first(bs).items():
        yield from ((f"{_role(bs, edge)} of {edge} failed", text) for text in texts)
    for name, place in PLACES.items():
        texts = _warnings(stores.get(name, xr.Dataset()))
        yield from ((place, text) for text in texts if text not in of_axis)
    for methods in (fits, maps):
        for label, store in methods.items():
            yield from ((label, text) for text in _warnings(store))


def _references_first(bs: xr.Dataset) -> dict[str, list[str]]:
    problems = reference_problems(bs)
    return dict(sorted(problems.items(), key=lambda item: not _is_reference(bs, item[0])))


def _role(bs: xr.Dataset, edge: str) -> str:
    return "The reference" if _is_reference(bs, edge) else "Background subtraction"


def _is_reference(bs: xr.Dataset, edge: str) -> bool:
    """Whether the edge is a reference; where the store names no edges, each is."""
    edges = dict(bs.attrs.get("edges") or {})
    return not edges or edge in marked_or_all({name: bool(one["reference"]) for name, one in edges.items()})


def _warnings(store: xr.Dataset) -> list[str]:
    """Those of the store itself, and of its check of the counts."""
    found = [*dict(store.attrs.get("counts_check") or {}).get("warnings", [])]
    return [str(text) for text in [*found, *(store.attrs.get("warnings") or [])]]
