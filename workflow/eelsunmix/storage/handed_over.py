"""What a disk is given, so that it can be compared with what the disk gives back.

A disk, or a network file system, may report a write as whole and keep half of it, or other bytes.  Reading
back what was written and sealing that would make the lie official.  So the digest of every value is taken
before it is handed over.
"""

import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from zarr.core.buffer import Buffer
from zarr.storage import LocalStore

from eelsunmix.errors import StoreError
from eelsunmix.storage.digests import DIGEST, digest_of_bytes
from eelsunmix.storage.drafts import flush

_RECORDS = ".handed-over-"


class RecordingStore(LocalStore):
    """A folder for Zarr that records the digest of every value before it goes to the disk.

    The records lie in the folder itself, in a file of each process: workers of a cluster write too.
    """

    async def set(self, key: str, value: Buffer) -> None:
        """Record a value and write it."""
        self._record(key, value)
        await super().set(key, value)

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        """Record a value and write it, unless there is one."""
        if not await self.exists(key):
            await self.set(key, value)

    def set_sync(self, key: str, value: Buffer) -> None:
        """Record a value and write it."""
        self._record(key, value)
        super().set_sync(key, value)

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """List a folder without the records, which are nothing of Zarr's."""
        async for name in super().list_dir(prefix):
            if not name.startswith(_RECORDS):
                yield name

    def _record(self, key: str, value: Buffer) -> None:
        line = f"{json.dumps([key, digest_of_bytes(value.as_buffer_like())])}\n".encode()
        place = self.root / f"{_RECORDS}{socket.gethostname()}-{os.getpid()}"
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(descriptor, line)  # whole lines, though threads write at the same time
        finally:
            os.close(descriptor)


def take_records(folder: Path) -> dict[str, set[str]]:
    """Read the records of a folder and remove them.

    Returns
    -------
    dict
        Path of each file -> digests that it may have: of what each process has handed over last.
    """
    records: dict[str, set[str]] = {}
    for file in sorted(folder.glob(f"{_RECORDS}*")):
        last = dict(filter(None, map(_parsed, file.read_bytes().split(b"\n"))))
        for key, digest in last.items():
            records.setdefault(key, set()).add(digest)
        file.unlink()
    return records


def _parsed(line: bytes) -> tuple[str, str] | None:
    """Read a record; None from what a worker that was killed, or the disk, has left of one."""
    try:
        key, digest = json.loads(line)
    except (ValueError, TypeError):
        return None
    return str(key), str(digest)


def check_given_back(
    path: Path, records: Mapping[str, set[str]], files: Mapping[str, Mapping[str, Any]]
) -> None:
    """Raise StoreError if the files of a store are not those that were handed over.

    Parameters
    ----------
    path : Path
        The store, for the message.
    records : mapping
        See `take_records`.
    files : mapping
        Path of each file -> what was read back, as in a manifest.
    """
    for name in sorted(records.keys() | files.keys()):
        if files.get(name, {}).get(DIGEST) not in records.get(name, set()):
            raise _lie(path, name)


def write_and_compare(file: Path, content: bytes, path: Path) -> None:
    """Write a file, flush it to disk, and read it back.

    Raises
    ------
    StoreError
        If it is not the same; the message speaks of `path`.
    """
    with file.open("wb") as opened:
        opened.write(content)
    flush(file)
    if file.read_bytes() != content:
        raise _lie(path, file.name)


def _lie(path: Path, name: str) -> StoreError:
    return StoreError(
        f"{path}: the disk gave back other bytes of {name} than were written; "
        "check the disk, or write to another one"
    )
