"""A picture of a sample that fits into a line of a table."""

from collections.abc import Sequence
from typing import Any

from eelsunmix.report.figures.mapview import view_of
from eelsunmix.report.first.choice import Shown, composite_of
from eelsunmix.report.first.pictures import composite_png, map_png
from eelsunmix.report.first.presence import why_no_peak
from eelsunmix.report.inputs import Inputs

PIXELS = 2500


def thumbnail(inputs: Inputs, maps: Sequence[Shown]) -> dict[str, Any]:
    """Return the composite of the maps that show something, their only one, or the total counts.

    Returns
    -------
    dict
        ``address`` of the image, whose bytes it holds, and ``aspect``, its width over its height.
    """
    total = inputs.corrected["total_counts"]
    view = view_of(total, n_maps=1, budget=PIXELS)
    three = composite_of([one for one in maps if not why_no_peak(inputs, one)])
    if len(three) > 1:
        images = [view.image(one.values) for one in three]
        ends = [one.scale_end(image) for one, image in zip(three, images, strict=True)]
        address = composite_png(images, ends, bits=5)
    else:
        address = map_png(view.image(three[0].values if three else total), from_zero=bool(three))[0]
    return {"address": address, "aspect": 1 / view.aspect}
