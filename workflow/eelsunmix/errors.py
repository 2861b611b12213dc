"""The exceptions that a user can cause; each message is one line that says where and what to do."""

import difflib
from collections.abc import Sequence


class InputError(ValueError):
    """A mistake in the user's file, configuration or argument.

    The message is a single line that names the file, key or pixel, what was found, and what to do.
    The workflow prints it without a traceback.
    """


class StoreError(InputError):
    """A result store is missing, incomplete or damaged; the message names the store and the chunk."""


class MethodFailedError(RuntimeError):
    """An unmixing method could not give a result on these data; the message says why.

    The workflow records it as the method's status and goes on with the other methods.
    """


def failure_record(reason: str) -> dict[str, str]:
    """Return the attributes by which a store says that a method gave no result, and why."""
    return {"status": "failed", "message": " ".join(reason.split()), "model": ""}


def nearest(word: str, known: Sequence[str]) -> str:
    """Suggest what may have been meant, or list the choice.

    Examples
    --------
    >>> nearest("vka", ["nmf", "vca"])
    "did you mean 'vca'?"
    """
    close = difflib.get_close_matches(str(word).lower(), known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(known)}"
