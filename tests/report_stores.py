"""Stores of a made-up sample, in the layout of docs/data-model.md: a Ru and a Co layer between Pt."""

import numpy as np
import xarray as xr

ENERGY = 216 + 3.33 * np.arange(200)
EDGES = {
    "Ru_M23": {"element": "Ru", "onset_eV": 461.0, "fit_eV": [400.0, 455.0], "integrate_eV": [458.0, 500.0]},
    "Ru_M45": {"element": "Ru", "onset_eV": 280.0, "fit_eV": [225.0, 275.0], "integrate_eV": [285.0, 385.0]},
    "Co_L23": {"element": "Co", "onset_eV": 779.0, "fit_eV": [680.0, 770.0], "integrate_eV": [778.0, 860.0]},
}
NET = np.array([[110.0, 900.0, 0.0], [0.0, 0.0, 700.0], [-12.0, -250.0, 3.0]])
NAMES = ["Ru", "Co", "Pt"]
STEP = 0.12


def report_arguments(
    size=(13, 17), methods=("nmf", "ica", "vca"), *, failed=(), truth=True, edges=EDGES, seed=0
):
    """Keyword arguments of `write_report` for a made-up sample of `size` (y, x) pixels."""
    rng = np.random.default_rng(seed)
    abundance = _abundance(size)
    spectra = _spectra()
    counts = rng.poisson(abundance @ spectra).astype("u2")
    axes = _axes(size)
    stores = {
        "raw": _raw(counts, axes, abundance if truth else None, spectra),
        "corrected": _corrected(counts, axes, rng),
        "pca": _pca(counts, axes),
        "rank": _rank(counts),
        "bs": _bs(abundance, spectra, axes, edges, rng),
    }
    working = [method for method in methods if method not in failed]
    fits = {m: _fit(m, spectra, rng) if m in working else _failure(m) for m in methods}
    maps = {m: _map(m, abundance, axes, rng) if m in working else _failure(m) for m in methods}
    stores["comparison"] = _comparison(methods, working, abundance, axes, edges, rng, truth)
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


def _abundance(size):
    y, x = np.mgrid[: size[0], : size[1]] / np.array(size)[:, None, None]
    x = x + 0.02 * np.sin(9 * y)
    co = 1 / (1 + np.exp(-(x - 0.3) / 0.02)) / (1 + np.exp((x - 0.5) / 0.02))
    ru = 0.9 / (1 + np.exp(-(x - 0.5) / 0.02)) / (1 + np.exp((x - 0.62) / 0.02))
    return np.stack([ru, co, 1 - ru - co], axis=-1)


def _spectra():
    background = 3.0e9 * ENERGY**-2.8
    spectra = np.stack([background * scale for scale in (1.0, 0.7, 1.3)])
    for i, edge in ((0, "Ru_M45"), (0, "Ru_M23"), (1, "Co_L23")):
        onset = EDGES[edge]["onset_eV"]
        spectra[i] += np.where(onset < ENERGY, 24 * (ENERGY / onset) ** -2.5, 0)
    return spectra


def _axes(size):
    y = ("y", STEP * np.arange(size[0]), {"units": "nm"})
    x = ("x", STEP * np.arange(size[1]), {"units": "nm"})
    return {"y": y, "x": x, "energy_loss": ("energy_loss", ENERGY, {"units": "eV"})}


def _image(counts, axes, title="SI1"):
    attrs = {"units": "counts", "counts_per_electron": 1.0, "title": title, "signal": "EELS"}
    return xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords=axes, attrs=attrs)


def _raw(counts, axes, abundance, spectra):
    image = _image(counts, axes)
    store = xr.Dataset({"counts": image, "total_counts": image.sum("energy_loss").astype("f4")})
    store["mean_spectrum"] = image.mean(("y", "x"))
    if abundance is not None:
        store["true_endmember_spectrum"] = (("true_endmember", "energy_loss"), spectra)
        store["true_abundance"] = (("y", "x", "true_endmember"), abundance)
        store = store.assign_coords(true_endmember=NAMES)
    return store.assign_attrs(
        source={
            "file": "data/raw/SI1.dm4",
            "sha256": "ab" * 32,
            "size_bytes": 1800000,
            "reader": "rsciio 0.15",
        },
        origin_of_axes={
            "energy_loss.offset": "file",
            "energy_loss.scale": "file",
            "x.scale": "configuration",
        },
        metadata={"beam_energy_keV": 100.0, "detector": "Merlin"},
        counts_check={
            "variance_to_mean": 1.0312,
            "counts_per_electron": 1.0,
            "counts_per_electron_from": "measured",
            "negative_fraction": 0.0,
            "saturated_fraction": 1e-6,
            "neighbour_correlation": 0.013,
            "warnings": ["2 pixels are saturated in channel 17."],
        },
    )


