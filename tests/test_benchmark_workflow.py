"""The wing of the benchmark: its key in the configuration, its rules, from the top and alone."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml

from eelsunmix.benchmark.labels import PEERS
from eelsunmix.benchmark.options import BenchmarkOptions, default_methods
from eelsunmix.benchmark.scene import scene_options
from eelsunmix.configuration import ConfigurationError
from eelsunmix.configuration.nodes import node_of
from eelsunmix.configuration.reading import read_tree
from eelsunmix.configuration.summary import summarise
from eelsunmix.methods import method_names
from eelsunmix.storage import open_store
from test_workflow import ROOT, Project


def test_defaults_are_the_papers_methods_in_both_settings():
    benchmark = read_tree(node_of({"benchmark": {}}, "c.yaml")).benchmark
    assert list(benchmark.methods) == list(default_methods())
    assert {entry.method for entry in benchmark.methods.values()} == set(method_names())
    assert {entry.options.setting for entry in benchmark.methods.values()} == {"published", "eels"}
    assert benchmark.doses == (100, 1000, 10_000)
    assert benchmark.seed_of("vca") == 0


def test_the_command_says_what_the_benchmark_runs():
    section = {"doses": [50, 70], "n_replicates": 3, "methods": {"vca": {}}}
    said = summarise(read_tree(node_of({"benchmark": section}, "c.yaml"), ("c.yaml",)))
    assert "benchmark: 3 images of ru3 and k4 at 50, 70 counts; methods: vca\n" in said
    read = read_tree(node_of({"benchmark": section | {"n_replicates_of": {"vca": 2}}}, "c.yaml"), ("c.yaml",))
    assert "; vca on 2 of them\n" in summarise(read)
    assert read.benchmark.replicates_of("vca") == 2


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"methods": {"oracle": {"method": "vca"}}}, "benchmark.methods.oracle: this label is used by"),
        ({"methods": {"BS": {"method": "vca"}}}, "this label is used by the benchmark"),
        ({"methods": {"peers_run": {"method": "vca"}}}, "this label is used by the benchmark"),
        ({"methods": {"vca": {"n_drawss": 2}}}, "benchmark.methods.vca.n_drawss: unknown key; did you mean"),
        ({"doses": []}, "doses: needs at least one entry"),
        ({"doses": [100, 100]}, "each once"),
        ({"doses": [0]}, r"benchmark.doses\[0\]"),
        ({"doses": [10**20]}, r"benchmark.doses\[0\]: needs a whole number from 1 to 1000000000, found"),
        (
            {"scenes": ["ru4"]},
            "needs ru3, k4, particles, columns, stack, gradient, eds, rare, drift or vacuum",
        ),
        ({"size": 4}, "benchmark.size: needs at least 3 blocks"),
        ({"n_replicate": 4}, "did you mean n_replicates"),
        ({"n_replicates_of": {"vcaa": 4}}, "n_replicates_of.vcaa: no such method; did you mean vca"),
        ({"n_replicates_of": {"vca": 0}}, "benchmark.n_replicates_of.vca"),
    ],
)
def test_mistakes_in_the_section(section, message):
    with pytest.raises(ConfigurationError, match=message):
        read_tree(node_of({"benchmark": section}, "c.yaml"))


def test_no_sample_may_have_the_name_of_the_benchmark():
    with pytest.raises(ConfigurationError, match="name of the benchmark's results"):
        read_tree(node_of({"samples": {"benchmark": {"simulate": {"scene": "multilayer"}}}}, "c.yaml"))


def test_options_describe_the_first_image():
    made = scene_options("k4", 100, size=24, seed=5)
    assert (made.endmembers, made.counts, made.size, made.seed) == ("k4", 100.0, 24, 5)
    with pytest.raises(ValueError, match="scenes needs"):
        BenchmarkOptions(scenes=())


TINY = {"scenes": ["ru3"], "doses": [2000], "n_replicates": 2, "size": 16, "methods": {"vca": {"n_draws": 5}}}


@pytest.mark.workflow
def test_snakemake_makes_the_page_and_reruns_what_changed(tmp_path):
    project = Project(tmp_path / "project")
    project.configure(yaml.safe_dump({"benchmark": TINY}))
    first = project.run("benchmark")
    assert first == {
        "benchmark",
        "benchmark_vca",
        "benchmark_oracle",
        "benchmark_bs",
        "benchmark_bs_published",
        "benchmark_report",
    }
    place = project.folder / "results" / "benchmark" / "ru3" / "2000"
    run = open_store(place / "vca.zarr")
    assert run["nmse"].shape == (2, 3)
    assert float(run["nmse"].max()) < 0.5
    assert "VCA" in (project.folder / "reports" / "benchmark.html").read_text()
    assert project.run("benchmark") == set()
    more = TINY | {
        "methods": {"vca": {"n_draws": 6}, "vca_published": {"method": "vca", "setting": "published"}}
    }
    project.configure(yaml.safe_dump({"benchmark": more}))
    changed = {"benchmark", "benchmark_vca", "benchmark_vca_published", "benchmark_report"}
    assert project.run("benchmark") == changed
    # Whatever became of Snakemake's records.
    shutil.rmtree(project.folder / ".snakemake")
    assert project.run("-n", "benchmark") == set()
    project.configure(yaml.safe_dump({"benchmark": more | {"seed": 8, "n_replicates_of": {"vca": 1}}}))
    done = project.snakemake("-n", "benchmark")
    assert (
        "2000/oracle.zarr: made with seed 0, the configuration says 8; it is made again"
        in done.stderr + done.stdout
    )
    project.configure(yaml.safe_dump({"benchmark": more}))
    # The wing alone has the same rules and finds nothing to do.
    assert project.run("--snakefile", "workflow/benchmark/Snakefile") == set()
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "bars.py"), str(project.folder / "results" / "benchmark")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "vca against vca_published, NMSE" in done.stdout


@pytest.mark.workflow
def test_a_mistake_is_one_line_in_the_wing_alone(tmp_path):
    project = Project(tmp_path / "project")
    project.configure(yaml.safe_dump({"benchmark": {"dosis": [100]}}))
    done = project.snakemake("--snakefile", "workflow/benchmark/Snakefile")
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "benchmark.dosis: unknown key; did you mean doses" in said
    assert "Traceback" not in said


@pytest.mark.workflow
def test_the_workflow_runs_without_the_wing(tmp_path):
    project = Project(tmp_path / "project")
    shutil.rmtree(project.folder / "workflow" / "benchmark")
    top = next(path for path in project.folder.rglob("Snakefile") if "module benchmark:" in path.read_text())
    text = re.sub(r"module benchmark:\n(?: +.*\n)+\s*use rule \* from benchmark\n", "", top.read_text())
    assert "benchmark:" not in text
    top.write_text(text)
    assert {"fit_vca", "report"} <= project.run("--dry-run")


@pytest.mark.workflow
def test_peers_without_hyperspy_end_in_one_line(tmp_path):
    project = Project(tmp_path / "project")
    project.configure(yaml.safe_dump({"benchmark": TINY | {"peers_python": sys.executable}}))
    done = project.snakemake("benchmark_peers", "--until", "benchmark_peers_run")
    assert done.returncode != 0
    assert "has no HyperSpy" in done.stdout + done.stderr
    assert set(PEERS) == {"hyperspy_bs", "hyperspy_nmf", "hyperspy_ica"}
