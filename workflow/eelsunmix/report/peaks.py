"""The highest counts of an edge, of which limits and errors on the page are parts."""

from eelsunmix.report.areas import highest
from eelsunmix.report.first.choice import chosen_label
from eelsunmix.report.inputs import Inputs


def peak_of(inputs: Inputs, edge: str) -> float:
    """Return the highest net counts of the map that the page shows first, but for a few outliers.

    Those of background subtraction (BS) would be too high: some of its pixels are there by noise alone. They
    are taken where the map does not reach the deviation of a pixel: too few pixels have the edge, or none.
    """
    bs = inputs.bs[["net_counts", "net_counts_sd"]].sel(edge=edge)
    shown = highest(inputs.comparison["element_map"].sel({"label": chosen_label(inputs), "edge": edge}))
    return shown if shown > float(bs["net_counts_sd"].compute().median()) else highest(bs["net_counts"])
