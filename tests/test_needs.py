"""What the jobs of rules ask for: against what was measured, and where the size of an image comes from."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from eelsunmix.configuration import read_values
from eelsunmix.execution import blocks
from eelsunmix.recipes import RECIPES, needs
from eelsunmix.recipes.image_sizes import FEW_CHANNELS, UNKNOWN, ImageSize, image_size
from eelsunmix.recipes.needs import COSTS, STEP_MB, Needs, costs_of, group_name, needs_of

ROOT = Path(__file__).parents[1]

THREADS = 2
MEASURED = {
    # pixels, channels: peak MB of a job by `python benchmarks/peaks.py`, as in decision 039; of two threads,
    # where it may have them.
    (1500, 200): {
        "simulate_image": 202,
        "correct_gain": 255,
        "denoise": 211,
        "estimate_endmembers": 237,
        "subtract_background": 222,
        "fit_ica": 266,
        "fit_nmf": 269,
        "fit_vca": 202,
        "map_ica": 207,
        "map_vca": 207,
        "report": 248,
    },
    (256 * 256, 100): {
        "import_image": 310,
        "correct_gain": 461,
        "denoise": 245,
        "estimate_endmembers": 254,
        "subtract_background": 287,
        "fit_blu": 397,
        "fit_nmf": 359,
        "fit_vca": 266,
        "map_blu": 333,
        "map_nmf": 275,
        "map_vca": 278,
        "report": 332,
    },
    # two threads before jobs of such an image had one, now by --set-threads
    (376 * 372, 900): {
        "denoise": 425,
        "subtract_background": 529,
        "map_ica": 391,
        "map_nmf": 377,
        "map_vca": 388,
    },
    # two edges, three methods of three components
    (256 * 256, 40): {"compare": 200},
    (512 * 512, 40): {"compare": 271},
    (1024 * 1024, 100): {
        "import_image": 376,
        "correct_gain": 810,
        "denoise": 448,
        "estimate_endmembers": 355,
        "subtract_background": 404,
        "fit_blu": 523,
        "fit_nmf": 522,
        "fit_vca": 523,
        "map_blu": 487,
        "map_nmf": 435,
        "map_vca": 439,
        "report": 304,
    },
}


def sample_of(**sample):
    return read_values({"samples": {"S": sample}, "methods": {"vca": {}, "blu": {}}}, "test").samples["S"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def store(name, *shape):
    folder = Path(f"results/S/{name}.zarr/counts")
    folder.mkdir(parents=True)
    (folder / "zarr.json").write_text(json.dumps({"shape": shape, "data_type": "uint16"}))


@pytest.mark.parametrize("size", list(MEASURED))
def test_memory_is_asked_for_within_half_as_much_again_of_what_is_used(size):
    wrong = {}
    for name, used in MEASURED[size].items():
        rule, _, method = name.partition("_") if name.startswith(("fit_", "map_")) else (name, "", "")
        need = Needs(costs_of(rule, method if rule == "fit" else ""), ImageSize(*size))
        asked = need.mem_mb(min(THREADS, need.costs.threads))
        if not used <= asked <= 1.5 * used + STEP_MB:
            wrong[name] = (used, asked)
    assert wrong == {}


ONE_THREAD = {"denoise": 303, "subtract_background": 360, "map_ica": 284, "map_nmf": 286, "map_vca": 289}
"""Peak MB of jobs of 376 x 372 x 900 by `python benchmarks/large_image.py FOLDER --cores 1`."""


@pytest.mark.parametrize("name", ONE_THREAD)
def test_a_job_asks_for_the_threads_that_it_has(name):
    need = Needs(costs_of("map" if name.startswith("map_") else name), ImageSize(376 * 372, 900))
    assert need.threads == 1
    assert ONE_THREAD[name] <= need.mem_mb(1) <= 1.5 * ONE_THREAD[name] + STEP_MB
    assert need.mem_mb(1) < need.mem_mb(2)  # as --set-threads gives it


@pytest.mark.parametrize(("size", "used"), [((256 * 256, 100), 664), ((128 * 128, 512), 871)])
def test_the_recommended_result_asks_for_what_it_was_seen_to_use(size, used):
    """The second is of an image as large as is looked at whole, with VCA alone: no less than that."""
    need = Needs(costs_of("fit_recommended"), ImageSize(*size))
    assert used <= need.mem_mb(min(THREADS, need.threads)) <= 1.5 * used + STEP_MB


@pytest.mark.parametrize("rule", COSTS)
def test_what_is_asked_for_grows_with_the_image_and_with_attempts(rule):
    asked = [Needs(COSTS[rule], ImageSize(10**n, 500)) for n in range(3, 8)]
    for amounts in (
        [need.mem_mb(2) for need in asked],
        [need.minutes() for need in asked],
        [need.threads for need in asked],
    ):
        assert amounts == sorted(amounts)
    assert asked[0].mem_mb(1, attempt=3) == 3 * asked[0].mem_mb(1)
    assert asked[0].minutes(2) == 2 * asked[0].minutes()
    assert asked[0].mem_mb(1) <= 750 <= asked[0].mem_mb(1, elsewhere=True) + 500
    assert asked[2].mem_mb(1) <= 2000


@pytest.mark.parametrize(
    ("rule", "most"),
    [("import_image", 1), ("correct_gain", 1), ("fit_recommended", 1)]
    + [(rule, 63) for rule in ("denoise", "subtract_background", "map", "map_recommended")],
)
def test_two_threads_are_for_more_blocks_where_other_jobs_can_run_beside(rule, most):
    """Of so many blocks and fewer, jobs of one thread beside each other are done sooner (decision 053)."""
    assert Needs(COSTS[rule], ImageSize(2**13 * most, 2**10)).threads == 1
    assert Needs(COSTS[rule], ImageSize(2**13 * most + 1, 2**10)).threads == 2
    assert needs.BLOCK_ELEMENTS == blocks.BLOCK_ELEMENTS


@pytest.mark.parametrize("rule", COSTS)
def test_an_image_without_pixels_has_a_thread(rule):
    assert Needs(COSTS[rule], ImageSize(0, 0)).threads == 1


def test_every_rule_asks_in_one_place():
    asked = set()
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        for body in re.split(r"\n\s*rule\b", file.read_text())[1:]:
            made = re.findall(r'remade\("(\w+)"[,)]', body)
            assert re.findall(r'\*\*needs\("(\w+)"[,)]', body) == made
            assert "per_attempt" not in body
            submitted = [] if "localrule: True" in body else made
            assert re.findall(r"group:\s+(\w+)\n", body) == ["together"] * len(submitted)
            threads = re.findall(r'threads: threads_of\("(\w+)"[,)]', body)
            assert threads == [rule for rule in made if COSTS[rule].threads > 1]
            asked.update(made)
    assert asked == set(COSTS) == set(RECIPES)


def test_methods_have_costs_of_their_own(here):
    sample = sample_of(simulate={"scene": "multilayer"})
    store("corrected", 300, 400, 200)
    assert needs_of("fit", sample, "blu").minutes() > needs_of("fit", sample, "vca").minutes()
    assert needs_of("map", sample, "blu") == needs_of("map", sample, "vca")
    Path("a.dm4").write_bytes(bytes(2**20))
    np.save("a.npy", np.zeros((2**13, 128), np.uint8))
    assert needs_of("import_image", sample_of(file="a.dm4")).costs.image == 1
    assert needs_of("import_image", sample_of(file="a.npy")).costs.image == 0
    assert costs_of("fit", "cnnaeu").mb > costs_of("fit", "nmf").mb


def test_the_size_is_that_of_the_store_that_a_job_reads(here):
    Path("a.dm4").write_bytes(bytes(7 * FEW_CHANNELS - 3))
    sample = sample_of(file="a.dm4")
    assert image_size(sample) == (7, FEW_CHANNELS)
    store("raw", 2, 30, 40, 50)
    assert image_size(sample) == (2400, 50)
    store("corrected", 2, 15, 20, 25)
    assert image_size(sample) == (600, 25)
    assert image_size(sample, corrected=False) == (2400, 50)


def test_a_store_that_is_made_anew_has_its_new_size(here):
    Path("a.dm4").touch()
    sample = sample_of(file="a.dm4")
    store("raw", 30, 40, 50)
    assert image_size(sample) == (1200, 50)
    metadata = Path("results/S/raw.zarr/counts/zarr.json")
    metadata.rename("old")
    metadata.write_text(json.dumps({"shape": [3, 4, 5]}))
    assert image_size(sample) == (12, 5)
    metadata.write_text("{")
    assert image_size(sample).channels == FEW_CHANNELS


def test_before_the_import_the_header_or_the_size_of_the_file_says_it(here):
    np.save("a.npy", np.zeros((3, 5, 7), np.uint8))
    assert image_size(sample_of(file="a.npy")) == (15, 7)
    turned = sample_of(file="a.npy", axes={"dims": ["energy_loss", "y", "x"]})
    assert image_size(turned) == (35, 3)
    Path("a.hspy").write_bytes(bytes(1000))
    assert image_size(sample_of(file="a.hspy")).counts == 8000
    assert image_size(sample_of(simulate={"scene": "multilayer", "shape": [4, 60]})) == (240, 200)
    assert image_size(sample_of(simulate={"scene": "chequerboard", "size": 32})).pixels == 1024


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00\x10\x00{'descr'", b"no array"])
def test_a_damaged_header_stops_nothing(here, content):
    Path("a.npy").write_bytes(content)
    assert image_size(sample_of(file="a.npy")).counts == UNKNOWN


def test_jobs_of_a_small_sample_are_one_submission(here):
    shapes = {"small": [30, 40], "large": [900, 900]}
    listed = {name: {"simulate": {"scene": "multilayer", "shape": shape}} for name, shape in shapes.items()}
    listed["mapped"] = {**listed["small"], "fit_on": "small"}
    samples = read_values({"samples": listed, "methods": {"vca": {}, "recommended": {}}}, "test").samples
    assert {name: group_name(sample) for name, sample in samples.items()} == {
        "small": "sample",
        "large": None,
        "mapped": "mapped",
    }
    networks = {"simulate": {"scene": "multilayer", "shape": [60, 80]}, "methods": {"cnnaeu": {}, "daeu": {}}}
    assert group_name(read_values({"samples": {"S": networks}}, "test").samples["S"]) is None


def test_in_a_group_times_are_summed_so_they_are_not_rounded_up_by_ten_minutes():
    need = Needs(COSTS["denoise"], ImageSize(1000, 100))
    assert (need.minutes(), need.minutes(step=1), need.minutes(2, step=1)) == (10, 1, 2)