def _corrected(counts, axes, rng):
    image = _image(counts.astype("f4"), axes)
    total = image.sum("energy_loss").astype("f4")
    total[2, 3] = np.nan
    gain, bad = 1 + 0.01 * rng.standard_normal(200), np.zeros(200, bool)
    bad[[40, 120]] = True
    return xr.Dataset(
        {
            "counts": image,
            "total_counts": total,
            "mean_spectrum": image.mean(("y", "x")),
            "gain": ("raw_energy", gain),
            "bad_channel": ("raw_energy", bad),
            "spike_position": (("spike", "axis"), np.array([[1, 2, 30], [4, 4, 99]])),
            "spike_found": ("spike", np.array([9000.0, 4000.0])),
            "spike_replaced": ("spike", np.array([812.2, 300.1])),
        },
        attrs={
            "corrections": [
                {"step": "dark", "applied": False, "summary": "No dark reference was given."},
                {
                    "step": "gain",
                    "applied": True,
                    "summary": "Estimated from the data: standard deviation 1.0 %.",
                },
                {"step": "spikes", "applied": True, "summary": "2 voxels were replaced."},
            ]
        },
    )


def _pca(counts, axes):
    spectra = counts.reshape(-1, counts.shape[-1]).astype(float)
    weighted = spectra / np.sqrt(spectra.mean(axis=0) + 1e-9)
    values, vectors = np.linalg.eigh(weighted.T @ weighted / len(weighted))
    scores = (weighted @ vectors[:, ::-1][:, :12]).reshape(*counts.shape[:2], 12).astype("f4")
    return xr.Dataset(
        {
            "eigenvalue": ("index", values[::-1].clip(1e-3)),
            "loading": (("component", "energy_loss"), vectors[:, ::-1][:, :12].T),
            "score": (("y", "x", "component"), scores),
        },
        coords=axes,
        attrs={"n_valid_pixels": len(spectra) - 1, "n_channels": counts.shape[-1]},
    )


def _rank(counts):
    noise = np.linspace(1.6, 0.4, counts.shape[-1])
    names = ["marchenko_pastur", "parallel_analysis", "elbow", "user"]
    return xr.Dataset(
        {"estimate": ("estimator", [3, 3, 4, 3]), "parallel_eigenvalue": ("index", noise)},
        coords={"estimator": names},
        attrs={
            "n_endmembers": 3,
            "chosen": "user",
            "reason": "The configuration asks for 3, as the edge of noise does.",
            "noise_edge": 1.72,
            "noise_level": 1.01,
            "signal_rank": 3,
            "warnings": [],
        },
    )


def _bs(abundance, spectra, axes, edges, rng):
    names = list(edges)
    true = _true_maps(abundance, edges)
    sd = np.full(true.shape, 60.0)
    nav = ("edge", "y", "x")
    maps = {
        "net_counts": (nav, true + rng.normal(0, sd)),
        "net_counts_sd": (nav, sd * (1 + 0.1 * rng.random(true.shape))),
        "snr": (nav, (true + rng.normal(0, sd)) / sd),
        "background_counts": (nav, np.full(true.shape, 4000.0)),
        "exponent": (nav, 2.8 + 0.1 * rng.standard_normal(true.shape)),
        "reduced_chi2": (nav, rng.chisquare(14, true.shape) / 14),
        "off_region_mean": ("edge", np.resize([0.8, -240.0, np.nan], len(names))),
        "off_region_sd": ("edge", np.resize([1.1, 6.0, np.nan], len(names))),
    }
    region = spectra[[2, 1, 0]]
    background = np.stack([3.0e9 * scale * ENERGY**-2.8 for scale in (1.3, 0.7, 1.0)])
    regional = ("edge", "region", "energy_loss")
    maps["region_spectrum"] = (regional, np.broadcast_to(region, (len(names), *region.shape)))
    maps["region_background"] = (regional, np.broadcast_to(background, (len(names), *region.shape)))
    coords = {**axes, "edge": names, "region": ["low", "middle", "high"]}
    width = {"pixels": [0, 3], "n_pixels": 3, "width_nm": 0.36, "along": "x", "units": "nm"}
    attrs = {"edges": {name: edges[name] for name in names}, "profiles": {"P1": width, "all": width}}
    return xr.Dataset(maps, coords=coords, attrs={**attrs, "exponent_from": "local"})


