"""What every exported file says of itself: sample, source, microscope, edges, warnings, software."""

import json
from typing import Any

from eelsunmix.export.sample import Sample
from eelsunmix.plain import plain_values
from eelsunmix.report.source import KNOWN, leaves
from eelsunmix.report.texts import shown_path

MICROSCOPE = "Acquisition_instrument"
_NAMES = {
    "beam_energy_keV": ("TEM", "beam_energy"),
    "collection_mrad": ("TEM", "Detector", "EELS", "collection_angle"),
    "convergence_mrad": ("TEM", "convergence_angle"),
}
"""Names of simulated scenes -> where HyperSpy and exspy look for the same."""


def about_sample(sample: Sample) -> dict[str, Any]:
    """Return what all files of a sample say, as plain values that JSON can hold."""
    source = sample.source
    if "file" in source:
        source["file"] = shown_path(source["file"])
    return dict(
        plain_values(
            {
                "sample": sample.name,
                "source": source,
                "microscope": microscope(sample),
                "edges": dict(sample.stores["bs"].attrs.get("edges") or {}),
                "warnings": sample.warnings,
                "software": dict(sample.versions.get("comparison", {})),
                "seals": dict(sample.seals),
            },
            finite=True,
        )
    )


def microscope(sample: Sample) -> dict[str, Any]:
    """Return what the file says of microscope and detector, by names with units; what is zero is unknown."""
    said = dict(leaves(dict(sample.stores["raw"].attrs.get("metadata") or {})))
    return {name: said[place] for place, name in KNOWN.items() if said.get(place)}


def hyperspy_instrument(sample: Sample) -> dict[str, Any]:
    """Return the same as the tree that HyperSpy and exspy know (keV, mrad, s)."""
    metadata = dict(sample.stores["raw"].attrs.get("metadata") or {})
    tree = json.loads(json.dumps(metadata.get(MICROSCOPE) or {}))
    for name, place in _NAMES.items():
        if name in metadata:
            branch = tree
            for key in place[:-1]:
                branch = branch.setdefault(key, {})
            branch.setdefault(place[-1], metadata[name])
    return dict(tree)


def as_text(about: Any) -> str:
    """Write it for people and programs alike."""
    return json.dumps(plain_values(about, finite=True), indent=1, ensure_ascii=False)
