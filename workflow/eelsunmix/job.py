"""The frame around one job of a workflow: its log, its threads, and what a user's mistake looks like."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eelsunmix.blocks import Execution, execution
from eelsunmix.errors import InputError

logger = logging.getLogger("eelsunmix")


@contextmanager
def job(log: str | Path, *, threads: int = 1, dask: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Run the body with its log in a file, its blocks as `dask` says, and mistakes of the user as one line.

    Parameters
    ----------
    log : path-like
        File that takes everything logged or warned of, from the first line on.
    threads : int
        Blocks in flight at a time.
    dask : mapping, optional
        Fields of `eelsunmix.blocks.Execution`.

    Raises
    ------
    SystemExit
        With status 1 after an `InputError`, whose line is the end of the log. Every other exception is logged
        with its traceback and raised: it is ours, not the user's.
    """
    handler = logging.FileHandler(log, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"))
    logging.captureWarnings(True)
    for source in (logger, logging.getLogger("py.warnings")):
        source.addHandler(handler)
    logger.setLevel(logging.INFO)
    warnings.simplefilter("default")
    try:
        with execution(Execution(**(dask or {})), threads=threads):
            yield
        logger.info("done")
    except InputError as error:
        logger.error("%s", error)
        raise SystemExit(1) from None
    except Exception:
        logger.exception("this is a defect of eelsunmix, please report it with this log")
        raise
    finally:
        for source in (logger, logging.getLogger("py.warnings")):
            source.removeHandler(handler)
        logging.captureWarnings(False)
        handler.close()
