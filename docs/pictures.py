"""One picture for each page of a method, all of the same simulated image: ``python docs/pictures.py FOLDER``.

The image is a Pt/Co/Ru/Pt multilayer whose thickness varies, so that the truth is known and no method has an
easy time: Ru is nowhere pure.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

import eelsunmix as eu
from eelsunmix.methods import method_names

SCENE = eu.synthetic.multilayer(shape=(10, 75), counts=3000.0, level="thickness", seed=1)
EDGES = ["Ru_M23", "Co_L23"]
COLOURS = {"Pt": "#6b7280", "Co": "#2563eb", "Ru": "#c2410c"}
MAPS = {"cmap": "viridis", "vmin": 0.0, "vmax": 1.0, "interpolation": "nearest", "aspect": "auto"}


def main(folder: Path) -> None:
    """Draw the pictures of all methods, of the recommended result and of BS, two at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [*method_names(), "recommended", "bs"]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(_draw, names, [folder / f"{name}.png" for name in names]))


def _draw(name: str, path: Path) -> None:
    mpl.use("Agg")
    mpl.rc_file(Path(__file__).parent / "matplotlibrc")
    image = SCENE.spectrum_image
    if name == "bs":
        _picture_of_subtraction(eu.subtract_background(image, EDGES), path)
    elif name == "recommended":
        _picture(eu.recommend(image, 3, EDGES, seed=0), path)
    else:
        _picture(eu.unmix(image, name, n_endmembers=3, seed=0), path)


def _picture(result: xr.Dataset, path: Path) -> None:
    """Draw maps of the truth and of the result; below them spectra and profiles, truth thin and dark."""
    order = eu.metrics.match(SCENE.endmember_spectrum, result.endmember_spectrum)
    found = result.abundance.isel(endmember=order).transpose("endmember", "y", "x").to_numpy()
    true = SCENE.abundance.transpose("endmember", "y", "x").to_numpy()
    figure, axes = _sheet(3)
    for index, material in enumerate(COLOURS):
        error = float(eu.metrics.nmse_scale_free(true[index], found[index]))
        _map(axes[f"true {index}"], true[index], f"{material}, truth")
        _map(axes[f"found {index}"], found[index], f"{material}, found; error {error:.2g}")
        _profile(axes["profiles"], material, found[index].mean(axis=0), true[index].mean(axis=0))
    _spectra(axes["spectra"], result.endmember_spectrum.isel(endmember=order).to_numpy())
    axes["profiles"].set(title="Mean profile", xlabel="x (nm)", ylabel="abundance")
    _finish(figure, path)


def _picture_of_subtraction(bs: xr.Dataset, path: Path) -> None:
    """Draw maps of net counts, of which the truth is the same materials, and fits of the background."""
    figure, axes = _sheet(2)
    for index, material in enumerate(("Ru", "Co")):
        true = SCENE.abundance.sel(endmember=material)
        net = bs.net_counts.isel(edge=index)
        scaled = (net / net.mean("y").max()).to_numpy()
        _map(axes[f"true {index}"], true.to_numpy(), f"{material}, truth")
        _map(axes[f"found {index}"], scaled, f"{EDGES[index]}, net counts, scaled")
        _profile(axes["profiles"], material, scaled.mean(axis=0), (true.mean("y") / true.mean("y").max()))
        _fit(axes["spectra"], bs.isel(edge=index), COLOURS[material])
    axes["spectra"].set(title="Brightest pixels, and the fitted background", xlabel="energy loss (eV)")
    axes["spectra"].set(ylabel="counts", yscale="log", xlim=(400, 878), ylim=(50, 1000))
    axes["profiles"].set(title="Mean profile, scaled to one", xlabel="x (nm)")
    _finish(figure, path)


def _sheet(columns: int) -> tuple[mpl.figure.Figure, dict[str, Axes]]:
    n_cells = 2 * columns
    rows = [[f"{kind} {cell // 2}" for cell in range(n_cells)] for kind in ("true", "found")]
    below = ["spectra"] * columns + ["profiles"] * columns
    return plt.subplot_mosaic([*rows, below], figsize=(7.4, 4.4), height_ratios=(1, 1, 2.8))


def _map(axis: Axes, values: np.ndarray, title: str) -> None:
    axis.imshow(values, **MAPS)
    axis.set_title(title, fontsize=8)
    axis.set_axis_off()


def _profile(axis: Axes, material: str, found: np.ndarray, true: np.ndarray) -> None:
    x = SCENE.spectrum_image.x.to_numpy()
    axis.plot(x, found, color=COLOURS[material], linewidth=1.8, label=material)
    axis.plot(x, true, color="black", linewidth=0.8, linestyle=":")


def _spectra(axis: Axes, spectra: np.ndarray) -> None:
    energy = SCENE.spectrum_image.energy_loss.to_numpy()
    truth = SCENE.endmember_spectrum.to_numpy()
    for material, found, true in zip(COLOURS, spectra, truth, strict=True):
        scale = true.sum() / found.sum()
        axis.plot(energy, found * scale, color=COLOURS[material], linewidth=1.4, label=material)
        axis.plot(energy, true, color="black", linewidth=0.8, linestyle=":")
    axis.plot([], [], color="black", linewidth=0.8, linestyle=":", label="truth")
    axis.set(title="Spectra, scaled to the truth", xlabel="energy loss (eV)", ylabel="counts", yscale="log")
    axis.set_ylim(truth.min() / 2, truth.max() * 1.3)


def _fit(axis: Axes, edge: xr.Dataset, colour: str) -> None:
    spectrum, background = edge.region_spectrum.sel(region="high"), edge.region_background.sel(region="high")
    axis.plot(edge.energy_loss, spectrum, color=colour, linewidth=1.4, label=str(edge.edge.item()))
    axis.plot(edge.energy_loss, background, color="black", linewidth=0.8, linestyle="--")


def _finish(figure: mpl.figure.Figure, path: Path) -> None:
    figure.axes[-2].legend(frameon=False, fontsize=8)  # of the spectra; profiles have the same colours
    figure.savefig(path)
    plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
