"""The facts below the first screen: what was measured, what was done to it, and where the page says more."""

from collections.abc import Mapping, Sequence
from typing import Any

from eelsunmix.comparison.thresholds import CRITERIA
from eelsunmix.report.axis_words import axis_in_words
from eelsunmix.report.content import Fact
from eelsunmix.report.first.choice import chosen_label
from eelsunmix.report.formatting import DASH, in_words, integer, interval, number, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.misfits import worst_misfit
from eelsunmix.report.number_words import number_in_words

ORIGINS = {"configuration": "as configured"}
POISSON = 0.05
"""A variance this near to the mean is called that of single electrons."""


def key_facts(inputs: Inputs) -> list[Fact]:
    """Return what stands below the first screen."""
    channels = interval((inputs.energy[0], inputs.energy[-1]), inputs.energy_unit, digits=4)
    return [
        Fact("image", _image_size(inputs), "data"),
        Fact("channels", f"{inputs.energy.size}, {channels}", "data"),
        Fact("counts per pixel", number(inputs.mean_counts), "data"),
        Fact("noise", _noise(inputs), "data"),
        Fact("data used", _used(inputs), "corrections"),
        *(
            [Fact("energy axis", axis_in_words(inputs), "background")]
            if inputs.edges and "energy_axis" in inputs.bs.attrs
            else []
        ),
        Fact("lines" if inputs.has_lines else "edges", _edges(inputs), "background"),
        Fact("components", number_in_words(inputs), "components"),
        Fact("methods", ", ".join(inputs.methods) or DASH, "differences"),
        *([Fact("worst fit", _fit(inputs), "residuals")] if inputs.working else []),
    ]


def _edges(inputs: Inputs) -> str:
    return ", ".join(edge.replace("_", " ") for edge in inputs.edges) or DASH


def _image_size(inputs: Inputs) -> str:
    dims = [str(dim) for dim in inputs.counts.dims[:-1]]
    pixels = f"{' × '.join(str(inputs.counts.sizes[dim]) for dim in dims)} pixels ({' × '.join(dims)})"
    extent = " × ".join(tidy(inputs.view.extent(axis), 4) for axis in "yx")
    return pixels if inputs.view.unit == "px" else f"{pixels}, {extent} {inputs.view.unit}"


def _noise(inputs: Inputs) -> str:
    """Say whether counts are electrons, or how many of them are one."""
    ratio = inputs.counts_check.get("counts_per_electron")
    if ratio is None:
        return DASH
    origin = str(inputs.counts_check.get("counts_per_electron_from", ""))
    poisson = " (Poisson)" if abs(float(ratio) - 1) <= POISSON else " (Poisson: 1 ×)"
    return f"variance {number(ratio)} × mean{poisson}, {ORIGINS.get(origin, origin)}".removesuffix(", ")


def _used(inputs: Inputs) -> str:
    """Say how much of the image is used, and what was done to its counts."""
    total = inputs.corrected["total_counts"].size
    valid = int(inputs.pca.attrs.get("n_valid_pixels", total))
    pixels = f"all {integer(total)}" if valid == total else f"{integer(valid)} of {integer(total)}"
    before, after = inputs.raw_energy.size, inputs.energy.size
    channels = "all" if before == after else f"{after} of {before}"
    steps = [str(one["step"]) for one in inputs.corrected.attrs.get("corrections", []) if one.get("applied")]
    done = ", ".join(step.replace("_", " ") for step in steps) or "none"
    return f"{pixels} pixels, {channels} channels; corrections: {done}"


def _fit(inputs: Inputs) -> str:
    """Say how well the method that the page shows first describes the counts, and where it does so worst."""
    label = chosen_label(inputs)
    chi2 = number(float(inputs.comparison["reconstruction_chi2"].sel({"label": label})))
    worst = worst_misfit(inputs, label)
    spectra = f"mean spectrum, refitted: {worst or 'nowhere beyond noise'}; χ² of a typical pixel {chi2}"
    return "; ".join(filter(None, (_misfit_to_reference(inputs, label), spectra)))


def _misfit_to_reference(inputs: Inputs, label: str) -> str:
    """Say where the counts of a method follow background subtraction worst; nothing where none is judged."""
    rows: Sequence[Mapping[str, Any]] = inputs.comparison.attrs.get("verdict", [])
    criterion = CRITERIA["misfit"].title
    found = [row for row in rows if (row.get("method"), row.get("criterion")) == (label, criterion)]
    if not found or found[0].get("light") == "grey":
        return ""
    return f"maps differ from BS by {in_words(str(found[0]['text']))}"
