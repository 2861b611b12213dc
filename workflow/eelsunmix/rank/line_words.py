"""Sentences about maps of scan lines, of which nobody can say whether they are of the specimen."""

from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.rank.coherence import NEAR_EDGE, disordered_lines
from eelsunmix.typing import Floats


def line_warnings(maps: Floats, coherence: Floats, eigenvalues: Floats, noise: Noise) -> list[str]:
    """Name the components near the edge of noise whose maps are scan lines without any order.

    Parameters
    ----------
    maps : ndarray, shape (frame, y, x, component)
        Those of the components above the edge.
    coherence : ndarray, shape (component,)
        From `map_coherence`.
    eigenvalues : ndarray, shape (index,)
        Decreasing.
    noise : Noise
        Its edge.
    """
    found = [
        i
        for i in range(maps.shape[-1])
        if eigenvalues[i] <= NEAR_EDGE * noise.edge and coherence[i] <= 0 and disordered_lines(maps[..., i])
    ]
    if not found:
        return []
    which = ", ".join(f"{i + 1} (eigenvalue {eigenvalues[i]:.3g})" for i in found)
    several = len(found) > 1
    return [
        f"{'Components' if several else 'Component'} {which}: whole scan lines differ, in no order that "
        f"neighbours or a period would make (noise edge {noise.edge:.3g}). That is read-out noise of scan "
        "lines, or a layer of one or two lines; the maps cannot tell. Not counted: look at the loading "
        f"{'of each ' if several else ''}(edges, or noise?) and set components.n if it is of the specimen"
    ]
