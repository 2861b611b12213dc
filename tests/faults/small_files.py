"""Small files of every format that is read, and damaged copies of them."""

import json
import struct

import numpy as np
import xarray as xr

from eelsunmix import io
from eelsunmix.errors import InputError
from test_io_nion import properties, write_h5, write_ndata1
from test_io_vendor import write_hspy

COUNTS = np.random.default_rng(0).poisson(50, (7, 5, 40)).astype("u2")
AXES = io.AxesOptions(dims=("y", "x", "energy_loss"), energy=io.EnergyAxis(offset_eV=100, dispersion_eV=0.5))


def npy(path):
    np.save(path, COUNTS)


def npz(path):
    np.savez(path, image=COUNTS)


def zarr(path):
    image = xr.DataArray(COUNTS, dims=("y", "x", "energy_loss"), name="counts")
    image = image.assign_coords(energy_loss=("energy_loss", 100 + 0.5 * np.arange(40), {"units": "eV"}))
    image.to_dataset().to_zarr(path, zarr_format=3, consolidated=False)


def msa(path):
    lines = ["#FORMAT      : EMSA/MAS Spectral Data File", "#VERSION     : 1.0", "#NPOINTS     : 40."]
    lines += ["#NCOLUMNS    : 1.", "#XUNITS      : eV", "#DATATYPE    : Y", "#XPERCHAN    : 0.5"]
    lines += ["#OFFSET      : 100.", "#SPECTRUM    : Spectral data starts here"]
    path.write_text("\n".join([*lines, *map(str, COUNTS[0, 0]), "#ENDOFDATA   :", ""]))


def hspy(path):
    write_hspy(path, COUNTS, chunks=(3, 5, 16), compression="gzip")


def h5(path):
    write_h5(path, COUNTS, properties())


def ndata1(path):
    write_ndata1(path, COUNTS, properties())


def dm3(path):
    path.write_bytes(DigitalMicrograph(3).image())


def dm4(path):
    path.write_bytes(DigitalMicrograph(4).image())


WRITERS = {write.__name__: write for write in (npy, npz, zarr, msa, hspy, h5, ndata1, dm3, dm4)}
CHECKED = ("npz", "ndata1")
"""Formats with a checksum of the numbers."""


class DigitalMicrograph:
    """Tags of a file of DigitalMicrograph, version 3 or 4, as RosettaSciIO reads them (its `_api.py`)."""

    def __init__(self, version):
        self.version = version

    def numbers(self, *values):
        return struct.pack(f">{len(values)}{'q' if self.version == 4 else 'i'}", *values)

    def tag(self, kind, name, content):
        size = self.numbers(len(content)) if self.version == 4 else b""
        return struct.pack(">bh", kind, len(name)) + name.encode() + size + content

    def group(self, name, *tags):
        return self.tag(20, name, b"\1\0" + self.numbers(len(tags)) + b"".join(tags))

    def data(self, name, content, *kind):
        return self.tag(21, name, b"%%%%" + self.numbers(len(kind), *kind) + content)

    def real(self, name, value):
        return self.data(name, struct.pack("<f", value), 6)

    def long(self, name, value):
        return self.data(name, struct.pack("<I", value), 5)

    def text(self, name, value):
        return self.data(name, value.encode("utf-16-le"), 20, 4, len(value))

    def axis(self, name, origin, scale, units):
        tags = (self.real("Origin", origin), self.real("Scale", scale), self.text("Units", units))
        return self.group(name, *tags)

    def image(self):
        numbers = COUNTS.transpose(2, 0, 1).astype("<u2")
        axes = [self.axis("", *axis) for axis in ((0, 0.5, "nm"), (0, 0.5, "nm"), (-200, 0.5, "eV"))]
        image_data = self.group(
            "ImageData",
            self.group("Calibrations", self.axis("Brightness", 0, 1, "e-"), self.group("Dimension", *axes)),
            self.data("Data", numbers.tobytes(), 20, 4, numbers.size),
            self.long("DataType", 10),
            self.group("Dimensions", *(self.long("", size) for size in numbers.shape[::-1])),
            self.long("PixelDepth", 2),
        )
        described = self.group(
            "Meta Data", self.text("Format", "Spectrum image"), self.text("Signal", "EELS")
        )
        image = self.group("", image_data, self.group("ImageTags", described), self.text("Name", "made"))
        root = b"\1\0" + self.numbers(1) + self.group("ImageList", image)
        return (
            struct.pack(">i", self.version) + self.numbers(len(root)) + struct.pack(">i", 1) + root + bytes(8)
        )


def truncated(content, rng):
    yield from (content[: int(len(content) * part)] for part in (0, 0.001, 0.05, 0.2, 0.4, 0.6, 0.8, 0.99))


def flipped(content, rng):
    for place in [*rng.integers(0, len(content), 6), *rng.integers(0, min(len(content), 1500), 8)]:
        yield _with(content, place, bytes([content[place] ^ 1 << int(rng.integers(8))]))


def huge_numbers(content, rng):
    for place in rng.integers(0, min(len(content), 1500), 6):
        yield _with(content, place, b"\x7f\xff\xff\xff")
        yield _with(content, place, b"\xff\xff\xff\x7f")


def holes(content, rng):
    yield from (_with(content, place, bytes(200)) for place in rng.integers(0, len(content), 4))


def inserted(content, rng):
    yield from (content[:place] + b"0123456789abcdef" + content[place:] for place in rng.integers(0, 999, 3))


DAMAGES = (truncated, flipped, huge_numbers, holes, inserted)


def _with(content, place, new):
    return content[:place] + new + content[place + len(new) :]


def damaged_copies(folder, kind, seed):
    """Yield (name, path, the damage) of damaged copies of a file, one after the other in the same place."""
    path = folder / f"a.{kind}"
    WRITERS[kind](path)
    parts = sorted(part for part in path.rglob("*") if part.is_file()) if path.is_dir() else [path]
    for part in parts:
        whole = part.read_bytes()
        for damage in DAMAGES:
            for number, content in enumerate(damage(whole, np.random.default_rng(seed))):
                part.write_bytes(content)
                yield f"{part.relative_to(folder)} {damage.__name__} {number}", path, damage
        part.write_bytes(whole)


def what_is_read(path):
    """Import a file: "right", "other" numbers, or the refusal."""
    try:
        image = io.open_image(path, **({"axes": AXES} if path.suffix in (".npy", ".npz") else {}))
        numbers = image.to_numpy()
    except InputError as error:
        return str(error)
    expected = COUNTS[:1, :1] if path.suffix == ".msa" else COUNTS
    if not np.isfinite(numbers).all() or not (np.diff(image[image.dims[-1]]) > 0).all():
        return f"nonsense {json.dumps(image.sizes)}"
    return "right" if np.array_equal(numbers, expected) else "other"
