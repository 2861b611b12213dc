"""Sections on the run: cost, caveats, provenance."""

import json
import shlex
from typing import Any

import xarray as xr
import yaml

from eelsunmix.mapping_time import FAST_SECONDS, TIMED_PIXELS
from eelsunmix.report.content import (
    Block,
    Code,
    Figure,
    Notice,
    Row,
    Section,
    Table,
    Text,
    cell,
    figure_cell,
)
from eelsunmix.report.figures.cost import cost_bars
from eelsunmix.report.figures.style import LIGHTS
from eelsunmix.report.formatting import DASH, duration, integer, number, sentence, shown_path
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.sections import captions

PAPERS = {
    "workflow": "N. Brun, G. Lambert, L. Bocher, Eur. Phys. J. Appl. Phys. 99, 28 (2024).",
    "denoise": "M. R. Keenan, P. G. Kotula, Surf. Interface Anal. 36, 203 (2004) (weights of the PCA).",
    "background": "P. Trebbia, Ultramicroscopy 24, 399 (1988) (maximum likelihood of the background).",
    "vca": "J. M. P. Nascimento, J. M. Bioucas-Dias, IEEE Trans. Geosci. Remote Sens. 43, 898 (2005) (VCA).",
    "nmf": "D. D. Lee, H. S. Seung, Nature 401, 788 (1999) (NMF).",
    "ica": "A. Hyvärinen, IEEE Trans. Neural Netw. 10, 626 (1999) (FastICA).",
    "blu": "N. Dobigeon, S. Moussaoui, M. Coulon, J.-Y. Tourneret, A. O. Hero, IEEE Trans. Signal Process. "
    "57, 4355 (2009); N. Dobigeon, N. Brun, Ultramicroscopy 120, 25 (2012) (BLU).",
    "udas": "Y. Qu, H. Qi, IEEE Trans. Geosci. Remote Sens. 57, 1698 (2019) (uDAS).",
    "daeu": "B. Palsson, J. Sigurdsson, J. R. Sveinsson, M. O. Ulfarsson, IEEE Access 6, 25646 "
    "(2018) (DAEU).",
    "mtaeu": "B. Palsson, J. R. Sveinsson, M. O. Ulfarsson, IEEE Access 7, 148861 (2019) (MTAEU).",
    "cnnaeu": "B. Palsson, M. O. Ulfarsson, J. R. Sveinsson, IEEE Trans. Geosci. Remote Sens. 59, 535 (2021) "
    "(CNNAEU).",
    "abundances": "D. C. Heinz, C.-I Chang, IEEE Trans. Geosci. Remote Sens. 39, 529 (2001) (least squares).",
}
OPENING = """\
import xarray as xr

# Every map, profile and score of this page; needs xarray and zarr alone.
comparison = xr.open_zarr("{folder}/comparison.zarr")
image = xr.open_zarr("{folder}/corrected.zarr")["counts"]

# The corrected image in HyperSpy (pip install hyperspy exspy).
import hyperspy.api as hs

axes = [
    {{
        "name": dim,
        "size": image.sizes[dim],
        "units": image[dim].attrs["units"],
        "offset": float(image[dim][0]),
        "scale": float(image[dim][-1] - image[dim][0]) / max(image.sizes[dim] - 1, 1) or 1.0,
    }}
    for dim in image.dims
]
signal = hs.signals.Signal1D(image.values, axes=axes)
signal.set_signal_type("{kind}")
"""


def cost(inputs: Inputs) -> Section:
    """Run time and memory of every rule, and what the mapping alone takes."""
    blocks: list[Block] = [Notice("No benchmark was recorded.")]
    if inputs.benchmarks:
        bars = cost_bars(inputs.benchmarks)
        blocks = [Figure(name="cost-bars", caption=captions.COST, variants={(): bars}), _cost_table(inputs)]
    if rows := _mapping_rows(inputs):
        columns = ("method", "pixels", "time", "pixels per second", "64 × 64 pixels")
        caption = captions.MAPPING.format(limit=duration(FAST_SECONDS))
        blocks.append(Table(caption=caption, columns=columns, rows=rows, css="small lights"))
    return Section(name="cost", title="Run time and memory", blocks=tuple(blocks))


def caveats(inputs: Inputs) -> Section:
    """Return what to distrust, as the program itself found it."""
    found = [*inputs.comparison.attrs.get("caveats", [])]
    found += dict(inputs.raw.attrs.get("counts_check", {})).get("warnings", [])
    found += inputs.rank.attrs.get("warnings", [])
    lines = list(dict.fromkeys(sentence(text) for text in found))
    blocks: tuple[Block, ...] = tuple(Notice(text, "warning") for text in lines)
    return Section(name="caveats", title="Caveats", blocks=blocks or (Text("None was found."),))


