"""Where Snakemake and numba keep their caches: at home, or beside the run where that cannot be written."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from eelsunmix.errors import unwritable

_BESIDE = Path(".snakemake/cache")


def environment() -> dict[str, str]:
    """Return the environment of a run; its caches lie in the working folder if need be.

    On nodes of clusters, in containers and under accounts of services there may be no home, a full one, or
    one that may only be read; Snakemake keeps copies of the workflow there, and ends with a traceback.

    Raises
    ------
    InputError
        If the working folder cannot be written either.
    """
    with suppress(OSError, RuntimeError):  # the latter: nobody knows where home is
        _try_to_write(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
        return dict(os.environ)
    try:
        _try_to_write(str(_BESIDE))
    except OSError as error:
        raise unwritable(Path.cwd(), error) from error
    return {**os.environ, "XDG_CACHE_HOME": str(_BESIDE.absolute())}


def _try_to_write(folder: str) -> None:
    path = Path(folder).expanduser()
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path) as file:
        file.write(b"0")
        file.flush()
