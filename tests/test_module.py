"""The workflow as others use it: as a module of another one, and as snakedeploy puts it into a folder."""

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from snakemake.common.configfile import _load_configfile
from snakemake.utils import update_config

from eelsunmix.configuration import ConfigurationError, read_configuration, read_values
from eelsunmix.storage import open_store, verify
from test_locks import holder, results  # noqa: F401 - fixtures

ROOT = Path(__file__).parents[1]

SAMPLES = "samples: {SI1: {simulate: {scene: multilayer, shape: [10, 31], counts: 2000.0, seed: 1}}}"
CONFIGURATION = f"{SAMPLES}\ncomponents: {{n: 3}}\nmethods: {{vca: {{n_draws: 5}}}}\n"
BENCHMARK = (
    "benchmark: {scenes: [ru3], doses: [2000], n_replicates: 1, size: 16, methods: {vca: {n_draws: 5}}}\n"
)
OWN_VALUES = f"""\
from yaml import safe_load


module eels:
    snakefile: "{ROOT}/workflow/Snakefile"
    config: safe_load('''{CONFIGURATION}''')


use rule * from eels as eels_*
"""
# What `snakedeploy deploy-workflow` 0.17.1 writes, but for the place of the workflow's Snakefile.
DEPLOYED = f"""\
from snakemake.utils import min_version


min_version("6.10.0")


configfile: "config/config.yaml"


module eelsunmix:
    snakefile:
        "{ROOT}/workflow/Snakefile"
    config:
        config


use rule * from eelsunmix
"""


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow")}
    environment.pop("PYTHONWARNINGS", None)
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=500
    )


@pytest.fixture
def deployed(tmp_path):
    """A folder as snakedeploy leaves it: configuration, profiles, and a Snakefile that uses the module."""
    for name in ("config", "profiles"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow" / "Snakefile").write_text(DEPLOYED)
    (tmp_path / "config" / "config.yaml").write_text(CONFIGURATION)
    return tmp_path


@pytest.mark.workflow
def test_ten_lines_elsewhere_run_a_scene_to_its_report(tmp_path):
    assert len(OWN_VALUES.splitlines()) <= 13
    (tmp_path / "Snakefile").write_text(OWN_VALUES)
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    assert open_store(tmp_path / "results/SI1/map/vca.zarr").abundance.sizes["endmember"] == 3
    assert (tmp_path / "reports" / "SI1.html").is_file()
    again = snakemake(tmp_path, "--dry-run", "--rerun-triggers", "mtime", "params", "input")
    assert "Nothing to be done" in again.stdout + again.stderr


@pytest.mark.workflow
def test_a_module_takes_the_lock_too(tmp_path, holder):  # noqa: F811
    """Snakemake runs no `onstart` of a module."""
    (tmp_path / "Snakefile").write_text(OWN_VALUES)
    refused = snakemake(tmp_path)
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert f"results: another run uses these results (process {holder.pid} on " in said
    assert "Traceback" not in said
    assert not list((tmp_path / "results").glob("*/"))


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("is_module", "options"),
    [(True, ["--forcerun", "eels_import_image"]), (False, ["--no-hooks", "--forceall"])],
    ids=["module", "no hooks"],
)
def test_a_forced_import_that_fails_loses_no_store_without_hooks(tmp_path, is_module, options):
    """Snakemake deletes the store before the job begins, and nothing is wrong with its recipe."""
    configuration = """\
samples: {A: {file: a.npy, corrections: {gain: {method: none}}}}
axes: {dims: [y, x, energy_loss], energy: {offset_eV: 400, dispersion_eV: 1.0}}
methods: {vca: {}}
"""
    own = OWN_VALUES.replace(CONFIGURATION, configuration)
    (tmp_path / "Snakefile").write_text(own if is_module else f'include: "{ROOT}/workflow/Snakefile"\n')
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text(configuration)
    np.save(tmp_path / "a.npy", np.random.default_rng(0).poisson(40, (4, 5, 60)).astype("u2"))
    store = tmp_path / "results/A/raw.zarr"
    assert snakemake(tmp_path, "results/A/raw.zarr").returncode == 0
    seal = verify(store).seal
    os.truncate(tmp_path / "a.npy", 1000)
    failed = snakemake(tmp_path, "results/A/raw.zarr", *options)
    assert failed.returncode != 0
    assert "was not made again; what was there before is put back" in failed.stdout + failed.stderr
    assert verify(store).seal == seal


@pytest.mark.workflow
@pytest.mark.parametrize("snakefile", ["workflow/Snakefile", "workflow/benchmark/Snakefile"])
def test_the_benchmark_of_a_module_has_the_values_of_the_module(tmp_path, snakefile):
    (tmp_path / "Snakefile").write_text(
        OWN_VALUES.replace(CONFIGURATION, CONFIGURATION + BENCHMARK).replace("workflow/Snakefile", snakefile)
    )
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("benchmark: {doses: [3]}\n")
    done = snakemake(tmp_path, "eels_benchmark", "--config", "seed=not ours")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.glob("results/benchmark/*/*/")] == ["2000"]
    assert (tmp_path / "reports" / "benchmark.html").is_file()


