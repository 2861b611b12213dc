"""Networks on a GPU and on the CPU: times, errors, and how far their maps lie apart.

Run on a machine with a GPU: python benchmarks/networks_on_gpu.py [size of the image, 64]
"""

import sys
import time

import numpy as np
import torch

import eelsunmix as eu
from eelsunmix.synthetic import Scene

METHODS = ("daeu", "mtaeu", "cnnaeu")


def trained(scene: Scene, method: str, device: str) -> np.ndarray:
    """Unmix a scene, print what it took, and return the abundances in the order of the truth."""
    begun, cpu = time.perf_counter(), time.process_time()
    result = eu.unmix(scene.spectrum_image, method, n_endmembers=3, seed=0, device=device)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    order = np.asarray(eu.metrics.match(scene.endmember_spectrum.values, result["endmember_spectrum"].values))
    abundances = result["abundance"].transpose("y", "x", "endmember").values[..., order]
    truth = scene.abundance.transpose("y", "x", "endmember").values
    error = np.round(eu.metrics.nmse(truth, abundances, endmember_axis=-1), 5)
    print(f"{method} {device}: {seconds:.1f} s ({cpu:.1f} s of CPU), NMSE {error}", flush=True)
    return abundances


def main(size: int) -> None:
    """Print one line per training, and one per method on how far the devices lie apart."""
    scene = eu.synthetic.chequerboard(seed=3, size=size)
    print(f"PyTorch {torch.__version__}, {torch.cuda.get_device_name(0)}, {size} x {size} pixels")
    for method in METHODS:
        first, again, cpu = (trained(scene, method, device) for device in ("cuda", "cuda", "cpu"))
        apart = first - cpu
        print(
            f"  same seed again: differs by {np.abs(first - again).max():.2g}; GPU and CPU: by at most "
            f"{np.abs(apart).max():.2g}, {np.sqrt(np.mean(apart**2)):.2g} (root mean square)"
        )


if __name__ == "__main__":
    if not torch.cuda.is_available():
        sys.exit("networks_on_gpu.py: torch finds no GPU here")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 64)
