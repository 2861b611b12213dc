"""A file for HDF5 that is closed in peace whatever the disk says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eelsunmix.execution.stopping import holding_signals_back


class HDF5Stream:
    """A file that takes everything and remembers the first error.

    Where the disk is full while HDF5 writes or closes a file, HDF5 prints pages of errors and ends the
    process by a segmentation fault. So it never hears of the error: what follows goes nowhere. Nor may a
    signal be raised in a method: HDF5 would swallow it, and end the process later.

    Parameters
    ----------
    path : Path
        Must not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("x+b", buffering=0)
        self.error: OSError | None = None

    def write(self, content: Any) -> int:
        """Write all of it, or remember why not."""
        left = memoryview(content).cast("B")
        size = len(left)
        try:
            while left and self.error is None:
                left = left[self._file.write(left) :]
        except OSError as error:
            self.error = error
        return size

    def __fspath__(self) -> str:
        """Return the path, by which RosettaSciIO looks whether the file is open already."""
        return str(self._path)

    def read(self, size: int = -1) -> bytes:
        """Read bytes; by this method h5py knows a file."""
        return self._file.read(size) or b""

    def readinto(self, buffer: Any) -> int:
        """Read what is there; zeros for what went nowhere."""
        target = memoryview(buffer).cast("B")
        found = self._file.readinto(target) or 0
        target[found:] = bytes(len(target) - found)
        return len(target)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        """Set the size, or remember why not."""
        try:
            return self._file.truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0

    def flush(self) -> None:
        """Do nothing: there is no buffer."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def hdf5_stream(path: Path) -> Iterator[HDF5Stream]:
    """Give a file for HDF5 and raise at the end what the disk has said, or a signal that came.

    Raises
    ------
    OSError
        If not all could be written.
    """
    stream = HDF5Stream(path)
    with holding_signals_back():
        try:
            yield stream
        except Exception:
            if stream.error is None:
                raise
        finally:
            stream.close()
    if stream.error is not None:
        raise stream.error
