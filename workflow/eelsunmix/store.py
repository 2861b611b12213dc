"""Sealed stores: the only place that writes results.

A store is a Zarr group with a manifest of all its files.  It is written beside its place under a private
name, sealed, and renamed; so it is complete and verified, or absent, whatever is killed and whenever.
Opening one checks every byte against the manifest first.
"""

import errno
import hashlib
import importlib.metadata
import json
import os
import shutil
import socket
import time
import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr.errors
from zarr.codecs import BloscCodec, Crc32cCodec

from eelsunmix.blocks import BLOCK_ELEMENTS, block_shape
from eelsunmix.errors import StoreError

MANIFEST = "manifest.json"
CHUNK_ELEMENTS = 2**21
"""Elements in a chunk, the unit of compression: 4 MB of uint16, 8 MB of float32; a shard is a block."""

_FOREIGN = {MANIFEST, ".snakemake_timestamp"}
_PACKAGES = ("eelsunmix", "numpy", "scipy", "scikit-learn", "torch", "xarray", "zarr", "dask", "rosettasciio")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a sealed store consists of and where it comes from.

    Parameters
    ----------
    files : dict
        Path inside the store -> ``{"size": bytes, "blake2b": hexadecimal digest}``.
    inputs : dict
        Name of each store that was read -> its seal.
    settings : dict
        Options that made the result, plain values.
    versions : dict
        Versions of the packages that made it.
    created : str
        Time of sealing, ISO 8601, UTC.
    seal : str
        Digest of `files`, `inputs` and `settings`: equal seals mean equal results from equal sources.
    """

    files: dict[str, dict[str, Any]]
    inputs: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    created: str = ""
    seal: str = ""


def publish(
    dataset: xr.Dataset,
    path: str | Path,
    *,
    inputs: Iterable[str | Path] = (),
    settings: Mapping[str, Any] | None = None,
) -> str:
    """Write a dataset as a sealed store; lazy variables are computed block by block.

    Parameters
    ----------
    dataset : Dataset
        Attributes are reduced to plain values.
    path : path-like
        Must not exist: a finished result is never changed.
    inputs : iterable of path-like
        Stores that the dataset was made from; their seals go into the manifest.
    settings : mapping, optional
        Options that made the dataset; they go into the manifest.

    Returns
    -------
    str
        The seal.

    Raises
    ------
    StoreError
        If the path exists, the disk is full or the folder cannot be written. Nothing is left behind.
    """
    path = Path(path)
    provenance = {
        "inputs": {Path(source).name: read_manifest(source).seal for source in inputs},
        "settings": plain(dict(settings or {})),
    }
    with _written_beside(path) as draft:
        _write_zarr(dataset, draft)
        manifest = _seal(draft, **provenance)
        _write_durably(draft / MANIFEST, json.dumps(vars(manifest), indent=1, sort_keys=True).encode())
        _make_durable(draft)
    return manifest.seal


def open_store(path: str | Path) -> xr.Dataset:
    """Verify a sealed store and open it.

    Variables of at most one block are loaded; larger ones are lazy arrays chunked in blocks.

    Raises
    ------
    StoreError
        If the store is missing, was not sealed, or a file of it is missing, damaged or foreign; the message
        names the file.
    """
    path = Path(path)
    verify(path)
    dataset = xr.open_zarr(path, consolidated=True, chunks=None, decode_times=False)
    loaded = {}
    for name, variable in dataset.variables.items():
        if variable.size <= BLOCK_ELEMENTS:
            loaded[name] = variable.load()
        else:
            loaded[name] = variable.chunk(dict(zip(variable.dims, block_shape(variable.shape), strict=True)))
    return dataset.assign({name: loaded[name] for name in dataset.data_vars}).assign_coords(
        {name: loaded[name] for name in dataset.coords if name not in dataset.indexes}
    )


def open_stores(paths: Iterable[str | Path]) -> dict[str, xr.Dataset]:
    """Open several stores; their names without ``.zarr`` are the keys."""
    return {Path(path).stem: open_store(path) for path in paths}


def seals(paths: Iterable[str | Path]) -> dict[str, str]:
    """Seal of each store, by path."""
    return {str(path): read_manifest(path).seal for path in paths}


def verify(path: str | Path) -> Manifest:
    """Compare every file of a store with its manifest.

    Raises
    ------
    StoreError
        At the first difference; the message names the file.
    """
    path = Path(path)
    manifest = read_manifest(path)
    present = {name for name in _files_below(path) if name not in _FOREIGN}
    for name in sorted(manifest.files.keys() | present):
        if name not in manifest.files:
            raise StoreError(f"{path}: {name} does not belong to the store; {_REMEDY}")
        if name not in present:
            raise StoreError(f"{path}: {name} is missing; {_REMEDY}")
        size, digest = (path / name).stat().st_size, manifest.files[name]["blake2b"]
        if size != manifest.files[name]["size"] or _digest_of_file(path / name) != digest:
            raise StoreError(f"{path}: {name} is damaged (its checksum differs); {_REMEDY}")
    return manifest


def read_manifest(path: str | Path) -> Manifest:
    """Read the manifest of a sealed store, without reading its data.

    Raises
    ------
    StoreError
        If there is no store, no manifest, or the manifest does not agree with itself.
    """
    path = Path(path)
    if not path.is_dir():
        raise StoreError(f"{path}: no such store; run the workflow that makes it")
    try:
        manifest = Manifest(**json.loads((path / MANIFEST).read_bytes()))
    except FileNotFoundError as error:
        raise StoreError(
            f"{path}: was never sealed (no {MANIFEST}), so it is incomplete; {_REMEDY}"
        ) from error
    except (ValueError, TypeError) as error:
        raise StoreError(f"{path}: {MANIFEST} is damaged; {_REMEDY}") from error
    if manifest.seal != _seal_of(manifest.files, manifest.inputs, manifest.settings):
        raise StoreError(f"{path}: {MANIFEST} is damaged (its seal differs); {_REMEDY}")
    return manifest


def plain(value: Any) -> Any:
    """Reduce a value to what JSON can hold: dict, list, str, int, float, bool, None.

    Examples
    --------
    >>> plain({"window": (np.float32(0.5), 2), "mask": np.array([True])})
    {'window': [0.5, 2], 'mask': [True]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    return value


_REMEDY = "delete this folder and run the workflow again"
_MEANWHILE = "another process has written it in the meantime; its result is kept, this one dropped"
_FULL = "cannot be written, the disk is full or the quota used up; free some space and run again"
_REFUSED = "cannot be written, no permission; check the folder or give another with --directory"
_EXPLAINED = {
    errno.ENOTEMPTY: _MEANWHILE,
    errno.EEXIST: _MEANWHILE,
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _REFUSED,
    errno.EPERM: _REFUSED,
    errno.EROFS: _REFUSED,
}


@contextmanager
def _written_beside(path: Path) -> Iterator[Path]:
    """Give a private folder beside `path`; rename it to `path` at the end, or leave nothing."""
    if path.exists():
        raise StoreError(f"{path}: exists already, a finished result is never changed; delete it first")
    draft = path.parent / f".{path.name}.tmp-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        draft.mkdir()
        yield draft
        draft.rename(path)
        _fsync(path.parent)
    except OSError as error:
        if error.errno not in _EXPLAINED:  # not of the writing: an input that cannot be read, for example
            raise
        raise StoreError(f"{path}: {_EXPLAINED[error.errno]}") from error
    finally:
        _remove(draft)


def _remove(draft: Path) -> None:
    """Delete a draft, also while writes that were under way at the time of an error still land in it."""
    for _ in range(100):
        shutil.rmtree(draft, ignore_errors=True)
        if not draft.exists():
            return
        time.sleep(0.02)


def _remove_abandoned(path: Path) -> None:
    """Delete drafts of `path` whose writer was killed on this machine."""
    prefix = f".{path.name}.tmp-{socket.gethostname()}-"
    for draft in path.parent.glob(f"{prefix}*"):
        process = draft.name.removeprefix(prefix).split("-")[0]
        if process.isdigit() and not Path(f"/proc/{process}").exists():
            _remove(draft)


def _write_zarr(dataset: xr.Dataset, path: Path) -> None:
    dataset = dataset.drop_encoding().assign_attrs(plain(dataset.attrs))
    small = {name: coord.variable.compute() for name, coord in dataset.coords.items()}
    dataset = dataset.assign({name: _in_shards(array) for name, array in dataset.data_vars.items()})
    dataset = dataset.assign_coords(small)  # chunking an image chunks its coordinates, across their shards
    encoding: dict[Any, Any] = {name: _encoding(dataset[name]) for name in dataset.variables}
    with warnings.catch_warnings():
        # Consolidated metadata and fixed-length text wait for their Zarr 3 specification. Both are wanted:
        # without the first, a reader trips over the manifest and Snakemake's timestamp beside the arrays.
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        warnings.filterwarnings("ignore", category=zarr.errors.UnstableSpecificationWarning)
        dataset.to_zarr(path, mode="a", zarr_format=3, consolidated=True, encoding=encoding)


def _in_shards(array: xr.DataArray) -> xr.DataArray:
    """Chunk a lazy array so that each shard is written by exactly one task."""
    array = array.assign_attrs(plain(array.attrs))
    if array.chunks is None:
        return array
    return array.chunk(dict(zip(array.dims, block_shape(array.shape), strict=True)))


def _encoding(array: xr.DataArray) -> dict[str, Any]:
    compressors = (BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle"), Crc32cCodec())
    shard = block_shape(array.shape) if array.ndim else ()
    if array.size == 0:
        return {}
    if shard == array.shape:
        return {"chunks": array.shape, "compressors": compressors} if array.ndim else {}
    # a shard holds a whole number of chunks, so chunks are cut along the first axis that a shard divides
    chunk = list(block_shape(shard, CHUNK_ELEMENTS))
    chunk = [
        next(c for c in range(size, 0, -1) if whole % c == 0)
        for size, whole in zip(chunk, shard, strict=True)
    ]
    return {"chunks": tuple(chunk), "shards": shard, "compressors": compressors}


def _seal(path: Path, inputs: dict[str, str], settings: dict[str, Any]) -> Manifest:
    files = {
        name: {"size": (path / name).stat().st_size, "blake2b": _digest_of_file(path / name)}
        for name in _files_below(path)
    }
    return Manifest(
        files=files,
        inputs=inputs,
        settings=settings,
        versions=installed_versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        seal=_seal_of(files, inputs, settings),
    )


def installed_versions() -> dict[str, str]:
    """Versions of the packages that a result depends on; those not installed are left out."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _seal_of(files: dict[str, Any], inputs: dict[str, str], settings: dict[str, Any]) -> str:
    text = json.dumps([files, inputs, settings], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _files_below(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if not file.is_dir())


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _make_durable(path: Path) -> None:
    """Flush every file and folder of a draft to disk, so that a rename never outlives the data."""
    for entry in [*path.rglob("*"), path]:
        _fsync(entry)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
