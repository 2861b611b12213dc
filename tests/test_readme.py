"""The Python of the how-tos runs as it stands, and README stays short."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
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
        dict.fromkeys(
            ("element_map", "element_map_sd"), (("label", "edge", "y", "x"), np.ones((2, 1, 5, 7)))
        ),
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


def test_the_error_of_a_mean_falls_with_the_root_of_its_pixels(folder):
    names = {}
    exec(compile(python_of("error-bars.md"), "error-bars.md", "exec"), names)  # noqa: S102
    assert names["mean"] == 1
    assert names["error"] == pytest.approx(35**-0.5)


def test_readme_is_short_and_says_what_nobody_should_look_for():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 80
    assert re.findall(r"^eelsunmix (\w+)", text, re.MULTILINE) == ["new", "run", "export"]
    for said in ("make demo", "make docs", "CITATION.cff", "GPL-3.0", "10.1051/epjap/2024240025"):
        assert said in text
