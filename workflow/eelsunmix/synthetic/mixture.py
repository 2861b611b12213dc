"""What the scenes beside those of the paper have in common: options, and the way from a mixture to counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import xarray as xr
from pydantic import Field

from eelsunmix.edges import Edge
from eelsunmix.options import LISTED, Options, Positive
from eelsunmix.synthetic.scene import Scene, count_electrons, label_image, label_truth, position_axes
from eelsunmix.typing import Bools, Floats

Pixels = Annotated[int, Field(ge=8)]
Fraction = Annotated[float, Field(gt=0, lt=1)]


class SceneOptions(Options):
    """What all scenes have.

    Parameters
    ----------
    size : int or pair of int
        Pixels along y and x.
    pixel_nm : float
    counts : float
        Expected counts in the first channel, mean over the pixels that have sample.
    seed : int
    noise : bool
        Poisson noise; without it the counts are the expected ones.
    """

    size: Pixels | Annotated[tuple[Pixels, Pixels], LISTED] = 64
    pixel_nm: Positive = 0.5
    counts: Positive = 1000.0
    seed: int = Field(0, ge=0)
    noise: bool = True

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels along y and x."""
        return (self.size, self.size) if isinstance(self.size, int) else (self.size[0], self.size[1])

    def generators(self) -> tuple[np.random.Generator, np.random.Generator]:
        """Return the sources of the geometry and of the noise."""
        geometry, noise = np.random.default_rng(self.seed).spawn(2)
        return geometry, noise


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Where the materials of a scene are, and what they scatter, in any unit of counts.

    Parameters
    ----------
    names : tuple of str
        Materials.
    energy : DataArray
        Centres of the channels.
    spectra : ndarray, shape (endmember, channel)
        Of a pixel of abundance 1 and brightness 1.
    abundance : ndarray, shape (y, x, endmember)
        Fractions; they sum to one, or to zero where there is no sample.
    brightness : ndarray, shape (y, x), optional
        Thickness relative to that of the spectra; zero where there is no sample.
    expected : ndarray, shape (y, x, channel), optional
        Where it is no linear mixture of the spectra.
    edges : mapping
        Windows that suit the scene.
    compositions : mapping
        Material -> element -> atoms, of materials that `eelsunmix.synthetic.materials` does not know.
    whole_spectrum : bool
        The option `counts` means those of all channels together, and not of the first one.
    signal : str
        "EELS" or "EDS".
    """

    names: tuple[str, ...]
    energy: xr.DataArray
    spectra: Floats
    abundance: Floats
    brightness: Floats | None = None
    expected: Floats | None = None
    edges: Mapping[str, Edge] = field(default_factory=dict)
    compositions: Mapping[str, dict[str, int]] = field(default_factory=dict)
    whole_spectrum: bool = False
    signal: str = "EELS"

    @property
    def sample(self) -> Bools:
        """Pixels that have sample, shape (y, x)."""
        return np.asarray(self.abundance.sum(axis=-1) > 0)

    def linear(self) -> Floats:
        """Return the linear mixture, shape (y, x, channel)."""
        brightness = np.ones(self.abundance.shape[:2]) if self.brightness is None else self.brightness
        mixed: Floats = (self.abundance * brightness[..., None]) @ self.spectra
        return mixed


def scene_of(
    name: str, options: SceneOptions, mixture: Mixture, rng: np.random.Generator, *, dark_counts: float = 0.0
) -> Scene:
    """Scale a mixture to the counts that the options want, add those of no electron, draw the noise."""
    expected = mixture.linear() if mixture.expected is None else mixture.expected
    level = expected.sum(axis=-1) if mixture.whole_spectrum else expected[..., 0]
    scale = options.counts / level[mixture.sample].mean()
    counted = (scale * expected + dark_counts).astype(np.float32)
    gain = np.ones(len(mixture.energy))
    counts = count_electrons(counted, gain, rng, noise=options.noise)
    coords = {**position_axes(options.shape, options.pixel_nm), str(mixture.energy.name): mixture.energy}
    image = label_image(counts, coords, f"{name}: {', '.join(mixture.names)}").assign_attrs(
        signal=mixture.signal
    )
    truth = label_truth(
        scale * mixture.spectra, mixture.abundance, counted, gain, names=mixture.names, image=image
    )
    like = truth["abundance"].isel(endmember=0, drop=True)
    return Scene(
        name=name,
        options=options.model_dump(),
        spectrum_image=image,
        **truth,
        brightness=None if mixture.brightness is None else like.copy(data=mixture.brightness),
        compositions=dict(mixture.compositions),
        edges=dict(mixture.edges),
    )


def shares_and_brightness(amounts: Floats) -> tuple[Floats, Floats]:
    """Fractions that sum to one, and the sum of the amounts; zeros where there is nothing.

    Examples
    --------
    >>> shares_and_brightness(np.array([[[1.0, 3.0], [0.0, 0.0]]]))[0].tolist()
    [[[0.25, 0.75], [0.0, 0.0]]]
    """
    brightness = amounts.sum(axis=-1)
    there = brightness > 0
    return amounts / np.where(there, brightness, 1.0)[..., None], np.where(there, brightness, 0.0)
