"""What a GPU could save of the Gram matrix: seconds by the clock of each step, for counts in a store.

Run on a machine with a GPU: python benchmarks/gram_on_gpu.py [rows, 376] [repeats, 5]

ROWS x 372 x 900 uint16 counts. Reading and decompressing them, which no GPU takes away; the whole PCA as we
do it, scores included; the bare float32 product on one core and on all; on the GPU the copy of the counts,
and their conversion, weights and product. Medians of the repeats, after one that is not counted.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from threadpoolctl import threadpool_limits

import kernels
from eelsunmix.execution.clusters import execution
from eelsunmix.pca import DenoiseOptions, denoise
from eelsunmix.storage.store import open_store

PIECE = 2**16
"""Spectra on the GPU at a time: 236 MB in float32."""


def seconds(work: Callable[[], Any], repeats: int) -> float:
    """Median of the seconds that `work` takes, all of the GPU's included."""
    taken = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        work()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[1:])


def copied(spectra: np.ndarray) -> list[torch.Tensor]:
    """Bring counts to the GPU, in pieces."""
    pieces = (spectra[start : start + PIECE].view("i2") for start in range(0, len(spectra), PIECE))
    return [torch.from_numpy(piece).to("cuda") for piece in pieces]


def gram(pieces: list[torch.Tensor]) -> torch.Tensor:
    """Weighted Gram matrix of counts that lie on the GPU, summed in float64."""
    total = torch.zeros(pieces[0].shape[1], pieces[0].shape[1], dtype=torch.float64, device="cuda")
    for piece in pieces:
        counts = piece.to(torch.float32)
        counts /= counts.sum(1, keepdim=True).clamp_min(1).sqrt()
        total += (counts.T @ counts).to(torch.float64)
    return total


def product(spectra: np.ndarray, threads: int) -> None:
    """Compute the bare float32 product on so many cores."""
    with threadpool_limits(threads):
        for start in range(0, len(spectra), 8192):
            part = spectra[start : start + 8192]
            part.T @ part


def main(rows: int = 376, repeats: int = 5) -> None:
    """Print a line for each step."""
    torch.backends.cuda.matmul.allow_tf32 = False
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "corrected.zarr")
        written = kernels.WRITE.format(rows=rows, store=store)
        subprocess.run([sys.executable, "-c", written], check=True)
        counts = zarr.open_array(f"{store}/counts")

        def pca() -> None:
            with execution(threads=1):
                denoise(open_store(store)["counts"], DenoiseOptions(spatial="none"))["score"].compute()

        steps = {"read and decompressed": seconds(lambda: counts[:], repeats)}
        steps["whole PCA with scores, one thread"] = seconds(pca, repeats)
        spectra = np.asarray(counts[:]).reshape(-1, counts.shape[-1])
    wide, cores = spectra.astype("f4"), torch.get_num_threads()
    steps["bare product, one core"] = seconds(lambda: product(wide, 1), repeats)
    steps[f"bare product, {cores} cores"] = seconds(lambda: product(wide, cores), repeats)
    steps["copied to the GPU"] = seconds(lambda: copied(spectra), repeats)
    there = copied(spectra)
    steps["converted, weighted, multiplied there"] = seconds(lambda: gram(there), repeats)
    print(f"{rows} x 372 x 900 uint16, PyTorch {torch.__version__}, {torch.cuda.get_device_name(0)}")
    for name, taken in steps.items():
        print(f"{name:40} {taken:.3f} s")


if __name__ == "__main__":
    if not torch.cuda.is_available():
        sys.exit("gram_on_gpu.py: torch finds no GPU here")
    main(*map(int, sys.argv[1:]))
