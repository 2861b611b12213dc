"""Results of tiny samples in a folder, as the workflow leaves them: sealed stores and a page."""

import os
from pathlib import Path

import numpy as np
import xarray as xr

from eelsunmix.configuration import read_configuration
from eelsunmix.plain import field_values, plain_values
from eelsunmix.report import write_report
from eelsunmix.storage import publish, seals
from tiny_run import EDGES, sample

METHODS = ("nmf", "vca")
WARNING = "this map is of another dose"
CONFIGURATION = """
samples: {S1: {file: SI1.npy}}
axes: {dims: [y, x, energy_loss], energy: {offset_eV: 216, dispersion_eV: 3.33}, pixel_nm: 0.12}
components: {n: 3}
edges: {Ru_M23: {onset_eV: 461, fit_eV: [400, 455], integrate_eV: [458, 500]}}
methods: {nmf: {tolerance: 0.2}, vca: {seed: 3}}
"""
INPUTS = {"corrected": ["raw"], "pca": ["corrected"], "rank": ["corrected", "pca"], "bs": ["corrected"]}


def finished(folder, source, *, name="S1", edges=None, failed=(), line=False, page=False):
    """Publish a sample below `folder`/results, with its page if asked for; return its stores by name.

    Its pixel (1, 2) holds no data in the maps of the methods. With `line`, only one row of it is kept.
    """
    edges = EDGES if edges is None else edges
    stores, fits, maps = sample(source, METHODS, failed, tuple(edges.items()))
    every = dict(stores) | {f"fit/{label}": store for label, store in fits.items()}
    every |= {f"map/{label}": _with_a_hole(store) for label, store in maps.items()}
    if line:
        every = {place: _one_row(store) for place, store in every.items()}
    results = Path(folder) / "results" / name
    for place in (
        "raw",
        "corrected",
        "pca",
        "rank",
        "bs",
        *(one for one in every if "/" in one),
        "comparison",
    ):
        inputs = INPUTS.get(place, [])
        inputs = (
            [one for one in every if one not in ("pca", "rank", "comparison")]
            if place == "comparison"
            else inputs
        )
        kind = place.partition("/")[0]
        paths = [results / f"{one}.zarr" for one in inputs]
        publish(
            every[place], results / f"{place}.zarr", inputs=paths, settings={"place": place, "kind": kind}
        )
    if page:
        _page(Path(folder), results, name, every)
    return every


def _with_a_hole(store):
    if "abundance" not in store:
        return store.assign_attrs(warnings=[WARNING])
    abundance = store["abundance"].astype(float).copy()
    abundance[{"y": 1, "x": 2}] = np.nan
    return store.assign(abundance=abundance).assign_attrs(warnings=[WARNING])


def _one_row(store):
    return store.isel(y=slice(4, 5)) if "y" in store.dims else store


def _page(folder, results, name, every):
    written = folder / "SI1.yaml"
    written.write_text(CONFIGURATION.replace("S1", name), encoding="utf-8")
    settings = read_configuration([written], must_exist=False).samples[name]
    paths = [results / f"{place}.zarr" for place in every]
    here = Path.cwd()
    os.chdir(folder)
    try:
        write_report(
            folder / "reports" / f"{name}.html",
            sample=name,
            stores={place: store for place, store in every.items() if "/" not in place},
            fits={place[4:]: store for place, store in every.items() if place.startswith("fit/")},
            maps={place[4:]: store for place, store in every.items() if place.startswith("map/")},
            seals=seals(paths),
            made_with={"settings": plain_values(field_values(settings))},
        )
    finally:
        os.chdir(here)


def stored(folder, place, name="S1"):
    """Read a store without a word of ours."""
    return xr.open_zarr(Path(folder) / "results" / name / f"{place}.zarr", decode_times=False).load()
