"""Section on the maps of elements and components."""

import xarray as xr

from eelsunmix.report.content import Block, Control, Figure, Notice, Row, Section, Text
from eelsunmix.report.figures.endmembers import group_names, members_of
from eelsunmix.report.figures.maps import (
    COMMON,
    DEVIATION,
    OWN,
    RETURNED,
    SUBSPACE,
    ElementMaps,
    component_grid,
    element_grid,
)
from eelsunmix.report.formatting import decimals, number, percent
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.parts import edge_choices, failures, score_row, score_table
from eelsunmix.report.ranges import range_tables
from eelsunmix.words import RECOMMENDED

MAPS = (
    "What each method stands for, in counts of an edge: its abundances, times the brightness of "
    "the pixel, times the net counts of its endmembers that show the element. The more clearly its edge "
    "stands out from the noise, in its spectrum and in BS, the more an endmember counts. Abundances of NMF "
    "and ICA hold the brightness; those that sum to one are multiplied by the counts of the pixel. No "
    "arbitrary factor is left. How much of an element a method puts into other components is its cross-talk."
)
ELEMENT_MAPS = (
    "Element maps in counts of the edge, pixel by pixel; zooming one map zooms all. On the common scale "
    "equal colours mean equal counts: it spans 96 % of the values of a typical method, a scale of a map's "
    "own 99 %. Subspace check: all endmembers refitted to the counts, and all of their net counts. As these "
    "hardly depend on the choice of endmembers, methods differ there only in what they cannot describe. "
    "Standard deviation: of the element map, by the noise of the counts alone; networks have none. As "
    "returned: the abundance of the component that owns the edge."
)
TRUE_MAPS = (
    " Truth: the same of the true abundances and spectra, of the materials that contain the element. "
    "Material BS: what BS makes of the spectra of all materials, each subtracted alone and then summed; "
    "not the truth where their background is no power law, nor BS of the mixture."
)
MAP_SCORES = (
    "Maps against BS. The noise ceiling is the r that the true map itself would have with the noisy BS "
    "map: a higher one means nothing. Scale: the factor that brings the map to BS, ideally 1. Before both "
    "are compared, the negative counts that BS finds in components without the element are added. "
    "The subspace check is in the section on how the methods differ."
)
MAP_TRUTH = " NMSE: squared error of the map against the true one, relative to its square; r truth: with it."
MAP_OFF_REGION = " Off region: mean counts where the element is said to be absent, ideally 0."
COMPONENT_MAPS = (
    "Abundance of every component as its method returns it, each on its own scale; columns are the "
    "matched components. Abundances of different methods need not have the same unit."
)
COMPONENT_TRUTH = " The first row of abundances is the truth of the simulation."
COMPONENT_SD = (
    " Standard deviations are those by the noise of the counts, of the refit (all endmembers fitted again to "
    "the counts) where the method has none of its own, as networks. They are valid if the mixing is linear "
    "and the noise is as assumed."
)
RECOMMENDED_SD = (
    " Those of recommended also hold errors on simulated images, and what other spectra that fit allow."
)


def section(inputs: Inputs) -> Section:
    """Element maps of all methods, their scores, and the components as returned."""
    blocks: list[Block] = failures(inputs)
    if inputs.edges:
        blocks += [_grid(inputs), *_map_scores(inputs), *range_tables(inputs)]
    else:
        blocks.append(
            Notice("No edge is named in the configuration: there are no element counts to compare.")
        )
    if inputs.working:
        blocks.append(_components(inputs))
    intro = MAPS if inputs.edges else ""
    return Section(name="maps", title="Maps", intro=intro, blocks=tuple(blocks))


def _grid(inputs: Inputs) -> Figure:
    source = ElementMaps(
        comparison=inputs.comparison, maps=inputs.maps, view=inputs.view, failures=inputs.failures
    )
    control, choices = edge_choices(inputs)
    scales = (COMMON, OWN, SUBSPACE, DEVIATION, RETURNED)
    variants = {
        (i, j): element_grid(source, edges=choice, scale=scale)
        for i, choice in enumerate(choices)
        for j, scale in enumerate(scales)
    }
    caption = inputs.remarked(ELEMENT_MAPS + TRUE_MAPS * inputs.has_true_maps)
    controls = (control, Control("Maps", scales))
    return Figure(name="element-maps", caption=caption, variants=variants, controls=controls)


def _map_scores(inputs: Inputs) -> list[Block]:
    store = inputs.comparison
    anywhere = bool(store["off_region_mean"].notnull().any())
    tables: list[Block] = [Text(MAP_SCORES + MAP_OFF_REGION * anywhere + MAP_TRUTH * inputs.has_true_maps)]
    for edge in inputs.edges:
        known = bool(store["off_region_mean"].sel(edge=edge).notnull().any())
        rows = [_map_row(inputs, method, edge, known) for method in inputs.labels]
        ceiling = decimals(store["map_noise_ceiling"].sel(edge=edge).item())
        heading = f"{edge.replace('_', ' ')}: noise ceiling of r {ceiling}"
        columns = [
            *("r", "scale"),
            *(["off region"] if known else []),
            *(["r truth", "NMSE"] if inputs.has_true_maps else []),
            "negative",
        ]
        tables.append(score_table(heading, columns, rows))
    return tables


def _map_row(inputs: Inputs, method: str, edge: str, off_region: bool) -> Row:
    one = inputs.comparison.sel({"label": method, "edge": edge})
    numbers = [decimals(one[name].item()) for name in ("map_correlation", "map_scale")]
    numbers += [number(one["off_region_mean"].item())] if off_region else []
    if inputs.has_true_maps:
        numbers += [decimals(one[name].item()) for name in ("truth_map_correlation", "truth_map_nmse")]
    return score_row(inputs, method, [*numbers, percent(one["negative_fraction"].item())])


def _components(inputs: Inputs) -> Figure:
    members = members_of(inputs.comparison, inputs.working)
    names = group_names(inputs.comparison, members)
    stores = {method: inputs.maps[method] for method in inputs.working}
    abundances = component_grid(stores, members, names, inputs.view, truth=_true_abundances(inputs))
    caption = COMPONENT_MAPS + COMPONENT_TRUTH * inputs.has_truth
    if not any("refit_abundance_sd" in store for store in stores.values()):
        return Figure(name="component-maps", caption=inputs.remarked(caption), variants={(): abundances})
    caption += COMPONENT_SD + RECOMMENDED_SD * (RECOMMENDED in inputs.working)
    return Figure(
        name="component-maps",
        caption=inputs.remarked(caption),
        variants={
            (0,): abundances,
            (1,): component_grid(stores, members, names, inputs.view, deviations=True),
        },
        controls=(Control("Show", ("abundances", "standard deviations")),),
    )


def _true_abundances(inputs: Inputs) -> dict[int, xr.DataArray]:
    """Group of components -> the true abundance that the first method of the group is matched to."""
    if not inputs.has_truth:
        return {}
    found: dict[int, xr.DataArray] = {}
    for method in inputs.working:
        one = inputs.comparison.sel({"label": method})
        for true, endmember in enumerate(one["truth_match"].values.tolist()):
            group = int(one["group"].values[endmember]) if endmember >= 0 else -1
            if group >= 0:
                found.setdefault(group, inputs.comparison["true_abundance"].isel(true_endmember=true))
    return found
