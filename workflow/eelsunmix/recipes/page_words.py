"""What the page of a sample says in short, for the terminal and beside exported files."""

from dataclasses import dataclass, field
from pathlib import Path

from eelsunmix.errors import StoreError
from eelsunmix.storage import read_record


@dataclass(frozen=True, kw_only=True)
class PageWords:
    """What a page says in short.

    Parameters
    ----------
    said : list of (str, str)
        Title and text of what to use, what not to believe and what to take care of.
    warnings : list of (str, str)
        As of `eelsunmix.stage_warnings.collect_warnings`, with what the page knows beyond the stage.
    """

    said: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)


def page_words(verdict: Path, *, comparison: str) -> PageWords:
    """Read what the page of a sample says.

    Parameters
    ----------
    verdict : Path
        ``verdict.json`` of the sample.
    comparison : str
        Seal of the comparison that it must be about.

    Returns
    -------
    PageWords
        Empty where the record is not there, not whole, or of other results: `eelsunmix verify` names it then.
    """
    try:
        content, manifest = read_record(verdict)
    except StoreError:
        return PageWords()
    if manifest.inputs.get("comparison.zarr") != comparison:
        return PageWords()
    return PageWords(
        said=[(one["title"], one["text"]) for one in content["sentences"] if one["kind"] != "next"],
        warnings=[(one["place"], one["text"]) for one in content["warnings"]],
    )
