"""What an exception says: that a method failed, that the machine gave too little, or that we are mistaken."""

import errno
import logging
import re
import traceback
from collections.abc import Iterator

from eelsunmix.errors import InputError, MethodFailedError

MORE_MEMORY = "give the job more (mem_mb), or fewer threads, or take a smaller image (corrections.bin)"
FAILURES = (ArithmeticError, ValueError, RuntimeError)
"""So libraries say that they cannot compute with these numbers; so they say some other things, too."""

_SHORTAGES = (
    (
        set[int](),
        r"cuda[^\n]*out of memory|CUBLAS_STATUS_ALLOC_FAILED",
        "the memory of the graphics card is used up; wait until it is free, or set device: cpu",
    ),
    (
        {errno.EAGAIN},
        r"can't start new thread|pthread_create failed|resource temporarily unavailable",
        "no further thread or process can be started; give the job fewer threads, or raise the limits of "
        "processes (ulimit -u) and of memory (ulimit -v)",
    ),
    (
        {errno.EMFILE, errno.ENFILE},
        r"too many open files",
        "too many files are open at a time; raise the limit (ulimit -n 4096), or give the job fewer threads",
    ),
    (
        {errno.ENOMEM},
        r"can(?:'|no)t allocate memory(?! in static TLS)|(?:out of|not enough) memory|unable to allocate"
        r"|bad_alloc|MemoryError|failed to map segment",
        f"the memory is used up; {MORE_MEMORY}",
    ),
)
"""Numbers of the system, words of libraries, and the line for each."""
_SEE_LOG = "see the log of the fit, look for extreme pixels, move the store aside to fit again"

logger = logging.getLogger(__name__)


def shortage(error: BaseException) -> str | None:
    """Say in one line of what the machine gave too little: memory, threads or open files.

    Parameters
    ----------
    error : exception
        Of Python, NumPy, Zarr or PyTorch. What it was raised from, or while handling, counts too.

    Returns
    -------
    str or None
        None if it says something else; so do lines for the user, whatever words are in them.

    Examples
    --------
    >>> shortage(RuntimeError("can't start new thread")).partition(";")[0]
    'no further thread or process can be started'
    >>> shortage(ValueError("the matrix is singular")) is None
    True
    """
    lines = (_line(one) for one in _chain(error))
    return next((line for line in lines if line), None)


def for_command(line: str) -> str:
    """Advise what helps a command, or Snakemake, which are no jobs that could be given more.

    Examples
    --------
    >>> for_command(shortage(MemoryError()))
    'the memory is used up; free some, or raise its limit (ulimit -v)'
    """
    return line.replace(MORE_MEMORY, "free some, or raise its limit (ulimit -v)")


def reason_of_failure(error: Exception) -> str:
    """Say why a method gave no result; raise an error again that says nothing of the method.

    A failure is kept in a store, and costs nobody else. A mistake of the user, a machine that gives too
    little, and a compiler that finds no file are none: the job has failed, and is to be run again.

    Parameters
    ----------
    error : exception
        One of `FAILURES`, inside of ``except``. That of a library goes to the log, where it happened.
    """
    if shortage(error) or isinstance(error, InputError) or _is_of_compiler(error):
        raise error
    if isinstance(error, MethodFailedError):
        return str(error)
    logger.error("the fit failed", exc_info=error)
    return f"{type(error).__name__}: {str(error).rstrip(' .')}; {_SEE_LOG}"


def _line(error: BaseException) -> str | None:
    if isinstance(error, InputError):
        return None
    if isinstance(error, MemoryError):
        return _SHORTAGES[-1][-1]
    number = error.errno if isinstance(error, OSError) else None
    text = str(error) if isinstance(error, OSError | RuntimeError | ImportError) else ""
    for numbers, words, line in _SHORTAGES:
        if number in numbers or re.search(words, text, re.IGNORECASE):
            return line
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _is_of_compiler(error: Exception) -> bool:
    """Whether an error comes from numba's compiler or its files, which says nothing of the data."""
    frames = (frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(name.partition(".")[0] in ("numba", "llvmlite") for name in frames)
