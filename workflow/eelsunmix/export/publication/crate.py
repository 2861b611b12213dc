"""RO-Crate: metadata by which archives such as Zenodo and WorkflowHub know what each file is."""

import json
import mimetypes
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from eelsunmix.export.package import Package

VERSION = "1.1"
"""That of the specification; the newest that validators know."""
DESCRIPTIONS = {
    "page.html": "Report: all maps, spectra, profiles, scores and warnings; opens in any browser",
    "configuration.yaml": "The configuration, every default written out",
    "versions.json": "Versions of the software that made each result",
    "stores.json": "Seal, inputs and settings of each result",
    "manifest.json": "Digest of every file; checked by eelsunmix verify",
    "methods.md": "Text for the Methods section",
    "references.bib": "Papers to cite",
    "README.txt": "Warnings, and what lies here",
}
_TYPES = {
    ".tif": "image/tiff",
    ".csv": "text/csv",
    ".json": "application/json",
    ".bib": "application/x-bibtex",
}
_TYPES |= {".nxs": "application/x-hdf5", ".hspy": "application/x-hdf5", ".yaml": "application/yaml"}
_TYPES |= {".md": "text/markdown"}


def crate_text(package: Package, names: Iterable[str]) -> str:
    """Return ``ro-crate-metadata.json``.

    Parameters
    ----------
    package : Package
    names : iterable of str
        Of all files beside it.
    """
    from rocrate.model import ContextEntity, DataEntity
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version=VERSION)
    root, about = crate.root_dataset, package.about
    root["name"] = f"{package.sample.name}: unmixing of an electron energy-loss spectrum image"
    root["description"] = (
        "Maps, spectra and profiles of a spectrum image, how they were made, and what they warn of"
    )
    root["license"] = "To be chosen by the authors of the data"
    root["keywords"] = "EELS, spectrum image, hyperspectral unmixing, background subtraction"
    software = crate.add(ContextEntity(crate, "#eelsunmix", properties=_software(about)))
    source = crate.add(ContextEntity(crate, "#source", properties=_source(about["source"])))
    files = [
        crate.add(DataEntity(crate, name, properties=_file(package, name)))
        for name in [*names, "manifest.json"]
    ]
    action = {"@type": "CreateAction", "name": "Analysis of the spectrum image"}
    made = crate.add(ContextEntity(crate, "#analysis", properties=action))
    made["instrument"], made["object"], made["result"] = software, source, files
    root["mentions"] = made
    return json.dumps(crate.metadata.generate(), indent=1, ensure_ascii=False)


def _software(about: Any) -> dict[str, Any]:
    version = str(about["software"].get("eelsunmix", ""))
    return {
        "@type": "SoftwareApplication",
        "name": "eelsunmix",
        "version": version,
        "softwareVersion": version,
    }


def _source(source: dict[str, Any]) -> dict[str, Any]:
    found = {"@type": "CreativeWork", "name": str(source.get("file") or source.get("scene") or "unknown")}
    if "sha256" in source:
        found["identifier"] = f"sha256:{source['sha256']}"
    return found


def _file(package: Package, name: str) -> dict[str, Any]:
    path = PurePosixPath(name)
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    found: dict[str, Any] = {"@type": "File", "name": path.name, "encodingFormat": kind}
    if said := DESCRIPTIONS.get(name):
        found["description"] = said
    return found
