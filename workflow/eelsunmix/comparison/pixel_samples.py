"""Small squares of pixels of a large image, which stand for all of its pixels and their neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eelsunmix.execution.map_stacks import PIXELS, Part
from eelsunmix.typing import Indices

SAMPLE = 2**18
"""Pixels that say how well others are known; an image with no more is taken whole."""
SIDE = 4
"""Of a square; lines of as many pixels where an image is too narrow."""


@dataclass(frozen=True, kw_only=True)
class PixelSample:
    """Pixels of the parts of an image.

    Attributes
    ----------
    chosen : list of ndarray of int or slice
        Of each part, in reading order.
    shape : tuple of int
        How they lie beside each other, (..., y, x); pixels of different squares are no neighbours.
    part : float
        So much of all pixels they are.
    """

    chosen: list[Indices | slice]
    shape: tuple[int, ...]
    part: float


def pixel_sample(parts: Sequence[Part], shape: tuple[int, ...]) -> PixelSample:
    """Choose squares of pixels at random, one in each cell of a grid, the same every time.

    Parameters
    ----------
    parts : sequence of Part
        `eelsunmix.execution.map_stacks.pixel_parts`.
    shape : tuple of int
        Of the image, without its channels.
    """
    total = int(np.prod(shape))
    if total <= SAMPLE:
        return PixelSample(chosen=[slice(None)] * len(parts), shape=shape, part=1.0)
    square = len(shape) > 1 and shape[-2] >= SIDE and SIDE <= shape[-1] <= PIXELS // SIDE
    tile = (SIDE, SIDE) if square else (1, SIDE**2)
    every = np.sqrt(total / SAMPLE) if square else total / SAMPLE
    cell = (SIDE * every, SIDE * every) if square else (1.0, SIDE**2 * every)
    rng, chosen = np.random.default_rng(0), []
    for part in parts:
        size = [where.stop - where.start for where in part.values()]
        frames = (int(np.prod(size[:-2])), *size[-2:]) if square else (1, 1, int(np.prod(size)))
        chosen.append(_squares(frames, tile, cell, rng))
    number = sum(len(one) for one in chosen)
    return PixelSample(
        chosen=[one.ravel() for one in chosen], shape=(number, *tile), part=number * SIDE**2 / total
    )


def _squares(
    frames: tuple[int, ...], tile: tuple[int, int], cell: tuple[float, float], rng: np.random.Generator
) -> Indices:
    """Return the indices of the pixels of each square in one part, shape (square, pixel)."""
    numbers = [int(size // width) for size, width in zip(frames[1:], cell, strict=True)]
    ends = [np.linspace(0, size, n + 1).astype(int) for size, n in zip(frames[1:], numbers, strict=True)]
    grid = np.meshgrid(np.arange(frames[0]), *(np.arange(n) for n in numbers), indexing="ij")
    frame, *cells = (one.ravel() for one in grid)
    first = [
        end[number] + (rng.random(len(number)) * (np.diff(end)[number] - width + 1)).astype(int)
        for end, number, width in zip(ends, cells, tile, strict=True)
    ]
    y, x = (one[:, None] for one in first)
    dy, dx = (one.ravel() for one in np.indices(tile))
    found: Indices = (frame[:, None] * frames[1] + y + dy) * frames[2] + x + dx
    return found
