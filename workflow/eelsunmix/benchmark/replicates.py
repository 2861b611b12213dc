"""One method on all images of a scene."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.benchmark.scene import described, nth_image
from eelsunmix.benchmark.scores import SCORES, UNITS, Truth, matched, n_dead, n_duplicated, scores, truth_of
from eelsunmix.errors import InputError
from eelsunmix.failures import FAILURES, reason_of_failure
from eelsunmix.fitting import fit
from eelsunmix.inputs import Input, learning_image, mapped_image
from eelsunmix.mapping import apply
from eelsunmix.mapping.brightness import brightness, sums_to_one
from eelsunmix.mapping.timing import mapping_time
from eelsunmix.methods import build_method
from eelsunmix.pca import DenoiseOptions, denoise
from eelsunmix.plain import plain_values
from eelsunmix.synthetic import AnySceneOptions, Scene, simulate
from eelsunmix.typing import Floats, Indices

Record = dict[str, Any]


def run_replicates(
    scene: AnySceneOptions,
    method: str,
    options: Mapping[str, Any] | None = None,
    *,
    n_replicates: int = 20,
    kind: Input = "corrected",
    brightness: str = "auto",
    seed: int | None = None,
    device: str = "auto",
    checkpoint: str | Path | None = None,
) -> xr.Dataset:
    """Run one method on images that differ in blocks and noise, and compare each result with the truth.

    Parameters
    ----------
    scene : options of a scene
        The first image; the seeds of the others follow its seed.
    method : str
        Name of an unmixing method.
    options : mapping, optional
        Options of the method.
    n_replicates : int
        Number of images.
    kind : {"corrected", "pca", "nlm"}
        What the method learns from, see `eelsunmix.inputs.learning_image`.
    brightness : {"auto", "constant", "variable"}
        As in `eelsunmix.fit`.
    seed : int, optional
        Seed of the method in the first image; that of the scene by default.
    device : {"auto", "cpu", "cuda"}
        Where networks are trained; ``auto`` is the CPU.
    checkpoint : path-like, optional
        Start of the names of files in which long fits keep their state, to go on after an interruption.

    Returns
    -------
    Dataset
        ``sad, sad_whitened, nmse, nmse_scale_free (replicate, endmember)`` of the matched components, NaN
        where the method failed; ``n_dead, n_duplicated, seconds, map_seconds, status, message
        (replicate)``; ``endmember_spectrum, abundance`` of the first image that has a result.
    """
    build_method(method, **(options or {}))
    first = scene.seed if seed is None else seed
    records, shown = [], xr.Dataset()
    for replicate in range(n_replicates):
        made = simulate(nth_image(scene, replicate))
        state = None if checkpoint is None else f"{checkpoint}.{replicate}"
        how = {**(options or {}), "brightness": brightness, "device": device, "checkpoint": state}
        record, result = _run(made, method, how, kind, first + replicate)
        records.append(record)
        if not shown.data_vars and result is not None:
            shown = result.assign_attrs(shown_seed=scene.seed + replicate)
    data = tabulate(records, made.abundance["endmember"].to_numpy())
    attrs = {"method": method, "options": plain_values(build_method(method, **(options or {})))}
    attrs |= {"input": kind, "scene": described(scene), "n_replicates": n_replicates}
    return data.merge(shown).assign_attrs(attrs, **shown.attrs)


def tabulate(records: list[Record], names: NDArray[Any]) -> xr.Dataset:
    """Lay the records of all replicates side by side."""
    data: dict[str, Any] = {}
    for key in records[0]:
        values = np.array([record[key] for record in records])
        dims = ("replicate", "endmember") if values.ndim == 2 else ("replicate",)
        data[key] = (dims, values, {"units": UNITS[key]} if key in UNITS else {})
    return xr.Dataset(data, coords={"endmember": names})


def failed_record(n_endmembers: int, reason: object) -> Record:
    """Return the record of an image on which a method failed."""
    missing = {name: np.full(n_endmembers, np.nan) for name in SCORES}
    counts = {"n_dead": 0, "n_duplicated": 0, "seconds": np.nan, "map_seconds": np.nan}
    return {**missing, **counts, "status": "failed", "message": " ".join(str(reason).split())[:500]}


def scored_record(truth: Truth, spectra: Floats, abundance: Floats, **further: Any) -> tuple[Record, Indices]:
    """Return the record of a result, and which component belongs to which true endmember."""
    order = matched(truth, spectra)
    found = scores(truth, spectra[order], abundance[..., order])
    counts = {
        "n_dead": n_dead(spectra, abundance),
        "n_duplicated": n_duplicated(truth, spectra),
    }
    return {**found, **counts, **further}, order


def _run(
    scene: Scene, method: str, options: dict[str, Any], kind: Input, seed: int
) -> tuple[Record, xr.Dataset | None]:
    truth, image = truth_of(scene), scene.spectrum_image
    n_endmembers = len(truth.spectra)
    pca = denoise(image, DenoiseOptions(spatial="nlm" if kind == "nlm" else "none"))
    rank = xr.Dataset(attrs={"signal_rank": n_endmembers, "n_endmembers": n_endmembers})
    try:
        learned = learning_image(kind, image, pca, rank)
        model = fit(learned, method, n_endmembers=n_endmembers, seed=seed, pca=pca, counts=image, **options)
        if model.attrs["status"] == "failed":
            return failed_record(n_endmembers, model.attrs["message"]), None
        mapped = mapped_image(kind, image, pca, rank)
        maps, seconds = apply(model, mapped, counts=image), mapping_time(model, mapped)["abundance_seconds"]
    except InputError as error:  # of this image, not of the user: n_endmembers above its rank, say
        return failed_record(n_endmembers, error), None
    except FAILURES as error:
        return failed_record(n_endmembers, reason_of_failure(error)), None
    spectra = model["endmember_spectrum"].to_numpy().astype(np.float64)
    abundance = _to_compare(scene, model, maps).to_numpy().astype(np.float64)
    if not np.isfinite(abundance).all():
        return failed_record(n_endmembers, "abundances are not finite"), None
    known = {name: model.attrs[name] for name in ("seconds", "status", "message")}
    record, order = scored_record(truth, spectra, abundance, map_seconds=seconds, **known)
    return record, display(scene, spectra[order], abundance[..., order])


def _to_compare(scene: Scene, model: xr.Dataset, maps: xr.Dataset) -> xr.DataArray:
    """Return the abundances; times the brightness where the truth has one and they sum to one."""
    if scene.brightness is None or not sums_to_one(model):
        return maps["abundance"]
    totals = scene.spectrum_image.sum(str(scene.spectrum_image.dims[-1]), dtype=float)
    factor = brightness(maps["abundance"], model["endmember_spectrum"].to_numpy().astype(float), totals)
    return (maps["abundance"] * factor).transpose(*maps["abundance"].dims)


def display(scene: Scene, spectra: Floats, abundance: Floats) -> xr.Dataset:
    """Label a result, in the order of the true endmembers, for the figures."""
    like = scene.abundance.reset_coords(drop=True)
    return xr.Dataset(
        {
            "endmember_spectrum": scene.endmember_spectrum.copy(data=spectra),
            "abundance": like.copy(data=abundance).astype(np.float32),
        }
    )
