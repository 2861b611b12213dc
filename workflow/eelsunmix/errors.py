"""The exceptions that a user can cause; each message is one line that says where and what to do."""

import errno
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

LONGEST_LIST = 20
"""Names that a message lists at most."""

REMEDIES = {
    errno.ENOSPC: ("the disk is full", "free some space and run again"),
    errno.EDQUOT: ("the quota is used up", "free some space and run again"),
    errno.EFBIG: ("the file is larger than files may be here", "write to another disk or lift the limit"),
    errno.EACCES: ("no permission", "check the folder or write to another one"),
    errno.EPERM: ("no permission", "check the folder or write to another one"),
    errno.EROFS: ("the file system is read-only", "write to another folder"),
    errno.ENOTDIR: ("a file stands where a folder is needed", "move it away"),
    errno.EEXIST: ("a file stands where a folder is needed", "move it away"),
    errno.EIO: ("the disk reports an error", "check it"),
    errno.ESTALE: ("the network file system has lost the folder", "run again"),
}
"""Number of an error of files or folders -> what it means, and what helps."""


class InputError(ValueError):
    """A mistake in the user's file, configuration or argument.

    The message is a single line that names the file, key or pixel, what was found, and what to do.
    The workflow prints it without a traceback.
    """


class StoreError(InputError):
    """A result store is missing, incomplete or damaged; the message names the store and the chunk."""


def unwritable(path: str | Path, error: OSError) -> InputError:
    """Say in one line why a file cannot be written, and what helps: in a notebook as in a workflow.

    Examples
    --------
    >>> unwritable("fit.state", OSError(errno.ENOSPC, "No space left on device"))
    InputError('fit.state: cannot be written, the disk is full; free some space and run again')
    """
    missing_folder = ("its folder does not exist", "make the folder first")
    known = {**REMEDIES, errno.ENOENT: missing_folder, errno.EISDIR: ("it is a folder", "name a file in it")}
    meaning, remedy = known.get(error.errno or 0, (error.strerror, "check the folder"))
    return InputError(f"{path}: cannot be written, {meaning}; {remedy}")


class MethodFailedError(RuntimeError):
    """An unmixing method could not give a result on these data; the message says why.

    The workflow records it as the method's status and goes on with the other methods.
    """


def failure_record(reason: str) -> dict[str, str]:
    """Return the attributes by which a store says that a method gave no result, and why."""
    return {"status": "failed", "message": " ".join(reason.split()), "model": ""}


def in_brief(value: object, longest: int = 60) -> str:
    r"""Show a value in one short line, whatever it is.

    Examples
    --------
    >>> in_brief("a\nb"), in_brief([10**9] * 9, longest=20)
    ("'a\\nb'", '[1000000000, 1000000...')
    """
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # a whole number with more digits than Python writes
        text = f"a {type(value).__name__}"
    return text if len(text) <= longest else f"{text[:longest]}..."


def names_in_brief(names: Sequence[str], most: int = LONGEST_LIST) -> str:
    """List so many of the names and count the others.

    Examples
    --------
    >>> names_in_brief(["b", "a"]), names_in_brief(["a", "b", "c"], most=1)
    ('b, a', 'a and 2 more')
    """
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def suggestion(word: str, candidates: Iterable[str]) -> str:
    """Say which of the candidates was probably meant, or list them.

    Examples
    --------
    >>> suggestion("onset", ["onset_eV", "fit_eV"])
    'did you mean onset_eV?'
    >>> suggestion("xyz", ["b", "a"])
    'possible: b, a'
    """
    names = list(candidates)
    lower = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    if close:
        return f"did you mean {lower[close[0]]}?"
    return f"possible: {names_in_brief(names)}" if names else "nothing can be written here"
