"""Options of the denoising."""

from typing import Annotated, Literal

from pydantic import Field

from eelsunmix.options import ODD, Options, Positive


class DenoiseOptions(Options):
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

    n_components: int = Field(12, ge=1)
    spatial: Literal["none", "nlm"] = "nlm"
    nlm_strength: Positive = 0.4
    nlm_window_px: Annotated[int, Field(ge=1), ODD] = 13
    nlm_patch_px: Annotated[int, Field(ge=1), ODD] = 3
    guard_probability: float = Field(1e-4, gt=0, lt=1)
