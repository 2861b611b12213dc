"""Section on the maps of elements and components."""

from eelsunmix.report.content import (
    Block,
    Control,
    Figure,
    Notice,
    Section,
    Text,
)
from eelsunmix.report.figures.endmembers import group_names, members_of
from eelsunmix.report.figures.maps import COMMON, OWN, RETURNED, ElementMaps, component_grid, element_grid
from eelsunmix.report.formatting import decimals, number, percent
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.parts import edge_choices, failures, score_row, score_table

MAPS = (
    "All methods are brought to one unit, the counts of an edge: the endmembers are fitted to the "
    "corrected counts, and the net counts of each endmember at the edge are added up with these "
    "weights. No arbitrary factor is left."
)
ELEMENT_MAPS = (
    "Element maps in counts of the edge, pixel by pixel; zooming one map zooms all. On the common scale "
    "equal colours mean equal counts: it spans 96 % of the values of a typical method, a scale of a map's "
    "own 99 %. As returned: the abundance of the component that owns the edge."
)
MAP_SCORES = (
    "Maps against BS. The noise ceiling is the r that the true map itself would have with the noisy BS "
    "map: a higher one means nothing. Scale: the factor that brings the map to BS, ideally 1."
)
MAP_OFF_REGION = " Off region: mean counts where the element is said to be absent, ideally 0."
COMPONENT_MAPS = (
    "Abundance of every component as its method returns it, each on its own scale; columns are the "
    "matched components. Abundances of different methods need not have the same unit."
)
COMPONENT_SD = (
    " A row “sd” holds the standard deviation of the maps above it, where the method gives it; it is "
    "valid if the mixing is linear and the noise is as assumed."
)


def section(inputs: Inputs) -> Section:
    """Element maps of all methods, their scores, and the components as returned."""
    blocks: list[Block] = failures(inputs)
    if inputs.edges:
        blocks += [_grid(inputs), *_map_scores(inputs)]
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
    scales = (COMMON, OWN, RETURNED)
    variants = {
        (i, j): element_grid(source, edges=choice, scale=scale)
        for i, choice in enumerate(choices)
        for j, scale in enumerate(scales)
    }
    caption = inputs.remarked(ELEMENT_MAPS)
    controls = (control, Control("Colours", scales))
    return Figure(name="element-maps", caption=caption, variants=variants, controls=controls)


def _map_scores(inputs: Inputs) -> list[Block]:
    store = inputs.comparison
    anywhere = bool(store["off_region_mean"].notnull().any())
    tables: list[Block] = [Text(MAP_SCORES + MAP_OFF_REGION * anywhere)]
    for edge in inputs.edges:
        known = bool(store["off_region_mean"].sel(edge=edge).notnull().any())
        rows = []
        for method in inputs.labels:
            one = store.sel({"label": method, "edge": edge})
            numbers = [decimals(one[name].item()) for name in ("map_correlation", "map_scale")]
            numbers += [number(one["off_region_mean"].item())] if known else []
            rows.append(score_row(inputs, method, [*numbers, percent(one["negative_fraction"].item())]))
        ceiling = decimals(store["map_noise_ceiling"].sel(edge=edge).item())
        heading = f"{edge.replace('_', ' ')}: noise ceiling of r {ceiling}"
        columns = ("r", "scale", *(("off region",) if known else ()), "negative pixels")
        tables.append(score_table(heading, columns, rows))
    return tables


def _components(inputs: Inputs) -> Figure:
    members = members_of(inputs.comparison, inputs.working)
    names = group_names(inputs.comparison, members)
    stores = {method: inputs.maps[method] for method in inputs.working}
    figure = component_grid(stores, members, names, inputs.view)
    with_sd = any("abundance_sd" in store for store in stores.values())
    caption = inputs.remarked(COMPONENT_MAPS + COMPONENT_SD * with_sd)
    return Figure(name="component-maps", caption=caption, variants={(): figure})
