"""The facts below the first screen: what was measured, what was done to it, and where the page says more."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eelsunmix.background.words import beside_their_onsets, off_their_energies
from eelsunmix.comparison.thresholds import CRITERIA
from eelsunmix.comparison.words import listed
from eelsunmix.report.content import Fact
from eelsunmix.report.first.choice import chosen_label
from eelsunmix.report.formatting import DASH, in_words, integer, interval, number, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.misfits import worst_misfit
from eelsunmix.report.number_words import number_in_words
from eelsunmix.report.texts import one_style

ORIGINS = {"configuration": "as configured"}
ALLOWED_EV = 1.0
"""Where an onset of the configuration differs from the table by more, it is told where edges rise by both."""
TELLING_EDGES = 3
"""Through fewer points a straight line goes anyhow."""
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
            [Fact("energy axis", _axis(inputs), "background")]
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


def _axis(inputs: Inputs) -> str:
    """Say how far edges rise, or lines peak, from where they are expected."""
    found = dict(inputs.bs.attrs["energy_axis"])
    if inputs.has_lines:
        lines = found.get("lines")
        return f"lines peak {off_their_energies(lines)}" if lines else "not measured: no line stands out"
    offset, deviation = found.get("offset_eV"), found.get("offset_sd_eV")
    if offset is None:
        return "not measured: too few edges rise clearly"
    if found.get("warnings"):
        return f"off: edges rise {beside_their_onsets(offset, deviation)}"
    beside = off_the_table(inputs)
    if not beside:
        return f"edges rise {beside_their_onsets(offset, deviation)}"
    configured = beside_their_onsets(offset, deviation, onsets="the onsets of the configuration")
    return f"not confirmed: {beside}. Edges rise {configured}, which the windows follow"


def off_the_table(inputs: Inputs) -> str:
    """Say how far edges rise from the table if the configuration has other onsets; nothing if it has not.

    Windows follow the configuration, so that an axis that is off, or an edge with a wrong name, is not seen.
    """
    found = dict(inputs.bs.attrs.get("energy_axis", {}))
    if inputs.has_lines or found.get("offset_eV") is None or found.get("warnings"):
        return ""
    onsets = found.get("onsets", {})
    known = {edge: one for edge, one in onsets.items() if one.get("table_eV") is not None}
    if not any(abs(one["given_eV"] - one["table_eV"]) > ALLOWED_EV for one in known.values()):
        return ""
    return _off_the_table(known)


def _off_the_table(onsets: Mapping[str, Mapping[str, float]]) -> str:
    """Say how far each edge, as a store has it, rises from the table, and what a straight line leaves of it.

    Examples
    --------
    >>> places = {"Ti_L23": (454, 456), "O_K": (525, 532), "Mn_L23": (632, 640), "La_M45": (831, 832)}
    >>> onsets = {edge: {"onset_eV": one[0], "table_eV": one[1]} for edge, one in places.items()}
    >>> _off_the_table(onsets).split("; ")
    ['edges lie beside the table by Ti L23 −2, O K −7, Mn L23 −8 and La M45 −1 eV', 'one shift and one \
dispersion leave up to 4 eV']
    >>> _off_the_table({"C_K": {"onset_eV": 290.0, "table_eV": 284.0}})
    'edges lie beside the table by C K +6 eV'
    """
    rises, table = np.array([(one["onset_eV"], one["table_eV"]) for one in onsets.values()]).T
    each = listed([f"{edge} {shift:+z.0f}" for edge, shift in zip(onsets, rises - table, strict=True)])
    left = ""
    if len(onsets) >= TELLING_EDGES:
        beyond = np.abs(rises - np.polyval(np.polyfit(table, rises, 1), table)).max()
        left = f"; one shift and one dispersion leave up to {beyond:.0f} eV"
    return one_style(f"edges lie beside the table by {each} eV{left}")
