"""The Python of the how-tos runs as it stands, and README stays short."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix.background import BackgroundOptions
from eelsunmix.storage import publish

ROOT = Path(__file__).parents[1]


def python_of(page):
    text = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")
    return "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with results of a sample SI1; vendor files are stood in for."""
    monkeypatch.chdir(tmp_path)
    maps = xr.Dataset({"abundance": (("y", "x", "endmember"), np.ones((5, 7, 3)))})
    counts = xr.Dataset(
        {"element_map": (("label", "edge", "y", "x"), np.ones((2, 1, 5, 7)))},
        coords={"label": ["BS", "vca"], "edge": ["Ti_L23"]},
    )
    publish(maps, tmp_path / "results/SI1/map/vca.zarr")
    publish(counts, tmp_path / "results/SI1/comparison.zarr")
    scene = eu.synthetic.multilayer(shape=(6, 75), seed=1)
    monkeypatch.setattr(eu, "open_image", lambda path: scene.spectrum_image)
    return tmp_path


def test_the_python_of_the_notebook_runs(folder):
    names = {}
    exec(compile(python_of("notebook.md"), "notebook.md", "exec"), names)  # noqa: S102
    assert names["ti"].shape == (5, 7)
    assert names["first"].shape == (5, 7)
    assert names["result"]["abundance"].sizes["endmember"] == 3
    assert names["other"]["abundance"].sizes["endmember"] == 3
    assert names["bs"]["net_counts"].sizes["edge"] == 1


@pytest.mark.parametrize("exponent", ["pixel", "local", "global"])
def test_the_error_of_the_mean_of_an_area_is_its_scatter(exponent, monkeypatch):
    # A flat image without an edge, whose areas of 8 x 8 pixels repeat each other; neighbours share exponents.
    energy = xr.DataArray(np.arange(400.5, 500), dims="energy_loss", attrs={"units": "eV"})
    counts = np.random.default_rng(6).poisson(
        np.broadcast_to(100 * (energy / 400) ** -3.0, (72, 88, energy.size))
    )
    image = xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords={"energy_loss": energy})
    edge = {"onset_eV": 456, "fit_eV": [400, 450], "integrate_eV": [456, 496]}
    bs = eu.subtract_background(image, {"Ti_L23": edge}, BackgroundOptions(exponent=exponent))
    code = compile(python_of("error-bars.md"), "error-bars.md", "exec")
    pulls = []
    for y, x in itertools.product(range(0, 72, 8), range(0, 88, 8)):
        area, names = bs.isel(y=slice(y, y + 8), x=slice(x, x + 8)), {}
        area["net_counts"][0, 0, 0] = area["independent_sd"][0, 0, 0] = np.nan  # an invalid pixel
        monkeypatch.setattr(xr, "open_zarr", lambda path, area=area: area)
        exec(code, names)  # noqa: S102
        pulls.append(names["mean"] / names["error"])
    # Known to 7 %; local errors count a little too much in areas no larger than neighbourhoods. Errors of
    # pixels as they stand would be too small by 1.9 there.
    assert 0.75 < np.std(pulls) < 1.2


def test_readme_is_short_and_says_what_nobody_should_look_for():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    assert re.findall(r"^eelsunmix (\w+)", text, re.MULTILINE) == ["new", "run", "export"]
    for said in ("make demo", "make docs", "CITATION.cff", "GPL-3.0", "10.1051/epjap/2024240025"):
        assert said in text
