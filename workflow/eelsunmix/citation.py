"""How eelsunmix itself is cited; CITATION.cff of the repository says the same, by a test."""

from importlib.metadata import version

TITLE = "eelsunmix: unmixing of EELS spectrum images beside background subtraction"
AUTHOR = "The eelsunmix developers"
LICENCE = "GPL-3.0-or-later"


def citation() -> str:
    """Return one line for a list of references."""
    return f"{AUTHOR}, {TITLE}, version {version('eelsunmix')}, {LICENCE}."
