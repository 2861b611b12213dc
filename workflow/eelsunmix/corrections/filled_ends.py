"""Zeros at the ends of the axis that an earlier alignment filled in, pixel by pixel."""

import functools
import math
from dataclasses import dataclass

import numpy as np
import xarray as xr

from eelsunmix.energy.units import channel_energies
from eelsunmix.execution import blocks
from eelsunmix.image import spectra_of
from eelsunmix.noise import counts_per_electron

LIMIT = -math.log(1e-6)
"""The chance of a run of zeros in one pixel, were its channels measured, is at most one in a million."""
NEXT_CHANNELS = 16
"""Fewest channels beside the run from which its counts are expected: more than a zero-loss peak is wide."""


@dataclass(frozen=True)
class _Ends:
    """Pixels with zeros that are certainly, and most likely, filled in; longest of the latter (end,)."""

    n_certain: int
    n_likely: int
    longest: np.ndarray

    def __add__(self, other: "_Ends") -> "_Ends":
        return _Ends(
            self.n_certain + other.n_certain,
            self.n_likely + other.n_likely,
            np.maximum(self.longest, other.longest),
        )


def filled_end_warnings(image: xr.DataArray, mean: xr.DataArray) -> list[str]:
    """Name pixels whose first or last channels hold zeros that counts would not.

    Parameters
    ----------
    image : DataArray, shape (..., channel)
        Raw counts with `valid_pixel`; lazy or eager.
    mean : DataArray, shape (channel,)
        Mean spectrum of the valid pixels, on at least the energies of the image.
    """
    mean_counts = mean.sel({dim: image.coords[dim] for dim in mean.dims}).to_numpy()
    per_electron = max(counts_per_electron(image), 1e-12)
    kernel = functools.partial(_filled_of_block, mean=mean_counts, per_electron=per_electron)
    found = blocks.fold(kernel, image, _Ends.__add__)
    return [_sentence(image, found)] if found.n_certain else []


def filled_channels(
    spectra: np.ndarray, mean: np.ndarray, per_electron: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Count the zeros at the start of each spectrum that cannot be counts.

    They are likely filled in if as many channels beside them have counts that would not all fall there, were
    the spectrum level: a chance that is exact for Poisson counts of whatever mean. They are certainly so if
    counts would be there by two more estimates: the mean spectrum scaled to the pixel, and the nearest
    channels continued as a geometric series, below which the flank of a peak stays.

    Parameters
    ----------
    spectra : ndarray, shape (pixel, channel)
    mean : ndarray, shape (channel,)
        Of all pixels. It is 0 where no pixel has counts, as below the threshold of a detector.
    per_electron : float
        Counts of one electron or photon.

    Returns
    -------
    likely : ndarray of int, shape (pixel,)
        0 where they may be counts.
    certain : ndarray of bool, shape (pixel,)

    Examples
    --------
    >>> spectra = np.full((3, 30), 20.0)
    >>> spectra[1, :5] = 0
    >>> likely, certain = filled_channels(spectra, spectra.mean(axis=0))
    >>> likely.tolist(), certain.tolist()
    ([0, 5, 0], [False, True, False])
    """
    likely, certain = np.zeros(len(spectra), dtype=int), np.zeros(len(spectra), dtype=bool)
    begin = np.flatnonzero(spectra[:, 0] == 0)  # mostly few
    likely[begin], certain[begin] = _filled_where_zero(spectra[begin] / per_electron, mean)
    return likely, certain


def _filled_where_zero(spectra: np.ndarray, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    run = np.where(spectra.any(axis=1), np.argmax(spectra != 0, axis=1), 0)
    n = np.minimum(np.maximum(run, NEXT_CHANNELS), spectra.shape[1] - run)
    sums = np.pad(np.cumsum(spectra, axis=1), ((0, 0), (1, 0)))
    rows = np.arange(len(spectra))
    likely = _chance(sums[rows, run + n] - sums[rows, run], run, n) > LIMIT
    total = np.append(0.0, np.cumsum(mean))
    before, after = total[run], total[-1] - total[run]
    scaled = sums[:, -1] * before / np.where(after > 0, after, np.inf)
    certain = likely & (scaled > LIMIT)
    for row in np.flatnonzero(certain):
        certain[row] = _goes_on(spectra[row, run[row] : run[row] + n[row]], int(run[row]))
    return np.where(likely, run, 0), certain


def _chance(counts: np.ndarray, run: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Return -log of the chance that all counts of run + n level channels fall into the n beside the run."""
    # the run ends with a count, whatever the mean
    return np.maximum(counts - 1, 0) * np.log1p(run / np.maximum(n, 1))


def _goes_on(beside: np.ndarray, run: int) -> bool:
    """Tell a spectrum that goes on beside a run of zeros from a peak that begins there."""
    half = beside.size // 2
    if beside[:4].mean() > 2 * beside[half:].mean():
        return False
    lowest = 4 * min(part.sum() for part in np.array_split(beside, 4))
    level = float(_chance(np.array(lowest), np.array(run), np.array(beside.size)))
    return min(level, _flank(beside[:4], run)) > LIMIT


def _flank(four: np.ndarray, run: int) -> float:
    """Extrapolate the flank of a peak over a run: its counts there, did it fall off no faster than beside."""
    near, far = float(four[:2].sum()), float(four[2:].sum())
    # two standard deviations towards a steep one
    steep = max(near - 2 * math.sqrt(near), 0) / max(far + 2 * math.sqrt(far), 1)
    ratio = math.sqrt(min(steep, 1.0))
    return near * ratio / (1 + ratio) * float((ratio ** np.arange(1, run + 1)).sum())


def _filled_of_block(block: xr.DataArray, *, mean: np.ndarray, per_electron: float) -> _Ends:
    spectra = spectra_of(block.to_numpy(), block.valid_pixel.to_numpy())
    first = filled_channels(spectra, mean, per_electron)
    last = filled_channels(spectra[:, ::-1], mean[::-1], per_electron)
    certain, likely = first[1] | last[1], (first[0] > 0) | (last[0] > 0)
    longest = np.array([ends[0].max(initial=0) for ends in (first, last)])
    return _Ends(int(certain.sum()), int(likely.sum()), longest)


def _sentence(image: xr.DataArray, found: _Ends) -> str:
    energy, (first, last) = channel_energies(image), found.longest.tolist()
    low, high = energy[first], energy[energy.size - 1 - last]
    parts = [f"from {energy[0]:.6g} to {energy[first - 1]:.6g} eV"] if first else []
    parts += [f"from {energy[-last]:.6g} to {energy[-1]:.6g} eV"] if last else []
    where, n_pixels = " and ".join(parts), int(image.valid_pixel.sum())
    return (
        f"{found.n_likely} of {n_pixels} pixels have zeros {where} that were not measured: another program "
        f"has filled them in, most likely when it aligned the spectra. They look like spectra of another "
        f"material. Leave these channels out: corrections: crop: energy_eV: [{low:.6g}, {high:.6g}]."
    )
