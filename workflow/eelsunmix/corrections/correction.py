"""The one shape of all corrections: measured on the image as it is, then applied to it or to its blocks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import xarray as xr


@dataclass(frozen=True, kw_only=True)
class Correction(ABC):
    """What a step has measured on an image, ready to be applied.

    Each step has a function ``measure_...`` of the image (or of statistics of it) and of the options of the
    step that returns one. All passes over the image that the step needs are made there.

    Parameters
    ----------
    entry : dict
        What the log says of the step, as `record` makes it.
    """

    entry: dict[str, Any]

    @abstractmethod
    def apply(self, image: xr.DataArray) -> xr.DataArray:
        """Return the corrected image; lazy if it is lazy, and itself unchanged."""


@dataclass(frozen=True, kw_only=True)
class NoCorrection(Correction):
    """A step that is switched off or has found nothing to do."""

    def apply(self, image: xr.DataArray) -> xr.DataArray:
        """Return the image as it is."""
        return image


def one_after_the_other(
    counts: xr.DataArray, measures: Iterable[Callable[[xr.DataArray], Correction]]
) -> tuple[xr.DataArray, list[Correction]]:
    """Measure each correction on what those before it have left, and apply it."""
    done: list[Correction] = []
    for measure in measures:
        done.append(measure(counts))
        counts = done[-1].apply(counts)
    return counts, done
