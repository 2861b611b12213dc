"""Options of the multilayer."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eelsunmix.options import LISTED, BrokenRuleError, NotNegative, Options, Positive, Presets

LEVELS = {
    "linear": {"wedge": 0.0, "current_drift": 0.0, "gain_sd": 0.0, "contamination_nm": 0.0, "n_dead": 0},
    "thickness": {"wedge": 0.4, "current_drift": 0.02, "gain_sd": 0.0, "contamination_nm": 0.0, "n_dead": 0},
    "realistic": {"wedge": 0.4, "current_drift": 0.02, "gain_sd": 0.01, "contamination_nm": 0.5, "n_dead": 2},
}
"""What the levels of realism switch on; an option that is given wins."""


Pixels = Annotated[int, Field(ge=1)]


class MultilayerOptions(Options):
    """Options of the multilayer.

    Parameters
    ----------
    shape : pair of int
        Pixels along y and x; the layers stand across x.
    pixel_nm : float
    n_channels, offset_eV, dispersion_eV
        Energy axis; `offset_eV` is the centre of the first channel.
    counts : float
        Expected counts in the first channel, mean over the pixels.
    level : {"linear", "thickness", "realistic"}
        An exact linear mixture; thickness and beam current vary, which bends the background; and gain errors,
        dead channels and a carbon contamination on top.
    co_nm, ru_nm : float
        Thickness of the Co and Ru layers between the Pt ones.
    diffused_fraction, diffusion_nm : float
        Part of the Ru that has changed places with Co, and how deep it goes (exponential).
    probe_sd_nm : float
        Standard deviation of the broadening by probe, beam spread and pixel.
    roughness_nm : float
        Standard deviation of the position of the stack from row to row.
    thickness_nm : float
        Thickness of the lamella.
    wedge, current_drift, gain_sd : float
        Relative: range of the thickness over the image, standard deviations of the beam current and of the
        channels' gain.
    contamination_nm : float
        Mean thickness of carbon on the lamella.
    n_dead : int
        Number of dead channels.
    seed : int
    noise : bool
        Poisson noise; without it the counts are the expected ones times gain.
    """

    presets: ClassVar[Presets] = {"level": LEVELS}

    shape: Annotated[tuple[Pixels, Pixels], LISTED] = (60, 75)
    pixel_nm: Positive = 0.12
    n_channels: int = Field(200, ge=2)
    offset_eV: float = Field(216.0, ge=150)
    dispersion_eV: Positive = 3.33
    counts: Positive = 3000.0
    level: Literal["linear", "thickness", "realistic"] = "linear"
    co_nm: Positive = 1.7
    ru_nm: Positive = 0.5
    diffused_fraction: float = Field(0.4, ge=0, lt=1)
    diffusion_nm: Positive = 0.45
    probe_sd_nm: NotNegative = 0.17
    roughness_nm: NotNegative = 0.05
    thickness_nm: Positive = 30.0
    wedge: float = Field(ge=0, lt=2)
    current_drift: NotNegative
    gain_sd: NotNegative
    contamination_nm: NotNegative
    n_dead: int = Field(ge=0)
    seed: int = Field(0, ge=0)
    noise: bool = True

    @model_validator(mode="after")
    def _stack_fits(self) -> Self:
        width, stack = self.shape[1] * self.pixel_nm, self.co_nm + self.ru_nm
        if width <= 1.5 * stack:
            needed = f"wider than the stack ({1.5 * stack:.2f} nm with margins)"
            raise BrokenRuleError("shape", f"needs to be {needed}, found {list(self.shape)}")
        return self

    @property
    def left_nm(self) -> float:
        """Position of the interface between the left Pt and Co."""
        return 0.39 * self.shape[1] * self.pixel_nm
