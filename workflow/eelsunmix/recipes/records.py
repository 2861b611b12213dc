"""What a run remembers beside Snakemake's own records: lines of a plain file; losing them loses no result."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path


def remembered(path: Path) -> list[str]:
    """Return the lines of a record; none where it cannot be read."""
    with suppress(OSError), open(path, encoding="ascii", errors="replace", opener=_plain_file) as file:
        return file.read().splitlines()
    return []


def remember(path: Path, *lines: str) -> None:
    """Add lines to a record, at once; where it cannot be written, what they say is found out again."""
    with suppress(OSError), open(path, "a", encoding="ascii", opener=_plain_file) as file:
        file.write("".join(f"{line}\n" for line in lines))


def _plain_file(path: str, flags: int) -> int:
    """Open no link, which leads to somebody else's file, and nothing that might be waited for."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a plain file", path)
