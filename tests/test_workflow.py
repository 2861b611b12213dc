"""Snakemake, really run: what is made, what is rerun after which change, what a user's mistake looks like."""

import atexit
import compileall
import functools
import os
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import xarray as xr

from eelsunmix.storage import open_store, read_manifest, verify, verify_page

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.workflow

SCENE = "{scene: multilayer, shape: [14, 31], counts: 2000.0, seed: 1}"
EDGES = """
  Ru_M23: {element: Ru, onset_eV: 461, fit_eV: [400, 455], integrate_eV: [458, 500]}
  Co_L23: {element: Co, onset_eV: 779, fit_eV: [680, 770], integrate_eV: [778, 860]}
"""
CONFIGURATION = f"""
samples:
  SI1: {{simulate: {SCENE}}}
components: {{n: 3}}
edges: {EDGES}
profiles: {{all: {{along: x}}}}
methods:
  vca: {{n_draws: 5}}
  nmf: {{}}
  recommended: {{}}
"""
RECOMMENDED = {"fit_recommended", "map_recommended"}
"""Its candidates are methods too."""
PREPARED = {
    "correct_gain",
    "denoise",
    "estimate_endmembers",
    "subtract_background",
    "compare",
    "report",
    "index",
    "all",
}


@functools.cache
def _compiled_workflow() -> Path:
    """The workflow with its compiled modules, which Python takes while the hash of their source is the same.

    By the time of a source it would miss an edit of the same size within a second, so no process writes any.
    """
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "workflow", folder / "workflow", ignore=ignored)
    mode = py_compile.PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(folder / "workflow" / "eelsunmix", quiet=1, invalidation_mode=mode)
    return folder / "workflow"


class Project:
    """A copy of the workflow in its own folder, so that a test may edit code and configuration."""

    def __init__(self, folder: Path):
        self.folder = folder
        shutil.copytree(_compiled_workflow(), folder / "workflow")
        shutil.copy(ROOT / "Snakefile", folder)
        (folder / "profiles").symlink_to("workflow/profiles")
        (folder / "config").mkdir()
        self.configure(CONFIGURATION)

    def copy(self, folder: Path) -> "Project":
        """Copy the whole folder, times of modification and results included."""
        copy = Project.__new__(Project)
        copy.folder = folder
        shutil.copytree(self.folder, folder, symlinks=True)
        return copy

    def configure(self, text: str) -> None:
        (self.folder / "config" / "config.yaml").write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new))

    def snakemake(self, *arguments: str, cores: int = 2) -> subprocess.CompletedProcess:
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder / "workflow"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        environment.pop("PYTHONWARNINGS", None)
        return subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", str(cores), *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )

    def run(self, *arguments: str, cores: int = 2) -> set[str]:
        """Run to success; return the names of the rules that ran."""
        done = self.snakemake(*arguments, cores=cores)
        assert done.returncode == 0, done.stdout + done.stderr
        return rules_in(done.stdout + done.stderr)


def rules_in(output: str) -> set[str]:
    table = re.search(r"^job +count\n-+ +-+\n(.*?)^total", output, re.MULTILINE | re.DOTALL)
    return {line.split()[0] for line in table.group(1).splitlines()} if table else set()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("project"))
    project.first_run = project.run()
    return project


@pytest.fixture
def project(finished, tmp_path):
    """A private copy of the finished project, times of modification included."""
    return finished.copy(tmp_path / "project")


