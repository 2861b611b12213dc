"""Compiled code kept on disk with its digest: what was damaged there is compiled anew and never run.

Numba trusts its files. A cut one breaks every later run, and a flipped bit is code that does something else.
"""

import hashlib
import pickle
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile

_SIZE = 32


def kept_on_disk(dispatcher: Any) -> Any:
    """Let a function that numba compiles keep its code on disk, where a place can be found.

    Parameters
    ----------
    dispatcher : numba dispatcher
        Result of ``njit(function)``, not called yet.
    """
    try:
        cache = FunctionCache(dispatcher.py_func)
    except RuntimeError:  # no place can be written
        return dispatcher
    given = cache._cache_file
    cache._cache_file = _CheckedFile(
        given._cache_path, given._index_name.removesuffix(".nbi"), given._source_stamp
    )
    dispatcher._cache = cache
    return dispatcher


class _CheckedFile(IndexDataCacheFile):
    """Numba's files of one function, each with the digest of its content at the end."""

    def _load_index(self) -> dict[Any, str]:
        try:
            version, stamp, overloads = self._checked(self._index_path)
        except OSError:
            return {}
        return overloads if (version, stamp) == (self._version, self._source_stamp) else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        self._save(self._index_path, (self._version, self._source_stamp, overloads))

    def _load_data(self, name: str) -> Any:
        return self._checked(self._data_path(name))

    def _save_data(self, name: str, data: Any) -> None:
        self._save(self._data_path(name), data)

    def _save(self, path: str, data: Any) -> None:
        content = self._dump(data)
        with self._open_for_write(path) as file:
            file.write(content + _digest(content))

    def _checked(self, path: str) -> Any:
        """Read a file; raise OSError, as for an absent one, where it is not as it was written."""
        content = Path(path).read_bytes()
        content, digest = content[:-_SIZE], content[-_SIZE:]
        if _digest(content) != digest:
            raise OSError(f"{path}: damaged")
        return pickle.loads(content)  # noqa: S301 - numba's own format, in the folder of our own code


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_SIZE).digest()
