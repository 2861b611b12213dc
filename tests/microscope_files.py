"""Small files of FEI TIA, JEOL, Panta Rhei and NeXus, written by hand; counts are (y, x, channel)."""

import json
import struct

import h5py
import numpy as np


def write_ser(path, counts, *, first_eV, step_eV, pixel_m, scan="rows", drift=0.0):
    """Spectra one after the other, each with a tag of its place; y falls along the rows, as TIA has it.

    Odd rows are off by `drift` pixels along x.
    """
    height, width, channels = counts.shape
    elements, ends = [], []
    for row in range(height):
        for pixel in range(width):
            column = width - 1 - pixel if scan == "serpentine" and row % 2 else pixel
            across, down = (row, column) if scan == "columns" else (column, row)
            place = ((across + drift * (row % 2)) * pixel_m, -down * pixel_m)
            spectrum = struct.pack("<ddIHI", first_eV, step_eV, 0, 2, channels)
            spectrum += counts[row, pixel].astype("<u2").tobytes()
            elements.append(spectrum + struct.pack("<HHIdd", 16706, 0, 0, *place))
            ends.append(len(elements[-1]))
    dims = [(width, pixel_m), (height, -pixel_m)]
    described = b"".join(struct.pack("<IddII", n, 5e-9, step, 0, 0) + _text("meters") for n, step in dims)
    start = 30 + len(described)
    offsets = start + np.cumsum([0, *ends])
    number = height * width
    head = struct.pack("<HHHIIIIII", 0x4949, 0x197, 528, 16672, 16706, number, number, int(offsets[-1]), 2)
    table = np.array([offsets[:-1], offsets[:-1]], "<u4").tobytes()  # of spectra, then of tags
    path.write_bytes(head + described + b"".join(elements) + table)


def write_emi(path):
    """The part of the settings that is read."""
    mode = "<Data><Label>Mode</Label><Value>STEM nP</Value><Unit></Unit></Data>"
    described = f"<ExperimentalDescription><Root>{mode}</Root></ExperimentalDescription>"
    path.write_bytes(b"\x00\xff" + f"<ObjectInfo>{described}</ObjectInfo>".encode() + b"\xff\x00")


def _text(words):
    return struct.pack("<I", len(words)) + words.encode()


def write_prz(path, counts, *, first_eV, step_eV, pixel_m):
    """As of an energy filter: losses are negative energies, so that the highest loss comes first."""
    last_eV = first_eV + step_eV * (counts.shape[2] - 1)
    place = {"value": pixel_m, "offset": 0.0, "unit": "m"}
    energy = {"value": step_eV, "offset": -last_eV / step_eV, "unit": "eV"}  # in pixels
    said = {
        "type": "3D",
        "content.types": ["Energy", "ScanX", "ScanY"],
        "device.calib": [energy, place, place],
        "filter.mode": "EELS",
        "electron_gun.voltage": 200000.0,
        "repo_id": "scan.0",
    }
    with path.open("wb") as file:
        np.savez_compressed(file, data=counts[..., ::-1], meta_data_json=json.dumps([said]))


def write_nxs(path, counts, *, first_eV, step_eV, pixel_nm):
    """One NXdata in an entry, as HyperSpy writes it."""
    height, width, channels = counts.shape
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry1")
        entry.attrs["NX_class"] = b"NXentry"
        data = entry.create_group("scan")
        data.attrs.update({"NX_class": b"NXdata", "signal": b"data", "interpretation": b"spectrum"})
        data.attrs["axes"] = np.array([b"y", b"x", b"Energy loss"])
        data["data"] = counts
        energies = first_eV + step_eV * np.arange(channels)
        axes = {"y": pixel_nm * np.arange(height), "x": pixel_nm * np.arange(width), "Energy loss": energies}
        for number, (name, values) in enumerate(axes.items()):
            data[name] = values
            data[name].attrs["units"] = "eV" if number == 2 else "nm"
            data.attrs[f"{name}_indices"] = number


def write_pts(path, counts, *, frames, first_keV, step_keV, field_mm, broken=(), picture=False, size=None):
    """Photons of each frame, line by line; of broken ones (place in the list, pixels) the first pixels."""
    height, width, _ = size or counts.shape
    zero = round(-first_keV / step_keV)
    header = _branch("PTTD Data", _branch("AnalyzableMap MeasData", _measured(height, width, step_keV)))
    zero_channel = _branch("Tpl", _branch("T2", _leaf("DigZ", "i", zero)))
    pages = _page(0, "SEM", _leaf("ScanSize", "d", field_mm)) + _page(1, "EDXRF", zero_channel)
    header += _branch("PTTD Param", _branch("Params", pages))
    lists = [_frame(part, (height, width), picture) for part in _shares(counts, frames)]
    for at, pixels in broken:
        lists.insert(at, _frame(counts, (height, width), picture, pixels))
    words = np.concatenate(lists).astype("<u2").tobytes()
    head_at = 305
    data_at = head_at + 12 + len(header) + 1
    head = struct.pack("<I8sIIIIII", 304, b"", 0, 1, head_at, len(header), data_at, len(words))
    path.write_bytes(head.ljust(head_at + 12, b"\0") + header + b"\xff" + words)


def _shares(counts, frames):
    return [counts // frames + (counts % frames > number) for number in range(frames)]


def _frame(counts, size, picture, pixels=None):
    """Marks: 9 and y, 8 and x; of photons, 11 and the channel; of a picture, 10 and its brightness."""
    words = []
    for number, (row, pixel) in enumerate(np.ndindex(counts.shape[:2])):
        if number == pixels:
            break
        words.extend([0x9000 | row * (4096 // size[0])] if pixel == 0 else [])
        words.append(0x8000 | pixel * (4096 // size[1]))
        words.extend(0xB000 | np.repeat(np.arange(counts.shape[2]), counts[row, pixel]))
        words.extend([0xA057] if picture else [])
    return np.array(words, int)


def _measured(height, width, step_keV):
    place = _leaf("Mag", "d", 1e5) + _leaf("AccKV", "d", 200.0)
    doc = _leaf("CoefA", "d", step_keV) + _leaf("CoefB", "d", 0.0)
    condition = _leaf("Pixels", "c", f"{width}x{height}") + _leaf("Tpl", "c", "T2")
    return _branch("MeasCond", place) + _branch("Doc", doc) + _branch("Meas Cond", condition)


def _branch(name, inside):
    return b"\1" + _text(name) + struct.pack("<ii", 0, 0) + inside + b"\xff"


def _page(number, name, inside):
    value = name.encode()
    return b"\1" + _text(f"PARAMPAGE{number}") + struct.pack("<ii", 12, len(value)) + value + inside + b"\xff"


def _leaf(name, kind, value):
    content = value.encode() if kind == "c" else struct.pack(f"<{kind}", value)
    number = {"c": 12, "d": 10, "i": 8}[kind]
    return b"\1" + _text(name) + struct.pack("<ii", number, len(content)) + content + b"\xff"
