"""A scene: counts together with the truth that they were made from."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from eelsunmix.edges import Edge
from eelsunmix.profiles import Profile, Region
from eelsunmix.synthetic.materials import material_of

NAVIGATION = ("y", "x")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Simulated counts and the truth behind them.

    Attributes
    ----------
    name : str
        One of `eelsunmix.synthetic.SCENES`.
    options : dict
        Every option, the seed included: enough to make the scene again.
    spectrum_image : DataArray, shape (y, x, energy_loss)
        Counts as a detector gives them; unsigned integers, or float64 expected counts without noise.
    endmember_spectrum : DataArray, shape (endmember, energy_loss)
        Counts of a pixel of abundance 1 at the nominal thickness and beam current, before gain.
    abundance : DataArray, shape (y, x, endmember)
        Fractions of the materials; they sum to one, or to zero where there is no sample.
    brightness : DataArray, shape (y, x), or None
        Thickness relative to the nominal one, zero where there is no sample; None where it is one everywhere
        or not part of the truth.
    expected_counts : DataArray, shape (y, x, energy_loss)
        Noise-free image before gain, float32.
    gain : DataArray, shape (energy_loss,)
        Factor of each channel; ones without gain errors, zero in dead channels.
    edges, regions, profiles : dict
        Windows, element-free regions and profiles that suit the scene, by name.
    compositions : dict
        Material -> element -> atoms, of materials without a cross-section table (X-ray scenes).
    """

    name: str
    options: dict[str, Any]
    spectrum_image: xr.DataArray
    endmember_spectrum: xr.DataArray
    abundance: xr.DataArray
    expected_counts: xr.DataArray
    gain: xr.DataArray
    edges: dict[str, Edge]
    brightness: xr.DataArray | None = None
    compositions: dict[str, dict[str, int]] = field(default_factory=dict)
    regions: dict[str, Region] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)

    @property
    def composition(self) -> dict[str, dict[str, int]]:
        """Material -> element -> atoms per formula unit."""
        names = [str(name) for name in self.endmember_spectrum["endmember"].values]
        known = self.compositions
        return {name: dict(known.get(name) or material_of(name).composition) for name in names}

    @property
    def sample(self) -> xr.DataArray:
        """Whether a pixel has sample, shape (y, x)."""
        return self.abundance.sum("endmember") > 0

    @property
    def thickness_weighted_abundance(self) -> xr.DataArray:
        """Fractions times thickness, shape (y, x, endmember)."""
        return self.abundance if self.brightness is None else self.abundance * self.brightness

    def truth(self) -> xr.Dataset:
        """Truth under the names of `raw.zarr`: `true_endmember_spectrum`, `true_abundance`, ... ."""
        thickness = {} if self.brightness is None else {"true_brightness": self.brightness}
        return xr.Dataset(
            thickness
            | {
                "true_endmember_spectrum": self.endmember_spectrum.rename(endmember="true_endmember"),
                "true_abundance": self.abundance.rename(endmember="true_endmember"),
                "true_expected_counts": self.expected_counts,
                "true_gain": self.gain,
            }
        )

    def to_dataset(self) -> xr.Dataset:
        """Content of `raw.zarr`, truth included (`docs/data-model.md`)."""
        image = self.spectrum_image
        counts = xr.Dataset(
            {
                "counts": image,
                "total_counts": image.sum(str(image.dims[-1]), dtype=np.float64).assign_attrs(units="counts"),
                "mean_spectrum": image.mean(NAVIGATION).assign_attrs(units="counts"),
            }
        )
        attrs = {
            "source": {"scene": self.name, "options": self.options, "seed": self.options["seed"]},
            "origin_of_axes": dict.fromkeys(
                [f"{axis}.{key}" for axis in image.dims for key in ("offset", "scale", "units")], "simulation"
            ),
            "metadata": {"beam_energy_keV": 100.0, "collection_mrad": 35.0},
            "composition": self.composition,
            "counts_check": _counts_check(image),
        }
        return counts.merge(self.truth()).assign_attrs(attrs)


def energy_axis(n_channels: int, offset_ev: float, dispersion_ev: float) -> xr.DataArray:
    """Coordinate of the channels' centres in eV."""
    values = offset_ev + dispersion_ev * np.arange(n_channels)
    return xr.DataArray(values, dims="energy_loss", name="energy_loss", attrs={"units": "eV"})


def position_axes(shape: tuple[int, int], pixel_nm: float) -> dict[str, xr.DataArray]:
    """Coordinates `y` and `x` in nm."""
    return {
        dim: xr.DataArray(pixel_nm * np.arange(size), dims=dim, attrs={"units": "nm"})
        for dim, size in zip(NAVIGATION, shape, strict=True)
    }


def count_electrons(
    expected: np.ndarray, gain: np.ndarray, rng: np.random.Generator, *, noise: bool
) -> np.ndarray:
    """Draw what the detector gives: ``Poisson(expected * gain)`` in the smallest integers that hold it.

    Parameters
    ----------
    expected : ndarray, shape (y, x, channel)
    gain : ndarray, shape (channel,)
    rng : Generator
    noise : bool
        Without noise the expected counts times gain are returned, float64.
    """
    if not noise:
        return expected * gain.astype(np.float64)
    largest = float(expected.max()) * float(gain.max())
    dtype = np.uint16 if largest + 8 * math.sqrt(largest) + 16 < np.iinfo(np.uint16).max else np.uint32
    counts = np.empty(expected.shape, dtype=dtype)
    for row, expected_row in zip(counts, expected, strict=True):
        row[...] = rng.poisson(expected_row * gain.astype(np.float64))
    return counts


def label_image(counts: np.ndarray, coords: dict[str, xr.DataArray], title: str) -> xr.DataArray:
    """Labelled image as `docs/data-model.md` describes it; every pixel is valid."""
    image = xr.DataArray(counts, dims=tuple(coords), coords=coords, name="counts")
    image = image.assign_coords(valid_pixel=(NAVIGATION, np.ones(counts.shape[:2], dtype=bool)))
    return image.assign_attrs(units="counts", counts_per_electron=1.0, title=title, signal="EELS")


def label_truth(
    spectra: np.ndarray,
    abundance: np.ndarray,
    expected: np.ndarray,
    gain: np.ndarray,
    *,
    names: tuple[str, ...],
    image: xr.DataArray,
) -> dict[str, Any]:
    """Label the truth with the axes of the image and the names of the materials."""
    energy = str(image.dims[-1])
    coords = {**image.coords, "endmember": list(names)}

    def labelled(values: np.ndarray, dims: tuple[str, ...], units: str) -> xr.DataArray:
        used = {name: coords[name] for name in dims}
        return xr.DataArray(values, dims=dims, coords=used, attrs={"units": units})

    return {
        "endmember_spectrum": labelled(spectra, ("endmember", energy), "counts"),
        "abundance": labelled(abundance, (*NAVIGATION, "endmember"), "1"),
        "expected_counts": labelled(expected, (*NAVIGATION, energy), "counts"),
        "gain": labelled(gain, (energy,), "1"),
    }


def _counts_check(image: xr.DataArray) -> dict[str, Any]:
    return {
        "variance_to_mean": 1.0,
        "counts_per_electron": 1.0,
        "counts_per_electron_from": "configuration",
        "negative_fraction": float((image.to_numpy() < 0).mean()),
        "saturated_fraction": 0.0,
        "neighbour_correlation": 0.0,
        "warnings": [],
    }
