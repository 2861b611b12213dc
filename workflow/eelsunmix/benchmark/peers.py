"""Other software on the same images: counts handed over as plain arrays, its results scored like ours."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.benchmark.labels import PEERS
from eelsunmix.benchmark.replicates import (
    Record,
    display,
    failed_record,
    scored_record,
    tabulate,
)
from eelsunmix.benchmark.scene import described, nth_image
from eelsunmix.benchmark.scores import truth_of
from eelsunmix.benchmark.subtraction import edges_of, of_edges
from eelsunmix.errors import InputError
from eelsunmix.synthetic import AnySceneOptions, Scene, simulate

Arrays = dict[str, NDArray[Any]]


def write_images(path: str | os.PathLike[str], scene: AnySceneOptions, *, n_replicates: int) -> None:
    """Write the images of a scene for `workflow/benchmark/hyperspy_peer.py`.

    Parameters
    ----------
    path : path-like
        A NumPy ``.npz`` archive: ``counts (replicate, y, x, channel)``, ``energy (channel,)``, ``edges`` and
        ``windows (edge, 4)`` in eV (fit, then integration), ``n_endmembers``, ``seed``.
    scene, n_replicates
        As in `run_replicates`.
    """
    made = [_image(scene, replicate) for replicate in range(n_replicates)]
    edges = list(edges_of(made[0]).values())
    windows = [(*made[0].edges[edge].fit_eV, *made[0].edges[edge].integrate_eV) for edge in edges]
    np.savez(
        Path(path),
        counts=np.stack([one.spectrum_image.to_numpy() for one in made]),
        energy=made[0].spectrum_image[made[0].spectrum_image.dims[-1]].to_numpy(),
        edges=np.array(edges, dtype=str),
        windows=np.array(windows, dtype=float),
        n_endmembers=made[0].abundance.sizes["endmember"],
        seed=scene.seed,
    )


def score_peer(
    path: str | os.PathLike[str], scene: AnySceneOptions, label: str, *, n_replicates: int
) -> xr.Dataset:
    """Compare the results of another program with the truth.

    Parameters
    ----------
    path : path-like
        Archive that `workflow/benchmark/hyperspy_peer.py` wrote from `write_images`.
    scene, n_replicates
        As given to `write_images`.
    label : str
        One of `eelsunmix.benchmark.labels.PEERS`.

    Returns
    -------
    Dataset
        As of `run_replicates`. The sign of each component is the one that makes its mean map positive.
    """
    if label not in PEERS:
        raise InputError(f"no such peer: {label!r}; choose from {', '.join(PEERS)}")
    records: list[Record] = []
    shown = xr.Dataset()
    with np.load(Path(path), allow_pickle=False) as stored:
        version = str(stored["version"])
        for replicate in range(n_replicates):
            start = f"{label}.{replicate}."
            found = {k.removeprefix(start): stored[k] for k in stored.files if k.startswith(start)}
            made = _image(scene, replicate)
            record, result = _scored(made, label, found)
            records.append(record)
            if not shown.data_vars and result is not None:
                shown = result.assign_attrs(shown_seed=scene.seed + replicate)
    data = tabulate(records, made.abundance["endmember"].to_numpy())
    attrs: dict[str, Any] = {"method": label.partition("_")[2], "peer": f"HyperSpy {version}", "options": {}}
    attrs |= {"scene": described(scene), "n_replicates": n_replicates}
    return data.merge(shown).assign_attrs(attrs, **shown.attrs)


def _image(scene: AnySceneOptions, replicate: int) -> Scene:
    return simulate(nth_image(scene, replicate))


def _scored(scene: Scene, label: str, found: Arrays) -> tuple[Record, xr.Dataset | None]:
    n_endmembers = scene.abundance.sizes["endmember"]
    if "message" in found:
        return failed_record(n_endmembers, found["message"]), None
    seconds = float(found["seconds"])
    maps = found["maps"].astype(np.float64)
    if label.endswith("_bs"):
        return of_edges(scene, maps, edges_of(scene), seconds=seconds)
    sign = np.where(maps.mean(axis=(0, 1)) < 0, -1.0, 1.0)
    spectra = found["spectra"].astype(np.float64) * sign[:, None]
    times = {"seconds": seconds, "map_seconds": np.nan, "status": "converged", "message": ""}
    record, order = scored_record(truth_of(scene), spectra, maps * sign, **times)
    return record, display(scene, spectra[order], (maps * sign)[..., order])
