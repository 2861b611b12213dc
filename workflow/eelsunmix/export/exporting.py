"""Writes the exports of a sample."""

from collections.abc import Sequence
from pathlib import Path

from eelsunmix.errors import InputError, suggestion
from eelsunmix.export.folder import check_target, export_folder
from eelsunmix.export.formats import format_names, writer
from eelsunmix.export.notes import notes
from eelsunmix.export.package import Package, package_of
from eelsunmix.export.publication import write_publication
from eelsunmix.export.sample import open_sample

FOLDER = Path("exports")
README = "0_README.txt"
"""What to read first, and so the first name of a listing."""


def export_sample(
    name: str | Path,
    formats: Sequence[str],
    *,
    to: str | Path | None = None,
    publication: bool = False,
) -> Path:
    """Write the maps, spectra and profiles of a sample for other programs.

    Parameters
    ----------
    name : str or path-like
        Name of a sample below ``results``, or the folder of its results.
    formats : sequence of str
        Of `eelsunmix.export.formats`; a folder each.
    to : path-like, optional
        Folder of the export; ``exports/NAME`` by default. An export there is replaced as a whole.
    publication : bool
        Whether the zip for a publication is written too.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If a store is damaged; if something else than an export stands at the target, or it cannot be written.
        Nothing is left behind then.
    """
    for one in formats:
        if one not in format_names():
            raise InputError(f"format {one} does not exist; {suggestion(one, format_names())}")
    if not formats and not publication:
        raise InputError(
            f"name at least one of {', '.join(f'--{one}' for one in format_names())}, --publication"
        )
    sample = open_sample(name)
    target = FOLDER / sample.name if to is None else Path(to)
    check_target(target)
    settings = {"sample": sample.name, "formats": list(formats), "publication": publication}
    with export_folder(target, stores=sample.places, settings=settings) as draft:
        package = package_of(sample)
        write_formats(package, formats, draft)
        if publication:
            write_publication(package, draft / f"{sample.name}_publication.zip")
        (draft / README).write_text(notes(package), encoding="utf-8")
    return target


def write_formats(package: Package, formats: Sequence[str], folder: Path) -> None:
    """Write some formats, a folder each, below a folder."""
    for one in formats:
        place = folder / one
        place.mkdir()
        writer(one)(package, place)
