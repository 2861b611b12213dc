"""Components as elements: net counts of the endmembers, who owns which edge, and maps in counts."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.background.net_counts import edge_windows, net_counts_of_spectra
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.thresholds import CRITERIA, SHOWN
from eelsunmix.edges import Edge, elements_of
from eelsunmix.profile_geometry import sum_profile
from eelsunmix.typing import Bools, Floats
from eelsunmix.words import BACKGROUND

LEAST_REACHED = 0.5
"""Part of the strength of an owner that the strongest pixels are taken to have at least."""


def edge_strength(spectra: Floats, setting: Setting) -> Floats:
    """Net counts of each edge in each endmember, shape (endmember, edge)."""
    if not len(spectra) or not setting.edges:
        return np.empty((len(spectra), len(setting.edges)))
    return net_counts_of_spectra(spectra, setting.energy, setting.edges, exponent_from=setting.mean_spectrum)


def owners(spectra: Floats, net_counts: Floats, setting: Setting) -> NDArray[np.int64]:
    """Endmember that shows each edge the clearest, shape (edge,), -1 where none has a positive edge.

    Net counts are taken relative to the total counts of the endmember, because the scale of an endmember is
    arbitrary, and in units of the noise of the edge; all edges of an element are added up and have one owner.
    """
    result = np.full(len(setting.edges), -1)
    if not len(spectra):
        return result
    sd = setting.bs["net_counts_sd"]
    variance = [float((sd[k].astype(float) ** 2).mean()) for k in range(len(setting.edges))]
    noise = np.sqrt(variance)
    relative = _relative(net_counts, spectra) / np.where(noise > 0, noise, np.inf)
    for element in {edge.element for edge in setting.edges.values()}:
        columns = [k for k, edge in enumerate(setting.edges.values()) if edge.element == element]
        clarity = relative[:, columns].sum(axis=1)
        if clarity.max() > 0:
            result[columns] = clarity.argmax()
    return result


def labels(
    talk: Floats,
    edges: Sequence[Edge],
    *,
    reached: Floats | None = None,
    sure: Bools | None = None,
    judging: Bools | None = None,
) -> list[str]:
    """Say what each endmember shows: "Ru", "Mn+La with weak Ti", "weak Ti+weak O"; a number without edges.

    Weak are elements below half of the strength that they have in the strongest pixels, or in their owner,
    whichever is less; those below a tenth of their owner's, the limit of cross-talk, or within chance are
    left out. What shows none is "background".

    Parameters
    ----------
    talk : ndarray, shape (endmember, edge)
        `cross_talk`; 1 at the owner.
    edges : sequence of Edge
    reached : ndarray, shape (edge,), optional
        Part of the owner's strength that the strongest pixels have, see `reached_by_pixels`; 1 by default.
    sure : ndarray of bool, shape (endmember, edge), optional
        Whether an edge is beyond chance; of spectra without noise, all are.
    judging : ndarray of bool, shape (edge,), optional
        By which edges an element is looked for; all by default.
    """
    if not edges:
        return [f"component {endmember + 1}" for endmember in range(len(talk))]
    shown = talk if sure is None else np.where(sure, talk, 0.0)
    strength = shown if reached is None else shown / reached
    asked = [edge for k, edge in enumerate(edges) if judging is None or judging[k]]
    columns = slice(None) if judging is None else judging
    return [
        _label(_by_element(row, asked), _by_element(own, asked))
        for row, own in zip(shown[:, columns], strength[:, columns], strict=True)
    ]


def reached_by_pixels(
    spectra: Floats, net_counts: Floats, owner: NDArray[np.int64], setting: Setting
) -> Floats:
    """Part of the strength of its owner that each edge has in the strongest pixels, at most 1, shape (edge,).

    An owner that lies beyond all pixels, as a corner of a simplex may, is no measure of what is weak. The
    strongest pixels are those of background subtraction; 1 where it failed. It is at least `LEAST_REACHED`,
    as nothing tells a corner so far away from a phase of too few pixels.
    """
    result = np.ones(len(owner))
    relative = _relative(net_counts, spectra)
    for column, (edge, k) in enumerate(zip(setting.edges, owner, strict=True)):
        if k < 0 or edge in setting.reference_problems or not relative[k, column] > 0:
            continue
        part = setting.strongest_pixels[edge] / relative[k, column]
        result[column] = np.clip(part, LEAST_REACHED, 1.0) if part > 0 else 1.0
    return result


def _by_element(row: Floats, edges: Sequence[Edge]) -> dict[str, float]:
    """Element -> the least that one of its edges has."""
    return {
        element: float(min(value for value, edge in zip(row, edges, strict=True) if edge.element == element))
        for element in elements_of(edges)
    }


def _label(talk: Mapping[str, float], strength: Mapping[str, float]) -> str:
    shown = [element for element, value in talk.items() if value > CRITERIA["cross_talk"].green]
    strong = "+".join(element for element in shown if strength[element] >= SHOWN)
    weak = "+".join(f"weak {element}" for element in shown if strength[element] < SHOWN)
    return " with ".join(filter(None, (strong, weak))) or BACKGROUND


def cross_talk(spectra: Floats, net_counts: Floats, owner: NDArray[np.int64]) -> Floats:
    """Net counts relative to the owner's, for endmembers of equal total counts, shape (endmember, edge)."""
    relative = _relative(net_counts, spectra)
    result = np.full(relative.shape, np.nan)
    for column, k in enumerate(owner):
        if k >= 0 and relative[k, column] > 0:
            result[:, column] = relative[:, column] / relative[k, column]
    return result


def exponents(spectra: Floats, setting: Setting) -> Floats:
    """Exponent of the background of each endmember before each edge, shape (endmember, edge).

    NaN where the spectrum is not positive there, as in signed components.
    """
    result = np.full((len(spectra), len(setting.edges)), np.nan)
    if not len(spectra):
        return result
    for column, window in enumerate(edge_windows(setting.edges).values()):
        result[:, column] = window.exponents(spectra, setting.energy)
    return result


def element_map(abundance: xr.DataArray, net_counts: Floats, setting: Setting) -> xr.DataArray:
    """Sum the counts of each edge over the endmembers, dims (edge, navigation); NaN in invalid pixels."""
    net = xr.DataArray(net_counts, dims=("endmember", "edge"), coords={"edge": list(setting.edges)})
    counts = xr.dot(abundance.drop_vars("endmember", errors="ignore").astype(float), net, dim="endmember")
    return counts.transpose("edge", *setting.navigation)


def element_profiles(maps: xr.DataArray, setting: Setting) -> xr.DataArray:
    """Sum maps over the band of each profile, dims (edge, profile, ..., position) as in `bs.zarr`."""
    like = setting.bs["profile_counts"].sel(edge=maps["edge"])
    profiles = xr.full_like(like, np.nan, dtype=float)
    for name, profile in setting.profiles.items():
        summed = sum_profile(maps, profile, name=name).transpose(
            *[dim for dim in like.dims if dim != "profile"]
        )
        profiles.loc[{"profile": name}][..., : summed.sizes["position"]] = summed.to_numpy()
    return profiles


def _relative(net_counts: Floats, spectra: Floats) -> Floats:
    """Net counts over the total counts of the endmember, shape (endmember, edge)."""
    total = np.abs(spectra).sum(axis=1, keepdims=True)
    parts: Floats = net_counts / np.where(total > 0, total, np.inf) if len(spectra) else net_counts
    return parts
