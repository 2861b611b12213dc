"""The highest counts of an edge, of which limits and errors on the page are parts."""

from eelsunmix.comparison.peaks import peak
from eelsunmix.report.areas import CLEAR_SD
from eelsunmix.report.first.choice import chosen_label
from eelsunmix.report.inputs import Inputs


def peak_of(inputs: Inputs, edge: str) -> float:
    """Return the highest net counts of the map that the page shows first, but for a few outliers.

    Those of background subtraction (BS) would be too high: some of its pixels are there by noise alone. They
    are taken where the map does not reach the deviation of a pixel and BS sees the edge in single pixels;
    where neither does, the peak is zero: parts of noise say nothing.
    """
    bs = inputs.bs[["net_counts", "net_counts_sd"]].sel(edge=edge)
    element_map = inputs.comparison["element_map"].sel({"label": chosen_label(inputs), "edge": edge})
    shown, noise = peak(element_map.to_numpy()), float(bs["net_counts_sd"].compute().median())
    if shown > noise:
        return shown
    of_bs = peak(bs["net_counts"].to_numpy())
    return of_bs if of_bs > CLEAR_SD * noise else 0.0
