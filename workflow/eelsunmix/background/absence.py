"""Where the user knows elements to be absent."""

import functools
import operator
from collections.abc import Mapping

import xarray as xr

from eelsunmix.edges import Edge
from eelsunmix.profile_geometry import region_mask
from eelsunmix.profiles import Region


def known_absent(
    regions: Mapping[str, Region], edges: Mapping[str, Edge], image: xr.DataArray
) -> dict[str, xr.DataArray | None]:
    """Pixels in which the element of each edge is absent, dims (y, x); None where no region says so.

    Raises
    ------
    InputError
        A region, of whatever element, has no pixel of the image.
    """
    masks = {name: region_mask(region, image, name=name) for name, region in regions.items()}
    found: dict[str, xr.DataArray | None] = {}
    for name, edge in edges.items():
        parts = [masks[place] for place, region in regions.items() if edge.element in region.without]
        found[name] = functools.reduce(operator.or_, parts) if parts else None
    return found


def unused_regions(regions: Mapping[str, Region], edges: Mapping[str, Edge]) -> list[str]:
    """Name the elements of regions that no edge is of."""
    elements = {edge.element for edge in edges.values()}
    return [
        f"regions.{name}.without: {element} has no edge in the configuration"
        for name, region in regions.items()
        for element in region.without
        if element not in elements
    ]
