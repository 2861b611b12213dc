"""What lies in an export, in words: first where to start, what the page says of it, and warnings."""

from collections.abc import Iterator

from eelsunmix.export.describing import as_text
from eelsunmix.export.package import Package
from eelsunmix.export.quantities import FOLDERS


def notes(package: Package) -> str:
    """Return the text that lies beside the exported files."""
    software = package.about["software"].get("eelsunmix", "")
    lines = [f"{package.sample.name}: exported from the results of eelsunmix {software}.", ""]
    lines += ["WHERE TO START: each format has the same folders; nexus is one file"]
    lines += [*(f"- {folder}: {what}" for folder, what in FOLDERS.items()), ""]
    if said := package.sample.page_words.said:
        lines += ["WHAT THE PAGE SAYS", *(f"- {title}: {text}" for title, text in said), ""]
    if warnings := package.sample.warnings:
        lines += ["WARNINGS", *(f"- {text}" for text in warnings), ""]
    for folder in FOLDERS:
        if arrays := list(_arrays(package, folder)):
            lines += [f"ARRAYS IN {folder} (unit; meaning)", *arrays, ""]
    lines += ["Names of files: sample, edge, method, component, quantity; _sd is a standard deviation."]
    lines += ["Pixels without data are NaN, in tables empty.", "", "WHERE IT COMES FROM"]
    lines += [as_text({key: item for key, item in package.about.items() if key != "warnings"}), ""]
    return "\n".join(lines)


def _arrays(package: Package, folder: str) -> Iterator[str]:
    for one in package.quantities:
        if one.folder == folder:
            yield f"- {one.stem} ({one.unit or 'no unit'}): {one.meaning}"