def provenance(inputs: Inputs) -> Section:
    """Where every number comes from and how to get it again."""
    cite = [Text("Please cite what you use:"), Text(*_papers(inputs))]
    blocks: tuple[Block, ...] = (
        _fits_table(inputs),
        Code(_settings(inputs), "Effective settings, defaults included"),
        Code("\n".join(f"{seal}  {name}" for name, seal in inputs.seals.items()), captions.SEALS),
        Code(as_yaml(inputs.versions), "Versions of the software"),
        Code(_command(inputs), "Make this page again"),
        Code(_opening(inputs), "Open the results in Python and HyperSpy"),
        *cite,
    )
    return Section(name="provenance", title="Provenance", intro=captions.PROVENANCE, blocks=blocks)


def _settings(inputs: Inputs) -> str:
    settings = dict(inputs.settings)
    if settings.get("file"):
        settings["file"] = shown_path(settings["file"])
    return as_yaml(settings)


def _command(inputs: Inputs) -> str:
    page = shlex.quote(f"reports/{inputs.sample}.html")
    return f"snakemake --cores all --configfile YOUR_CONFIGURATION.yaml -- {page}"


def as_yaml(settings: Any) -> str:
    """Write settings as YAML, whatever simple types they hold."""
    simple = json.loads(json.dumps(dict(settings), default=str))
    return str(yaml.safe_dump(simple, sort_keys=False, allow_unicode=True, width=100))


def _cost_table(inputs: Inputs) -> Table:
    columns = {
        "wall time": ("seconds", duration),
        "CPU time": ("cpu_seconds", duration),
        "threads": ("threads", integer),
        "peak memory (MB)": ("max_rss_mb", number),
    }
    known = {
        title: (key, form)
        for title, (key, form) in columns.items()
        if any(entry.get(key) is not None for entry in inputs.benchmarks)
    }
    rows = tuple(
        Row(
            cells=(
                cell(str(entry["rule"])),
                *(figure_cell(form(entry.get(key))) for key, form in known.values()),
            )
        )
        for entry in inputs.benchmarks
    )
    return Table(caption="The same in numbers.", columns=("rule", *known), rows=rows, css="small")


def _mapping_rows(inputs: Inputs) -> tuple[Row, ...]:
    """Return the time of the mapping of every method that has one."""
    rows = []
    for method in inputs.working:
        attrs = inputs.maps[method].attrs
        seconds, pixels = attrs.get("abundance_seconds"), attrs.get("abundance_pixels")
        if seconds and pixels:
            small = seconds / pixels * TIMED_PIXELS
            light = "green" if small < FAST_SECONDS else "amber"
            numbers = (integer(pixels), duration(seconds), integer(round(pixels / seconds)))
            judged = figure_cell(f"{LIGHTS[light]}\u00a0{duration(small)}", light=light)
            rows.append(Row(method=method, cells=(cell(method), *map(figure_cell, numbers), judged)))
    return tuple(rows)


def _fits_table(inputs: Inputs) -> Table:
    chains = any("split_rhat" in store for store in inputs.fits.values())
    quality = ("effective sample size", "split R-hat") if chains else ()
    known = ("method", "algorithm", "input", "same counts", "seed", "status", "learning pixels")
    columns = (*known, *quality, "options")
    rows = []
    for method in inputs.methods:
        attrs = inputs.fits[method].attrs if method in inputs.fits else {}
        options = as_yaml(attrs.get("options", {})).strip().replace("\n", "; ")
        texts = [str(attrs.get(key, DASH)) for key in ("method", "input", "seed", "status")]
        texts.insert(2, _same_counts(attrs))
        pixels = integer(attrs.get("n_learning_pixels"))
        found = _chain_quality(inputs.fits.get(method)) if chains else ()
        texts = [method, *texts, pixels, *found, options]
        rows.append(Row(cells=tuple(map(cell, texts)), method=method))
    caption = captions.FITS + captions.CHAINS * chains
    return Table(caption=caption, columns=columns, rows=tuple(rows), css="small")


def _same_counts(attrs: dict[str, Any]) -> str:
    """Return whether pixels were brought to the same counts, and the measured spread that decided it."""
    spread = attrs.get("brightness_spread")
    measured = "" if spread is None else f" ({spread:.2f})"
    evened = {"variable": "yes", "constant": "no"}.get(str(attrs.get("brightness")), DASH)
    return evened + measured


def _chain_quality(fit: xr.Dataset | None) -> tuple[str, str]:
    """Return the effective sample size and split R-hat of the worst endmember, dashes where none is known."""
    if fit is None or "split_rhat" not in fit:
        return DASH, DASH
    return integer(fit["effective_sample_size"].min().item()), f"{fit['split_rhat'].max().item():.3f}"


def _opening(inputs: Inputs) -> str:
    kind = "EDS_TEM" if inputs.counts.attrs.get("signal") == "EDS" else "EELS"
    return OPENING.format(folder=f"results/{inputs.sample}", kind=kind)


def _papers(inputs: Inputs) -> list[str]:
    used = {str(store.attrs.get("method", "")) for store in inputs.fits.values()}
    keys = ["workflow", "denoise", "background", *sorted(used & set(PAPERS)), "abundances"]
    return [PAPERS[key] for key in keys]
