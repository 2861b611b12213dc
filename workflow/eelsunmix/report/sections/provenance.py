"""Section on where every number comes from and how to get it again."""

import shlex
from collections.abc import Mapping
from typing import Any

import xarray as xr

from eelsunmix.report.candidates import errors_of, in_words
from eelsunmix.report.content import (
    Block,
    Code,
    Notice,
    Row,
    Section,
    Table,
    cell,
    figure_cell,
)
from eelsunmix.report.figures.style import LIGHTS
from eelsunmix.report.formatting import DASH, integer, number
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.texts import as_yaml, export_command, shown_path
from eelsunmix.storage.versions import mixed_versions

EXPORT = "Export maps and spectra: HyperSpy, TIFF, CSV, NeXus"
FORMATS = ("hspy", "tiff", "csv", "nexus")
OPENING = """\
import xarray as xr

# Every map, profile and score of this page; needs xarray and zarr alone.
comparison = xr.open_zarr("{folder}/comparison.zarr")
maps = comparison["element_map"]  # counts by label (a method, or BS), edge, y, x
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
PROVENANCE = (
    "The page is made of sealed stores alone; it changes only when one of these seals, or the code, changes."
)
SEALS = "Seals of the stores that this page was made from"
FITS = (
    "How each method was run. Pixels are brought to the same counts where thickness or beam current vary and "
    "abundances sum to one; in brackets the measured variation, in units of the noise (1: none)."
)
CHAINS = (
    " Effective sample size and split R-hat are those of the worst endmember: the number of independent "
    "draws that would give its mean as precisely, and how well the halves of the chain agree (1: "
    "perfectly; above 1.1 the chain has not converged)."
)
CANDIDATES = (
    "Candidates of the recommended result (✔: chosen), and by how much their maps were off on images "
    "simulated from a result. What that result assumes, such as anchoring, holds in these images, which "
    "therefore do not test it."
)


def section(inputs: Inputs) -> Section:
    """Where every number comes from and how to get it again."""
    mix = mixed_versions(inputs.versions_of_stores)
    blocks: tuple[Block, ...] = (
        *([Notice(mix, "warning")] if mix else []),
        _fits_table(inputs),
        *_candidates(inputs),
        Code(_settings(inputs), "Effective settings, defaults included"),
        Code("\n".join(f"{seal}  {name}" for name, seal in inputs.seals.items()), SEALS),
        Code(as_yaml(inputs.versions), "Versions of the software"),
        Code(_command(inputs), "Make this page again"),
        Code(f"{export_command(inputs.sample, *FORMATS)}  # or --publication", EXPORT),
        Code(_opening(inputs), "Open the results in Python and HyperSpy"),
    )
    return Section(name="provenance", title="Provenance", intro=PROVENANCE, blocks=blocks)


def _settings(inputs: Inputs) -> str:
    settings = dict(inputs.settings)
    if settings.get("file"):
        settings["file"] = shown_path(settings["file"])
    return as_yaml(settings)


def _command(inputs: Inputs) -> str:
    page = shlex.quote(f"reports/{inputs.sample}.html")
    return f"snakemake --cores all --configfile YOUR_CONFIGURATION.yaml -- {page}"


def _fits_table(inputs: Inputs) -> Table:
    chains = any("split_rhat" in store for store in inputs.fits.values())
    quality = ("effective sample size", "split R-hat") if chains else ()
    known = ("method", "algorithm", "input", "same counts", "seed", "status", "learning pixels")
    columns = (*known, *quality, "nuisance", "options")
    rows = []
    for method in inputs.methods:
        attrs = inputs.fits[method].attrs if method in inputs.fits else {}
        options = as_yaml(attrs["options"]).strip().replace("\n", "; ") if attrs.get("options") else DASH
        texts = [str(attrs.get(key, DASH)) for key in ("method", "input", "seed", "status")]
        texts[0] = str(attrs.get("chosen", texts[0]))
        texts.insert(2, _same_counts(attrs))
        pixels = integer(attrs.get("n_learning_pixels"))
        found = _chain_quality(inputs.fits.get(method)) if chains else ()
        texts = [method, *texts, pixels, *found, _nuisance(attrs), options]
        rows.append(Row(cells=tuple(map(cell, texts)), method=method))
    caption = FITS + CHAINS * chains
    return Table(caption=caption, columns=columns, rows=tuple(rows), css="small")


def _candidates(inputs: Inputs) -> list[Table]:
    """Tabulate how all candidates of the recommended result did; nothing where there is none."""
    known = dict(inputs.comparison.attrs.get("recommended") or {})
    rows = tuple(
        Row(cells=(cell(_marked(name, known)), figure_cell(f"{number(error, 2)} %"), cell(in_words(name))))
        for name, error in errors_of(known).items()
    )
    columns = ("candidate", "error of its maps", "what it is")
    return [Table(caption=CANDIDATES, columns=columns, rows=rows, css="small")] if rows else []


def _marked(name: str, known: Mapping[str, Any]) -> str:
    return f"{LIGHTS['green']} {name}" if name == known.get("method") else name


def _same_counts(attrs: dict[str, Any]) -> str:
    """Return whether pixels were brought to the same counts, and the measured spread that decided it."""
    spread = attrs.get("brightness_spread")
    measured = "" if spread is None else f" ({spread:.2f})"
    evened = {"variable": "yes", "constant": "no"}.get(str(attrs.get("brightness")), DASH)
    return evened + measured


def _nuisance(attrs: dict[str, Any]) -> str:
    """Return how many directions were taken out, and the evidence where they were asked for."""
    number, reason = attrs.get("nuisance"), attrs.get("nuisance_reason")
    if number is None:
        return DASH
    return "0" if reason == "not asked for" else f"{number}: {reason}"


def _chain_quality(fit: xr.Dataset | None) -> tuple[str, str]:
    """Return the effective sample size and split R-hat of the worst endmember, dashes where none is known."""
    if fit is None or "split_rhat" not in fit:
        return DASH, DASH
    return integer(fit["effective_sample_size"].min().item()), f"{fit['split_rhat'].max().item():.3f}"


def _opening(inputs: Inputs) -> str:
    kind = "EDS_TEM" if inputs.counts.attrs.get("signal") == "EDS" else "EELS"
    return OPENING.format(folder=f"results/{inputs.sample}", kind=kind)
