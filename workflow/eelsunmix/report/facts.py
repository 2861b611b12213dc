"""The facts below the first screen: what was measured, what was done to it, and where the page says more."""

from eelsunmix.background.words import beside_their_onsets, off_their_energies
from eelsunmix.report.content import Fact
from eelsunmix.report.formatting import DASH, duration, integer, interval, number, tidy
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.number_words import number_in_words

ORIGINS = {"configuration": "as configured"}
ALLOWED_EV = 1.0
"""Where the onsets of the configuration differ from the table by more on average, both are told."""
POISSON = 0.05
"""A variance this near to the mean is called that of single electrons."""


def key_facts(inputs: Inputs) -> list[Fact]:
    """Return what stands below the first screen."""
    channels = interval((inputs.energy[0], inputs.energy[-1]), inputs.energy_unit, digits=4)
    seconds = [float(entry["seconds"]) for entry in inputs.benchmarks if entry.get("seconds") is not None]
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
        Fact("computing time", duration(sum(seconds)) if seconds else DASH, "cost"),
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


def _axis(inputs: Inputs) -> str:
    """Say how far edges rise, or lines peak, from where they are expected."""
    found = dict(inputs.bs.attrs["energy_axis"])
    if inputs.has_lines:
        lines = found.get("lines")
        return f"lines peak {off_their_energies(lines)}" if lines else "not measured: no line stands out"
    offset, deviation = found.get("offset_eV"), found.get("offset_sd_eV")
    if offset is None:
        return "not measured: too few edges rise clearly"
    off = "off: " if found.get("warnings") else ""
    by_table = found.get("table_offset_eV")
    table = ""
    if not off and by_table is not None and abs(by_table - offset) > ALLOWED_EV:
        table = f"; {abs(by_table):.1f} eV {'below' if by_table < 0 else 'above'} the table"
    return f"{off}edges rise {beside_their_onsets(offset, deviation)}{table}"
