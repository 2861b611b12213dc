"""HyperSpy's NMF, ICA and background subtraction, with its own defaults, on images of the benchmark.

Run by the Python of envs/peers.yaml, which has HyperSpy and need not have eelsunmix:
``python hyperspy_peer.py IMAGES.npz RESULTS.npz``.
"""

import logging
import sys
import time
import warnings

import numpy as np

FAILURES = (ValueError, TypeError, RuntimeError, ArithmeticError, np.linalg.LinAlgError)


def main(source, target):
    """Run all three on every image; keys of the results are ``label.image.name``."""
    try:
        import hyperspy
        import hyperspy.api as hs
        import sklearn  # noqa: F401
    except ImportError as error:
        sys.exit(
            f"benchmark_peers: {sys.executable} has no HyperSpy with scikit-learn ({error}); "
            f"set benchmark.peers_python to a Python with envs/peers.txt, or use --sdm conda"
        )
    logging.getLogger("hyperspy").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    hs.preferences.General.show_progressbar = False
    results = {"version": np.array(hyperspy.__version__)}
    with np.load(source, allow_pickle=False) as images:
        for number, counts in enumerate(images["counts"]):
            for name, run in (("bs", subtract_background), ("nmf", factorise), ("ica", separate)):
                found = timed(run, hs, counts, images, int(images["seed"]) + number)
                results |= {f"hyperspy_{name}.{number}.{key}": value for key, value in found.items()}
    np.savez(target, **results)


def timed(run, hs, counts, images, seed):
    """Run one method; its failure is a result too. ICA knows no seed but the global one."""
    np.random.seed(seed)  # noqa: NPY002
    signal = signal_of(hs, counts, images["energy"])
    start = time.perf_counter()
    try:
        found = run(signal, images)
    except FAILURES as error:
        return {"message": np.array(f"{type(error).__name__}: {error}")}
    return found | {"seconds": np.array(time.perf_counter() - start)}


def signal_of(hs, counts, energy):
    """Wrap an image (y, x, channel) as HyperSpy has it."""
    signal = hs.signals.Signal1D(counts.astype(np.float64))
    axis = signal.axes_manager.signal_axes[0]
    axis.offset, axis.scale, axis.units = float(energy[0]), float(energy[1] - energy[0]), "eV"
    return signal


def subtract_background(signal, images):
    """Fit a power law before each edge and sum what is left in the integration window."""
    maps = []
    for low, high, first, last in images["windows"]:
        net = signal.remove_background(
            signal_range=(float(low), float(high)), background_type="PowerLaw", show_progressbar=False
        )
        maps.append(net.isig[float(first) : float(last)].data.sum(axis=-1))
    shape = signal.data.shape[:2]
    return {"maps": np.stack(maps, axis=-1) if maps else np.empty((*shape, 0))}


def factorise(signal, images):
    """Factor the counts by NMF."""
    signal.decomposition(algorithm="NMF", output_dimension=int(images["n_endmembers"]), print_info=False)
    return {
        "maps": np.moveaxis(signal.get_decomposition_loadings().data, 0, -1),
        "spectra": signal.get_decomposition_factors().data,
    }


def separate(signal, images):
    """Separate the principal components by ICA."""
    signal.decomposition(print_info=False)
    signal.blind_source_separation(number_of_components=int(images["n_endmembers"]), print_info=False)
    return {
        "maps": np.moveaxis(signal.get_bss_loadings().data, 0, -1),
        "spectra": signal.get_bss_factors().data,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
