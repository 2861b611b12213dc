"""Whether an image is layered: whether what its edges show varies along one axis alone."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from eelsunmix.background.maps import channels_of
from eelsunmix.background.windows import sum_windows
from eelsunmix.edges import Edge
from eelsunmix.proposal.proposing import Proposal
from eelsunmix.typing import Floats

ALONG = 0.9
"""Part of the variance beyond noise that lies along one axis in a layered image."""
BEYOND_NOISE = 2.0
"""A profile is worth showing where its variance exceeds that of its noise by so many times."""
FEWEST, LINES = 8, 3
"""Pixels of the shortest profile that is proposed; so many lines beside each other are a line scan anyway."""


def layered_along(image: xr.DataArray, proposal: Proposal) -> str | None:
    """Return the axis along which an image varies alone by the edges that are proposed; None without."""
    axis = image[image.dims[-1]]
    in_eV = xr.DataArray(proposal.energies, dims=axis.dims, attrs={**axis.attrs, "units": "eV"})
    edges = {name: edge for name, _, edge in proposal.drawn}
    return varies_along(image.assign_coords({axis.name: in_eV}), edges)


def varies_along(image: xr.DataArray, edges: Mapping[str, Edge]) -> str | None:
    """Return the axis along which an image varies alone, ``"x"`` or ``"y"``; None where there is none.

    What varies is, of each edge, the part of the counts of its windows that lies in the integration window:
    it knows nothing of brightness. Its two-way decomposition has what both axes explain; of the rest, what
    neighbours have in common is structure, and all else noise. Nothing is assumed of the gain.

    Parameters
    ----------
    image : DataArray, dims (y, x, energy) or (frame, y, x, energy)
        Counts with the energies that the edges are given on; frames are summed.
    edges : mapping of str to Edge
    """
    long = max(("y", "x"), key=lambda dim: image.sizes[dim])
    if not edges or image.sizes[long] < FEWEST:
        return None
    if min(image.sizes["y"], image.sizes["x"]) <= LINES:
        return long
    axis = image[image.dims[-1]]
    sums = sum_windows(image, {name: channels_of(edge, axis) for name, edge in edges.items()})
    parts = np.sum([_variances(_part_in_window(one)) for one in sums.of_edge.values()], axis=0)
    along, structure = dict(zip("yx", parts[:2], strict=True)), float(parts.clip(0).sum())
    best = max("yx", key=lambda dim: along[dim])
    summed = image.sizes["x" if best == "y" else "y"]
    if image.sizes[best] < FEWEST or along[best] * summed < BEYOND_NOISE * len(edges):
        return None
    return best if along[best] > ALONG * structure else None


def _part_in_window(sums: xr.DataArray) -> Floats:
    """Part of the counts of all windows that lies in the last one, dims (y, x); NaN without counts."""
    counts = sums.transpose(..., "y", "x", "window").to_numpy().astype(float)
    counts = counts.reshape(-1, *counts.shape[-3:]).sum(axis=0)
    total = counts.sum(axis=-1)
    return np.divide(counts[..., -1], total, out=np.full(total.shape, np.nan), where=total > 0)


def _variances(part: Floats) -> Floats:
    """Variances beyond noise along y, along x, and of neither alone, in units of that of the noise."""
    known = np.isfinite(part)
    part = np.where(known, part, part[known].mean() if known.any() else 0.0)
    rows, columns = part.mean(axis=1), part.mean(axis=0)
    rest = part - rows[:, None] - columns + part.mean()
    freedom = np.prod([size - 1 for size in part.shape]) / part.size
    of_both = max(_shared_by_neighbours(rest), _shared_by_neighbours(rest.T), 0.0)
    # Without any noise its variance is that of rounding, not zero.
    least = 1e-9 * float(part.var()) + np.finfo(float).tiny
    noise = max(float((rest**2).mean() / freedom) - of_both, least)
    found = [rows.var() - noise / columns.size, columns.var() - noise / rows.size, of_both]
    return np.array(found) / noise


def _shared_by_neighbours(rest: Floats) -> float:
    """Covariance of pixels beside each other along the first axis; of fewer than four it says nothing."""
    return float((rest[1:] * rest[:-1]).mean()) if len(rest) >= 4 else 0.0
