"""The sentence about a jump of the energy axis."""

import numpy as np
import xarray as xr

from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.pca.score_maps import ScoreMaps
from eelsunmix.rank.jump import find_jump
from eelsunmix.words import frame_in_words


def jump_warnings(pca: xr.Dataset, maps: ScoreMaps, noise: Noise) -> list[str]:
    """Say where the energy axis jumps, and what to do about it."""
    jump = find_jump(pca, maps, noise)
    if jump is None:
        return []
    energy = pca["channel_weight"].dims[-1]
    n_lines = maps.shape[1]
    frame = f" of {frame_in_words(pca['score'], jump.line // n_lines)}" if maps.shape[0] > 1 else ""
    where = f"scan line {jump.line % n_lines} (counted from 0){frame}"
    size = f"{abs(jump.channels)} channel{'s' * (abs(jump.channels) > 1)}"
    if energy in pca["channel_weight"].coords:
        axis = pca[energy]
        step = abs(jump.channels) * float(np.abs(np.diff(axis.to_numpy())).mean())
        size += f" ({step:.3g} {axis.attrs.get('units', '')})"
    return [
        f"The energy axis jumps by about {size} at {where}: the spectra from there on are those before, "
        "shifted (or the one edge in the range shifts chemically). That makes components that are no "
        "material. Align the spectra on an edge that all pixels have (corrections.align, with max_shift_eV "
        "above the jump); without one, unmix the two parts as images of their own."
    ]
