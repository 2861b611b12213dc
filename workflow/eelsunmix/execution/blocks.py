"""How work is cut into blocks of whole spectra and how those blocks are run: the only place that decides.

Every stage is either a *fold* (one pass over the image that ends in a small result) or a *map* (a function
of each block whose results are laid side by side).  Both take a kernel that sees one loaded, labelled block
and knows nothing of Dask; who runs the blocks (threads of this process, a local cluster, a SLURM cluster, a
running scheduler) is settled by `execution` alone and never changes a result.
"""

import ctypes
import functools
import logging
import math
import os
import subprocess
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import dask
import numpy as np
import xarray as xr
from dask.graph_manipulation import clone
from threadpoolctl import threadpool_limits

from eelsunmix.errors import InputError

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

BLOCK_ELEMENTS = 2**23
"""Elements in a block: 16 MB of uint16 counts, 64 MB in float64. Also the size of a shard on disk."""


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Who runs the blocks.

    Parameters
    ----------
    mode : {"threads", "processes", "slurm", "address"}
        Threads of the job itself; a local cluster of worker processes; workers submitted to SLURM;
        a Dask scheduler that runs already.
    workers : int, optional
        Number of worker processes or SLURM jobs; the rule's threads where it is not given.
    address : str, optional
        Address of the running scheduler, for mode "address".
    slurm : dict
        Keyword arguments of ``dask_jobqueue.SLURMCluster``, for mode "slurm".
    """

    mode: Literal["threads", "processes", "slurm", "address"] = "threads"
    workers: int | None = None
    address: str | None = None
    slurm: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.mode not in ("threads", "processes", "slurm", "address"):
            raise ValueError(f"mode must be threads, processes, slurm or address, not {self.mode!r}")
        if self.mode == "address" and not self.address:
            raise ValueError("mode 'address' needs the key 'address', for example tcp://127.0.0.1:8786")
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"workers must be at least 1, not {self.workers}")


@contextmanager
def execution(options: Execution | None = None, *, threads: int = 1) -> Iterator[None]:
    """Run the blocks of everything computed inside this context as `options` say.

    Parameters
    ----------
    options : Execution, optional
        Threads of this process by default.
    threads : int
        Blocks in flight at a time. BLAS is held to one thread, so that this is also the number of busy cores.
    """
    options = options or Execution()
    _return_freed_blocks()
    with threadpool_limits(limits=1):
        if options.mode == "threads":
            with dask.config.set(scheduler="threads", num_workers=threads):
                yield
        else:
            with _distributed_client(options, threads):
                yield


def _return_freed_blocks() -> None:
    """Let the C library give the memory of every freed block back at once, where it is glibc.

    Its threshold for doing so grows with use, up to 32 MB, just above our blocks: a fold then peaks at twice
    the memory that it holds.
    """
    mmap_threshold = -3
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(mmap_threshold, 2**20)


def block_shape(shape: Sequence[int], elements: int | None = None) -> tuple[int, ...]:
    """Shape of one block of an image: whole spectra, whole rows as long as they fit.

    Parameters
    ----------
    shape : sequence of int
        Shape of the image, spectral axis last.
    elements : int, optional
        Upper limit of elements in a block (`BLOCK_ELEMENTS` by default); one spectrum may exceed it.

    Examples
    --------
    >>> block_shape((376, 372, 900))
    (25, 372, 900)
    >>> block_shape((5, 7, 40))
    (5, 7, 40)
    """
    budget = BLOCK_ELEMENTS if elements is None else elements
    block = [shape[-1]]
    for size in reversed(shape[:-1]):
        block.insert(0, max(1, min(size, budget // max(1, math.prod(block)))))
    return tuple(block)


def chunked(image: xr.DataArray, elements: int | None = None) -> xr.DataArray:
    """Return `image` as a lazy array whose chunks are blocks; an image of a single block stays as it is."""
    shape = block_shape(image.shape, elements)
    if shape == image.shape and image.chunks is None:
        return image
    return image.chunk(dict(zip(image.dims, shape, strict=True)))


def unshared(image: xr.DataArray) -> xr.DataArray:
    """Return a lazy image that shares no loaded block with any other result.

    Two maps of one image that are computed together would each keep the blocks that the other still needs.
    """
    return image if image.chunks is None else clone(image)


def split(image: xr.DataArray, elements: int | None = None) -> list[xr.DataArray]:
    """Cut an image into its blocks, in reading order; lazy pieces of a lazy image."""
    shape = block_shape(image.shape, elements)
    starts = [range(0, size, step) for size, step in zip(image.shape, shape, strict=True)]
    corners = np.stack(np.meshgrid(*starts, indexing="ij"), axis=-1).reshape(-1, image.ndim)
    return [
        image[tuple(slice(first, first + step) for first, step in zip(corner, shape, strict=True))]
        for corner in corners.tolist()
    ]


def fold(
    kernel: Callable[[xr.DataArray], Result],
    image: xr.DataArray,
    combine: Callable[[Result, Result], Result],
    *,
    elements: int | None = None,
) -> Result:
    """Apply a kernel to every block of an image and combine the results in reading order.

    The order of combination does not depend on threads or workers, so neither does the result.

    Parameters
    ----------
    kernel : callable
        Function of one loaded block (`DataArray` with the image's dims and coordinates).
    image : DataArray, shape (..., channel)
        Eager or lazy.
    combine : callable
        Function of two results; must not modify them.
    elements : int, optional
        Upper limit of elements in a block.

    Examples
    --------
    >>> image = xr.DataArray(np.ones((5, 7, 40)), dims=("y", "x", "energy_loss"))
    >>> fold(lambda block: float(block.sum()), image, lambda a, b: a + b, elements=100)
    1400.0
    """
    pieces = split(image, elements)
    if image.chunks is None:
        return functools.reduce(combine, map(kernel, pieces))
    run, join = dask.delayed(kernel, pure=False), dask.delayed(combine, pure=False)
    total = functools.reduce(join, [run(piece) for piece in pieces])
    return total.compute()


def map_blocks(
    kernel: Callable[[xr.DataArray], xr.Dataset],
    image: xr.DataArray,
    template: xr.Dataset,
    *,
    elements: int | None = None,
) -> xr.Dataset:
    """Apply a kernel to every block of an image and lay the results side by side.

    Parameters
    ----------
    kernel : callable
        Function of one loaded block that returns a dataset.
    image : DataArray, shape (..., channel)
        Eager (the result is eager too) or lazy (so is the result).
    template : Dataset
        Names, dims, dtypes, coordinates and attributes of the result, as made by `template_like`.
    elements : int, optional
        Upper limit of elements in a block.

    Returns
    -------
    Dataset
        Like `template`.
    """
    if image.chunks is None:
        image = chunked(image, elements)
        if image.chunks is None:
            return kernel(image).assign_attrs(template.attrs)
        return map_blocks(kernel, image, template, elements=elements).compute()
    image = chunked(image, elements)
    sizes: dict[Hashable, Any] = dict(zip(image.dims, image.chunks or (), strict=True))
    chunks = {dim: sizes.get(dim, -1) for dim in template.dims}
    return xr.map_blocks(kernel, image, template=template.chunk(chunks))


def template_like(
    image: xr.DataArray,
    variables: dict[str, tuple[Sequence[Hashable], Any]],
    coords: dict[str, Any] | None = None,
) -> xr.Dataset:
    """Describe the result of `map_blocks` without computing it.

    Parameters
    ----------
    image : DataArray
        The image that will be mapped; gives sizes and coordinates of the dims that it shares with the result.
    variables : dict
        Name -> (dims, dtype) of each variable.
    coords : dict, optional
        Coordinates of dims that the image does not have, for example ``{"edge": ["Ti_L23", "O_K"]}``.

    Examples
    --------
    >>> image = xr.DataArray(np.ones((2, 3, 4)), dims=("y", "x", "energy_loss"))
    >>> template_like(image, {"abundance": (("y", "x", "endmember"), "f4")}, {"endmember": [0, 1]}).sizes["x"]
    3
    """
    import dask.array as da

    new = xr.Dataset(coords=coords)
    sizes = {**image.sizes, **new.sizes}
    data = {
        name: (tuple(dims), da.zeros([sizes[dim] for dim in dims], dtype=dtype, chunks=-1))
        for name, (dims, dtype) in variables.items()
    }
    used = {dim for dims, _ in variables.values() for dim in dims}
    kept = {name: coord for name, coord in image.coords.items() if set(coord.dims) <= used}
    return xr.Dataset(data, coords={**kept, **new.coords})


@contextmanager
def _distributed_client(options: Execution, threads: int) -> Iterator[None]:
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise InputError(f"dask mode {options.mode!r} needs: pip install 'eelsunmix[cluster]'") from error
    try:
        if options.mode == "address":
            with _client_at(str(options.address)):
                yield
        else:
            with (
                _one_thread_each(),
                _cluster(options, options.workers or threads) as cluster,
                Client(cluster),
            ):
                yield
    except KilledWorker as error:
        raise InputError(
            "dask: a worker died again and again, probably for want of memory; take fewer workers, or give "
            "each more memory"
        ) from error


@contextmanager
def _client_at(address: str) -> Iterator[None]:
    from distributed import Client

    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise InputError(f"dask.address: no Dask scheduler answers at {address}") from error
    with client:
        yield


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Hold the libraries of workers, which inherit our environment, to one thread."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _cluster(options: Execution, workers: int) -> Any:
    """Start a cluster; by default Dask's dashboards listen on all interfaces, here on this machine only."""
    local = "127.0.0.1:0"
    if options.mode == "processes":
        return _local_cluster(workers, {"host": "127.0.0.1", "dashboard_address": local})
    return _slurm_cluster(
        workers, {"scheduler_options": {"dashboard_address": local}, **(options.slurm or {})}
    )


def _slurm_cluster(workers: int, slurm: dict[str, Any]) -> Any:
    from dask_jobqueue import SLURMCluster

    try:
        cluster = SLURMCluster(**slurm)
    except (TypeError, ValueError) as error:
        raise InputError(f"dask.slurm: {error}") from error
    try:
        _check_submission(cluster.job_script())
    except InputError:
        cluster.close()
        raise
    cluster.scale(jobs=workers)
    logger.info("dask: %d jobs submitted to SLURM; the blocks wait for the first that runs", workers)
    return cluster


def _check_submission(script: str) -> None:
    """Ask SLURM whether it would take the job of a worker: nobody hears of one that it refuses later."""
    command = ["sbatch", "--test-only"]
    try:
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError as error:
        raise InputError(f"dask.mode slurm: sbatch cannot be run here ({error.strerror})") from error
    if done.returncode:
        raise InputError(f"dask.slurm: {' '.join(done.stderr.split())}")


def _local_cluster(workers: int, address: dict[str, str]) -> Any:
    """Start worker processes whose scheduler lives in this one, so that nothing outlives a killed job.

    Not LocalCluster: its workers run the main script again, and a job's script has no guard for it.
    """
    from distributed import Scheduler, SpecCluster
    from distributed.deploy.subprocess import SubprocessWorker

    kwargs = {**address, "nthreads": 1, "death_timeout": "60s", "silence_logs": logging.WARNING}
    worker = {"cls": SubprocessWorker, "options": {"worker_kwargs": kwargs}}
    return SpecCluster(
        workers=dict.fromkeys(range(workers), worker),
        scheduler={"cls": Scheduler, "options": address},
        silence_logs=logging.WARNING,
    )
