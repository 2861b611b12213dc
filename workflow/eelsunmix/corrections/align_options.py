"""Options of the alignment."""

from typing import Literal, Self

from pydantic import model_validator

from eelsunmix.corrections.losses import MAX_TAKEN_PERCENT
from eelsunmix.options import BrokenRuleError, Interval, NotNegative, Options, Positive


class AlignOptions(Options):
    """Alignment of the energy axes of the pixels.

    Parameters
    ----------
    enabled : bool
        Align.
    window_eV : tuple of float, optional
        Range with a sharp feature (an edge, the zero-loss peak); needed if enabled. Pixels without it follow
        their neighbours.
    by : {"pixel", "frame"}
        Each pixel by itself, or all pixels of a frame of a series by their mean spectrum: where single pixels
        have too few counts, or only frames differ.
    max_shift_eV : float
        Largest shift looked for.
    max_taken_percent : float
        Spectra are not aligned where the interpolation takes more of the shape of an edge than this.
    """

    enabled: bool = False
    window_eV: Interval | None = None
    by: Literal["pixel", "frame"] = "pixel"
    max_shift_eV: Positive = 3.0
    max_taken_percent: NotNegative = MAX_TAKEN_PERCENT

    @model_validator(mode="after")
    def _window_is_given(self) -> Self:
        if self.enabled and self.window_eV is None:
            raise BrokenRuleError("window_eV", "is needed: give the range of a sharp feature")
        return self
