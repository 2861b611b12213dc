"""Sealed stores: the only place that writes results.

A store is a Zarr group with a manifest of all its files.  It is written beside its place under a private
name, sealed, and renamed; so it is complete and verified, or absent, whatever is killed and whenever.
Opening one checks every byte against the manifest first.
"""

import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import xarray as xr
import zarr
import zarr.errors
from zarr.codecs import BloscCodec, Crc32cCodec

from eelsunmix.errors import StoreError
from eelsunmix.execution.blocks import BLOCK_ELEMENTS, block_shape
from eelsunmix.plain import plain_values
from eelsunmix.sources import check_unchanged, recorded
from eelsunmix.storage.checks import check_layout
from eelsunmix.storage.drafts import flush, make_durable, written_beside
from eelsunmix.storage.handed_over import RecordingStore, check_given_back, take_records, write_and_compare
from eelsunmix.storage.inputs import remember, seals_of
from eelsunmix.storage.layout import Variable
from eelsunmix.storage.manifest import MANIFEST, manifest_of, read_manifest, verify, verify_parts

CHUNK_ELEMENTS = 2**21
"""Elements in a chunk, the unit of compression: 4 MB of uint16, 8 MB of float32; a shard is a block."""


SEVERAL_LOADED = 2**18
"""Elements of a variable that is loaded where several stores are open, each with many maps."""


def publish(
    dataset: xr.Dataset,
    path: str | Path,
    *,
    inputs: Iterable[str | Path] = (),
    files: Mapping[str | Path, str] | None = None,
    settings: Mapping[str, Any] | None = None,
    kind: str | None = None,
    own: Mapping[str, Variable] | None = None,
) -> str:
    """Write a dataset as a sealed store; lazy variables are computed block by block.

    Parameters
    ----------
    dataset : Dataset
        Attributes are reduced to plain values.
    path : path-like
        A finished result is never changed. One with an equal seal, which a job of a killed run has written in
        the meantime, is kept in place of this one.
    inputs : iterable of path-like
        Stores that the dataset was made from; their seals go into the manifest.
    files : mapping, optional
        Files of the user that it was made from -> SHA-256 that they must still have at the end.
    settings : mapping, optional
        Options that made the dataset; they go into the manifest.
    kind : str, optional
        One of `eelsunmix.storage.LAYOUTS`; the dataset must be laid out like that. Anything goes without it.
    own : mapping of str to Variable, optional
        Further arrays that the dataset may hold, declared elsewhere: those of a model.

    Returns
    -------
    str
        The seal.

    Raises
    ------
    StoreError
        If the dataset is not laid out as its kind declares; nothing is written then.
        If the path exists, the disk is full or the folder cannot be written, or the disk does not give back
        what was written; if an input was made from
        another version of another input, or was exchanged while it was read. Nothing is left behind.
    InputError
        If one of the files was changed, or taken away, while it was read.
    """
    path, sources = Path(path), [Path(source) for source in inputs]
    if kind is not None:
        check_layout(dataset, kind, own, place=path)
    found = {os.path.relpath(source, path.parent): seal for source, seal in seals_of(sources).items()}
    options = plain_values(dict(settings or {}))

    def is_equal(draft: Path | None) -> bool:
        if draft is None:
            return bool(options) and _would_be(path, found, options)
        return read_manifest(path).seal == read_manifest(draft).seal

    with written_beside(path, is_equal=is_equal) as draft:
        try:
            _write_zarr(dataset, draft)
        except Exception:  # readers say anything of a file that is cut short or taken away under their hands
            check_unchanged(files or {})
            raise
        records = take_records(draft)
        # Their state first: what is written to them from here on is seen now, or by the next run.
        read = recorded(files or {})
        make_durable(draft)
        manifest = manifest_of(draft, inputs=found, settings=options, sources=read)
        check_given_back(path, records, manifest.files)
        write_and_compare(draft / MANIFEST, manifest.to_json(), path)
        flush(draft)
        seals_of(sources)  # once more: lazy variables were read from them until now
        check_unchanged(files or {})
    return manifest.seal


