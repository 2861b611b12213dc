"""The shift of each frame against the others in y and x."""

import numpy as np
import scipy

from eelsunmix.corrections.frames.parabola import extremum
from eelsunmix.typing import Bools, Floats

REACH = 3
"""Shifts up to this part of a side are looked for."""
LEFT = 0.5
"""Part of the variance that is left where a shift is undone."""
ROUNDS = 2
"""The first reference is blurred by the shifts themselves."""


def shifts_in_place(maps: Floats, valid: Bools) -> Floats:
    """Find by how many pixels what is seen in each frame lies farther along y and x than in the others.

    The correlation with the median of the frames, over the pixels that both have. A shift is known where the
    correlation is so high that half of the variance, at most, is left.

    Parameters
    ----------
    maps : ndarray, shape (frame, y, x)
    valid : ndarray of bool, shape (frame, y, x)

    Returns
    -------
    ndarray, shape (frame, 2)
        NaN where the shift is not known.
    """
    valid = valid & np.isfinite(maps)
    means = [frame[kept].mean() if kept.any() else 1.0 for frame, kept in zip(maps, valid, strict=True)]
    level = maps / np.where(np.array(means) > 0, means, 1.0)[:, None, None]
    shifts = np.zeros((len(maps), 2))
    for _ in range(ROUNDS):
        moved = [
            _undone(frame, shift) for frame, shift in zip(np.where(valid, level, np.nan), shifts, strict=True)
        ]
        reference = _median(np.array(moved))
        shifts = np.array([_shift(frame, kept, reference) for frame, kept in zip(level, valid, strict=True)])
    known = np.isfinite(shifts).all(axis=1)
    return shifts - np.median(shifts[known], axis=0) if known.any() else shifts


def _undone(frame: Floats, shift: Floats) -> Floats:
    """Move a frame back by whole pixels; NaN where nothing comes from."""
    moved = np.full(frame.shape, np.nan)
    steps = np.rint(np.nan_to_num(shift)).astype(int)
    there = tuple(
        slice(max(-step, 0), size - max(step, 0)) for step, size in zip(steps, frame.shape, strict=True)
    )
    here = tuple(
        slice(max(step, 0), size - max(-step, 0)) for step, size in zip(steps, frame.shape, strict=True)
    )
    moved[there] = frame[here]
    return moved


def _median(frames: Floats) -> Floats:
    lonely = ~np.isfinite(frames).any(axis=0)
    median: Floats = np.nanmedian(np.where(lonely, 0.0, frames), axis=0)
    return np.where(lonely, np.nan, median)


def _shift(frame: Floats, valid: Bools, reference: Floats) -> Floats:
    if not valid.any():
        return np.full(2, np.nan)
    likeness = _likeness(frame, valid, reference)
    best = np.unravel_index(int(np.argmax(likeness)), likeness.shape)
    on_rim = any(
        place in (0, size - 1) and size > 1 for place, size in zip(best, likeness.shape, strict=True)
    )
    if on_rim or 1 - likeness[best] ** 2 > LEFT or likeness[best] <= 0:
        return np.full(2, np.nan)
    result = []
    for axis, place in enumerate(best):
        line = np.moveaxis(likeness, axis, -1)[best[1 - axis]]
        result.append(
            place - line.size // 2 + (extremum(line[place - 1 : place + 2]) if line.size > 1 else 0.0)
        )
    return np.array(result)


def _likeness(frame: Floats, valid: Bools, reference: Floats) -> Floats:
    """Correlation at each shift, over the pixels that both have [1]_, shape (2 * reach + 1, ...).

    References
    ----------
    .. [1] Padfield, IEEE Trans. Image Process. 21 (2012) 2706.
    """
    kept = np.isfinite(reference)
    one, two = (
        np.where(valid, frame - frame[valid].mean(), 0.0),
        np.where(kept, reference - reference[kept].mean(), 0.0),
    )
    masks = valid.astype(float), kept.astype(float)
    number = np.maximum(np.rint(_products(*masks)), 1.0)
    of_one, of_two = _products(one, masks[1]), _products(masks[0], two)
    joint = _products(one, two) - of_one * of_two / number
    first = _products(one**2, masks[1]) - of_one**2 / number
    second = _products(masks[0], two**2) - of_two**2 / number
    spread = first * second
    floor = 1e-10 * float(spread.max(initial=0.0))
    return np.where(spread > floor, joint / np.sqrt(np.maximum(spread, max(floor, 1e-300))), 0.0)


def _products(first: Floats, second: Floats) -> Floats:
    """Sum products of two maps at each shift of the first one, up to the reach."""
    # padded by zeros, so that nothing comes back at the other end
    shape = tuple(scipy.fft.next_fast_len(size + size // REACH, real=True) for size in first.shape)
    whole = scipy.fft.irfft2(scipy.fft.rfft2(first, shape) * np.conj(scipy.fft.rfft2(second, shape)), shape)
    steps = [np.arange(-(size // REACH), size // REACH + 1) for size in first.shape]
    found: Floats = whole[np.ix_(*steps)]
    return found