def _columns(edges):
    """Columns of `NET` of some edges, whatever their names."""
    onsets = [edge["onset_eV"] for edge in EDGES.values()]
    return [onsets.index(edge["onset_eV"]) for edge in edges.values()]


def _true_maps(abundance, edges):
    columns = _columns(edges)
    return np.moveaxis(abundance @ NET[:, columns], -1, 0)


def _fit(method, spectra, rng):
    noisy = spectra * (1 + 0.02 * rng.standard_normal(spectra.shape))
    chain = {
        "endmember_spectrum_sd": (("endmember", "energy_loss"), 0.02 * spectra),
        "effective_sample_size": ("endmember", [321.0, 87.4, 1400.0]),
        "split_rhat": ("endmember", [1.004, 1.0237, 1.001]),
    }
    return xr.Dataset(
        {
            "endmember_spectrum": (("endmember", "energy_loss"), noisy),
            **(chain if method == "blu" else {}),
        },
        coords={"energy_loss": ENERGY},
        attrs={
            "method": method,
            "options": {"n_restarts": 5},
            "input": "corrected",
            "seed": 0,
            "n_endmembers": 3,
            "status": "converged",
            "message": "",
            "n_learning_pixels": 221,
            "seconds": 1.5,
        },
    )


def _failure(method):
    attrs = {"method": method, "status": "failed", "message": "the loss was not finite in epoch 3"}
    return xr.Dataset(attrs=attrs)


def _map(method, abundance, axes, rng):
    noisy = abundance + rng.normal(0, 0.05, abundance.shape)
    residual = rng.standard_normal(200)
    dims = ("y", "x", "endmember")
    deviation = {"abundance_sd": (dims, np.full_like(noisy, 0.05))} if method == "blu" else {}
    return xr.Dataset(
        {
            "abundance": (dims, noisy),
            **deviation,
            "refit_abundance": (("y", "x", "endmember"), noisy),
            "reduced_chi2": (("y", "x"), 1 + 0.1 * rng.standard_normal(abundance.shape[:2])),
            "mean_residual": ("energy_loss", residual),
            "mean_residual_sd": ("energy_loss", np.ones(200)),
        },
        coords=axes,
        attrs={
            "method": method,
            "status": "converged",
            "message": "",
            "abundance_seconds": 0.5 if method == "ica" else 0.0021,
            "abundance_pixels": 210,
        },
    )


