"""What lies in an export, in words: first what the page says of it, and warnings."""

from eelsunmix.export.describing import as_text
from eelsunmix.export.package import Package


def notes(package: Package) -> str:
    """Return the text that lies beside the exported files."""
    software = package.about["software"].get("eelsunmix", "")
    lines = [f"{package.sample.name}: exported from the results of eelsunmix {software}.", ""]
    if said := package.sample.page_words.said:
        lines += ["WHAT THE PAGE SAYS", *(f"- {title}: {text}" for title, text in said), ""]
    if warnings := package.sample.warnings:
        lines += ["WARNINGS", *(f"- {text}" for text in warnings), ""]
    lines += ["ARRAYS (unit; meaning)"]
    lines += [f"- {one.stem} ({one.unit or 'no unit'}): {one.meaning}" for one in package.quantities]
    lines += ["", "Names of files: sample, edge, method, component, quantity; _sd is a standard deviation."]
    lines += ["Pixels without data are NaN, in tables empty.", "", "WHERE IT COMES FROM"]
    lines += [as_text({key: item for key, item in package.about.items() if key != "warnings"}), ""]
    return "\n".join(lines)
