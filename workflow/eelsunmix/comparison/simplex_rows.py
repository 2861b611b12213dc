"""Abundances of a method, pixel by pixel, as whoever looks for its simplex needs them."""

import numpy as np

from eelsunmix.comparison.components import Components
from eelsunmix.comparison.setting import Setting
from eelsunmix.typing import Bools, Floats


def simplex_rows(component: Components, setting: Setting) -> list[Floats]:
    """Return abundances, their deviations, and abundances in counts, each of shape (pixel, endmember)."""
    order = (*setting.navigation, "endmember")
    maps = (component.abundance, component.deviation, component.scaled)
    return [
        one.transpose(*order).to_numpy().astype(float).reshape(-1, len(component.spectra))
        for one in maps
        if one is not None
    ]


def known_rows(abundance: Floats, deviation: Floats, scaled: Floats) -> Bools:
    """Return the pixels with finite numbers and some counts."""
    finite = np.isfinite(abundance).all(axis=1) & np.isfinite(deviation).all(axis=1)
    known: Bools = np.asarray(finite & (scaled.sum(axis=1) > 0))
    return known