def _comparison(methods, working, abundance, axes, edges, rng, truth):
    labels, names = ["BS", *methods], list(edges)
    n_x = abundance.shape[1]
    good = np.array([label == "BS" or label in working for label in labels])
    true = _true_maps(abundance, edges)
    noise = np.where(np.array(labels) == "BS", 60.0, 15.0)[:, None, None, None]
    maps = true + noise * rng.standard_normal((len(labels), *true.shape))
    maps[~good] = np.nan
    profile = np.stack([maps[:, :, :3].sum(axis=2), maps.sum(axis=2)], axis=2)
    sd = np.where(np.array(labels) == "BS", 60 * np.sqrt(3), np.nan)[:, None, None, None] * np.ones(
        profile.shape
    )
    by_profile = ("label", "edge", "profile")
    shape = (len(labels), len(names), 2)

    def table(value):
        found = value + 0.02 * rng.standard_normal(shape)
        found[~good] = np.nan
        return found

    data = {
        "element_map": (("label", "edge", "y", "x"), maps),
        "element_profile": ((*by_profile, "position"), profile),
        "element_profile_sd": ((*by_profile, "position"), sd),
        "profile_position": (("profile", "position"), np.tile(STEP * np.arange(n_x), (2, 1))),
        "owner": (
            ("label", "edge"),
            np.array([_owners(label, good_, edges) for label, good_ in zip(labels, good, strict=True)]),
        ),
        "group": (("label", "endmember"), np.where(_real(labels, good), np.arange(3), -1)),
        "endmember_label": (
            ("label", "endmember"),
            np.where(_real(labels, good), ["Ru", "Co", "background"], ""),
        ),
        "cross_talk": (("label", "endmember", "edge"), _cross_talk(labels, good, edges)),
        "sad_between": (("label", "other_label"), 0.05 * np.ones((len(labels), len(labels)))),
        "map_noise_ceiling": ("edge", np.linspace(0.9, 0.4, len(names))),
        "profile_noise_ceiling": (("edge", "profile"), np.full((len(names), 2), 0.85)),
        "status": ("label", ["reference", *("converged" if m in working else "failed" for m in methods)]),
        "message": (
            "label",
            ["", *("" if m in working else "the loss was not finite in epoch 3" for m in methods)],
        ),
        "seconds": ("label", np.arange(len(labels), dtype=float)),
    }
    for name in ("map_correlation", "map_scale", "off_region_mean", "off_region_sd", "negative_fraction"):
        data[name] = (("label", "edge"), np.abs(table(0.8)[:, :, 0]))
    for name in ("correlation", "scale", "error", "reduced_chi2"):
        data[f"profile_{name}"] = (by_profile, table(0.9))
    for name in ("fwhm_nm", "left_10_90_nm", "right_10_90_nm", "asymmetry"):
        data[name] = (by_profile, table(1.2))
    coords = {"y": axes["y"], "x": axes["x"], "label": labels, "other_label": labels}
    store = xr.Dataset(data, coords={**coords, "edge": names, "profile": ["P1", "all"]})
    if truth:
        store = _with_truth(store, true, abundance, labels, good, rng)
    return store.assign_attrs(
        verdict=_verdict(methods, working),
        sentences=["NMF and VCA agree with BS within noise (r within 0.05 of its ceiling)."],
        caveats=["Ru_M45 is not zero where Ru is absent (−40 σ): do not trust this window."],
        edges=edges,
    )


def _real(labels, good):
    return (good & (np.array(labels) != "BS"))[:, None] & np.ones(3, bool)


def _owners(label, good, edges):
    return [(0, 0, 1)[column] if good and label != "BS" else -1 for column in _columns(edges)]


def _cross_talk(labels, good, edges):
    columns = _columns(edges)
    relative = NET[:, columns] / NET[:, columns].max(axis=0)
    return np.where(_real(labels, good)[:, :, None], relative, np.nan)


def _with_truth(store, true, abundance, labels, good, rng):
    real = _real(labels, good)
    along = np.stack([abundance[:3].mean(axis=0), abundance.mean(axis=0)])
    found = along.transpose(2, 0, 1) + 0.02 * rng.standard_normal((len(labels), 3, 2, abundance.shape[1]))
    found[~real[:, 0]] = np.nan
    data = {
        "true_element_map": (("edge", "y", "x"), true),
        "true_element_profile": (
            ("edge", "profile", "position"),
            np.stack([true[:, :3].sum(1), true.sum(1)], 1),
        ),
        "truth_match": (("label", "true_endmember"), np.where(real, np.arange(3), -1)),
        "truth_abundance_profile": (("label", "true_endmember", "profile", "position"), found),
        "true_abundance_profile": (("true_endmember", "profile", "position"), along.transpose(2, 0, 1)),
    }
    for name in ("sad", "sad_whitened", "sad_edge", "nmse", "nmse_scale_free"):
        scores = np.where(real, 0.05 + 0.01 * rng.random(real.shape), np.nan)
        data[f"truth_{name}"] = (("label", "true_endmember"), scores)
    return store.assign(data).assign_coords(true_endmember=NAMES)


def _verdict(methods, working):
    entries = []
    for i, method in enumerate(methods):
        for criterion, value, green, amber in (
            ("agreement with BS", 0.97 - 0.12 * i, 0.95, 0.8),
            ("off-region residual", 0.02 + 0.05 * i, 0.05, 0.1),
            ("reconstruction", 1.02 + 0.2 * i, 1.1, 1.5),
        ):
            up = green > amber
            light = "grey" if method not in working else "green" if (value >= green) == up else "amber"
            light = "red" if light == "amber" and (value >= amber) != up else light
            entries.append(
                {
                    "method": method,
                    "criterion": criterion,
                    "value": value,
                    "text": f"{value:.2f}",
                    "green": green,
                    "amber": amber,
                    "light": light,
                    "explanation": f"{criterion}, measured against its limits",
                }
            )
    return entries
