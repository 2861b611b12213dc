"""Made-up results of a benchmark, in the layout of `eelsunmix.benchmark`; best and worst are chosen."""

import numpy as np
import xarray as xr

from eelsunmix.benchmark.options import default_methods
from eelsunmix.benchmark.results import Results, collect
from eelsunmix.methods import method_names
from eelsunmix.plain import plain_values
from eelsunmix.synthetic import ChequerboardOptions

NAMES = {"ru3": ["Pt", "Co", "Ru"], "k4": ["C", "BN", "B2O3", "B4C"]}
LEVEL = {
    "nmf": 0.5,
    "ica": 0.8,
    "vca": 0.02,
    "blu": 0.03,
    "udas": 0.01,
    "daeu": 0.05,
    "mtaeu": 0.05,
    "cnnaeu": 0.06,
}
N_IMAGES = 4


def made_up_run(scene, counts, label, method, setting, *, level, seed, failed=False, peer=""):
    """One store; `level` is about the NMSE."""
    rng = np.random.default_rng(seed)
    names, shape = NAMES[scene], (9, 7)
    energy = np.linspace(200.0, 800.0, 37)
    per_image = (N_IMAGES, len(names))
    errors = level * np.exp(0.2 * rng.normal(size=per_image))
    missing = np.full(per_image, np.nan)
    scores = {"sad": errors / 3, "sad_whitened": errors, "nmse": errors, "nmse_scale_free": 0.8 * errors}
    if method == "bs":
        scores |= {"sad": missing, "sad_whitened": missing, "nmse": missing}
    data = {
        name: (("replicate", "endmember"), missing if failed else values) for name, values in scores.items()
    }
    zeros = np.zeros(N_IMAGES, int)
    plain = {
        "n_dead": zeros,
        "n_duplicated": zeros.copy(),
        "seconds": np.full(N_IMAGES, 0.7),
        "map_seconds": np.full(N_IMAGES, 0.2 if method in ("blu", "bs") else 0.04),
        "status": np.full(N_IMAGES, "failed" if failed else "converged"),
        "message": np.full(N_IMAGES, "the loss is <b>not</b> finite" if failed else ""),
    }
    data |= {name: ("replicate", values) for name, values in plain.items()}
    if label == "oracle":
        data["cramer_rao_nmse"] = (("replicate", "endmember"), 0.9 * errors)
    if not failed:
        maps = rng.dirichlet(np.ones(len(names)), shape)
        data["abundance"] = (("y", "x", "endmember"), maps)
        if method != "bs":
            spectra = np.arange(1, len(names) + 1)[:, None] * energy**-2.5
            data["endmember_spectrum"] = (("endmember", "energy_loss"), spectra)
    coords = {"endmember": names, "energy_loss": energy, "y": np.arange(9) * 0.12, "x": np.arange(7) * 0.12}
    attrs = {"scene": plain_values(ChequerboardOptions(endmembers=scene, counts=counts)), "label": label}
    options = {"setting": setting} if setting else {}
    attrs |= {"method": method, "options": options, **({"peer": peer} if peer else {})}
    return xr.Dataset(data, coords=coords, attrs=attrs)


def made_up_results(
    scenes=("ru3", "k4"), doses=(100.0, 1000.0, 10_000.0), *, failed=(), peers=False
) -> Results:
    """Everything that the workflow would give: published twice as bad as eels."""
    runs = []
    for scene in scenes:
        for counts in doses:
            place = {"scene": scene, "counts": counts}
            scale = np.sqrt(1000.0 / counts)
            for seed, (label, entry) in enumerate(default_methods().items()):
                level = scale * LEVEL[entry["method"]] * (2.5 if entry["setting"] == "published" else 1.0)
                runs.append(
                    made_up_run(**place, label=label, **entry, level=level, seed=seed, failed=label in failed)
                )
            for label in ("bs_published", "bs"):
                runs.append(made_up_run(**place, label=label, method="bs", setting="", level=0.1, seed=50))
            if peers:
                peer = {"method": "nmf", "setting": "", "peer": "HyperSpy 2.5.0"}
                runs.append(made_up_run(**place, label="hyperspy_nmf", **peer, level=3.0, seed=51))
            oracle = {"label": "oracle", "method": "oracle", "setting": ""}
            runs.append(made_up_run(**place, **oracle, level=0.004 * scale, seed=52))
    assert set(LEVEL) == set(method_names())
    return collect(runs)
