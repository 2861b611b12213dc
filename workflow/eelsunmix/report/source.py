"""What is known of where the image comes from: the file, the microscope, the simulated scene."""

from collections.abc import Iterator
from typing import Any

from eelsunmix.report.content import Block, Code, Table, pairs
from eelsunmix.report.formatting import DASH, size
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.texts import shown_path, value

TEM = "Acquisition_instrument.TEM"
DETECTOR = f"{TEM}.Detector.EELS"
KNOWN = {
    "General.date": "date",
    "General.time": "time",
    f"{TEM}.microscope": "microscope",
    f"{TEM}.beam_energy": "beam energy (keV)",
    "beam_energy_keV": "beam energy (keV)",
    f"{TEM}.beam_current": "beam current (nA)",
    f"{TEM}.convergence_angle": "convergence angle (mrad)",
    f"{DETECTOR}.collection_angle": "collection angle (mrad)",
    "collection_mrad": "collection angle (mrad)",
    f"{DETECTOR}.spectrometer": "spectrometer",
    f"{DETECTOR}.dwell_time": "dwell time (s)",
    f"{DETECTOR}.exposure": "exposure (s)",
    "detector": "detector",
}
"""Metadata that stand in the table, by their place in the store, and how they are called there."""
SCENE = "What was simulated."
SOURCE = "The file, and what it says about the microscope and the detector."


def source_table(inputs: Inputs) -> Table:
    """Return the file or the scene, and what it says of microscope and detector, as far as one reads it."""
    source = dict(inputs.raw.attrs.get("source", {}))
    said = dict(leaves(dict(inputs.raw.attrs.get("metadata", {}))))
    rows = [*_file(source), *((name, value(said[place])) for place, name in KNOWN.items() if said.get(place))]
    return pairs(SCENE if "scene" in source else SOURCE, rows or [("source", "not recorded")])


def further_metadata(inputs: Inputs) -> list[Block]:
    """Return all that is left, folded away."""
    metadata = {k: v for k, v in leaves(dict(inputs.raw.attrs.get("metadata", {}))) if k not in KNOWN}
    options = dict(inputs.raw.attrs.get("source", {}).get("options", {}))
    lines = [f"{name}: {value(item)}" for name, item in {**options, **metadata}.items()]
    title = "Options of the scene" if options else "Everything else in the file"
    return [Code("\n".join(lines), title)] if lines else []


def leaves(tree: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield places, joined by dots, and values of nested metadata."""
    for key, item in tree.items():
        if isinstance(item, dict):
            yield from leaves(item, f"{above}{key}.")
        else:
            yield f"{above}{key}", item


def _file(source: dict[str, Any]) -> list[tuple[str, str]]:
    if "scene" in source:
        return [("simulated scene", str(source["scene"])), ("seed", value(source.get("seed")))]
    if "file" not in source:
        return []
    version = dict(source.get("versions", {})).get("rosettasciio", "")
    reader = str(source.get("reader") or DASH)
    return [
        ("file", shown_path(source["file"])),
        ("signal", str(source.get("signal") or DASH)),
        ("size", size(source.get("size_bytes"))),
        ("SHA-256", str(source.get("sha256") or DASH)),
        ("read by", f"{reader} {version}" if reader == "RosettaSciIO" else reader),
    ]
