"""Options of the dark and gain correction."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

GainMethod = Literal["auto", "none", "already_applied", "reference", "data_driven"]
GainKind = Literal["auto", "divide", "multiply"]
PatternKind = Literal["auto", "gain", "dark"]


@dataclass(frozen=True, kw_only=True)
class GainOptions:
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
        smoother.
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
    """

    method: GainMethod = "auto"
    reference: str | None = None
    dark: str | None = None
    kind: GainKind = "auto"
    offset_channels: int | None = None
    protect_eV: float = 12.0
    smooth_channels: int = 9
    pattern: PatternKind = "auto"

    def __post_init__(self) -> None:
        choices = {"method": GainMethod, "kind": GainKind, "pattern": PatternKind}
        for key, allowed in choices.items():
            if getattr(self, key) not in get_args(allowed):
                raise ValueError(
                    f"corrections.gain.{key} must be one of {', '.join(get_args(allowed))}, "
                    f"not {getattr(self, key)!r}"
                )
        if self.method == "reference" and self.reference is None:
            raise ValueError(
                "corrections.gain.method is reference: name the file in corrections.gain.reference"
            )
        if self.method in ("none", "already_applied", "data_driven") and self.reference is not None:
            raise ValueError(
                f"corrections.gain.method {self.method} makes no use of corrections.gain.reference: "
                "remove one of both"
            )
        if self.offset_channels is not None and self.offset_channels < 0:
            raise ValueError(
                f"corrections.gain.offset_channels must be 0 or more, not {self.offset_channels}"
            )
        if not 0 <= self.protect_eV < math.inf:
            raise ValueError(f"corrections.gain.protect_eV must be 0 or more, not {self.protect_eV}")
        if self.smooth_channels < 5 or self.smooth_channels % 2 == 0:
            raise ValueError(
                f"corrections.gain.smooth_channels must be odd and at least 5, not {self.smooth_channels}"
            )
