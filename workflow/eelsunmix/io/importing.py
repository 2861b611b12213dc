"""Import of a spectrum image: read, label, check."""

import logging
import math
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.execution import blocks
from eelsunmix.execution.limits import limited
from eelsunmix.io.axes import AxesOptions
from eelsunmix.io.counts import DetectorOptions, counts_check, noise_attributes
from eelsunmix.io.files import check_path, read_signals, reading
from eelsunmix.io.layout import Layout, find_layout
from eelsunmix.io.lazy import native, native_dtype
from eelsunmix.io.put_right import put_right
from eelsunmix.io.scan_image import scan_image
from eelsunmix.io.signals import Signal, choose_signal
from eelsunmix.io.survey import Survey, navigation_map, survey
from eelsunmix.sources import check_unchanged, checksum
from eelsunmix.words import place_in_words

InvalidPixels = Literal["refuse", "mask"]

SMALLEST, LARGEST = 1e-30, 1e30
"""Root mean square of counts; of values far beyond, squares and their sums are zero or infinite."""

_AXES = AxesOptions()
_DETECTOR = DetectorOptions()

logger = logging.getLogger(__name__)


def open_image(
    path: str | Path,
    *,
    signal: str | int | None = None,
    axes: AxesOptions = _AXES,
    detector: DetectorOptions = _DETECTOR,
    invalid_pixels: InvalidPixels = "refuse",
) -> xr.DataArray:
    """Open a spectrum image file as a labelled image.

    Parameters
    ----------
    path, signal, axes, detector, invalid_pixels
        As for `import_image`.

    Returns
    -------
    DataArray, shape (y, x, energy_loss) or (frame, y, x, energy_loss)
        Counts, with coordinates in nm (or px) and eV (keV in `energy` for EDS), the coordinate `valid_pixel`,
        and the attributes `counts_per_electron`, `title` and `signal`. In memory if it is small, else lazy.

    Raises
    ------
    InputError
        As `import_image`.
    """
    imported = import_image(path, signal=signal, axes=axes, detector=detector, invalid_pixels=invalid_pixels)
    return imported["counts"]


def import_image(
    path: str | Path,
    *,
    signal: str | int | None = None,
    axes: AxesOptions = _AXES,
    detector: DetectorOptions = _DETECTOR,
    invalid_pixels: InvalidPixels = "refuse",
) -> xr.Dataset:
    """Read a spectrum image file once, label it and check its counts.

    Parameters
    ----------
    path : str or Path
        File of a microscope (dm3, dm4, hspy, zspy, emd, ser, emi, prz, bcf, spd, lsd, pts, rpl, nxs, msa,
        Nion Swift ndata1 or h5) or a bare array (npy, npz, zarr, TIFF) with its axes given. Opened for
        reading only.
    signal : str or int, optional
        Name, number (from 0) or kind ("EELS", "EDS") of the signal, for files with several.
    axes : AxesOptions
        What the file lacks or gets wrong of its axes.
    detector : DetectorOptions
        What is known of the detector; its gain is measured by default.
    invalid_pixels : {"refuse", "mask"}
        What to do with pixels that hold NaN, infinity or nothing but zeros.

    Returns
    -------
    Dataset
        Content of ``raw.zarr`` (docs/data-model.md): `counts`, `total_counts`, `mean_spectrum`; `scan_image`
        where the file holds an image of the same scan, such as HAADF; and the attributes `source`,
        `origin_of_axes`, `metadata` and `counts_check`.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another kind, or changed while it is read; if the signal or an
        axis is ambiguous or implausible; if it holds invalid pixels that are to be refused; if its counts
        are too large or too small to be squared, or add up to less than nothing.
    """
    path = Path(path)
    if invalid_pixels not in ("refuse", "mask"):
        raise InputError(f"invalid_pixels must be refuse or mask, not {invalid_pixels!r}")
    with reading(path):
        check_path(path)
        digest, size = checksum(path)
    signals = read_signals(path)
    chosen = choose_signal(signals, signal, path)
    _check_values(chosen, path)
    layout = find_layout(chosen, axes, path)
    declared = math.prod(chosen.shape) * chosen.dtype.itemsize
    with reading(path), limited(path, seconds=60 + declared / 2**20):
        image = _open(chosen, layout, path)
        found = survey(image, detector.saturation)
        _check_pixels(found, image, invalid_pixels, path)
        beside, lost = _beside(signals, chosen, layout, path)
        image, found, said = put_right(image, found, detector.saturation)
        _check_counts(found, path)
    check = counts_check(found, detector)
    check["warnings"] = [*layout.notes, *lost, *said, *check["warnings"]]
    _log(check, path)
    if image.chunks is None:
        check_unchanged({path: digest})
    source = {"file": str(path), "sha256": digest, "size_bytes": size, **_reader(chosen)}
    dataset = _dataset(image, found, check, chosen, layout).assign_attrs(source=source)
    if beside is not None and beside.shape == image.shape[:-1]:  # not so where copies of pixels were left out
        dataset["scan_image"] = beside
    return dataset