def test_everything_is_made(finished):
    methods = {"fit_vca", "map_vca", "fit_nmf", "map_nmf", *RECOMMENDED}
    assert finished.first_run == PREPARED | {"simulate_image"} | methods
    results = finished.folder / "results" / "SI1"
    for name in (
        "raw",
        "corrected",
        "pca",
        "rank",
        "bs",
        "comparison",
        "fit/vca",
        "map/vca",
        "fit/nmf",
        "map/nmf",
        "fit/recommended",
        "map/recommended",
    ):
        open_store(results / f"{name}.zarr")
    comparison = open_store(results / "comparison.zarr")
    assert comparison["label"].values.tolist() == ["BS", "recommended", "vca", "nmf"]
    chosen = open_store(results / "fit" / "recommended.zarr").attrs
    assert comparison.attrs["recommended"]["method"] == chosen["chosen"] in chosen["twin_error"]
    page = (finished.folder / "reports" / "SI1.html").read_text()
    assert "SI1" in page
    assert "the maps of “recommended”" in page
    assert len(page) < 15e6
    for job in finished.first_run - {"all"}:
        results = finished.folder / "results" / ("index" if job == "index" else "SI1")
        assert (results / "logs" / f"{job}.log").read_text().rstrip().endswith("done")
        assert (results / "benchmarks" / f"{job}.tsv").is_file()


def test_results_open_without_us(finished):
    with xr.open_zarr(finished.folder / "results" / "SI1" / "map" / "vca.zarr") as maps:
        assert maps.abundance.sizes == {"y": 14, "x": 31, "endmember": 3}
        assert maps.attrs["abundance_pixels"] == 14 * 31
        assert 0 < maps.attrs["abundance_seconds"] < 1


@pytest.mark.guarantee("G10")
def test_a_store_knows_its_inputs(finished):
    results = finished.folder / "results" / "SI1"
    assert read_manifest(results / "pca.zarr").inputs == {
        "corrected.zarr": read_manifest(results / "corrected.zarr").seal
    }


@pytest.mark.guarantee("G10")
def test_the_page_leads_to_all_that_it_was_made_of(finished):
    results, page = finished.folder / "results" / "SI1", finished.folder / "reports" / "SI1.html"
    inputs = {Path(name).name: seal for name, seal in verify_page(page).inputs.items()}
    text = page.read_text()
    for name in ("raw.zarr", "corrected.zarr", "bs.zarr", "comparison.zarr"):
        made = verify(results / name)
        assert inputs[name] == made.seal
        assert made.seal in text
        assert {"python", "eelsunmix", "numpy"} <= set(made.versions)
        assert "code" in made.settings
    assert verify(results / "raw.zarr").settings["options"]["seed"] == 1
    assert verify(results / "fit" / "vca.zarr").settings["seed"] == 0


@pytest.mark.guarantee("G4")
def test_nothing_is_rerun_for_a_touch_a_comment_or_other_cores(project):
    for path in (*project.folder.rglob("*.py"), *project.folder.rglob("*.smk"), project.folder / "Snakefile"):
        path.touch()
    project.edit("workflow/eelsunmix/methods/vca.py", "\nfrom ", "\n# a comment\nfrom ")
    project.edit("workflow/scripts/fit.py", "with job", "# another\nwith job")
    assert project.run(cores=1) == set()


@pytest.mark.guarantee(15, "G4")
def test_an_option_of_a_method_reruns_that_method(project):
    project.configure(CONFIGURATION.replace("n_draws: 5", "n_draws: 6"))
    assert project.run() == {"fit_vca", "map_vca", "compare", "report", "index", "all"}


@pytest.mark.guarantee(16)
def test_an_edit_of_a_method_reruns_that_method(project):
    project.edit("workflow/eelsunmix/methods/vca.py", "\nfrom ", "\nEDITED = True\nfrom ")
    assert project.run("-n") == {"fit_vca", "map_vca", *RECOMMENDED, "compare", "report", "index", "all"}


def test_an_edit_of_a_stage_reruns_what_depends_on_it(project):
    project.edit("workflow/eelsunmix/background/power_law.py", "\nfrom ", "\nEDITED = True\nfrom ")
    # The recommended result looks at net counts of edges.
    assert project.run("-n") == {"subtract_background", *RECOMMENDED, "compare", "report", "index", "all"}


def test_a_new_method_runs_alone(project):
    project.configure(CONFIGURATION + "  ica: {}\n")
    assert project.run("-n") == {"fit_ica", "map_ica", "compare", "report", "index", "all"}


