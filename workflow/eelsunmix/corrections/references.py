"""Dark and gain references: from any file to one finite value per channel of the image."""

import tokenize
from pathlib import Path
from typing import Any

import numpy as np

from eelsunmix.errors import InputError

_NO_ARRAY = (ValueError, EOFError, OSError, SyntaxError, tokenize.TokenError, RecursionError, TypeError)
"""What numpy says of a file that is no array."""


def read_reference(
    path: str | Path,
    n_channels: int,
    offset_channels: int | None = None,
    *,
    key: str,
    positive_except: np.ndarray | None = None,
) -> np.ndarray:
    """Read a reference spectrum.

    Parameters
    ----------
    path : str or Path
        npy, csv, txt, zarr, msa or a vendor's file: a spectrum (channel,) or a camera image (rows, channel),
        whose rows are summed. A table of two columns holds energy and value.
    n_channels : int
        Channels of the image.
    offset_channels : int, optional
        First channel of the reference to use; without it the lengths must agree.
    key : str
        Configuration key, for messages.
    positive_except : ndarray of bool, shape (channel,), optional
        Every value must be positive but in these channels, where it is replaced by 1.

    Returns
    -------
    ndarray, shape (channel,)
        float64.

    Raises
    ------
    InputError
        The file is missing, unreadable, of the wrong length, or holds values that cannot be used.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{key}: {path} does not exist: check the path")
    _check_plain(path, key)
    values = np.asarray(_READERS.get(path.suffix.lower(), _read_vendor)(path, key), float)
    values = values.reshape(-1, values.shape[-1]).sum(axis=0) if values.ndim else values.reshape(1)
    values = _registered(values, n_channels, offset_channels, f"{key}: {path}")
    return _checked(values, positive_except, f"{key}: {path}")


def _check_plain(path: Path, key: str) -> None:
    """Refuse what reading might never end of, and what would have other files read with it."""
    from eelsunmix.io.files import check_folder

    if path.is_dir():
        try:
            check_folder(path)
        except InputError as error:
            raise InputError(f"{key}: {error}") from error
    elif not path.is_file():
        raise InputError(f"{key}: {path} is no plain file, and reading from it might never end: name a file")


def _registered(values: np.ndarray, n_channels: int, offset: int | None, where: str) -> np.ndarray:
    if offset is None and values.size != n_channels:
        hint = "set corrections.gain.offset_channels" if values.size > n_channels else "give a longer one"
        raise InputError(f"{where} has {values.size} channels, the image has {n_channels}: {hint}")
    first = offset or 0
    if first + n_channels > values.size:
        raise InputError(
            f"{where} has {values.size} channels, but {n_channels} from channel {first} on are needed: "
            "change corrections.gain.offset_channels"
        )
    return values[first : first + n_channels]


def _checked(values: np.ndarray, positive_except: np.ndarray | None, where: str) -> np.ndarray:
    wrong = ~np.isfinite(values)
    needed = "a finite number"
    if positive_except is not None:
        values = np.where(positive_except, 1.0, values)
        wrong = ~(np.isfinite(values) & (values > 0))
        needed = "a finite number above 0 (or list the channel in corrections.bad_channels.channels)"
    if wrong.any():
        channel = int(np.flatnonzero(wrong)[0])
        raise InputError(f"{where} holds {values[channel]} in channel {channel}: {needed} is needed")
    return values


def _read_npy(path: Path, key: str) -> np.ndarray:
    try:  # mapped, because an array in memory would be as large as the header says
        return np.array(np.load(path, allow_pickle=False, mmap_mode="r"))
    except _NO_ARRAY as error:
        raise InputError(f"{key}: {path} is not a numpy array: {_line(error)}") from error


def _read_table(path: Path, key: str) -> np.ndarray:
    try:
        lines = path.read_text(encoding="utf-8").replace(",", " ").replace(";", " ").splitlines()
        rows = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        table = np.array([[float(cell) for cell in row] for row in rows[_has_header(rows) :]])
    except ValueError as error:
        raise InputError(f"{key}: {path} is not a table of numbers: {_line(error)}") from error
    if table.size == 0:
        raise InputError(f"{key}: {path} holds no numbers: give one value per channel")
    return table[:, -1] if table.shape[1] <= 2 else table


def _has_header(rows: list[list[str]]) -> int:
    """Lines to skip: one where the first line holds anything but numbers."""
    try:
        [float(cell) for cell in rows[0]]
    except ValueError:
        return 1
    except IndexError:
        return 0
    return 0


def _read_zarr(path: Path, key: str) -> np.ndarray:
    import zarr

    try:
        node = zarr.open(str(path), mode="r")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{key}: {path} is not a Zarr store: {_line(error)}") from error
    if isinstance(node, zarr.Array):
        return _whole(node, path, key)
    arrays = dict(node.arrays())
    name = "counts" if "counts" in arrays else "gain" if "gain" in arrays else next(iter(arrays), None)
    if name is None or (name not in ("counts", "gain") and len(arrays) > 1):
        raise InputError(
            f"{key}: {path} holds the arrays {sorted(arrays)}: it needs one, or one named counts or gain"
        )
    return _whole(arrays[name], path, key)


def _whole(array: Any, path: Path, key: str) -> np.ndarray:
    from eelsunmix.io.formats.zarr_stores import absent_files

    if absent := absent_files(array):
        raise InputError(
            f"{key}: {path}: {absent} are not in the Zarr store, where {array.fill_value} would be read; "
            "compare it with the original, or save it as .npy"
        )
    return np.asarray(array[...])


def _read_vendor(path: Path, key: str) -> np.ndarray:
    from eelsunmix.io import open_image

    image = open_image(str(path))
    return np.asarray(image.sum(image.dims[:-1], dtype=float))


def _line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


_READERS = {".npy": _read_npy, ".csv": _read_table, ".txt": _read_table, ".zarr": _read_zarr}
