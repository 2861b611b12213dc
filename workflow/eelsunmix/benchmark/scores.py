"""How far a result is from the truth of a scene, and whether its components are real ones."""

from dataclasses import dataclass

import numpy as np

from eelsunmix.benchmark.criteria import DEAD_SHARE, SAME_ANGLE
from eelsunmix.comparison.matching import match_whitened
from eelsunmix.metrics import nmse, nmse_scale_free, sad, sad_whitened
from eelsunmix.synthetic import Scene
from eelsunmix.typing import Floats, Indices

SCORES = ("sad", "sad_whitened", "nmse", "nmse_scale_free")
UNITS = {"sad": "rad", "sad_whitened": "rad", "nmse": "1", "nmse_scale_free": "1", "cramer_rao_nmse": "1"}
UNITS |= {"n_dead": "1", "n_duplicated": "1", "seconds": "s", "map_seconds": "s"}


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a result of a scene is compared with.

    Parameters
    ----------
    spectra : ndarray, shape (endmember, channel)
        Counts of a pixel of abundance one.
    abundance : ndarray, shape (y, x, endmember)
        Times the thickness, where that varies or sample is missing.
    deviation : ndarray, shape (channel,)
        Standard deviation of the Poisson noise of a channel in the mean spectrum.
    varies : bool
        Whether the thickness is part of the truth, so that abundances do not sum to one.
    """

    spectra: Floats
    abundance: Floats
    deviation: Floats
    varies: bool = False

    @property
    def smallest_angle(self) -> float:
        """Smallest whitened angle between two true endmembers, radians."""
        return float(_angles(self.spectra, self.deviation).min(initial=np.pi))


def truth_of(scene: Scene) -> Truth:
    """Take the truth of a scene as plain arrays."""
    abundance = scene.thickness_weighted_abundance.to_numpy().astype(np.float64)
    spectra = scene.endmember_spectrum.to_numpy().astype(np.float64)
    mean = abundance.reshape(-1, len(spectra)).mean(axis=0) @ spectra
    return Truth(
        spectra=spectra, abundance=abundance, deviation=np.sqrt(mean), varies=scene.brightness is not None
    )


def matched(truth: Truth, spectra: Floats) -> Indices:
    """Index of the component that belongs to each true endmember (Hungarian method, whitened angles)."""
    return match_whitened(truth.spectra, spectra, truth.deviation)


def scores(truth: Truth, spectra: Floats, abundance: Floats) -> dict[str, Floats]:
    """Score a result whose components are in the order of the true endmembers.

    Parameters
    ----------
    truth : Truth
    spectra : ndarray, shape (endmember, channel)
    abundance : ndarray, shape (y, x, endmember)

    Returns
    -------
    dict
        `SCORES`, each of shape (endmember,).
    """
    return {
        "sad": sad(truth.spectra, spectra),
        "sad_whitened": sad_whitened(truth.spectra, spectra, truth.deviation),
        "nmse": nmse(truth.abundance, abundance, endmember_axis=-1),
        "nmse_scale_free": nmse_scale_free(truth.abundance, abundance, endmember_axis=-1),
    }


def n_dead(spectra: Floats, abundance: Floats) -> int:
    """Count the components that contribute nothing anywhere (`DEAD_SHARE`).

    Examples
    --------
    >>> n_dead(np.eye(2), np.array([[[0.99, 0.01], [1.0, 0.0]]]))
    1
    """
    parts = np.abs(abundance).reshape(-1, len(spectra)) * np.abs(spectra).sum(axis=1)
    typical = parts.sum(axis=1).mean()
    share = parts / typical if typical > 0 else parts
    return int(np.sum(np.quantile(share, 0.99, axis=0) < DEAD_SHARE))


def n_duplicated(truth: Truth, spectra: Floats) -> int:
    """Count the components that repeat another one (`SAME_ANGLE`)."""
    near = _angles(spectra, truth.deviation) < SAME_ANGLE * truth.smallest_angle
    return int(np.any(near, axis=0).sum())


def _angles(spectra: Floats, deviation: Floats) -> Floats:
    """Whitened angles to earlier spectra, shape (endmember, endmember), pi below and on the diagonal."""
    angles = np.nan_to_num(sad_whitened(spectra[:, None], spectra[None], deviation), nan=np.pi)
    later = np.triu(np.ones(angles.shape, bool), 1)
    return np.where(later, angles, np.pi)
