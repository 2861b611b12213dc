"""Background subtraction as a method of the benchmark: counts of edges beside true abundances."""

import time
from typing import Any, Literal

import numpy as np
import xarray as xr

from eelsunmix.background import BackgroundOptions, subtract_background
from eelsunmix.background.net_counts import net_counts_of_spectra
from eelsunmix.benchmark.replicates import Record, failed_record, tabulate
from eelsunmix.benchmark.scene import described, nth_image
from eelsunmix.benchmark.scores import truth_of
from eelsunmix.metrics import nmse_scale_free
from eelsunmix.synthetic import AnySceneOptions, Scene, simulate
from eelsunmix.typing import Floats

CROSS_TALK = 0.3
"""An edge stands for an endmember if no other one has more than this part of its net counts."""


def run_background_subtraction(
    scene: AnySceneOptions,
    *,
    n_replicates: int = 20,
    exponent: Literal["pixel", "local", "global"] = "local",
) -> xr.Dataset:
    """Map edges by background subtraction and compare them with the abundance of the endmember that has them.

    Parameters
    ----------
    scene, n_replicates
        As in `run_replicates`, and so is the result, with `nmse_scale_free` alone: counts have another unit
        than abundances, and there are no component spectra. Endmembers without an edge of their own are NaN.
    exponent : {"pixel", "local", "global"}
        Where the exponent of the background is fitted (`BackgroundOptions`).
    """
    records, shown = [], xr.Dataset()
    for replicate in range(n_replicates):
        made = simulate(nth_image(scene, replicate))
        record, maps = _subtract(made, exponent)
        records.append(record)
        shown = maps if replicate == 0 else shown
    data = tabulate(records, made.abundance["endmember"].to_numpy())
    attrs: dict[str, Any] = {"method": "bs", "options": {"exponent": exponent}, "n_replicates": n_replicates}
    attrs |= {"scene": described(scene), "shown_seed": scene.seed, "edge_of": edges_of(made)}
    return data.merge(shown).assign_attrs(attrs)


def edges_of(scene: Scene) -> dict[str, str]:
    """Edge that stands for each endmember: the one that the others have the least of.

    Examples
    --------
    >>> from eelsunmix.synthetic import chequerboard
    >>> edges_of(chequerboard(size=24))
    {'Co': 'Co_L23', 'Ru': 'Ru_M23'}
    """
    truth = truth_of(scene)
    energy = scene.spectrum_image[scene.spectrum_image.dims[-1]]
    net = net_counts_of_spectra(truth.spectra, energy, scene.edges)
    found: dict[str, tuple[float, str]] = {}
    for column, edge in enumerate(scene.edges):
        owner = int(net[:, column].argmax())
        talk = np.abs(np.delete(net[:, column], owner)).max(initial=0.0) / max(net[owner, column], 1e-300)
        name = str(scene.abundance["endmember"].to_numpy()[owner])
        if talk < min(CROSS_TALK, found.get(name, (np.inf, ""))[0]):
            found[name] = (talk, edge)
    return {
        name: found[name][1] for name in map(str, scene.abundance["endmember"].to_numpy()) if name in found
    }


def of_edges(
    scene: Scene, maps: Floats, edges: dict[str, str], *, seconds: float
) -> tuple[Record, xr.Dataset]:
    """Return the record of edge maps, shape (y, x, edge), and the maps in the order of the endmembers."""
    names = [str(name) for name in scene.abundance["endmember"].to_numpy()]
    truth = truth_of(scene)
    record = failed_record(len(names), "") | {"status": "converged", "map_seconds": seconds}
    shown = np.full(truth.abundance.shape, np.nan)
    errors = np.full(len(names), np.nan)
    for index, name in enumerate(names):
        if name in edges:
            shown[..., index] = maps[..., list(edges).index(name)]
            errors[index] = nmse_scale_free(truth.abundance[..., index], shown[..., index])
    like = scene.abundance.reset_coords(drop=True)
    counts = like.copy(data=shown).astype(np.float32).assign_attrs(units="counts")
    return record | {"nmse_scale_free": errors}, xr.Dataset({"abundance": counts})


def _subtract(scene: Scene, exponent: Literal["pixel", "local", "global"]) -> tuple[Record, xr.Dataset]:
    edges = edges_of(scene)
    if not edges:
        names = scene.abundance["endmember"]
        return failed_record(names.size, "the scene has no edges to subtract a background from"), xr.Dataset()
    chosen = {edge: scene.edges[edge] for edge in edges.values()}
    start = time.perf_counter()
    bs = subtract_background(scene.spectrum_image, chosen, BackgroundOptions(exponent=exponent))
    seconds = time.perf_counter() - start
    maps = bs["net_counts"].transpose("y", "x", "edge").to_numpy().astype(np.float64)
    return of_edges(scene, maps, edges, seconds=seconds)
