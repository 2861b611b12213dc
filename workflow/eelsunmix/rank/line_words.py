"""Sentences about maps of scan lines, of which nobody can say whether they are of the specimen."""

from eelsunmix.pca.noise_eigenvalues import Noise
from eelsunmix.pca.score_maps import ScoreMaps
from eelsunmix.rank.choice import Evidence
from eelsunmix.rank.coherence import NEAR_EDGE, disordered_lines, made_of_lines
from eelsunmix.typing import Floats

ASKED = "If its loading shows edges"
"""What a warning leaves to who knows the edges: the page answers it."""


def line_warnings(maps: Floats | ScoreMaps, coherence: Floats, evidence: Evidence) -> list[str]:
    """Name the components whose maps are scan lines without any order, near the edge of noise or far above.

    Parameters
    ----------
    maps : ndarray or ScoreMaps, shape (frame, y, x, component)
        Those of the components above the edge.
    coherence : ndarray, shape (component,)
        From `map_coherence`.
    evidence : Evidence
        Eigenvalues, the edge of their noise, and how many components are stable.
    """
    eigenvalues, noise = evidence.eigenvalues, evidence.noise
    shown = [i for i in range(1, maps.shape[-1]) if coherence[i] <= 0 and disordered_lines(maps[..., i])]
    strong = [i for i in shown if eigenvalues[i] > NEAR_EDGE * noise.edge]
    weak = [i for i in shown if i not in strong]
    advice = (
        (weak, f"Not counted, being near the edge of noise{_number_to_try(weak, evidence)}"),
        (strong, "Counted, being far above the edge of noise: set components.n lower if it is read-out"),
    )
    return [f"{_what(found, eigenvalues)} {what}" for found, what in advice if found]


def _number_to_try(weak: list[int], evidence: Evidence) -> str:
    """Recommend no more components than two halves of the pixels show alike."""
    stable = [i + 1 for i in weak if evidence.n_stable is None or i < evidence.n_stable]
    if not stable:
        return ". Two halves of the pixels do not show it alike: leave components.n as it is"
    return (
        f"; two halves of the pixels show it alike. {ASKED}, as the page tells, it is of the specimen: set "
        f"components.n to {stable[-1]}"
    )


def offset_warnings(maps: Floats | ScoreMaps, eigenvalues: Floats, noise: Noise) -> list[str]:
    """Name the components of a counting detector that are an offset of every scan line, and no more.

    Parameters
    ----------
    maps : ndarray or ScoreMaps, shape (frame, y, x, component)
        Those of the components above the edge.
    eigenvalues : ndarray, shape (index,)
        Decreasing.
    noise : Noise
        Its level.
    """
    found = [i for i in range(1, maps.shape[-1]) if made_of_lines(maps[..., i], noise.level)]
    if not found:
        return []
    return [
        f"{_named(found, eigenvalues)}: whole scan lines differ by an offset, in no order that neighbours or "
        "a period would make, and nothing differs along them. That is read-out, or layers of any thickness. "
        "Subtract the dark signal of each scan line before the import, or set components.n lower; for layers "
        "the loading shows edges."
    ]


def _named(found: list[int], eigenvalues: Floats) -> str:
    which = ", ".join(f"{i + 1} (eigenvalue {eigenvalues[i]:.3g})" for i in found)
    return f"Component {which}"


def _what(found: list[int], eigenvalues: Floats) -> str:
    return (
        f"{_named(found, eigenvalues)}: whole scan lines differ, in no order that neighbours or a period "
        "would make. That is read-out noise of scan lines, or a layer of one or two lines; the maps cannot "
        "tell, the loading may (edges, or noise?)."
    )
