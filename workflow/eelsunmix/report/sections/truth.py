"""Section on the truth of a simulated sample."""

from eelsunmix.report.content import Block, Control, Figure, Section, Text
from eelsunmix.report.figures.endmembers import RETURNED, displays_for
from eelsunmix.report.figures.truth import true_abundance_profiles, true_endmembers
from eelsunmix.report.formatting import in_words, number
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.parts import score_row, score_table

TRUTH_SCORES = (
    ("truth_sad", "SAD", "spectral angle (rad); small for any EELS spectra, since all share the background"),
    ("truth_sad_whitened", "whitened", "the same after division by the Poisson noise (rad)"),
    ("truth_sad_edge", "edge", "the same after background subtraction (rad)"),
    ("truth_nmse", "NMSE", "squared error of the abundance map, relative to its square"),
    ("truth_nmse_scale_free", "NMSE scaled", "the same after the best common factor"),
)
TRUTH = "The sample is simulated: what every method should have found is known."
TRUE_SPECTRA = (
    "True endmember spectra (broad grey line) and the matched ones of all methods, all with the counts of a "
    "mean pixel."
)
TRUE_PROFILES = (
    "Abundance of each true endmember along the profile, averaged over its width (broad grey line), and "
    "the abundances of the matched components. BS has no abundances."
)


def section(inputs: Inputs) -> Section | None:
    """Show the scores against the truth of a simulated sample; nothing for a measured one."""
    if not inputs.has_truth:
        return None
    blocks = _truth_scores(inputs)
    if inputs.working and "true_endmember_spectrum" in inputs.raw:
        blocks.append(_truth_spectra(inputs))
    if inputs.working and inputs.profiles:
        blocks.append(_truth_profiles(inputs))
    return Section(name="truth", title="Ground truth", intro=TRUTH, blocks=tuple(blocks))


def _truth_scores(inputs: Inputs) -> list[Block]:
    store = inputs.comparison
    known = [entry for entry in TRUTH_SCORES if entry[0] in store]
    tables: list[Block] = [Text(*(f"{title}: {text}." for _, title, text in known))]
    for name in map(str, store["true_endmember"].values):
        rows = []
        for method in inputs.methods:
            one = store.sel({"label": method, "true_endmember": name})
            rows.append(score_row(inputs, method, [number(one[key].item()) for key, _, _ in known]))
        tables.append(score_table(name, tuple(title for _, title, _ in known), rows))
    return tables


def _truth_spectra(inputs: Inputs) -> Figure:
    spectra, stores = inputs.raw["true_endmember_spectrum"], (inputs.comparison, inputs.fits)
    displays = [display for display in displays_for(inputs.energy_dim) if display != RETURNED]
    variants = {
        (i,): true_endmembers(
            spectra,
            *stores,
            inputs.working,
            inputs.styles,
            display=display,
            counts=inputs.mean_counts,
            title=inputs.energy_title,
        )
        for i, display in enumerate(displays)
    }
    controls = (Control("Scale", tuple(displays)),)
    return Figure(name="true-spectra", caption=TRUE_SPECTRA, variants=variants, controls=controls)


def _truth_profiles(inputs: Inputs) -> Figure:
    variants = {
        (i,): true_abundance_profiles(inputs.one_frame, name, inputs.working, inputs.styles, inputs.view.unit)
        for i, name in enumerate(inputs.profiles)
    }
    control = Control("Profile", tuple(map(in_words, inputs.profiles)))
    caption = TRUE_PROFILES
    return Figure(name="true-profiles", caption=caption, variants=variants, controls=(control,))
