"""Options of the dark and gain correction."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from eelsunmix.corrections.losses import MAX_TAKEN_PERCENT
from eelsunmix.options import ODD, BrokenRuleError, NotNegative, Options

GainMethod = Literal["auto", "none", "already_applied", "reference", "data_driven"]
GainKind = Literal["auto", "divide", "multiply"]
PatternKind = Literal["auto", "gain", "dark"]


class GainOptions(Options):
    """Correction of dark signal and gain of the detector.

    Parameters
    ----------
    method : {"auto", "none", "already_applied", "reference", "data_driven"}
        "auto" takes the reference if one is given, else looks for a fixed pattern in the data, and does
        nothing where groups of different pixels do not share one (median correlation up to 0.3).
    reference : str, optional
        File with the gain: npy, csv, txt, msa, zarr, or a vendor's file; a spectrum or a camera image
        (rows, channel).
    dark : str, optional
        File with the dark signal in counts per pixel.
    kind : {"auto", "divide", "multiply"}
        Whether the data are divided or multiplied by the reference; "auto" takes what makes the mean spectrum
        smoother, and applies nothing where neither does, or where noise hides which one.
    offset_channels : int, optional
        Channel of the reference that belongs to the first channel of the image, where the lengths differ.
    protect_eV : float
        Nothing is estimated from the data from this far before the onset of an edge to 2.5 times as far
        beyond it, where the second of two white lines is.
    smooth_channels : int
        Width of the filter that tells the pattern from the spectrum; odd.
    pattern : {"auto", "gain", "dark"}
        Whether a pattern found in the data multiplies the signal or adds to it; "auto" takes what explains
        the differences between bright and dark better.
    max_taken_percent : float
        A correction that takes more of the signal of an edge than this is not applied.
    """

    method: GainMethod = "auto"
    reference: str | None = None
    dark: str | None = None
    kind: GainKind = "auto"
    offset_channels: Annotated[int, Field(ge=0)] | None = None
    protect_eV: NotNegative = 12.0
    smooth_channels: Annotated[int, Field(ge=5), ODD] = 9
    pattern: PatternKind = "auto"
    max_taken_percent: NotNegative = MAX_TAKEN_PERCENT

    @model_validator(mode="after")
    def _reference_is_used(self) -> Self:
        if self.method == "reference" and self.reference is None:
            raise BrokenRuleError("method", "is reference: name the file in corrections.gain.reference")
        if self.method in ("none", "already_applied", "data_driven") and self.reference is not None:
            raise BrokenRuleError(
                "reference", f"is of no use with the method {self.method}: remove one of both"
            )
        return self
