"""Options of the multilayer."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from eelsunmix.synthetic.scene import (
    require,
)

LEVELS = MappingProxyType(
    {
        "linear": {"wedge": 0.0, "current_drift": 0.0, "gain_sd": 0.0, "contamination_nm": 0.0, "n_dead": 0},
        "thickness": {
            "wedge": 0.4,
            "current_drift": 0.02,
            "gain_sd": 0.0,
            "contamination_nm": 0.0,
            "n_dead": 0,
        },
        "realistic": {
            "wedge": 0.4,
            "current_drift": 0.02,
            "gain_sd": 0.01,
            "contamination_nm": 0.5,
            "n_dead": 2,
        },
    }
)
"""What the levels of realism switch on; an option that is given wins."""


@dataclass(frozen=True, kw_only=True)
class MultilayerOptions:
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
    wedge, current_drift, gain_sd : float, optional
        Relative: range of the thickness over the image, standard deviations of the beam current and of the
        channels' gain. By default as the level says.
    contamination_nm : float, optional
        Mean thickness of carbon on the lamella.
    n_dead : int, optional
        Number of dead channels.
    seed : int
    noise : bool
        Poisson noise; without it the counts are the expected ones times gain.
    """

    shape: tuple[int, int] = (60, 75)
    pixel_nm: float = 0.12
    n_channels: int = 200
    offset_eV: float = 216.0
    dispersion_eV: float = 3.33
    counts: float = 3000.0
    level: Literal["linear", "thickness", "realistic"] = "linear"
    co_nm: float = 1.7
    ru_nm: float = 0.5
    diffused_fraction: float = 0.4
    diffusion_nm: float = 0.45
    probe_sd_nm: float = 0.17
    roughness_nm: float = 0.05
    thickness_nm: float = 30.0
    wedge: float | None = None
    current_drift: float | None = None
    gain_sd: float | None = None
    contamination_nm: float | None = None
    n_dead: int | None = None
    seed: int = 0
    noise: bool = True

    def __post_init__(self) -> None:
        require(self.level in LEVELS, "level", self.level, f"one of {', '.join(LEVELS)}")
        for key, value in LEVELS[self.level].items():
            if getattr(self, key) is None:
                object.__setattr__(self, key, value)
            require(getattr(self, key) >= 0, key, getattr(self, key), "0 or more")
        for key in ("counts", "pixel_nm", "dispersion_eV", "co_nm", "ru_nm", "diffusion_nm", "thickness_nm"):
            require(getattr(self, key) > 0, key, getattr(self, key), "greater than 0")
        require(
            0 <= self.diffused_fraction < 1, "diffused_fraction", self.diffused_fraction, "from 0 to below 1"
        )
        require(self.wedge < 2, "wedge", self.wedge, "below 2")  # type: ignore[operator]
        require(self.offset_eV >= 150, "offset_eV", self.offset_eV, "150 or more")
        require(self.n_channels >= 2, "n_channels", self.n_channels, "at least 2")
        width = self.shape[1] * self.pixel_nm
        stack = self.co_nm + self.ru_nm
        require(
            width > 1.5 * stack,
            "shape",
            self.shape,
            f"wider than the stack ({1.5 * stack:.2f} nm with margins)",
        )

    @property
    def left_nm(self) -> float:
        """Position of the interface between the left Pt and Co."""
        return 0.39 * self.shape[1] * self.pixel_nm
