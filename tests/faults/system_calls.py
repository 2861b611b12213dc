"""The calls by which files are written, in the hands of a test: watched, refused, lied about, or the last.

Python's own functions are replaced, for one folder and all threads of the process.  A disk is a place where
every write is handed over, so what these functions do is all that the operating system would see.
"""

import builtins
import errno
import io
import os
import signal
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from unittest import mock


class SystemCalls:
    """Let `meet` decide about each call that changes something below a folder.

    Parameters
    ----------
    folder : Path
        Calls for other places go through.
    """

    def __init__(self, folder):
        self.folder = str(folder.resolve())
        self._alone = threading.RLock()
        self._patches = ExitStack()

    def meet(self, name, paths, do, data=None):
        """Answer a call `name` for `paths`; `do` is the real one, of `data` if it writes some."""
        return do() if data is None else do(data)

    def __enter__(self):
        self._real_open = io.open
        for module in (io, builtins):
            self._patches.enter_context(mock.patch.object(module, "open", self._open))
        for name in ("mkdir", "unlink", "chmod", "open", "fsync", "ftruncate"):
            self._replace(name, 1)
        for name in ("rename", "replace", "link"):
            self._replace(name, 2)
        for name in ("write", "pwrite"):
            self._replace_write(name)
        return self

    def __exit__(self, *_):
        self._patches.close()

    def below(self, place):
        """Path of what a call is about, if that lies in the folder; None otherwise."""
        if isinstance(place, int):
            with suppress(OSError):
                place = Path(f"/proc/self/fd/{place}").readlink()
        path = os.path.abspath(os.fsdecode(place)) if not isinstance(place, int) else ""  # noqa: PTH100
        return Path(path) if path == self.folder or path.startswith(f"{self.folder}/") else None

    def _replace(self, name, n_paths):
        real = getattr(os, name)

        def call(*arguments, **options):
            paths = [self.below(place) for place in arguments[:n_paths]]
            if None in paths or set(options) & {"dir_fd", "src_dir_fd"}:
                return real(*arguments, **options)
            if name == "open" and not arguments[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return real(*arguments, **options)
            with self._alone:
                return self.meet(name, paths, lambda: real(*arguments, **options))

        self._patches.enter_context(mock.patch.object(os, name, call))

    def _replace_write(self, name):
        real = getattr(os, name)

        def call(descriptor, data, *where):
            path = self.below(descriptor)
            if path is None:
                return real(descriptor, data, *where)
            with self._alone:
                self.meet("write", [path], lambda given: real(descriptor, given, *where), bytes(data))
                return len(data)

        self._patches.enter_context(mock.patch.object(os, name, call))

    def _open(self, file, mode="r", *arguments, **options):
        path = self.below(file)
        if path is None or not set(mode) & set("wax+"):
            return self._real_open(file, mode, *arguments, **options)
        if isinstance(file, int):
            return _File(self._real_open(file, mode, *arguments, **options), path, self)
        with self._alone:
            opened = self.meet("open", [path], lambda: self._real_open(file, mode, *arguments, **options))
        return _File(opened, path, self)


class _File:
    """A file that asks before it writes and closes."""

    def __init__(self, real, path, calls):
        self._real, self._path, self._calls = real, path, calls

    def write(self, data):
        with self._calls._alone:
            self._calls.meet("write", [self._path], self._real.write, data)
        return data.nbytes if isinstance(data, memoryview) else len(data)

    def close(self):
        if not self._real.closed:
            with self._calls._alone:
                try:
                    self._calls.meet("close", [self._path], self._real.flush)
                finally:
                    self._real.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __getattr__(self, name):
        return getattr(self._real, name)


class Count(SystemCalls):
    """Count the calls and keep their names."""

    def __init__(self, folder):
        super().__init__(folder)
        self.names = []

    def meet(self, name, paths, do, data=None):
        self.names.append(name)
        return super().meet(name, paths, do, data)


class Fault(Count):
    """At the n-th call, do something else.

    Parameters
    ----------
    folder : Path
    number : int
        Which call, from 0.
    what : int or str
        The number of an error; ``"die"``; or a lie, one of `LIES`.
    """

    def __init__(self, folder, number, what):
        super().__init__(folder)
        self.number, self.what = number, what

    def meet(self, name, paths, do, data=None):
        self.names.append(name)
        if len(self.names) - 1 != self.number:
            return do() if data is None else do(data)
        if self.what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if isinstance(self.what, int):
            raise OSError(self.what, os.strerror(self.what))
        if data is None:
            return do() if name == "open" else None  # nothing is done, and success is reported
        return LIES[self.what](do, data)


def _short(do, data):
    do(data[: len(data) // 2])


def _other_bytes(do, data):
    if isinstance(data, str):
        do(data.swapcase())
        return
    changed = bytearray(data)
    changed[len(changed) // 2] ^= 4
    do(bytes(changed))


def _nothing(do, data):
    pass


def _zeros(do, data):
    do("\0" * len(data) if isinstance(data, str) else bytes(len(data)))


LIES = {"short": _short, "other bytes": _other_bytes, "nothing": _nothing, "zeros": _zeros}
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES)
