"""Section on the maps of elements and components."""

from collections.abc import Sequence

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
from eelsunmix.report.figures.endmembers import group_names, members_of
from eelsunmix.report.figures.maps import COMMON, OWN, RETURNED, ElementMaps, component_grid, element_grid
from eelsunmix.report.formatting import DASH, decimals, number, percent
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.sections import captions
from eelsunmix.report.sections.verdict import failures


def maps(inputs: Inputs) -> Section:
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
    intro = captions.MAPS if inputs.edges else ""
    return Section(name="maps", title="Maps", intro=intro, blocks=tuple(blocks))


def edge_choices(inputs: Inputs) -> tuple[Control, list[list[str]]]:
    """Return the control that chooses all edges or one, and the edges of each of its options."""
    edges = list(inputs.edges)
    names = [edge.replace("_", " ") for edge in edges]
    if len(edges) == 1:
        return Control("Edge", tuple(names)), [edges]
    return Control("Edge", ("all", *names)), [edges, *([edge] for edge in edges)]


def score_row(inputs: Inputs, method: str, numbers: Sequence[str]) -> Row:
    """Return a row of numbers of a method, dashes where it failed."""
    style = inputs.styles[method]
    name = cell(method, colour=style["color"], dash=style["dash"])
    shown = [DASH] * len(numbers) if method in inputs.failures else numbers
    return Row(method=method, cells=(name, *(figure_cell(text) for text in shown)))


def score_table(heading: str, columns: Sequence[str], rows: Sequence[Row]) -> Table:
    """Return a table of scores by method that shares its line with the next one."""
    names = ("method", *columns)
    return Table(caption="", heading=heading, columns=names, rows=tuple(rows), css="small wide", half=True)


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
    caption = inputs.remarked(captions.ELEMENT_MAPS)
    controls = (control, Control("Colours", scales))
    return Figure(name="element-maps", caption=caption, variants=variants, controls=controls)


def _map_scores(inputs: Inputs) -> list[Block]:
    store = inputs.comparison
    anywhere = bool(store["off_region_mean"].notnull().any())
    tables: list[Block] = [Text(captions.MAP_SCORES + captions.MAP_OFF_REGION * anywhere)]
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
    caption = inputs.remarked(captions.COMPONENT_MAPS + captions.COMPONENT_SD * with_sd)
    return Figure(name="component-maps", caption=caption, variants={(): figure})
