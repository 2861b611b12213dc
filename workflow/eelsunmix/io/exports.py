"""Our own exports among the files of other programs: they are no images."""

from pathlib import Path
from typing import Any

from eelsunmix.errors import InputError
from eelsunmix.io.rosettasciio import follow


def refuse_exports(entry: dict[str, Any], path: Path) -> None:
    """Raise InputError if a signal was exported by us: spectra of components would be an image of few pixels.

    Parameters
    ----------
    entry : dict
        What RosettaSciIO reads of the signal.
    path : Path
        Its file.
    """
    is_hyperspy = "eelsunmix" in (entry.get("metadata") or {})
    if is_hyperspy or follow(entry.get("original_metadata"), "process.program") == "eelsunmix":
        source = "name the file that it was made from"
        raise InputError(f"{path}: is an export of eelsunmix, not a file of a microscope; {source}")