def _check_values(signal: Signal, path: Path) -> None:
    native_dtype(signal.dtype, path)
    if 0 in signal.shape:
        raise InputError(f"{path}: its data have no values, shape {signal.shape}; export the image again")


def _log(check: dict[str, Any], path: Path) -> None:
    for text in check["warnings"]:
        logger.warning("%s: %s", path, text)
    for text in check["notes"]:
        logger.info("%s: %s", path, text)


def _open(signal: Signal, layout: Layout, path: Path) -> xr.DataArray:
    sizes = {dim: 1 for dim in layout.dims} | dict(zip(layout.file_dims, signal.shape, strict=True))
    block = dict(zip(layout.dims, blocks.block_shape([sizes[dim] for dim in layout.dims]), strict=True))
    data = signal.open(tuple(block[dim] for dim in layout.file_dims))
    image = layout.label(native(data, path))
    # One block is simply loaded; contiguous again, because the file's order of axes may differ.
    return image.load().copy() if block == sizes else blocks.chunked(image)


def _beside(
    signals: Sequence[Signal], chosen: Signal, layout: Layout, path: Path
) -> tuple[xr.DataArray | None, list[str]]:
    """Return the image of the scan, if any, and why it is left out: no result depends on it."""
    try:
        return scan_image(signals, chosen, layout, path), []
    except InputError as error:
        return None, [str(error)]


def _check_pixels(found: Survey, image: xr.DataArray, invalid_pixels: InvalidPixels, path: Path) -> None:
    if found.n_valid == 0:
        raise InputError(f"{path}: every pixel is NaN, infinite or zero; this is not a spectrum image")
    if invalid_pixels == "mask":
        return
    if found.first_not_finite is not None:
        raise InputError(
            f"{path}: {found.n_not_finite} pixels hold NaN or infinity, the first at "
            f"{place_in_words(image, found.first_not_finite)}; write invalid_pixels: mask to leave them out"
        )
    if found.first_empty is not None:
        raise InputError(
            f"{path}: {found.n_empty} pixels hold nothing but zeros, the first at "
            f"{place_in_words(image, found.first_empty)}; write invalid_pixels: mask to leave them out"
        )


def _check_counts(found: Survey, path: Path) -> None:
    size = math.sqrt(found.heights.squares.sum() / found.heights.n.sum())
    if not SMALLEST <= size <= LARGEST:
        raise InputError(
            f"{path}: its values, up to {found.heights.top.max():.3g}, are no counts to compute with (about "
            f"{SMALLEST:g} to {LARGEST:g}); it is damaged or scaled: export the counts as they were recorded"
        )
    mean = found.spectrum.sum() / found.n_valid
    if mean < 0:
        raise InputError(
            f"{path}: its counts add up to less than nothing, {mean:.4g} in a mean pixel: their sign is "
            "wrong, high counts wrapped round, or too much was subtracted; export them as recorded"
        )


def _dataset(
    image: xr.DataArray, found: Survey, check: dict[str, Any], signal: Signal, layout: Layout
) -> xr.Dataset:
    navigation, shape = image.dims[:-1], image.shape[:-1]
    valid = xr.DataArray(navigation_map(found.valid, shape), dims=navigation)
    if not valid.all():
        image = image.where(valid, np.zeros((), image.dtype))
    image = image.assign_coords(valid_pixel=valid)
    image.attrs = {
        "units": "counts",
        "title": signal.title,
        "signal": layout.signal,
        **noise_attributes(check),
    }
    totals = xr.DataArray(navigation_map(found.totals, shape), dims=navigation, attrs={"units": "counts"})
    mean = xr.DataArray(found.spectrum / found.n_valid, dims=image.dims[-1:], attrs={"units": "counts"})
    return xr.Dataset(
        {"counts": image, "total_counts": totals, "mean_spectrum": mean},
        attrs={
            "origin_of_axes": layout.origin,
            "metadata": signal.metadata,
            "counts_check": check,
        },
    )


def _reader(signal: Signal) -> dict[str, Any]:
    return {
        "reader": signal.reader,
        "signal": signal.title,
        "versions": {name: version(name) for name in ("rosettasciio", "h5py", "numpy", "eelsunmix")},
    }
