"""Section on what the methods leave unexplained."""

from eelsunmix.comparison.words import listed
from eelsunmix.report.content import Figure, Notice, Section, Text
from eelsunmix.report.figures.maps import chi2_maps
from eelsunmix.report.figures.residuals import mean_residuals
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.misfits import CHANCE, worst_misfit

REFIT = (
    "These are residuals of a refit: what the endmembers leave when all abundances are fitted anew. The maps "
    "as the methods returned them leave more of a pixel; the explorer shows that."
)
CHI2 = (
    "Reduced χ² of each pixel after a refit of all abundances, common scale. 1 is noise alone; "
    "structure shows where the endmembers do not suffice."
)
MEAN_RESIDUAL = (
    "Residual spectrum after a refit of all abundances: the mean over {n_pixels} pixels, with σ the expected "
    "standard deviation of this mean, not of a single pixel; grey: ±2 σ. The mean of many pixels shows "
    "misfits that no pixel does: the list above says how much of the counts they are. Structure at an edge "
    "means that a component is missing or wrong; spikes mean bad channels."
)

LARGEST = "Where the mean spectrum is fitted worst, in σ of the mean and in parts of its counts:"


def section(inputs: Inputs) -> Section:
    """Show what the methods leave unexplained."""
    stores = {method: inputs.maps[method] for method in inputs.working}
    if not stores:
        notice = Notice("No method gave a result.", "error")
        return Section(name="residuals", title="Residuals", blocks=(notice,))
    maps = chi2_maps(stores, inputs.view)
    found = {m: (s["mean_residual"].values, s["mean_residual_sd"].values) for m, s in stores.items()}
    mean = mean_residuals(found, inputs.energy, inputs.edges, inputs.styles, inputs.energy_title)
    caption = MEAN_RESIDUAL.format(n_pixels=inputs.n_pixels)
    blocks = (
        Text(REFIT),
        Figure(name="chi2", caption=inputs.remarked(CHI2), variants={(): maps}),
        Text(LARGEST),
        Text(*_largest(inputs)),
        Figure(name="mean-residual", caption=caption, variants={(): mean}),
    )
    return Section(name="residuals", title="Residuals of the refit", blocks=blocks)


def _largest(inputs: Inputs) -> list[str]:
    """Say where the mean residual of each method is largest, and how small it is beside the counts."""
    found = {method: worst_misfit(inputs, method) for method in inputs.working}
    nowhere = [method for method, text in found.items() if not text]
    said = [f"{method}: {text}." for method, text in found.items() if text]
    return [*said, *([f"{listed(nowhere)}: nowhere by more than {CHANCE:g} σ."] if nowhere else [])]
