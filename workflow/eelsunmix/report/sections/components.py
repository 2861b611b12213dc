"""Section on the number of components: the evidence, the estimates and the choice."""

from eelsunmix.report.content import (
    Block,
    Control,
    Figure,
    Notice,
    Row,
    Section,
    Table,
    Text,
    cell,
    figure_cell,
)
from eelsunmix.report.figures.grid import columns_for
from eelsunmix.report.figures.rank import loadings, residual_map, score_maps, scree
from eelsunmix.report.figures.style import LIGHTS
from eelsunmix.report.formatting import DASH, number
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.number_words import answered, number_in_words
from eelsunmix.report.texts import one_style, sentence

FIRST = 30
ESTIMATORS = {
    "marchenko_pastur": "eigenvalues above the edge of noise (calibrated on the tail); maps are no noise",
    "parallel_analysis": "eigenvalues above those of simulated pure noise",
    "prediction": "components of half of the counts that predict the other half (thinning; counts only)",
    "elbow": "elbow of the scree plot, as HyperSpy places it (known to be fragile)",
    "user": "number given in the configuration",
}
NAMES = {"marchenko_pastur": "Marchenko-Pastur"}
ESTIMATES = (
    "Estimates of the number of components; ✔ marks the one used. Noise level of the tail {level} (1 "
    "for an ideal counting detector), edge of noise {edge}; {rank} eigenvalues lie above the edge."
)
NEIGHBOURS = (
    "One component less or more. Chi-square: mean square of what that many components do not describe, over "
    "that of the noise (1 for noise alone). Stability: cosine of the largest angle between the components "
    "that two halves of the pixels give; 1 where both show the same, below about 0.6 where the last one is "
    "noise."
)
RESIDUALS = (
    "What the components do not describe: largest deviation of each pixel in any window of energy, in "
    "standard deviations among all pixels. Chance alone stays below {limit} in 199 of 200 images. A few "
    "pixels beyond are a rare phase, or spikes."
)
SCREE = (
    "Eigenvalues of the Poisson-weighted data. Components above the edge of noise carry structure; "
    "those below cannot be told from noise. A slow tail above the dashed line points to correlated "
    "noise or drift."
)
SCORES = (
    "Score maps of the components used and of the next two, each on its own scale around zero. "
    "Structure or noise?"
)
LOADINGS = (
    "Loadings of the same components, in counts. They are not spectra of materials: their signs are "
    "arbitrary."
)


def section(inputs: Inputs) -> Section:
    """Show the evidence for the number of components, the estimates and the choice."""
    chosen = sentence(inputs.rank.attrs.get("reason", DASH))
    warnings = [
        Notice(sentence(answered(inputs, text)), "warning") for text in inputs.rank.attrs.get("warnings", [])
    ]
    opinion = [Text(inputs.rank.attrs["second_opinion"])] if "second_opinion" in inputs.rank.attrs else []
    blocks: list[Block] = [Text(chosen), *opinion, *warnings, _estimates(inputs), *_neighbours(inputs)]
    blocks += [_scree(inputs), _scores(inputs), _loadings(inputs), *_residuals(inputs)]
    return Section(
        name="components",
        title="How many components",
        intro=one_style(number_in_words(inputs, why=True)),
        blocks=tuple(blocks),
    )


def _estimates(inputs: Inputs) -> Table:
    attrs = inputs.rank.attrs
    estimates = zip(inputs.rank["estimator"].values, inputs.rank["estimate"].values, strict=True)
    rows = []
    for name, count in estimates:
        mark = f"{LIGHTS['green']} " if str(name) == str(attrs.get("chosen", "")) else ""
        shown = cell(mark + NAMES.get(str(name), str(name).replace("_", " ")))
        rows.append(Row(cells=(shown, figure_cell(str(int(count))), cell(ESTIMATORS.get(str(name), "")))))
    caption = ESTIMATES.format(
        level=number(attrs.get("noise_level")),
        edge=number(attrs.get("noise_edge")),
        rank=attrs.get("signal_rank", DASH),
    )
    return Table(caption=caption, columns=("estimate", "components", "how"), rows=tuple(rows))


def _neighbours(inputs: Inputs) -> list[Table]:
    """Tabulate what stores of earlier versions do not have."""
    rank = inputs.rank
    if "stability" not in rank:
        return []
    rows = [
        Row(
            cells=(
                figure_cell(f"{LIGHTS['green']} {k}" if k == inputs.n_endmembers else f"{k}"),
                figure_cell(number(float(rank["chi2"].sel(number=k)))),
                figure_cell(number(float(rank["stability"].sel(number=k)))),
            )
        )
        for k in rank["number"].to_numpy().tolist()
    ]
    return [Table(caption=NEIGHBOURS, columns=("components", "chi-square", "stability"), rows=tuple(rows))]


def _residuals(inputs: Inputs) -> list[Figure]:
    if "residual_deviation" not in inputs.rank:
        return []
    caption = RESIDUALS.format(limit=number(inputs.rank.attrs["residual_limit"]))
    figure = residual_map(inputs.rank, inputs.view)
    return [Figure(name="residuals", caption=inputs.remarked(caption), variants={(): figure}, half=True)]


def _scree(inputs: Inputs) -> Figure:
    n = inputs.pca.sizes["index"]
    counts = (min(FIRST, n), n)
    variants = {(i,): scree(inputs.pca, inputs.rank, count=count) for i, count in enumerate(counts)}
    control = Control("Show", (f"first {counts[0]}", f"all {n}"))
    return Figure(name="scree", caption=SCREE, variants=variants, controls=(control,))


def _shown(inputs: Inputs) -> int:
    return min(inputs.n_endmembers + 2, inputs.pca.sizes["component"])


def _scores(inputs: Inputs) -> Figure:
    figure = score_maps(inputs.pca, inputs.view, count=_shown(inputs), chosen=inputs.n_endmembers)
    return Figure(name="scores", caption=inputs.remarked(SCORES), variants={(): figure})


def _loadings(inputs: Inputs) -> Figure:
    count = _shown(inputs)
    figure = loadings(
        inputs.pca,
        count=count,
        chosen=inputs.n_endmembers,
        columns=columns_for(count, inputs.view),
        title=inputs.energy_title,
    )
    return Figure(name="loadings", caption=LOADINGS, variants={(): figure})
