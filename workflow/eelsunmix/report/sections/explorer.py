"""Section in which the reader looks at the spectrum of any pixel, or of any area."""

from eelsunmix.report.content import Control, Explorer, Section
from eelsunmix.report.figures.explorer import (
    PART_OF_ELECTRON,
    backdrops,
    backgrounds,
    holds_counts,
    noise_of_channel,
    place_of_pixels,
    reconstructions,
    spectra_of_pixels,
)
from eelsunmix.report.first.choice import chosen_label
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.peaks import peak_of
from eelsunmix.report.systematics import systematic_of

INTRO = (
    "Click a pixel, or drag over an area, on this map or on any other map of the page. With the keyboard: "
    "arrow keys move the pixel, with Shift they stretch the area, Escape takes all pixels."
)
MEASURED = "Shown are the corrected counts of the pixel, {rounded}."
WHOLE = "as they are"
ROUNDED = "rounded to 1/{part} of an electron"
DENOISED = (
    "The image is too large for its counts to stand in a page: shown is what {n} components of PCA say of "
    "the pixel, without most of its noise. The stores hold the counts."
)
CAPTION = (
    "{what} Of an area, the mean of its pixels. Dark red: {curve} of BS, averaged over the pixels. "
    "Lines: abundances times endmembers of each method as it returns them; where they sum to one, with the "
    "counts of the pixel. Below: what they leave, in standard deviations σ of the noise of a channel of what "
    "is shown, the pixel or the mean of the area; of a good method it scatters around zero between −2 and "
    "2{less}. An edge that stands out there is one that the method misses.{seen}"
)
SEEN = (
    " Seen are net counts by BS of more than three standard deviations, by counting, fit, and what is in all "
    "pixels alike (a fixed pattern, or what BS finds where the element is absent): whether they are the "
    "edge, the spectrum shows. Elsewhere the limit is the net counts, or zero, plus 1.645 standard "
    "deviations (one-sided, 95 %), for the mean of an area: a part of it may hold more. Net counts below "
    "minus three standard deviations are not chance: how far they are below zero is the limit there. Over a "
    "larger area, pixels where BS lies below zero lower its mean. Counts of methods leave out components "
    "that do not show the edge: their zero is no proof of absence."
)
CONVEX = "the background (a convex one drawn as a power law of its counts and slope)"
LESS = ", here by much less, for PCA has taken most of the noise"
DIRECTIONS = (
    " Variations inside a material that were taken out before unmixing are no part of a reconstruction."
)


def section(inputs: Inputs) -> Section:
    """Show the spectrum of any pixel with what BS and all methods make of it."""
    return Section(name="explorer", title="Explorer", intro=INTRO, blocks=(_explorer(inputs),))


def _explorer(inputs: Inputs) -> Explorer:
    edges = [edge for edge, windows in inputs.edges.items() if "fit" in windows and "integrate" in windows]
    stores = (inputs.one_frame, inputs.fits, inputs.maps)
    systematic = {edge: systematic_of(inputs, edge) for edge in edges}
    peaks = {edge: peak_of(inputs, edge) for edge in edges}
    names = tuple(edge.replace("_", " ") for edge in edges)
    data = {
        "pixels": place_of_pixels(inputs.view),
        "energy": inputs.energy,
        "energy_title": inputs.energy_title,
        "noise": noise_of_channel(inputs.counts),
        "spectra": spectra_of_pixels(inputs.counts, inputs.pca, inputs.view, _n_components(inputs)),
        "total": inputs.view.image(inputs.corrected["total_counts"]),
        "edges": backgrounds(inputs.bs, inputs.edges, systematic, peaks, inputs.view),
        "methods": [
            {**one, "style": inputs.styles[one["name"]]}
            for one in reconstructions(*stores, inputs.working, edges, inputs.view)
        ],
        "front": chosen_label(inputs),
        "backdrops": backdrops(
            inputs.corrected["total_counts"], inputs.one_frame, edges, inputs.view, inputs.scan_image
        ),
        "aspect": inputs.view.aspect,
    }
    controls = (Control("Edge", ("all", *names)), Control("Counts axis", ("linear", "logarithmic")))
    return Explorer(data=data, caption=inputs.remarked(_caption(inputs)), controls=controls)


def _n_components(inputs: Inputs) -> int:
    """As many as the page shows maps of."""
    return min(inputs.n_endmembers + 2, inputs.pca.sizes["component"])


def _caption(inputs: Inputs) -> str:
    if holds_counts(inputs.counts, inputs.view):
        whole = inputs.counts.dtype.kind in "iu"
        what, less = MEASURED.format(rounded=WHOLE if whole else ROUNDED.format(part=PART_OF_ELECTRON)), ""
    else:
        what, less = DENOISED.format(n=_n_components(inputs)), LESS
    directions = DIRECTIONS * any("nuisance_direction" in inputs.fits[method] for method in inputs.working)
    curve = CONVEX if "convex" in inputs.curves else "the background"
    seen = SEEN * bool(inputs.edges)
    return CAPTION.format(what=what, less=less, curve=curve, seen=seen) + directions
