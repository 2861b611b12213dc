"""What tells components apart that show the same elements: strength, slope of the background, place."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from eelsunmix.comparison.names import component_name
from eelsunmix.comparison.thresholds import CRITERIA
from eelsunmix.comparison.words import listed
from eelsunmix.report.formatting import in_words, number
from eelsunmix.report.texts import one_style

OTHER_STRENGTH, OTHER_SLOPE = 1.25, 0.05
"""Factor between the counts of an edge, and difference of two exponents, from which on they are told."""
TOGETHER, APART = 0.7, -0.3
"""Correlation of two maps above which they lie in the same places, and below which elsewhere."""


def unlike(at: xr.Dataset, abundance: xr.DataArray, endmember: int) -> list[tuple[str, str]]:
    """Return the name of each other component of the same elements, and how this one differs from it.

    Parameters
    ----------
    at : Dataset
        The comparison at one method.
    abundance : DataArray, dims (navigation, endmember)
    endmember : int
    """
    shown = at["cross_talk"].to_numpy() > CRITERIA["cross_talk"].green
    own = shown[endmember]
    others = [k for k in range(abundance.sizes["endmember"]) if k != endmember and own.any()]
    return [
        (component_name(at, k), "; ".join(_differences(at, abundance, endmember, k)))
        for k in others
        if (shown[k] == own).all()
    ]


def _differences(at: xr.Dataset, abundance: xr.DataArray, one: int, other: int) -> Iterator[str]:
    if strengths := _strengths(at, one, other):
        yield f"{listed(strengths)}, at equal total counts"
    yield from _slope(at, one, other)
    yield _place(abundance, one, other)


def _strengths(at: xr.Dataset, one: int, other: int) -> list[str]:
    talk = at["cross_talk"].to_numpy()
    found = []
    for column, edge in enumerate(at["edge"].to_numpy().tolist()):
        first, second = talk[one, column], talk[other, column]
        if min(first, second) > CRITERIA["cross_talk"].green:
            ratio = first / second
            if max(ratio, 1 / ratio) > OTHER_STRENGTH:
                found.append(f"{number(ratio, 2)} times as much {in_words(edge)}")
    return found


def _slope(at: xr.Dataset, one: int, other: int) -> Iterator[str]:
    """Say it before the first edge that both have a background of."""
    exponents = at["endmember_exponent"].to_numpy()[[one, other]]
    known = np.flatnonzero(np.isfinite(exponents).all(axis=0))
    if known.size and abs(np.subtract(*exponents[:, known[0]])) > OTHER_SLOPE:
        first, second = exponents[:, known[0]]
        edge = in_words(str(at["edge"].to_numpy()[known[0]]))
        how = "more steeply" if first > second else "less steeply"
        yield one_style(f"its background falls {how} (exponent {first:.2f}, not {second:.2f}, before {edge})")


def _place(abundance: xr.DataArray, one: int, other: int) -> str:
    maps = [abundance.isel(endmember=k).to_numpy().astype(float).ravel() for k in (one, other)]
    known = np.isfinite(maps).all(axis=0)
    if not all(image[known].std() > 0 for image in maps):
        return "the same everywhere"
    alike = float(np.corrcoef(maps[0][known], maps[1][known])[0, 1])
    where = "in the same places" if alike > TOGETHER else "elsewhere" if alike < APART else "partly together"
    return one_style(f"{where} (maps correlate by {alike:.2f})")