def test_a_new_sample_can_use_the_models_of_another(project):
    first, other_scene = f"  SI1: {{simulate: {SCENE}}}", SCENE.replace("seed: 1", "seed: 2")
    second = f"  SI2: {{fit_on: SI1, simulate: {other_scene}}}"
    project.configure(CONFIGURATION.replace(first, f"{first}\n{second}"))
    assert project.run("-n") == PREPARED | {"simulate_image", "map_vca", "map_nmf", "map_recommended"}
    made = project.run("results/SI2/map/vca.zarr")
    assert made == {"simulate_image", "correct_gain", "denoise", "estimate_endmembers", "map_vca"}
    assert not (project.folder / "results" / "SI2" / "fit").exists()


@pytest.mark.guarantee(23)
def test_a_deleted_store_is_made_again(project):
    shutil.rmtree(project.folder / "results" / "SI1" / "map" / "vca.zarr")
    (project.folder / "reports" / "SI1.html").unlink()
    assert project.run("-n") == {"map_vca", "compare", "report", "index", "all"}


def test_a_flipped_bit_in_an_input_is_refused_by_name(project):
    results = project.folder / "results" / "SI1"
    chunk = next((results / "corrected.zarr" / "counts" / "c").rglob("0"))
    chunk = chunk if chunk.is_file() else next(file for file in chunk.rglob("*") if file.is_file())
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 1
    chunk.write_bytes(content)
    shutil.rmtree(results / "pca.zarr")
    (project.folder / "reports" / "SI1.html").unlink()
    failed = project.snakemake()
    assert failed.returncode != 0
    output = failed.stdout + failed.stderr
    assert re.search(r"corrected\.zarr: counts/c/\S+ is damaged", output)
    assert "Traceback" not in output
    assert not (results / "pca.zarr").exists()


@pytest.mark.guarantee(11, "G7")
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("n: 3", "n: three", r"config\.yaml:4: components\.n: "),
        ("n_draws", "n_drawz", r"config\.yaml:11: methods\.vca\.n_drawz: .*n_draws"),
        ("fit_eV: [400, 455]", "fit_eV: [1400, 1455]", r"edges\.Ru_M23"),
        ("SI1:", "../SI1:", r"config\.yaml:3: "),
    ],
)
def test_a_mistake_in_the_configuration_stops_before_any_job(project, old, new, message):
    project.configure(CONFIGURATION.replace(old, new))
    failed = project.snakemake()
    output = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert re.search(message, output), output
    assert "Traceback" not in output


def test_after_a_failed_run_the_page_of_all_samples_says_why_or_why_it_is_not_written(tmp_path):
    project = Project(tmp_path)
    project.configure(
        "samples: {A: {file: a.npy}, B: {file: a.npy}}\n"
        "axes: {dims: [y, x, energy_loss], energy: {offset_eV: 400, dispersion_eV: 1.0}}\n"
        "methods: {vca: {}}\n"
    )
    (tmp_path / "a.npy").write_bytes(b"no counts")
    failed = project.snakemake("-k")
    index = tmp_path / "reports" / "index.html"
    assert f"report of all samples: {index}\n" in failed.stdout + failed.stderr
    assert index.read_text().count("import_image failed: a.npy: ") == 2
    project.edit(
        "workflow/eelsunmix/recipes/unfinished.py",
        "    recipes = Recipes(samples, skipped)\n",
        '    from eelsunmix.errors import InputError\n    raise InputError("it cannot be written")\n',
    )
    failed = project.snakemake("-k")
    output = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert "report of all samples: it cannot be written\n" in output
    assert "Traceback" not in output


@pytest.mark.guarantee(10)
def test_more_endmembers_than_the_data_hold_is_one_line(project):
    project.configure(CONFIGURATION.replace("{n: 3}", "{n: 250, max: 250}"))
    failed = project.snakemake()
    output = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert re.search(r"components\.n.*250", output), output
    assert "Traceback" not in output
