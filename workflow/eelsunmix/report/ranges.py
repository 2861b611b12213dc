"""How well the maps of each element are known: sentences, and tables of noise and ambiguity."""

from eelsunmix.report.content import Block, Row, Text
from eelsunmix.report.first.map_errors import relative_noise
from eelsunmix.report.formatting import decimals, integer, percent
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.parts import score_row, score_table
from eelsunmix.report.texts import sentence

RANGES = (
    "How well the abundance of the owner of each edge is known. Noise: median standard deviation of the "
    "element map by the noise of the counts, where it is above half of its peak, over that peak. Shape and "
    "scale: other simplices that describe the counts as well, with spectra and abundances that are not "
    "negative and edges that stay where they are, add or take away so much of the peak of the abundance, and "
    "multiply it by a factor in this range. One vertex is moved at a time. Pure are the pixels that pile up "
    "at a vertex, if there is an area of this composition and a gap around it. A mixture that fills an area, "
    "as an alloy, is taken for a material, and the range does not hold what is wrong then."
)


def range_tables(inputs: Inputs) -> list[Block]:
    """Say and tabulate how well each element is known; nothing for stores of earlier versions."""
    if "scale_low" not in inputs.comparison:
        return []
    attrs = inputs.comparison.attrs
    # The section of caveats has said what it has to say.
    said = [sentence(text) for text in attrs.get("ambiguity", []) if text not in attrs.get("caveats", [])]
    blocks: list[Block] = [Text(RANGES), *([Text(*said)] if said else [])]
    for edge in inputs.edges:
        rows = [_range_row(inputs, method, edge) for method in inputs.methods]
        columns = ("noise", "± shape", "scale from", "to", "pure pixels")
        blocks.append(score_table(f"{edge.replace('_', ' ')}: what is known", columns, rows))
    return blocks


def _range_row(inputs: Inputs, method: str, edge: str) -> Row:
    one = inputs.comparison.sel({"label": method, "edge": edge})
    noise = relative_noise(one["element_map"], one["element_map_sd"])
    parts = [percent(part) for part in (noise, one["shape_error"].item())]
    scales = [decimals(one[name].item(), 2) for name in ("scale_low", "scale_high")]
    return score_row(inputs, method, [*parts, *scales, integer(one["pure_pixels"].item())])
