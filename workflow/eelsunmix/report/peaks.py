"""The highest counts of an edge, of which limits and errors on the page are parts."""

from eelsunmix.comparison.peaks import peak
from eelsunmix.report.areas import CLEAR_SD
from eelsunmix.report.figures.style import REFERENCE
from eelsunmix.report.first.choice import chosen_label
from eelsunmix.report.first.rare import highest
from eelsunmix.report.inputs import Inputs


def peak_of(inputs: Inputs, edge: str) -> float:
    """Return the highest net counts of the map that the page shows first, but for a few outliers.

    It is zero where it does not reach the deviation of a pixel by background subtraction (BS): parts of noise
    say nothing. Where the map is that of BS, as the method has none, BS is to see the edge in single pixels.
    """
    bs = inputs.bs[["net_counts", "net_counts_sd"]].sel(edge=edge)
    label = chosen_label(inputs)
    at = inputs.comparison.sel({"label": label, "edge": edge})
    element_map, noise = at["element_map"].to_numpy(), float(bs["net_counts_sd"].compute().median())
    if label != REFERENCE and (element_map > 0).any():
        shown = highest(element_map, at["element_map_sd"])
        return shown if shown > noise else 0.0
    of_bs = peak(bs["net_counts"].to_numpy())
    return of_bs if of_bs > CLEAR_SD * noise else 0.0
