"""What is possible on a scene: the oracle that knows the endmembers, and the Cramer-Rao limit."""

import time

import numpy as np
import xarray as xr

from eelsunmix.benchmark.replicates import Record, display, scored_record, tabulate
from eelsunmix.benchmark.scene import described, nth_image
from eelsunmix.benchmark.scores import truth_of
from eelsunmix.numerics.abundances import fully_constrained, non_negative
from eelsunmix.synthetic import AnySceneOptions, Scene, simulate
from eelsunmix.typing import Floats


def run_oracle(scene: AnySceneOptions, *, n_replicates: int = 20) -> xr.Dataset:
    """Map the images of a scene with the true endmembers: weighted, fully constrained least squares.

    Where the thickness varies, abundances are only kept non-negative, and pixels without sample are known.

    Parameters and result are those of `run_replicates`; in addition ``cramer_rao_nmse (replicate,
    endmember)``. The spectra and maps for display are the true ones.
    """
    records: list[Record] = []
    shown = xr.Dataset()
    for replicate in range(n_replicates):
        made = simulate(nth_image(scene, replicate))
        shown = _truth(made) if replicate == 0 else shown
        records.append(_oracle_record(made))
    data = tabulate(records, made.abundance["endmember"].to_numpy())
    attrs = {"method": "oracle", "options": {}, "scene": described(scene), "shown_seed": scene.seed}
    return data.merge(shown).assign_attrs(attrs, n_replicates=n_replicates)


def cramer_rao_nmse(endmembers: Floats, abundance: Floats, *, sum_to_one: bool = True) -> Floats:
    """Smallest `nmse` that unbiased abundances of single pixels can have when the endmembers are known.

    Parameters
    ----------
    endmembers : ndarray, shape (endmember, channel)
        Counts of a pixel of abundance one.
    abundance : ndarray, shape (..., endmember)
        True abundances; the counts are Poisson numbers of mean ``abundance @ endmembers``. Pixels without any
        are known to be empty.
    sum_to_one : bool
        Whether it is known that the abundances of a pixel do.

    Returns
    -------
    ndarray, shape (endmember,)

    Notes
    -----
    With ``J = E diag(1 / mean) E^T`` and ``U`` an orthonormal basis of the abundances that sum to zero the
    covariance is at least ``U (U^T J U)^-1 U^T`` [1]_.  Only the sum is a constraint: estimates that are also
    kept non-negative, or share information between pixels, are biased and may pass this limit.

    References
    ----------
    .. [1] Stoica, Ng, IEEE Signal Process. Lett. 5 (1998) 177.
    """
    n_endmembers = len(endmembers)
    flat = np.asarray(abundance, np.float64).reshape(-1, n_endmembers)
    flat = flat[flat.sum(axis=1) > 0]
    products = (endmembers[:, None] * endmembers[None]).reshape(n_endmembers**2, -1)
    information = (1.0 / (flat @ endmembers)) @ products.T
    basis = np.linalg.qr(np.column_stack([np.ones(n_endmembers), np.eye(n_endmembers)[:, 1:]]))[0]
    basis = basis[:, 1:] if sum_to_one else basis
    inside = basis.T @ information.reshape(-1, n_endmembers, n_endmembers) @ basis
    variance = np.einsum("ik,pkl,il->pi", basis, np.linalg.inv(inside), basis)
    return variance.sum(axis=0) / (flat**2).sum(axis=0)


def _oracle_record(scene: Scene) -> Record:
    truth = truth_of(scene)
    shape, n_channels = truth.abundance.shape, truth.spectra.shape[1]
    counts = scene.spectrum_image.to_numpy().reshape(-1, n_channels)
    start = time.perf_counter()
    solve = non_negative if truth.varies else fully_constrained
    abundance = solve(counts, truth.spectra, channel_weight=truth.deviation).reshape(shape)
    abundance *= scene.sample.to_numpy()[..., None]
    seconds = time.perf_counter() - start
    further = {"seconds": np.nan, "map_seconds": seconds, "status": "converged", "message": ""}
    record, _ = scored_record(truth, truth.spectra, abundance, **further)
    known = truth.spectra, truth.abundance
    return record | {"cramer_rao_nmse": cramer_rao_nmse(*known, sum_to_one=not truth.varies)}


def _truth(scene: Scene) -> xr.Dataset:
    truth = truth_of(scene)
    return display(scene, truth.spectra, truth.abundance)
