"""Options of the denoising."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class DenoiseOptions:
    """How the image is denoised.

    Parameters
    ----------
    n_components : int
        Components kept (fewer where the image has fewer pixels or channels); leave room above the number
        of endmembers.
    spatial : {"none", "nlm"}
        Whether the score maps are smoothed by non-local means too.
    nlm_strength : float
        Smoothing of the non-local means: 0.4 keeps features of 2 x 2 pixels, 0.7 smooths more.
    nlm_window_px, nlm_patch_px : int
        Side of the searched area and of the compared neighbourhoods, odd, in pixels.
    guard_probability : float
        Where the smoothed-away signal is so improbable as noise, the unsmoothed scores are put back
        in `score_nlm_guarded`.
    """

    n_components: int = 12
    spatial: Literal["none", "nlm"] = "nlm"
    nlm_strength: float = 0.4
    nlm_window_px: int = 13
    nlm_patch_px: int = 3
    guard_probability: float = 1e-4

    def __post_init__(self) -> None:
        if self.n_components < 1:
            raise ValueError(f"n_components must be at least 1, not {self.n_components}")
        if self.spatial not in ("none", "nlm"):
            raise ValueError(f"spatial must be none or nlm, not {self.spatial!r}")
        if not self.nlm_strength > 0:
            raise ValueError(f"nlm_strength must be positive, not {self.nlm_strength}")
        for name in ("nlm_window_px", "nlm_patch_px"):
            if (side := getattr(self, name)) < 1 or side % 2 == 0:
                raise ValueError(f"{name} must be odd and positive, not {side}")
        if not 0 < self.guard_probability < 1:
            raise ValueError(f"guard_probability must be between 0 and 1, not {self.guard_probability}")
