"""One zip for a publication: maps, page, configuration, versions, seals, RO-Crate, Methods and BibTeX."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eelsunmix.export.describing import as_text
from eelsunmix.export.formats import format_names, writer
from eelsunmix.export.notes import notes
from eelsunmix.export.package import Package
from eelsunmix.export.publication.archive import verify_archive, write_archive
from eelsunmix.export.publication.bibtex import bibliography
from eelsunmix.export.publication.configuration import configuration_text
from eelsunmix.export.publication.crate import crate_text
from eelsunmix.export.publication.methods_text import methods_text
from eelsunmix.storage import check_sources, read_manifest, verify_page

__all__ = ["verify_archive", "write_publication"]


def write_publication(package: Package, path: Path) -> None:
    """Write the zip of a sample.

    Parameters
    ----------
    package : Package
    path : Path
        In a folder that may be written; formats that lie there already are taken as they are.

    Raises
    ------
    StoreError
        If the page is missing, damaged, or made from other stores than those that are there now.
    """
    page = package.sample.page
    made = verify_page(page)
    check_sources(page, made)
    texts = {
        "README.txt": notes(package),
        "methods.md": methods_text(package),
        "references.bib": bibliography(package),
        "configuration.yaml": configuration_text(package, made.settings.get("settings", {})),
        "versions.json": as_text(dict(package.sample.versions)),
        "stores.json": as_text(_stores(package)),
    }
    contents: dict[str, bytes | Path] = {name: text.encode() for name, text in texts.items()}
    contents["page.html"] = page.read_bytes()  # once: a run may put another one there
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".publication-") as folder:
        contents |= dict(_maps(package, path.parent, Path(folder)))
        contents["ro-crate-metadata.json"] = crate_text(package, contents).encode()
        write_archive(path, contents, seals=package.sample.seals, sample=package.sample.name)


def _maps(package: Package, written: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of all formats, written now where they are not there yet."""
    for name in format_names():
        place = written / name
        if not place.is_dir():
            place = folder / name
            place.mkdir()
            writer(name)(package, place)
        files = (file for file in place.rglob("*") if file.is_file())
        yield from ((f"{name}/{file.relative_to(place).as_posix()}", file) for file in sorted(files))


def _stores(package: Package) -> dict[str, dict[str, Any]]:
    """Return the manifest of each store but for its list of files: seal, inputs, settings, versions, time."""
    found: dict[str, dict[str, Any]] = {}
    for name, path in package.sample.places.items():
        one = read_manifest(path)
        found[name] = {"seal": one.seal, "inputs": one.inputs, "settings": one.settings}
        found[name] |= {"versions": one.versions, "created": one.created}
    return found
