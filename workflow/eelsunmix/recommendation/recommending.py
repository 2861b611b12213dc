"""The recommended result of an image: `recommend`."""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import xarray as xr

from eelsunmix.background.net_counts import net_counts_of_spectra
from eelsunmix.edge_choice import resolve_edges
from eelsunmix.edges import Edge, Edges
from eelsunmix.errors import MethodFailedError
from eelsunmix.recommendation.candidates import Solution, solutions
from eelsunmix.recommendation.choice import Ranking, passing, rank_on_twins, with_consensus
from eelsunmix.recommendation.data import Data, prepared, with_sample_alone
from eelsunmix.recommendation.deviations import map_deviation, spectrum_deviation
from eelsunmix.recommendation.doubts import doubts
from eelsunmix.typing import Bools, Floats

MODELS = ("BLU, neighbours", "uDAS, neighbours", "VCA of averages, neighbours")
"""Twins are made of these; of the first solutions where they did not pass."""
ICA_REASON = "ICA is no candidate: shares that sum to one are not independent"


def recommend(
    image: xr.DataArray,
    n_endmembers: int = 3,
    edges: Edges | None = None,
    seed: int = 0,
    *,
    vacuum: xr.DataArray | None = None,
) -> xr.Dataset:
    """Find the endmembers and maps by the method that is best on images like this one.

    Several methods are fitted. From what they found, images are simulated with the same endmembers, maps,
    dose and noise: *twins*, of which the truth is known. The method (or the median of all) that comes nearest
    to it there is recommended, and its errors there are its standard deviations.

    Parameters
    ----------
    image : DataArray, dims in any order, one of them spectral
        Corrected counts. They are read into memory: crop or bin what is larger than it.
    n_endmembers : int
        How many.
    edges : sequence of str, or mapping, optional
        Names of edges, or name -> `Edge` or its plain values. ``attrs["edge_owner"]`` says
        which endmember has most of each.
    seed : int
        Of everything random: the same image and seed give the same result.
    vacuum : DataArray of bool, dims those of the pixels, optional
        True in pixels without sample, which are left out; found in the counts where it is not given.

    Returns
    -------
    Dataset
        ``endmember_spectrum (endmember, energy)`` in counts of a pixel of share one and brightness one;
        ``abundance (navigation, endmember)``, shares that sum to one; ``thickness_weighted_abundance``,
        shares times brightness; ``_sd`` of all three. Shares and amounts are zero in pixels without sample,
        and NaN in pixels that are not valid. Attrs: ``method`` and its ``status``, ``reason`` (a line with
        the errors on twins), ``twin_error`` (label -> relative squared error), ``excluded`` (label -> why),
        ``brightness``, ``edge_owner``, ``n_empty_pixels``, ``warnings``.

    Raises
    ------
    InputError
        Not as many endmembers in the image, a bad pixel, edges that are off the axis.
    """
    narrowed, empty = with_sample_alone(image, vacuum)
    resolved = {} if edges is None else resolve_edges(edges, narrowed[narrowed.dims[-1]])
    data = prepared(narrowed, n_endmembers)
    found, failed, brightness = solutions(data, n_endmembers, seed=seed, brightness="auto")
    if not found:
        raise MethodFailedError("recommend: no method gave a result; " + "; ".join(failed.values()))
    kept, excluded = passing(found, data)
    models = [one for one in kept if one.label in MODELS] or list(kept[:1])
    rng = np.random.default_rng([seed, n_endmembers])
    ranking = rank_on_twins(kept, data, n_endmembers, models=models, brightness=brightness, rng=rng)
    best = next(one for one in with_consensus(kept, data.weight) if one.label == ranking.best)
    record = {
        "method": best.label,
        "status": best.status,
        "reason": _reason(ranking, kept, excluded | failed, len(models)),
        "twin_error": ranking.errors,
        "excluded": excluded | failed,
        "brightness": brightness,
        "seed": seed,
        "n_endmembers": n_endmembers,
        "n_empty_pixels": int(empty.sum()),
        "edge_owner": _owners(best, resolved, narrowed[narrowed.dims[-1]]),
        "warnings": doubts(best, ranking, data, excluded if len(excluded) == len(found) else {}),
    }
    return _in_callers_order(_labelled(best, ranking, data, empty), image).assign_attrs(record)


def _labelled(best: Solution, ranking: Ranking, data: Data, empty: Bools) -> xr.Dataset:
    trials, chosen = ranking.trials[best.label], data.chosen
    dims, energy = (*data.image.dims[:-1], "endmember"), data.image.dims[-1]
    maps = {
        "abundance": _map(best.shares, chosen, empty),
        "thickness_weighted_abundance": _map(best.amounts, chosen, empty),
        "abundance_sd": _visible(map_deviation([one.shares for one in trials], chosen), chosen, empty),
        "thickness_weighted_abundance_sd": _visible(
            map_deviation([one.amounts for one in trials], chosen), chosen, empty
        ),
    }
    spectra = {
        "endmember_spectrum": best.endmembers,
        "endmember_spectrum_sd": spectrum_deviation([one.spectra for one in trials]),
    }
    coords = {name: one for name, one in data.image.coords.items() if energy not in one.dims}
    coords |= {energy: data.image[energy], "endmember": np.arange(len(best.endmembers))}
    variables = {name: (dims, values.astype(np.float32), {"units": "1"}) for name, values in maps.items()}
    spectral = {
        name: (("endmember", energy), values, {"units": "counts"}) for name, values in spectra.items()
    }
    return xr.Dataset(variables | spectral, coords=coords)


def _map(rows: Floats, chosen: Bools, empty: Bools) -> Floats:
    """Put the rows of the chosen pixels into their places: zero in empty pixels, NaN in invalid ones."""
    filled = np.full((*chosen.shape, rows.shape[1]), np.nan)
    filled[empty] = 0.0
    filled[chosen] = rows
    return filled


def _visible(values: Floats, chosen: Bools, empty: Bools) -> Floats:
    return np.where((chosen | empty)[..., None], values, np.nan)


def _owners(best: Solution, edges: Mapping[str, Edge], energy: xr.DataArray) -> dict[str, int]:
    if not edges:
        return {}
    net = net_counts_of_spectra(best.endmembers, energy, edges)
    return {name: int(owner) for name, owner in zip(edges, net.argmax(axis=0), strict=True)}


def _in_callers_order(result: xr.Dataset, image: xr.DataArray) -> xr.Dataset:
    energy = next(dim for dim in result["endmember_spectrum"].dims if dim != "endmember")
    place: Sequence[Hashable] = ["endmember" if dim == energy else dim for dim in image.dims]
    return result.transpose(*place, energy)


def _reason(ranking: Ranking, kept: Sequence[Solution], excluded: Mapping[str, str], n_twins: int) -> str:
    """Say in one line how the candidates did, which did not converge, and why others took no part."""
    errors = ", ".join(f"{label} {_percent(error)}" for label, error in ranking.errors.items())
    parts = [f"on data like yours ({n_twins} simulated images), error of the maps: {errors}"]
    early = [one.label for one in kept if one.status != "converged"]
    parts += [f"did not converge: {', '.join(early)}"] if early else []
    parts += [f"left out: {label} ({reason})" for label, reason in excluded.items()]
    return "; ".join([*parts, ICA_REASON])


def _percent(error: float) -> str:
    """Relative error of the maps: root of the relative squared error."""
    return f"{100 * np.sqrt(error):.2g} %"
