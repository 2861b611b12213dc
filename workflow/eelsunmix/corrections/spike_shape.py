"""Shape of what stands out in a single pixel: the edge of a single atom is broad, a cosmic ray is not."""

import itertools

import numpy as np

OUTER, INNER = 12, 6
"""Channels on either side of the highest one that are looked at, and those of them that a line may fill."""
CORE = 3
"""Channels that a spike fills: one to three."""
LARGEST_REST = 0.12
"""Counts beside the core, as a part of those in it, up to which an event is a spike: 0.05 where a detector
spreads a spike over five channels, 0.15 for a line of a standard deviation of one channel."""
SIGNIFICANCE = 3.0
"""Standard deviations from which there are counts beside the core: one spike in 700 is taken for a line."""
GAP = 3
"""Channels of one pixel that are no further apart belong to one event."""
BATCH = 2**13


def are_lines(cube: np.ndarray, valid: np.ndarray, voxels: np.ndarray, variance_to_mean: float) -> np.ndarray:
    """Tell edges and lines of single pixels from spikes.

    What the pixel has beyond its neighbours is compared in the three channels in which most of it lies and in
    those beside them. The neighbours, scaled to the pixel, are its background: it may be steep, and have
    edges that all of them share. A spike leaves nothing beside its channels; the lines and edges of a single
    atom do, since a spectrometer's resolution and the states that the electrons go to are broader.

    Parameters
    ----------
    cube : ndarray, shape (..., channel)
        Counts, with the neighbours of all pixels that are judged.
    valid : ndarray of bool, shape (...)
        Pixels that may be compared with.
    voxels : ndarray of int, shape (voxel, axis)
        Voxels that stand out, in the order of the image.
    variance_to_mean : float
        Of the counts of one channel.

    Returns
    -------
    ndarray of bool, shape (voxel,)
        The same for all voxels of an event.
    """
    if not len(voxels):
        return np.zeros(0, bool)
    event = event_numbers(voxels)
    counts = cube[tuple(voxels.T)].astype(float)
    # the last of each event when its voxels are in the order of their counts
    order = np.lexsort((counts, event))
    highest = voxels[order[np.append(np.diff(event[order]) > 0, True)]]
    parts = [
        _have_rest(cube, valid, highest[start : start + BATCH], variance_to_mean)
        for start in range(0, len(highest), BATCH)
    ]
    return np.concatenate(parts)[event]


def event_numbers(voxels: np.ndarray) -> np.ndarray:
    """Give the events of voxels numbers, from 0 on, (voxel,); voxels in the order of the image."""
    if not len(voxels):
        return np.zeros(0, np.int64)
    step = np.diff(voxels, axis=0)
    new = (step[:, :-1] != 0).any(axis=1) | (np.abs(step[:, -1]) > GAP)
    return np.concatenate([[0], np.cumsum(new)])


def _have_rest(cube: np.ndarray, valid: np.ndarray, peaks: np.ndarray, noise: float) -> np.ndarray:
    own, around, on_axis = _surroundings(cube, valid, peaks)
    steps = np.arange(-OUTER, OUTER + 1)
    sides = [on_axis & (steps < -INNER), on_axis & (steps > INNER)]
    scale, relative_variance = _scale(own, around, sides, noise)
    expected = scale[:, None] * around
    # counts below zero, of too much dark signal, have noise too
    variance = noise * (1 + scale[:, None]) * np.abs(expected)
    excess = own - expected
    core = _core(excess, steps)
    rest = on_axis & ~core & (np.abs(steps) <= INNER)
    beside = np.where(rest, excess, 0).sum(axis=1)
    error = np.where(rest, variance, 0).sum(axis=1) + noise
    error += relative_variance * np.where(rest, expected, 0).sum(axis=1) ** 2
    inside = np.where(core & on_axis, excess, 0).sum(axis=1)
    return (beside > SIGNIFICANCE * np.sqrt(error)) & (beside > LARGEST_REST * inside)


def _surroundings(
    cube: np.ndarray, valid: np.ndarray, peaks: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectra of the pixels about their peaks, the sums of their neighbours, and the channels on the axis."""
    pixel, wanted = peaks[:, :-1], peaks[:, -1:] + np.arange(-OUTER, OUTER + 1)
    on_axis = (wanted >= 0) & (wanted < cube.shape[-1])
    wanted = wanted.clip(0, cube.shape[-1] - 1)
    own = cube[(*(axis[:, None] for axis in pixel.T), wanted)].astype(float)
    total, highest, number = np.zeros(own.shape), np.zeros(own.shape), np.zeros((len(peaks), 1))
    for step in itertools.product((-1, 0, 1), repeat=pixel.shape[1]):
        there = pixel + step
        inside = np.all((there >= 0) & (there < np.array(cube.shape[:-1])), axis=1) & any(step)
        there = np.where(inside[:, None], there, pixel)
        inside &= valid[tuple(there.T)]
        spectra = cube[(*(axis[:, None] for axis in there.T), wanted)] * inside[:, None].astype(float)
        total, highest, number = total + spectra, np.maximum(highest, spectra), number + inside[:, None]
    # a spike of a neighbour must not stand in for the background
    return own, np.asarray(np.where(number > 2, total - highest, total)), on_axis


def _scale(
    own: np.ndarray, around: np.ndarray, sides: list[np.ndarray], noise: float
) -> tuple[np.ndarray, np.ndarray]:
    """Factor from the neighbours to the pixel, beyond the reach of a line, and its relative variance.

    From the lower side where they differ: an onset lifts the other one. An electron more for each channel
    keeps the factor finite in vacuum, and in counts below zero.
    """
    ours, theirs = (
        np.stack([np.abs(np.where(s, a, 0).sum(1)) + noise for s in sides]) for a in (own, around)
    )
    present = np.stack([side.any(axis=1) for side in sides])
    ratio = np.where(present, ours / theirs, np.inf)
    variance = noise * (1 / ours + 1 / theirs)
    lower = ratio.argmin(axis=0)
    rows = np.arange(lower.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.abs(np.log(ratio[0] / ratio[1])) > SIGNIFICANCE * np.sqrt(variance.sum(axis=0))
    both = (np.where(present, ours, 0).sum(0), np.where(present, theirs, 0).sum(0))
    scale = np.where(apart, ratio[lower, rows], both[0] / both[1])
    return scale, np.where(apart, variance[lower, rows], noise * (1 / both[0] + 1 / both[1]))


def _core(excess: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Return the three neighbouring channels, the highest among them, with the largest excess in all."""
    shifts = np.arange(-(CORE // 2), CORE // 2 + 1)
    sums = np.stack([excess[:, np.abs(steps - shift) <= CORE // 2].sum(axis=1) for shift in shifts])
    best = shifts[sums.argmax(axis=0)]
    return np.asarray(np.abs(steps - best[:, None]) <= CORE // 2)
