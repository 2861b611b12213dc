"""The environment of a run: caches at home or, if that cannot be written, beside it; TMPDIR; imports."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from eelsunmix.errors import unwritable

_BESIDE = Path(".snakemake/cache")
_NO_FOREIGN_MODULES = {"PYTHONSAFEPATH": "1"}
"""``python -m snakemake``, a run and each job, else imports `re.py` or `numpy.py` of the working folder."""


def environment() -> dict[str, str]:
    """Return the environment of a run; caches lie in the working folder, and TMPDIR elsewhere, if need be.

    No file of the working folder is imported in it.

    On nodes of clusters, in containers and under accounts of services there may be no home, a full one, or
    one that may only be read; Snakemake keeps copies of the workflow there, and ends with a traceback.

    Raises
    ------
    InputError
        If the working folder cannot be written either.
    """
    with suppress(OSError, RuntimeError):  # the latter: nobody knows where home is
        _try_to_write(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
        return os.environ | _NO_FOREIGN_MODULES | _temporary()
    try:
        _try_to_write(str(_BESIDE))
    except OSError as error:
        raise unwritable(Path.cwd(), error) from error
    return os.environ | _NO_FOREIGN_MODULES | _temporary() | {"XDG_CACHE_HOME": str(_BESIDE.absolute())}


def _temporary() -> dict[str, str]:
    """Python passes over a TMPDIR that is full; the solver of Snakemake would end the run there."""
    asked = os.environ.get("TMPDIR")
    return {"TMPDIR": tempfile.gettempdir()} if asked and asked != tempfile.gettempdir() else {}


def _try_to_write(folder: str) -> None:
    path = Path(folder).expanduser()
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path) as file:
        file.write(b"0")
        file.flush()
