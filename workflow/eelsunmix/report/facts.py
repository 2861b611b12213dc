"""The facts below the title of a page."""

from eelsunmix.report.formatting import DASH, duration, interval, number, tidy
from eelsunmix.report.inputs import Inputs

CHOSEN_BY = {
    "user": "given by the user",
    "marchenko_pastur": "eigenvalues above noise",
    "parallel_analysis": "by parallel analysis",
    "elbow": "elbow of the scree plot",
}


def key_facts(inputs: Inputs) -> list[tuple[str, str]]:
    """Return what stands below the title of the page."""
    channels = interval((inputs.energy[0], inputs.energy[-1]), inputs.energy_unit)
    seconds = [float(entry["seconds"]) for entry in inputs.benchmarks if entry.get("seconds") is not None]
    return [
        ("image", _image_size(inputs)),
        ("channels", f"{inputs.energy.size}, {channels}"),
        ("counts per pixel", number(inputs.mean_counts)),
        ("components", f"{inputs.n_endmembers} ({_chosen_by(inputs)})"),
        ("lines" if inputs.has_lines else "edges", _edges(inputs)),
        ("methods", ", ".join(inputs.methods) or DASH),
        ("computing time", duration(sum(seconds)) if seconds else DASH),
    ]


def _edges(inputs: Inputs) -> str:
    return ", ".join(edge.replace("_", " ") for edge in inputs.edges) or DASH


def _image_size(inputs: Inputs) -> str:
    dims = [str(dim) for dim in inputs.counts.dims[:-1]]
    pixels = f"{' × '.join(str(inputs.counts.sizes[dim]) for dim in dims)} pixels ({' × '.join(dims)})"
    extent = " × ".join(tidy(inputs.view.extent(axis), 4) for axis in "yx")
    return pixels if inputs.view.unit == "px" else f"{pixels}, {extent} {inputs.view.unit}"


def _chosen_by(inputs: Inputs) -> str:
    chosen = str(inputs.rank.attrs.get("chosen", "chosen"))
    return CHOSEN_BY.get(chosen, chosen.replace("_", " "))
