"""The highest counts of an edge, of which limits and errors on the page are parts."""

from eelsunmix.report.areas import highest
from eelsunmix.report.first.choice import chosen_label
from eelsunmix.report.inputs import Inputs


def peak_of(inputs: Inputs, edge: str) -> float:
    """Return the highest net counts of the map that the page shows first; of BS where that has none.

    Those of background subtraction (BS) would be too high: some of its pixels are there by noise alone.
    """
    shown = inputs.comparison["element_map"].sel({"label": chosen_label(inputs), "edge": edge})
    found = highest(shown)
    return found if found > 0 else highest(inputs.bs["net_counts"].sel(edge=edge))
