"""README: its configuration is accepted and its Python runs as it stands."""

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix.configuration import read_configuration
from eelsunmix.storage import publish

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with results of a sample SI1; vendor files and HyperSpy are stood in for."""
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
    api = types.ModuleType("hyperspy.api")
    api.signals = types.SimpleNamespace(Signal2D=Signal2D)
    package = types.ModuleType("hyperspy")
    package.api = api
    monkeypatch.setitem(sys.modules, "hyperspy", package)
    monkeypatch.setitem(sys.modules, "hyperspy.api", api)
    return tmp_path


class Signal2D:
    """As much of HyperSpy's as README uses."""

    def __init__(self, data):
        self.data = np.asarray(data)

    def plot(self):
        assert self.data.ndim == 3


def test_the_configuration_is_accepted(folder):
    (example,) = blocks("yaml")
    assert len(example.splitlines()) < 10
    (folder / "data").mkdir()
    (folder / "data" / "SI1.dm4").touch()
    (folder / "my.yaml").write_text(example, encoding="utf-8")
    assert list(read_configuration([folder / "my.yaml"]).samples) == ["SI1"]


def test_the_python_runs(folder):
    names = {}
    for number, block in enumerate(blocks("python")):
        exec(compile(block, f"block {number}", "exec"), names)  # noqa: S102
    assert names["ti"].shape == (5, 7)
    assert names["signal"].data.shape == (3, 5, 7)
    assert names["result"]["abundance"].sizes["endmember"] == 3
    assert names["other"]["abundance"].sizes["endmember"] == 3
    assert names["bs"]["net_counts"].sizes["edge"] == 1