def open_store(path: str | Path, *, kind: str | None = None) -> xr.Dataset:
    """Verify a sealed store and open it.

    Small variables are loaded; larger ones are lazy arrays chunked in blocks.

    Parameters
    ----------
    path : path-like
    kind : str, optional
        One of `eelsunmix.storage.LAYOUTS`; what that kind always holds must be there.

    Raises
    ------
    StoreError
        If the store is missing, was not sealed, or a file of it is missing, damaged or foreign; the message
        names the file. If it is of another kind.
    """
    return _opened(Path(path), kind, BLOCK_ELEMENTS)


def read_axes(path: str | Path, variable: str) -> dict[str, xr.Variable]:
    """Read the coordinates along the dims of a variable; of a large store nothing else is read or verified.

    Returns
    -------
    dict of str to Variable
        In the order of the dims.

    Raises
    ------
    StoreError
        If the store is missing or not sealed, or these are damaged.
    """
    path, manifest = Path(path), read_manifest(path)
    verify_parts(path, manifest, ["zarr.json"])
    array = zarr.open_group(path, mode="r", use_consolidated=True)[variable]
    dims = [str(dim) for dim in array.metadata.dimension_names or ()]  # type: ignore[union-attr]
    verify_parts(path, manifest, dims)
    dataset = xr.open_zarr(path, consolidated=True, chunks=None, decode_times=False)
    return {dim: dataset[dim].variable.load() for dim in dims}


def open_stores(paths: Iterable[str | Path]) -> dict[str, xr.Dataset]:
    """Open several stores, loading only what is quite small; their names without ``.zarr`` are the keys."""
    return {Path(path).stem: _opened(Path(path), None, SEVERAL_LOADED) for path in paths}


def _opened(path: Path, kind: str | None, most: int) -> xr.Dataset:
    """Open a store, loading variables of up to so many values."""
    remember(path, verify(path))
    dataset = xr.open_zarr(path, consolidated=True, chunks=None, decode_times=False)
    if kind is not None:
        check_layout(dataset, kind, place=path, whole=False)
    loaded = {}
    for name, variable in dataset.variables.items():
        if variable.size <= most:
            loaded[name] = variable.load()
        else:
            loaded[name] = variable.chunk(dict(zip(variable.dims, block_shape(variable.shape), strict=True)))
    return dataset.assign({name: loaded[name] for name in dataset.data_vars}).assign_coords(
        {name: loaded[name] for name in dataset.coords if name not in dataset.indexes}
    )


def _would_be(path: Path, inputs: Mapping[str, str], settings: Mapping[str, Any]) -> bool:
    """Whether a store that is there was made with the same settings, of the same inputs."""
    try:
        there = read_manifest(path)
    except StoreError:
        return False
    return there.inputs == inputs and there.settings == settings


def _write_zarr(dataset: xr.Dataset, path: Path) -> None:
    dataset = dataset.drop_encoding().assign_attrs(plain_values(dataset.attrs))
    small = {name: coord.variable.compute() for name, coord in dataset.coords.items()}
    dataset = dataset.assign({name: _in_shards(array) for name, array in dataset.data_vars.items()})
    dataset = dataset.assign_coords(small)  # chunking an image chunks its coordinates, across their shards
    encoding: dict[Any, Any] = {name: _encoding(dataset[name]) for name in dataset.variables}
    with warnings.catch_warnings():
        # Consolidated metadata and fixed-length text wait for their Zarr 3 specification. Both are wanted:
        # without the first, a reader trips over the manifest and Snakemake's timestamp beside the arrays.
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        warnings.filterwarnings("ignore", category=zarr.errors.UnstableSpecificationWarning)
        # Chunks that hold nothing but zeros, too: to leave them out, Zarr compares each value of each chunk.
        dataset.to_zarr(
            RecordingStore(path),
            mode="a",
            zarr_format=3,
            consolidated=True,
            encoding=encoding,
            write_empty_chunks=True,
        )


def _in_shards(array: xr.DataArray) -> xr.DataArray:
    """Chunk a lazy array so that each shard is written by exactly one task."""
    array = array.assign_attrs(plain_values(array.attrs))
    if array.chunks is None:
        return array
    return array.chunk(dict(zip(array.dims, block_shape(array.shape), strict=True)))


def _encoding(array: xr.DataArray) -> dict[str, Any]:
    # Of floats, bits in order hardly save more than bytes in order, and take twice as long both ways.
    shuffle: Any = "shuffle" if array.dtype.kind == "f" else "bitshuffle"
    compressors = (BloscCodec(cname="lz4", clevel=5, shuffle=shuffle), Crc32cCodec())
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
