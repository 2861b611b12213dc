"""What a run will need, before it is begun: against what runs took, and what of it is still to be made."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from eelsunmix.commands import entry
from eelsunmix.commands.planning import total
from eelsunmix.configuration import read_values
from eelsunmix.recipes import INDEX, Product, Recipes
from eelsunmix.recipes.disk import KEPT
from eelsunmix.recipes.image_sizes import ImageSize
from eelsunmix.recipes.needs import COSTS
from eelsunmix.recipes.plan import missing, stages

EDGES = {
    name: {"element": name, "onset_eV": at, "fit_eV": [at - 60, at - 10], "integrate_eV": [at, at + 40]}
    for name, at in (("N", 401), ("O", 532))
}
AXES = {"dims": ["y", "x", "energy_loss"], "energy": {"offset_eV": 300.0, "dispersion_eV": 1.5}}

# CPU seconds of all jobs, peak MB of the largest, MB of files: `python benchmarks/peaks.py FOLDER --shape ...
# --methods vca nmf recommended --keep`, as in decision 050.
MEASURED = {(20, 75, 200): (36.3, 422, 4.8), (256, 256, 100): (44.4, 577, 56.1)}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def samples_of(sample, *methods, **further):
    listed = {"methods": {name: {} for name in methods}, **further}
    return read_values({"samples": {"S": sample}, "edges": EDGES, "axes": AXES, **listed}, "test").samples


def image(*shape):
    """A file of that shape; without its counts, which nobody reads."""
    np.lib.format.open_memmap("image.npy", mode="w+", dtype=np.uint16, shape=shape)
    return {"file": "image.npy"}


def nothing_wrong(product):
    return None


@pytest.mark.parametrize("shape", MEASURED, ids=str)
def test_estimates_are_near_what_runs_took(here, shape):
    samples = samples_of(image(*shape), "vca", "nmf", "recommended")
    found = total(stages(samples, missing(Recipes(samples), nothing_wrong)))
    seconds, peak, disk = MEASURED[shape]
    assert found.jobs == 14
    assert seconds / 3 < found.seconds < 3 * seconds
    assert peak / 1.5 < found.peak_mb < 1.5 * peak
    assert disk / 1.5 < found.disk_mb < 1.5 * disk


def test_every_rule_is_estimated():
    assert set(KEPT) == set(COSTS)


def test_more_pixels_edges_endmembers_and_methods_take_more_disk(here):
    def disk(shape=(20, 30, 100), methods=("vca",), **further):
        samples = samples_of(image(*shape), *methods, **further)
        return total(stages(samples, Recipes(samples).products())).disk_mb

    least = disk(components={"n": 2}, edges={})
    assert least < disk(components={"n": 5}, edges={})
    assert least < disk(components={"n": 2})
    assert least + 0.01 < disk(methods=("vca", "nmf"), components={"n": 2}, edges={})
    assert least < disk((40, 30, 100), components={"n": 2}, edges={})


def test_only_what_is_missing_is_counted_and_what_is_made_of_it(here):
    samples = samples_of(image(3, 4, 50), "vca", "nmf")
    recipes = Recipes(samples)
    for product in recipes.products():
        path = Path(product.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if path.suffix == ".zarr" else path.write_text("")
    assert list(missing(recipes, nothing_wrong)) == []
    Path("results/S/fit/vca.zarr").rmdir()
    later = [Product("S", "fit", "vca"), Product("S", "map", "vca"), Product("S", "comparison")]
    assert list(missing(recipes, nothing_wrong)) == [*later, *_of_page("S")]
    Path("results/S/fit/vca.zarr").mkdir()
    outdated = Product("S", "comparison")
    assert list(missing(recipes, outdated.__eq__)) == [outdated, *_of_page("S")]


def test_what_is_made_of_a_sample_further_down_is_counted(here):
    """A sample may use the models of one that the configuration names after it."""
    listed = {"A": image(3, 4, 50) | {"fit_on": "B"}, "B": image(3, 4, 50)}
    values = {"samples": listed, "edges": EDGES, "axes": AXES, "methods": {"vca": {}}}
    recipes = Recipes(read_values(values, "test").samples)
    for product in recipes.products():
        path = Path(product.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if path.suffix == ".zarr" else path.write_text("")
    Path("results/B/fit/vca.zarr").rmdir()
    found = list(missing(recipes, nothing_wrong))
    mapped = [
        [Product(name, "map", "vca"), Product(name, "comparison"), *_of_page(name)[:2]] for name in "AB"
    ]
    assert found == [*mapped[0], Product("B", "fit", "vca"), *mapped[1], INDEX]


def _of_page(name):
    """A page, its verdict, and that of all samples, which is made of it."""
    return [Product(name, "page"), Product(name, "verdict"), INDEX]


def test_the_size_is_that_of_the_head_binned_and_then_of_the_store(here):
    samples = samples_of(image(4, 6, 100), "vca", corrections={"bin": {"x": 2, "y": 2, "energy": 5}})
    products = [Product("S", "raw"), Product("S", "bs")]
    raw, bs = stages(samples, products)
    assert raw.disk_mb == KEPT["import_image"].megabytes(ImageSize(24, 100), edges=2, endmembers=4, methods=1)
    of_head = KEPT["subtract_background"].megabytes(ImageSize(6, 20), edges=2, endmembers=4, methods=1)
    assert bs.disk_mb == of_head
    for store, shape in (("raw", [4000, 6, 100]), ("corrected", [2000, 3, 20])):
        folder = Path(f"results/S/{store}.zarr/counts")
        folder.mkdir(parents=True)
        (folder / "zarr.json").write_text(json.dumps({"shape": shape}))
    assert stages(samples, products)[1].disk_mb > of_head


def test_a_file_that_cannot_be_read_has_the_size_that_it_may_have(here):
    Path("a.dm4").write_bytes(bytes(10**6))
    (raw,) = stages(samples_of({"file": "a.dm4"}, "vca"), [Product("S", "raw")])
    assert raw.disk_mb == pytest.approx(1.0, rel=0.2)


def test_the_command_prints_one_table(here):
    image(20, 75, 200)
    configuration = {
        "samples": {"S": {"file": "image.npy"}},
        "edges": EDGES,
        "axes": AXES,
        "methods": {"vca": {}},
    }
    Path("my.yaml").write_text(json.dumps(configuration))
    said = CliRunner().invoke(entry.eelsunmix, ["plan", "my.yaml"])
    assert said.exit_code == 0, said.output
    head, *rows, last, doubt = said.output.splitlines()
    assert head.split() == ["stage", "jobs", "computing", "memory", "disk"]
    assert len({len(line) for line in (head, *rows, last)}) == 1
    assert re.fullmatch(r"total +10 +\d+ s +\d+ MB +[\d.]+ MB", last)
    assert "an estimate" in doubt
    assert not Path("results").exists()


def test_the_benchmark_is_not_estimated(here):
    Path("my.yaml").write_text("benchmark: {scenes: [k4]}\n")
    said = CliRunner().invoke(entry.eelsunmix, ["plan", "my.yaml"])
    assert "the benchmark is not estimated" in said.output
