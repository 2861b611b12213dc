"""Where Snakemake and numba keep their caches: at home, or beside the run where that cannot be written."""

import os
import tempfile
from pathlib import Path

_BESIDE = Path(".snakemake/cache")


def environment() -> dict[str, str]:
    """Return the environment of a run; its caches lie in the working folder if need be.

    On nodes of clusters, in containers and under accounts of services there may be no home, a full one, or
    one that may only be read; Snakemake keeps copies of the workflow there, and ends with a traceback.
    """
    if _can_be_written(os.environ.get("XDG_CACHE_HOME") or "~/.cache"):
        return dict(os.environ)
    return {**os.environ, "XDG_CACHE_HOME": str(_BESIDE.absolute())}


def _can_be_written(folder: str) -> bool:
    try:
        path = Path(folder).expanduser()
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"0")
            file.flush()
    except (OSError, RuntimeError):  # the latter: nobody knows where home is
        return False
    return True
