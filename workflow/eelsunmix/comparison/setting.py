"""What is compared against: the axes of the image, the reference, and what the user asked to look at."""

import functools
import math
import operator
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import xarray as xr

from eelsunmix.comparison.agreement import FEWEST_POINTS
from eelsunmix.comparison.peaks import peak
from eelsunmix.edges import Edge
from eelsunmix.execution.map_stacks import PIXELS, Part, decompressed, pixel_parts
from eelsunmix.profile_geometry import region_mask
from eelsunmix.profiles import Profile, Region
from eelsunmix.stage_warnings import reference_problems
from eelsunmix.typing import Floats

COMPARED = ("net_counts", "net_counts_sd", "independent_sd", "common_sd")
"""Maps of the reference that the comparison reads."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The image's axes, the reference, and what the user asked to look at.

    Attributes
    ----------
    energy : DataArray, shape (channel,)
    mean_spectrum : ndarray, shape (channel,)
        Over the valid pixels.
    bs : Dataset
        `bs.zarr`; the maps of a large image are lazy.
    total_counts : DataArray, dims (navigation)
        Of each pixel, over all channels.
    component_names : mapping
        The user's: element, or "background" -> name.
    """

    energy: xr.DataArray
    mean_spectrum: Floats
    bs: xr.Dataset
    edges: Mapping[str, Edge]
    profiles: Mapping[str, Profile]
    regions: Mapping[str, Region]
    total_counts: xr.DataArray
    component_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def navigation(self) -> tuple[Hashable, ...]:
        """Navigation dims, in the order of the image."""
        return self.bs["net_counts"].dims[1:]

    @property
    def parts(self) -> list[Part]:
        """Parts of the pixels, in reading order; one if they are few."""
        return pixel_parts({dim: self.total_counts.sizes[dim] for dim in self.navigation})

    def at(self, part: Part) -> "Setting":
        """Return the same for one part of the pixels; the reference with its maps alone."""
        maps = self.bs[list(COMPARED)]
        return replace(self, bs=maps.isel(part).compute(), total_counts=self.total_counts.isel(part))

    @property
    def noise(self) -> Floats:
        """Standard deviation of each channel up to a factor, positive also in channels without counts."""
        floor = 1e-3 * self.mean_spectrum.max(initial=0.0)
        return np.sqrt(np.maximum(self.mean_spectrum, floor if floor > 0 else 1.0))

    @property
    def reference_problems(self) -> dict[str, list[str]]:
        """Edges whose background subtraction failed, and what is wrong with it, in sentences."""
        found = reference_problems(self.bs)
        return {edge: found[edge] for edge in self.edges if edge in found}

    @functools.cached_property
    def strongest_pixels(self) -> dict[str, float]:
        """Edge -> its net counts per count of the pixel, by the reference, in the strongest pixels."""
        total = self.total_counts.transpose(*self.navigation).to_numpy()
        found = {}
        for edge in self.edges:
            net = self.bs["net_counts"].sel(edge=edge).to_numpy()
            found[edge] = peak(np.divide(net, total, out=np.full(net.shape, np.nan), where=total > 0))
        return found

    @property
    def judging_profiles(self) -> list[str]:
        """Profiles with enough positions to be compared; without any, maps are."""
        sizes = self.total_counts.sizes
        return [name for name, one in self.profiles.items() if sizes[one.along] >= FEWEST_POINTS]

    @property
    def kind(self) -> str:
        """What the user has named: edges, or lines of X-rays."""
        return "line" if any(edge.is_line for edge in self.edges.values()) else "edge"

    def absent(self, edge: str) -> xr.DataArray | None:
        """Pixels where the element of an edge is known to be absent, dims (y, x); None if nobody knows."""
        element, image = self.edges[edge].element, self.bs["net_counts"]
        masks = [
            region_mask(region, image, name=name)
            for name, region in self.regions.items()
            if element in region.without
        ]
        return functools.reduce(operator.or_, masks) if masks else None


def loaded_reference(bs: xr.Dataset) -> xr.Dataset:
    """Load the reference, without the maps of a large image: of those it keeps what is compared."""
    navigation = bs["net_counts"].dims[1:]
    if math.prod(bs.sizes[dim] for dim in navigation) <= PIXELS:
        return bs.compute()
    maps = [name for name, one in bs.data_vars.items() if set(navigation) <= {*one.dims}]
    rest = bs.drop_vars(maps).compute()
    return rest.assign(decompressed(bs[list(COMPARED)], navigation).data_vars)
