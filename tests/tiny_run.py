"""Stores of tiny samples, made by the real stages: a Ru and a Co layer between Pt; no two axes of one size.

Every stage runs once for each image in a session; callers get copies, which they may alter.
"""

import copy
import functools
import tempfile
from pathlib import Path

import numpy as np

from eelsunmix import apply, fit, synthetic
from eelsunmix.background import subtract_background
from eelsunmix.comparison import compare
from eelsunmix.corrections import correct_image
from eelsunmix.errors import MethodFailedError
from eelsunmix.inputs import learning_image, mapped_image
from eelsunmix.io import AxesOptions, DetectorOptions, import_image
from eelsunmix.io.axes import EnergyAxis
from eelsunmix.mapping.timing import mapping_time
from eelsunmix.methods import Method
from eelsunmix.pca import denoise
from eelsunmix.rank import ComponentOptions, estimate_endmembers
from eelsunmix.storage import check_layout

SIZE = (13, 17)
OPTIONS = {
    "nmf": {},
    "ica": {},
    "vca": {},
    "blu": {"n_sweeps": 40, "n_burn_in": 10},
}
REASON = "the loss was not finite in epoch 3"


class NeverDone(Method):
    """A method that fails in the middle of its fit."""

    def fit(self, learning_set, n_endmembers, rng):
        raise MethodFailedError(REASON)


@functools.cache
def scene():
    """Layers that fit in 13 x 17 pixels."""
    return synthetic.multilayer(
        shape=SIZE, counts=20000.0, co_nm=0.5, ru_nm=0.4, diffusion_nm=0.1, probe_sd_nm=0.08
    )


EDGES = scene().edges
EELS = EnergyAxis(offset_eV=216.0, dispersion_eV=3.33)


@functools.cache
def image_stores(source):
    """Stores of the stages before the methods: of the scene, a file with its counts, a series, and X-rays."""
    raw = {"simulated": simulated, "measured": measured, "series": series, "eds": eds}[source]()
    corrected = correct_image(raw.counts, edges={} if source == "eds" else EDGES)
    pca = denoise(corrected.counts)
    rank = estimate_endmembers(corrected.counts, pca, ComponentOptions(n=3))
    return {"raw": raw, "corrected": corrected, "pca": pca, "rank": rank}


def simulated():
    return scene().to_dataset()


def measured():
    return imported(scene().spectrum_image.to_numpy(), ("y", "x", "energy_loss"), EELS)


def series():
    counts = scene().spectrum_image.to_numpy()
    return imported(np.stack([counts, 2 * counts, 3 * counts]), ("frame", "y", "x", "energy_loss"), EELS)


def eds():
    rng = np.random.default_rng(0)
    shares, lines = rng.dirichlet(np.full(3, 0.5), (7, 9)), rng.gamma(1.0, 30.0, (3, 40))
    energy = EnergyAxis(offset_keV=0.1, dispersion_keV=0.01)
    return imported(rng.poisson(shares @ lines), ("y", "x", "energy"), energy)


def imported(counts, dims, energy):
    axes = AxesOptions(dims=dims, energy=energy, pixel_nm=0.12)
    detector = DetectorOptions(counts_per_electron=1.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "SI1.npy"
        np.save(path, counts)
        return import_image(path, axes=axes, detector=detector).load()


@functools.cache
def fitted(source, method):
    """Stores `fit` and `map` of a method."""
    stores = image_stores(source)
    counts, pca, rank = stores["corrected"].counts, stores["pca"], stores["rank"]
    chosen = NeverDone() if method == "failed" else method
    model = fit(
        learning_image("corrected", counts, pca, rank),
        chosen,
        n_endmembers=3,
        pca=pca,
        counts=counts,
        **OPTIONS.get(method, {}),
    )
    image = mapped_image("corrected", counts, pca, rank)
    return model, apply(model, image, counts=counts).assign_attrs(mapping_time(model, image))


@functools.cache
def sample(source, methods, failed, edges):
    """All stores of a sample, as `write_report` takes them; `edges` are pairs of name and edge."""
    stores, counts = dict(image_stores(source)), image_stores(source)["corrected"].counts
    names = {label: _method(number, label, failed) for number, label in enumerate(methods)}
    fits, maps = (
        {label: fitted(source, name)[i].assign_attrs(method=label) for label, name in names.items()}
        for i in range(2)
    )
    places = {"edges": dict(edges), "profiles": scene().profiles, "regions": scene().regions}
    stores["bs"] = subtract_background(counts, **places)
    stores["comparison"] = compare(counts, stores["bs"], fits, maps, truth=stores["raw"], **places)
    return stores, fits, maps


def _method(number, label, failed):
    """Name of the method behind a label; labels that are none take one after the other."""
    if label in failed:
        return "failed"
    return label if label in OPTIONS else ("nmf", "ica", "vca")[number % 3]


def altered(store, kind, own=None, /, *, attrs=None, **values):
    """Return a store with other values in some of its variables and attributes, in the layout of its kind.

    Parameters
    ----------
    store : Dataset
    kind : str
    own : mapping, optional
        Arrays of a model, beside those of the kind.
    attrs : dict, optional
        New values of attributes.
    **values
        New values of variables, that fit their shape.
    """
    new = {
        name: store[name].copy(data=np.broadcast_to(value, store[name].shape).astype(store[name].dtype))
        for name, value in values.items()
    }
    result = store.assign(new).assign_attrs(attrs or {})
    check_layout(result, kind, own, place=f"altered {kind}")
    return result


def report_arguments(methods=("nmf", "ica", "vca"), *, failed=(), truth=True, edges=EDGES, source=None):
    """Keyword arguments of `write_report` for a sample."""
    source = source or ("simulated" if truth else "measured")
    made = sample(source, tuple(methods), tuple(failed), tuple(edges.items()))
    stores, fits, maps = copy.deepcopy(made)
    rules = ["import_image", "correct_gain", "denoise", *(f"fit_{m}" for m in methods), "compare"]
    return {
        "sample": "multilayer",
        "stores": stores,
        "fits": fits,
        "maps": maps,
        "benchmarks": [
            {"rule": r, "seconds": 2.5 + i, "max_rss_mb": 180.0 + 9 * i, "cpu_seconds": 3.0 + i, "threads": 2}
            for i, r in enumerate(rules)
        ],
        "settings": {"file": "SI1.dm4", "components": {"n": 3}, "methods": {m: {} for m in methods}},
        "seals": {f"results/multilayer/{name}.zarr": "0f" * 16 for name in stores},
        "versions": {"eelsunmix": "0.1.0", "numpy": np.__version__},
        "title": "Pt/Co/Ru/Pt multilayer",
    }
