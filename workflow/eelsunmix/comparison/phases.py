"""Phase map: which component each pixel holds most of, and how sure it is that it is the largest."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from eelsunmix.comparison.components import Components
from eelsunmix.comparison.setting import Setting
from eelsunmix.comparison.shares import NOWHERE, largest_shares
from eelsunmix.comparison.simplex_rows import known_rows, simplex_rows
from eelsunmix.execution.map_stacks import MapStack
from eelsunmix.words import RECOMMENDED


def phase_variables(components: Sequence[Components], setting: Setting) -> xr.Dataset:
    """Lay out the phase map of the recommended result, else of the first method with shares, if any has."""
    found = [
        replace(one, deviation=one.stated_deviation)
        for one in components
        if one.simplex and len(one.spectra) > 1 and one.stated_deviation is not None
    ]
    if not found:
        return xr.Dataset()
    component = next((one for one in found if one.label == RECOMMENDED), found[0])
    like = setting.total_counts.transpose(*setting.navigation)
    stack = MapStack(1, like.expand_dims(quantity=2))
    for part in setting.parts:
        abundance, deviation, scaled = simplex_rows(component.at(part), setting)
        known = known_rows(abundance, deviation, scaled)
        values = np.array([[NOWHERE], [np.nan]]).repeat(len(known), axis=1)
        values[:, known] = largest_shares(abundance[known], deviation[known])
        stack.put(0, part, values.reshape(2, *like.isel(part).shape))
    phase, confidence = stack.array()[0]
    data = {"phase": (like.dims, phase.astype(np.int16)), "phase_confidence": (like.dims, confidence)}
    return xr.Dataset(data, attrs={"phase_method": component.label})
