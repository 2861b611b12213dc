"""Fitted endmembers, anchored by the edges that the user names."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import xarray as xr

from eelsunmix.anchoring import Anchored, anchor
from eelsunmix.background.net_counts import edge_windows
from eelsunmix.edge_choice import resolve_edges
from eelsunmix.edges import Edge, Edges
from eelsunmix.methods._equalised import EqualisedPixels
from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.methods._linear import LinearModel
from eelsunmix.methods._loading import load_model
from eelsunmix.methods._models import COUNTS_ATTRIBUTE
from eelsunmix.typing import Floats

_ROUNDS = 3
"""The exponent of a background is that of its own spectrum, so that net counts change with the mixing."""


def anchored(fitted: xr.Dataset, learning: LearningSet, edges: Edges, energy: xr.DataArray) -> xr.Dataset:
    """Anchor the endmembers of a fitted model; the same dataset, with the reason, where that is refused.

    Parameters
    ----------
    fitted : Dataset
        Without failure, of a method whose abundances sum to one.
    learning : LearningSet
        What it has learned from.
    edges : sequence of str, or mapping
        See `eelsunmix.edge_choice.resolve_edges`.
    energy : DataArray, shape (channel,)

    Returns
    -------
    Dataset
        Of a `LinearModel`: abundances are fully constrained least squares on the anchored endmembers. The
        message says what was done.
    """
    edges = resolve_edges(edges, energy)
    counts, known = fitted.attrs.get(COUNTS_ATTRIBUTE), load_model(fitted)
    model = LinearModel(
        endmembers=known.endmembers,
        sum_to_one=True,
        channel_weight=learning.channel_weight,
        endmember_noise=known.endmember_noise,
    )
    first: Anchored | None = None
    for _ in range(_ROUNDS):
        pixels = model if counts is None else EqualisedPixels(inner=model, counts=float(counts))
        found = _step(model.endmembers, pixels.abundances(learning.spectra).mean, learning, edges, energy)
        first = found if first is None else first
        if found.refused:
            break
        model = dataclasses.replace(model, endmembers=found.mixing @ model.endmembers)
    message = "; ".join(filter(None, (fitted.attrs["message"], first.reason if first else "")))
    if first is None or first.refused:
        return fitted.assign_attrs(message=message, anchored=False)
    record = {"status": fitted.attrs["status"], "message": message, "anchored": True}
    dataset = model.to_dataset().rename(channel=energy.dims[0]).assign_coords({energy.dims[0]: energy})
    dataset = dataset.drop_vars([name for name in dataset.coords if name != energy.dims[0]])
    return dataset.assign_attrs({} if counts is None else {COUNTS_ATTRIBUTE: counts}).assign_attrs(record)


def _step(
    endmembers: Floats,
    abundances: Floats,
    learning: LearningSet,
    edges: Mapping[str, Edge],
    energy: xr.DataArray,
) -> Anchored:
    net, variance = net_counts_of_elements(endmembers, edges, energy, learning.spectra.mean(axis=0))
    # An endmember is as well known as the mean of the pixels that it makes up.
    pixels = np.maximum(np.sum(abundances**2, axis=0), 1.0)[:, None]
    return anchor(net, np.sqrt(learning.counts_per_electron * variance / pixels), abundances)


def net_counts_of_elements(
    endmembers: Floats, edges: Mapping[str, Edge], energy: xr.DataArray, mean_spectrum: Floats
) -> tuple[Floats, Floats]:
    """Sum the net counts, and their variances, over the edges of each element; shape (endmember, element)."""
    elements = list(dict.fromkeys(edge.element for edge in edges.values()))
    net, variance = (np.zeros((len(endmembers), len(elements))) for _ in range(2))
    for name, window in edge_windows(edges, exponent_from=mean_spectrum).items():
        counts, sd = window.net_counts(endmembers, energy)
        column = elements.index(edges[name].element)
        net[:, column] += counts
        variance[:, column] += sd**2
    return net, variance
