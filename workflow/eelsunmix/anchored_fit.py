"""Fitted endmembers, anchored by the edges that the user names."""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

import numpy as np
import xarray as xr

from eelsunmix.anchoring import Anchored, anchor, owners
from eelsunmix.background.net_counts import edge_windows
from eelsunmix.edge_choice import resolve_edges
from eelsunmix.edge_shapes import parts_by_shape, unlike_shapes
from eelsunmix.edges import Edge, Edges, elements_of
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.methods._equalised import EqualisedPixels
from eelsunmix.methods._learning_set import LearningSet
from eelsunmix.methods._linear import LinearModel
from eelsunmix.methods._loading import load_model
from eelsunmix.methods._models import COUNTS_ATTRIBUTE
from eelsunmix.typing import Floats

Judgement = TypeVar("Judgement")
ROUNDS = 3
"""The exponent of a background is that of its own spectrum, so that net counts change with the mixing."""
HOLES = 0.01
"""Part of the counts of an endmember that may be below zero, by noise."""
TELLING = 0.2
"""Part of the owner's edge in another spectrum from which on its shape can tell: what is left of a gain
pattern, or of an edge that nobody named, weighs the more the less there is of it."""


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
        message says what was done, `warnings` why it was refused, unless all edges were clean.
    """
    edges = with_one_owner(resolve_edges(edges, energy))
    counts, known = fitted.attrs.get(COUNTS_ATTRIBUTE), load_model(fitted)
    model = LinearModel(
        endmembers=known.endmembers,
        sum_to_one=True,
        channel_weight=learning.channel_weight,
        endmember_noise=known.endmember_noise,
    )
    model = _without_noise(model, learning, counts)
    if reason := refusal_of_shared(_judged(shared_by_shape, model, learning, edges, energy, counts)):
        unit = np.eye(len(model.endmembers))
        first = Anchored(mixing=unit, cleaning=unit, reason=reason, refused=True)
    else:
        first, model = _rounds(model, learning, edges, energy, counts)
    message = "; ".join(filter(None, (fitted.attrs["message"], first.reason)))
    record = {"message": message, "anchored": not first.refused, "warnings": _warnings(first)}
    if first.refused:
        return fitted.assign_attrs(record)
    dataset = model.to_dataset().rename(channel=energy.dims[0]).assign_coords({energy.dims[0]: energy})
    dataset = dataset.drop_vars([name for name in dataset.coords if name != energy.dims[0]])
    dataset = dataset.assign_attrs({} if counts is None else {COUNTS_ATTRIBUTE: counts})
    return dataset.assign_attrs({"status": fitted.attrs["status"], **record})


def _without_noise(model: LinearModel, learning: LearningSet, counts: float | None) -> LinearModel:
    """Replace endmembers that are single pixels, too noisy to judge edges by, with means of many of them."""
    if not model.endmember_noise:
        return model
    spectra = learning.spectra
    brightness = 1.0 if counts is None else spectra.sum(axis=1, keepdims=True) / counts
    abundances = brightness * _abundances(model, learning, counts)
    found = np.linalg.lstsq(abundances, spectra, rcond=None)[0]
    return dataclasses.replace(model, endmembers=found, endmember_noise=0.0)


def _abundances(model: LinearModel, learning: LearningSet, counts: float | None) -> Floats:
    pixels = model if counts is None else EqualisedPixels(inner=model, counts=float(counts))
    return pixels.abundances(learning.spectra).mean


def _judged(
    judge: Callable[..., Judgement],
    model: LinearModel,
    learning: LearningSet,
    edges: Mapping[str, Edge],
    energy: xr.DataArray,
    counts: float | None,
) -> Judgement:
    """Call `anchored_once` or `shared_by_shape` on a model and the spectra that it was learned from."""
    return judge(
        model.endmembers,
        _abundances(model, learning, counts),
        edges,
        energy,
        mean_spectrum=learning.spectra.mean(axis=0),
        variance_to_mean=learning.counts_per_electron,
    )


def _rounds(
    model: LinearModel,
    learning: LearningSet,
    edges: Mapping[str, Edge],
    energy: xr.DataArray,
    counts: float | None,
) -> tuple[Anchored, LinearModel]:
    """Anchor a model again and again; return what the first round found, and the last model."""
    first: Anchored | None = None
    for _ in range(ROUNDS):
        found = _judged(anchored_once, model, learning, edges, energy, counts)
        first = found if first is None else first
        if found.refused:
            break
        model = dataclasses.replace(model, endmembers=found.mixing @ model.endmembers)
    return _without_holes(first or found, model.endmembers), model


def _without_holes(found: Anchored, endmembers: Floats) -> Anchored:
    """Refuse what would leave a spectrum with counts below zero: it belongs to no material."""
    below = part_below_zero(endmembers)
    if found.refused or below.max() <= HOLES:
        return found
    reason = (
        f"not anchored: endmember {int(below.argmax()) + 1} would have {100 * below.max():.0f} % of its "
        "counts below zero; check the windows of the edges, and whether each element has some of its own"
    )
    return dataclasses.replace(found, reason=reason, refused=True)


def part_below_zero(endmembers: Floats) -> Floats:
    """Part of the counts of each endmember that is below zero, shape (endmember,)."""
    parts: Floats = -np.minimum(endmembers, 0.0).sum(axis=1) / np.abs(endmembers).sum(axis=1)
    return parts


def _warnings(found: Anchored) -> list[str]:
    """Say what the user asked for and did not get; that nothing was to be done is none."""
    if not found.refused or found.clean:
        return []
    return [f"anchor: edges was asked for, but the endmembers are {found.reason}."]


def anchored_once(
    endmembers: Floats,
    abundances: Floats,
    edges: Mapping[str, Edge],
    energy: xr.DataArray,
    *,
    mean_spectrum: Floats,
    variance_to_mean: float,
) -> Anchored:
    """Anchor endmembers by their net counts, as sure as the abundances of all pixels make them.

    Parameters
    ----------
    endmembers : ndarray, shape (endmember, channel)
    abundances : ndarray, shape (pixel, endmember)
    edges : mapping of str to Edge
    energy : DataArray, shape (channel,)
    mean_spectrum : ndarray, shape (channel,)
        Of these pixels; gives the exponents of the background.
    variance_to_mean : float
        Of the counts of a channel.
    """
    net, variance = net_counts_of_elements(endmembers, edges, energy, mean_spectrum)
    of_one = _variance_of_one(abundances, variance_to_mean)
    by_shape = parts_by_shape(endmembers, of_one, owners(net), edges, in_electronvolts(energy))
    return anchor(net, np.sqrt(of_one[:, None] * variance), abundances, by_shape)


def shared_by_shape(
    endmembers: Floats,
    abundances: Floats,
    edges: Mapping[str, Edge],
    energy: xr.DataArray,
    *,
    mean_spectrum: Floats,
    variance_to_mean: float,
) -> set[str]:
    """Find elements that several materials hold: their edges have unlike shapes in two endmembers.

    Parameters
    ----------
    endmembers, abundances, edges, energy, mean_spectrum, variance_to_mean
        As of `anchored_once`; endmembers that are fitted to all pixels.
    """
    net = net_counts_of_elements(endmembers, edges, energy, mean_spectrum)[0]
    of_one = _variance_of_one(abundances, variance_to_mean)
    unlike = unlike_shapes(endmembers, of_one, owners(net), edges, in_electronvolts(energy))
    several = (unlike & (net >= TELLING * net.max(axis=0))).any(axis=0)
    return {name for name, found in zip(elements_of(edges.values()), several, strict=True) if found}


def with_one_owner(edges: Mapping[str, Edge]) -> dict[str, Edge]:
    """Leave out the edges of elements of which the user says that several materials hold them."""
    told = {edge.element for edge in edges.values() if edge.shared}
    return {name: edge for name, edge in edges.items() if edge.element not in told}


def refusal_of_shared(shown: Collection[str]) -> str:
    """Say why nothing is anchored if elements are found in several materials; empty if none is."""
    if not shown:
        return ""
    return (
        f"not anchored: {', '.join(sorted(shown))} has an edge of another shape in another material, so that "
        "materials share elements, and each keeps its own; with shared: true at the edges of these, others "
        "anchor if they are of one element fewer than there are endmembers"
    )


def _variance_of_one(abundances: Floats, variance_to_mean: float) -> Floats:
    """Variance of a channel of one count: an endmember is known as the mean of the pixels it makes up."""
    variance: Floats = variance_to_mean / np.maximum(np.sum(abundances**2, axis=0), 1.0)
    return variance


def net_counts_of_elements(
    endmembers: Floats, edges: Mapping[str, Edge], energy: xr.DataArray, mean_spectrum: Floats
) -> tuple[Floats, Floats]:
    """Sum the net counts, and their variances, over the edges of each element; shape (endmember, element)."""
    elements = elements_of(edges.values())
    net, variance = (np.zeros((len(endmembers), len(elements))) for _ in range(2))
    for name, window in edge_windows(edges, exponent_from=mean_spectrum).items():
        counts, sd = window.net_counts(endmembers, energy)
        column = elements.index(edges[name].element)
        net[:, column] += counts
        variance[:, column] += sd**2
    return net, variance
