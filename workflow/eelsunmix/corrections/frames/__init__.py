"""What the frames of a series have apart from what they show: their dose, and their shifts."""

from collections.abc import Hashable

import numpy as np
import xarray as xr

from eelsunmix.corrections.frames.dose import frames_beside_the_dose
from eelsunmix.corrections.frames.energy import energy_shifts
from eelsunmix.corrections.frames.gathering import FrameSums, sum_frames
from eelsunmix.corrections.frames.place import shifts_in_place
from eelsunmix.corrections.frames.words import dose_words, empty_words, energy_words, place_words
from eelsunmix.energy.units import channel_energies
from eelsunmix.image import step_of
from eelsunmix.noise import counts_per_electron

__all__ = ["FrameSums", "frame_warnings", "is_series", "measure_frames", "sum_frames"]


def is_series(image: xr.DataArray) -> bool:
    """Whether an image has frames, of pixels along y and x, that can be compared."""
    return {"frame", "y", "x"} <= set(image.dims) and image.sizes["frame"] > 1


def measure_frames(image: xr.DataArray, sums: FrameSums) -> xr.Dataset:
    """Measure the frames of a series against each other.

    Parameters
    ----------
    image : DataArray, dims (frame, y, x, energy)
        Corrected counts, with `valid_pixel`; only its axes are looked at.
    sums : FrameSums
        Of the image.

    Returns
    -------
    Dataset
        What `corrected.zarr` has of a series only: `frame_spectrum` (frame, energy), and by frame
        `frame_energy_shift`, `frame_shift_y` and `frame_shift_x`; NaN where a shift is not known.
    """
    energy = image.dims[-1]
    spectrum = sums.spectra / np.maximum(sums.n_valid, 1)[:, None]
    shift = energy_shifts(sums.spectra, counts_per_electron(image), channel_energies(image))
    moved = shifts_in_place(sums.totals, image["valid_pixel"].to_numpy())
    shifts = {"frame_energy_shift": (energy, shift)}
    shifts |= {f"frame_shift_{axis}": (axis, pixels) for axis, pixels in zip("yx", moved.T, strict=True)}
    found = {
        name: ("frame", step_of(image, dim) * values, _units(image, dim))
        for name, (dim, values) in shifts.items()
    }
    coords = {dim: image[dim] for dim in ("frame", energy) if dim in image.coords}
    return xr.Dataset({"frame_spectrum": (("frame", energy), spectrum, {"units": "counts"}), **found}, coords)


def _units(image: xr.DataArray, dim: Hashable) -> dict[str, str]:
    return {"units": image[dim].attrs.get("units", "px")}


def frame_warnings(found: xr.Dataset, image: xr.DataArray) -> list[str]:
    """Name the frames that have another dose, energy axis or place than the others.

    Parameters
    ----------
    found : Dataset
        Of `measure_frames`.
    image : DataArray
        That was measured.
    """
    counts = found["frame_spectrum"].sum([image.dims[-1]])
    dark, bright = frames_beside_the_dose(counts.to_numpy())
    texts = [empty_words(counts), dose_words(counts, dark, "fewer"), dose_words(counts, bright, "more")]
    texts += [energy_words(found["frame_energy_shift"], step_of(image, image.dims[-1]))]
    texts += [place_words(found, image)]
    return [text for text in texts if text]