@pytest.mark.workflow
def test_a_mistake_in_the_values_of_a_module_names_module_and_key(tmp_path):
    (tmp_path / "Snakefile").write_text(OWN_VALUES.replace("n: 3", "n: three"))
    failed = snakemake(tmp_path, "--dry-run")
    assert failed.returncode != 0
    assert "config of module eels: components.n: needs a whole number" in failed.stdout + failed.stderr
    assert "Traceback" not in failed.stdout + failed.stderr


@pytest.mark.workflow
def test_a_deployed_workflow_takes_its_configuration_and_profile(deployed):
    done = snakemake(deployed, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "profile profiles/default" in done.stdout + done.stderr
    assert {"simulate_image", "fit_vca", "report"} <= set(
        re.findall(r"^(\w+) +1$", done.stdout, re.MULTILINE)
    )


@pytest.mark.workflow
def test_a_mistake_in_a_deployed_configuration_names_file_and_line(deployed):
    (deployed / "config" / "config.yaml").write_text(CONFIGURATION.replace("n: 3", "n: three"))
    failed = snakemake(deployed, "--dry-run")
    assert failed.returncode != 0
    assert "config/config.yaml:2: components.n: needs a whole number" in failed.stdout + failed.stderr


@pytest.mark.workflow
def test_a_deployed_configuration_is_refused_as_it_is_in_a_clone(deployed):
    (deployed / "config" / "config.yaml").write_text(CONFIGURATION + "seed: 1\nseed: 2\n")
    (deployed / "own.yaml").write_text("device: gpu\n")
    failed = snakemake(deployed, "--dry-run", "--configfile", "own.yaml", "--config", "device=cpu")
    assert failed.returncode != 0
    said = failed.stdout + failed.stderr
    assert "config/config.yaml:5: seed: written twice, first in line 4" in said
    assert "Traceback" not in said


def test_values_from_files_keep_their_lines_unless_they_were_changed(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("samples: {A: {simulate: {scene: multilayer}}}\nseed: minus one\n")
    values = {"samples": {"A": {"simulate": {"scene": "multilayer"}}}, "seed": "minus one"}
    with pytest.raises(ConfigurationError, match=r"config\.yaml:2: seed: "):
        read_values(values, "config of module m", files=[path])
    with pytest.raises(ConfigurationError, match=r"^config of module m: seed: "):
        read_values(values | {"seed": "minus two"}, "config of module m", files=[path])


SAMPLE = "samples: {A: {simulate: {scene: multilayer}}}\n"


def as_snakemake_reads(*texts):
    config = {}
    for text in texts:
        update_config(config, _load_configfile(io.StringIO(text)))
    return config


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: 1\nseed: 2\n", "config.yaml:3: seed: written twice, first in line 2; keep one"),
        ("components: {n: yes}\n", "config.yaml:2: components.n: needs .* found the text yes"),
        ("seed: !!int 3\n", "config.yaml:2: seed: the tag .* is not allowed"),
    ],
)
def test_a_file_that_snakemake_has_read_is_read_strictly(tmp_path, text, said):
    path = tmp_path / "config.yaml"
    path.write_text(SAMPLE + text)
    with pytest.raises(ConfigurationError, match=said):
        read_values(as_snakemake_reads(SAMPLE + text), "config of module m", files=[path])


def test_numbers_of_a_file_are_those_of_the_same_file_in_a_clone(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(SAMPLE + "seed: 010\nmethods: {nmf: {tolerance: 1e-3}}\n")
    values = as_snakemake_reads(path.read_text())
    assert (values["seed"], values["methods"]["nmf"]["tolerance"]) == (8, "1e-3")
    assert read_values(values, "config of module m", files=[path]) == read_configuration([path])
    alone = read_values(
        {**values, "methods": {}}, "config of module m", files=[path]
    )  # changed by the parent
    assert alone.samples["A"].seed == 8


def test_files_and_command_line_are_laid_over_each_other_as_snakemake_does(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(SAMPLE + "seed: 1\ncomponents: {n: 3}\n")
    second.write_text("seed: 2\nseed: 3\n")
    values = as_snakemake_reads(first.read_text(), second.read_text()) | {"device": "cpu"}
    overrides = {"device": "cpu"}
    with pytest.raises(ConfigurationError, match=r"second\.yaml:2: seed: written twice"):
        read_values(values, "config of module m", files=[first, second], overrides=overrides)
    second.write_text("seed: 3\n")
    found = read_values(values, "config of module m", files=[first, second], overrides=overrides)
    assert (found.device, found.samples["A"].seed, len(found.files)) == ("cpu", 3, 2)


def test_files_that_are_no_configuration_of_ours_are_not_refused(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: !!set {b, c}\n")
    values = {"samples": {"A": {"simulate": {"scene": "multilayer"}}}}
    assert list(read_values(values, "config of module m", files=[path]).samples) == ["A"]


def test_the_catalogue_finds_what_it_asks_for():
    usage = (ROOT / ".snakemake-workflow-catalog.yml").read_text()
    assert re.search(r"^usage:\n  mandatory-flags:\n", usage, re.MULTILINE)
    assert re.search(r"^  software-stack-deployment:\n    conda: true", usage, re.MULTILINE)
    assert re.search(r"^    report: true", usage, re.MULTILINE)
    assert (ROOT / "workflow" / "Snakefile").is_file()
    assert (ROOT / "config" / "README.md").is_file()
    readme = (ROOT / "README.md").read_text().lower()
    assert "snakemake" in readme
    assert "workflow" in readme
