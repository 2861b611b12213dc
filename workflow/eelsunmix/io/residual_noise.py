"""Variance-to-mean factor of counts where the structure is taken out.

Where neighbouring pixels are of different materials, as in maps of small grains, their difference is
structure and not noise. But a few spectra explain the structure, and no few spectra explain noise. So counts
are weighted until noise has the same variance in every row and column; the components above the edge of noise
are taken out; and what is left is compared with the counts.
"""

from dataclasses import dataclass

import numpy as np

from eelsunmix.image import spread_out

MOST_PIXELS = 256
"""Pixels per block, evenly spread."""

FEWEST_PIXELS, FEWEST_BINS = 16, 16
LARGEST_PART = 4
"""Components are at most one in so many of the rows or columns; beyond, this is no few."""

EDGE_MARGIN = 1.1
SCALINGS = 30


@dataclass(frozen=True)
class Residual:
    """Sums over weighted residuals: squares, degrees of freedom, and products of neighbouring bins."""

    squares: float = 0.0
    freedom: float = 0.0
    lagged: float = 0.0

    def __add__(self, other: "Residual") -> "Residual":
        return Residual(
            self.squares + other.squares, self.freedom + other.freedom, self.lagged + other.lagged
        )

    @property
    def factor(self) -> float | None:
        """Variance divided by mean; None where it could not be measured."""
        return self.squares / self.freedom if self.freedom else None

    @property
    def correlation(self) -> float | None:
        """Correlation of neighbouring bins; None where it could not be measured."""
        return self.lagged / self.squares if self.squares else None


def residuals_of_block(cube: np.ndarray, valid: np.ndarray, width: int) -> tuple[Residual, Residual]:
    """Return the residuals at one channel and in wide bins.

    Parameters
    ----------
    cube : ndarray, shape ([frame,] y, x, channel)
        Counts.
    valid : bool ndarray, shape ([frame,] y, x)
        Pixels to use.
    width : int
        Channels of a wide bin.

    References
    ----------
    Landa, Zhang, Kluger, SIAM J. Math. Data Sci. 4 (2022) 1388: weights that make noise white;
    Kritchman, Nadler, Chemom. Intell. Lab. Syst. 94 (2008) 19: components one after the other.
    """
    spectra = cube[tuple(spread_out(np.argwhere(valid), MOST_PIXELS).T)].astype(float)
    bins = spectra.shape[-1] // width
    wide = spectra[:, : bins * width].reshape(len(spectra), bins, width).sum(axis=-1)
    n_components = count_components(wide)
    if n_components is None:
        return Residual(), Residual()
    return residual(spectra, n_components), residual(wide, n_components)


def count_components(counts: np.ndarray) -> int | None:
    """Count the components above the edge of white noise; None where they are too many, or counts too few."""
    weighted = whitened(counts)
    if weighted is None:
        return None
    rows, columns = weighted.shape
    squares = np.linalg.svd(weighted, compute_uv=False) ** 2
    for number in range(1, min(rows, columns) // LARGEST_PART):
        left = (rows - number) * (columns - number)
        edge = squares[number:].sum() / left * (np.sqrt(rows - number) + np.sqrt(columns - number)) ** 2
        if squares[number] < EDGE_MARGIN * edge:
            return number
    return None


def residual(counts: np.ndarray, n_components: int) -> Residual:
    """Take the strongest components out of weighted counts, shape (pixel, bin)."""
    weighted = whitened(counts)
    if weighted is None:
        return Residual()
    # The rows are few, so their products give the components.
    vectors = np.linalg.eigh(weighted @ weighted.T)[1][:, -n_components:]
    left = weighted - vectors @ (vectors.T @ weighted)
    freedom = (weighted.shape[0] - n_components) * (weighted.shape[1] - n_components)
    return Residual(float((left**2).sum()), float(freedom), float((left[:, 1:] * left[:, :-1]).sum()))


def whitened(counts: np.ndarray) -> np.ndarray | None:
    """Weight counts so that the mean of each row and column is one, and the variance with it.

    Returns
    -------
    ndarray or None
        Square roots of the weights times the counts, without empty rows and columns; None where there are
        too few of them, or negative sums.
    """
    counts = counts[counts.any(axis=1)][:, counts.any(axis=0)]
    if counts.shape[0] < FEWEST_PIXELS or counts.shape[1] < FEWEST_BINS or (counts < 0).any():
        return None
    rows, columns = counts.shape
    across = np.ones(columns)
    for _ in range(SCALINGS):
        down = columns / (counts @ across)
        across = rows / (down @ counts)
    weighted: np.ndarray = np.sqrt(down)[:, None] * counts * np.sqrt(across)
    return weighted
