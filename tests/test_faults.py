"""Attacks on a really running workflow: killed, raced, starved, fed with hostile files and surroundings."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager

import numpy as np
import psutil
import pytest

from eelsunmix.storage import open_store, read_manifest, verify
from eelsunmix.storage.__main__ import main as check_stores
from test_workflow import Project

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

CONFIGURATION = """
samples:
  SI1: {simulate: {scene: multilayer, shape: [9, 31], counts: 2000.0, seed: 1}}
components: {n: 3}
edges:
  Ru_M23: {element: Ru, onset_eV: 461, fit_eV: [400, 455], integrate_eV: [458, 500]}
methods: {vca: {n_draws: 5}, nmf: {}}
denoise: {n_components: 8}
"""
PCA = "results/SI1/pca.zarr"
_DROPPED = "-dac_override,-dac_read_search"
WITHOUT_RIGHTS = ("setpriv", f"--bounding-set={_DROPPED}", f"--inh-caps={_DROPPED}")
"""For root, who may read and write everything."""
if os.geteuid():
    WITHOUT_RIGHTS = ()
WAITING = """
    import os, time
    from pathlib import Path

    waiting = Path("wait").exists()
    Path("started").write_text(str(os.getpid()))
    while waiting and not Path("go").exists():
        time.sleep(0.05)
    image ="""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A project whose PCA is next, and whose script of the PCA waits if it is told to."""
    project = Project(tmp_path_factory.mktemp("prepared"))
    project.configure(CONFIGURATION)
    project.edit("workflow/scripts/denoise.py", "\n    image =", WAITING)
    project.run("results/SI1/corrected.zarr")
    return project


@pytest.fixture
def project(prepared, tmp_path):
    return prepared.copy(tmp_path / "project")


@contextmanager
def started(project, *arguments):
    """Snakemake in the background, its job of the PCA waiting for the file `go`."""
    (project.folder / "wait").touch()
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(project.folder / "workflow")}
    with (project.folder / "first.log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=project.folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_heeding_ctrl_c,
        )
    family = psutil.Process(process.pid)
    try:
        number = project.folder / "started"
        _until(lambda: number.exists() and number.read_text())
        (project.folder / "wait").unlink()
        yield process, psutil.Process(int(number.read_text()))
    finally:
        for left in [*family.children(recursive=True), family] if family.is_running() else []:
            left.kill()
        process.wait()


def _heeding_ctrl_c():
    """What a shell starts in the background, tests too, is told to ignore it, and hands that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def _ended(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def _drafts(folder):
    return [path for path in folder.rglob(".*.zarr.tmp-*")]


def _output(done):
    output = done.stdout + done.stderr
    assert "Traceback" not in output, output
    return output


@pytest.mark.guarantee(27, "G5")
@pytest.mark.parametrize("orphan_ends", ["after the new run", "before the new run"])
def test_an_orphan_never_mixes_with_the_run_that_follows(project, orphan_ends):
    """Snakemake is killed, its job lives on; the user changes the configuration and runs again."""
    with started(project, PCA) as (snakemake, orphan):
        second = project.snakemake(PCA)
        assert second.returncode != 0
        assert "another run uses these results" in _output(second)
        snakemake.kill()
        snakemake.wait()
        assert not _ended(orphan)
        project.configure(CONFIGURATION.replace("n_components: 8", "n_components: 5"))
        if orphan_ends == "before the new run":
            (project.folder / "go").touch()
            _until(lambda: _ended(orphan))
            assert read_manifest(project.folder / PCA).settings["denoise"]["n_components"] == 8
        assert project.snakemake("--unlock").returncode == 0
        assert "denoise" in project.run(PCA)
        (project.folder / "go").touch()
        _until(lambda: _ended(orphan))
    assert verify(project.folder / PCA).settings["denoise"]["n_components"] == 5
    assert project.run(PCA) == set()
    assert _drafts(project.folder) == []


@pytest.mark.guarantee(28, 29, "G5")
def test_a_killed_run_locks_nobody_out(project):
    """Its job lives on; the same results, asked for from another folder too, are one run's at a time."""
    second = Project.__new__(Project)
    second.folder = project.folder.with_name("second")
    kept = shutil.ignore_patterns("results", ".snakemake")
    shutil.copytree(project.folder, second.folder, symlinks=True, ignore=kept)
    (second.folder / "results").symlink_to(project.folder / "results")
    with started(project, PCA) as (snakemake, orphan):
        done = second.snakemake(PCA)
        assert done.returncode != 0
        assert f"results: another run uses these results (process {snakemake.pid} on " in _output(done)
        snakemake.kill()
        snakemake.wait()
        assert not _ended(orphan)
        assert list((project.folder / ".snakemake" / "locks").glob("*.lock"))
        done = project.snakemake(PCA)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "the last run was killed; its lock is removed" in _output(done)
        made = read_manifest(project.folder / PCA)
        (project.folder / "go").touch()
        _until(lambda: _ended(orphan))
    assert verify(project.folder / PCA) == made
    assert (project.folder / "results" / ".lock").read_text() == ""


@pytest.mark.guarantee(26, "G2")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_job_is_a_failed_job_and_is_run_again(project, number):
    with started(project, PCA) as (snakemake, job):
        job.send_signal(number)
        assert snakemake.wait(60) != 0
    log = (project.folder / "first.log").read_text()
    assert "Traceback" not in log
    assert not (project.folder / PCA).exists()
    assert project.run(PCA) == {"denoise"}


@pytest.mark.guarantee(32)
def test_a_job_that_is_called_done_without_its_store_has_failed(project):
    """As where SLURM has lost a job, and its state is taken for success."""
    project.edit("workflow/scripts/denoise.py", "\n    image =", "\n    raise SystemExit(0)\n    image =")
    done = project.snakemake(PCA)
    assert done.returncode != 0
    assert "pca.zarr" in _output(done)
    project.edit("workflow/scripts/denoise.py", "\n    raise SystemExit(0)", "")
    assert project.run(PCA) == {"denoise"}


@pytest.mark.guarantee(29)
def test_ctrl_c_leaves_nothing_running_and_nothing_behind(project):
    with started(project, PCA) as (snakemake, job):
        os.killpg(snakemake.pid, signal.SIGINT)
        assert snakemake.wait(60) != 0
        _until(lambda: _ended(job))
    assert not (project.folder / PCA).exists()
    assert "Traceback" not in (project.folder / "first.log").read_text()
    assert project.run(PCA) == {"denoise"}


SIGTERM_BESIDE_THE_LOCK = """
import os, signal
from snakemake.jobs import Job

finished = Job.postprocess

async def stopped_meanwhile(job, **options):
    os.kill(os.getpid(), signal.SIGTERM)
    await finished(job, **options)

if workflow.is_main_process:
    Job.postprocess = stopped_meanwhile
"""
"""Snakemake's main thread holds a lock while it takes in what a job has made."""


@pytest.mark.guarantee(30)
def test_sigterm_while_a_finished_job_is_taken_in_ends_the_run(project):
    with (project.folder / "workflow" / "Snakefile").open("a") as file:
        file.write(SIGTERM_BESIDE_THE_LOCK)
    done = project.snakemake("results/SI1/rank.zarr")
    assert done.returncode == 1  # before it hung
    assert "Will exit after finishing currently running jobs" in _output(done)
    assert not (project.folder / "results/SI1/logs/estimate_endmembers.log").exists()
    assert verify(project.folder / PCA).settings["denoise"]["n_components"] == 8


HOSTILE_NAMES = (
    "a b.npy",
    "ünï–ö.npy",
    "-x.npy",
    "q'uote\".npy",
    "$(touch PWNED).npy",
    "; touch PWNED;.npy",
    "[a]*.npy",
)


def _counts(shape=(4, 5, 60)):
    return np.random.default_rng(0).poisson(40, shape).astype("u2")


def _ndata1(path, extra=None, counts=None):
    calibrations = [{"units": "nm", "scale": 1.0, "offset": 0.0}] * 2
    calibrations += [{"units": "eV", "scale": 1.0, "offset": 400.0}]
    array = io.BytesIO()
    np.save(array, _counts() if counts is None else counts, allow_pickle=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"spatial_calibrations": calibrations}))
        archive.writestr("data.npy", array.getvalue())
        if extra:
            archive.writestr(extra, b"x")


def _npy_header(shape):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<u2", "fortran_order": False, "shape": shape})
    return header.getvalue() + b"x" * 100


def _bad_files(folder):
    """Files that must be refused, each with what its line of error must say."""
    counts = _counts().astype("f4")
    holes, dark = counts.copy(), counts.copy()
    holes[2, 3, 7] = np.nan
    dark[1, 2] = 0
    arrays = {
        "holes": holes,
        "dark": dark,
        "empty": counts * 0,
        "objects": np.array([{}]),
        "complex": counts * 1j,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    np.save(folder / "objects.npy", np.array([{}]), allow_pickle=True)
    (folder / "huge.npy").write_bytes(_npy_header((10**6, 10**6, 10**6)))
    (folder / "negative.npy").write_bytes(_npy_header((-5, -6, 7)))
    (folder / "text.dm4").write_text("hello\n" * 100)
    (folder / "nothing.dm3").touch()
    _ndata1(folder / "objects.ndata1", counts=np.array([{}]))
    _ndata1(folder / "whole.ndata1")
    (folder / "cut.ndata1").write_bytes((folder / "whole.ndata1").read_bytes()[:2000])
    (folder / "whole.ndata1").unlink()
    return {
        "holes.npy": r"1 pixels hold NaN or infinity, the first at y = 2 .*x = 3 .*energy_loss = ",
        "dark.npy": r"1 pixels hold nothing but zeros, the first at y = 1 \w+, x = 2 \w+;",
        "empty.npy": "every pixel is NaN, infinite or zero",
        "objects.npy": "Python objects, which can run code",
        "complex.npy": "not real numbers",
        "huge.npy": "truncated",
        "negative.npy": "declares the shape",
        "text.dm4": r"cannot be read as \.dm4",
        "nothing.dm3": "is empty",
        "objects.ndata1": "Python objects, which can run code",
        "cut.ndata1": "damaged, truncated",
    }


@pytest.mark.guarantee(1, 35, 37, 39, "G1", "G7")
def test_hostile_files_are_refused_in_one_line_and_hostile_names_do_nothing(project):
    folder = project.folder / "in"
    folder.mkdir()
    bad = _bad_files(folder)
    for name in HOSTILE_NAMES:
        np.save(folder / name, _counts())
    _ndata1(folder / "slip.ndata1", extra="../../../SLIPPED")
    good = [*HOSTILE_NAMES, "slip.ndata1"]
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    axes = ", axes: {dims: [y, x, energy_loss], energy: {offset_eV: 400, dispersion_eV: 1.0}}"
    names = {f"s{number}": name for number, name in enumerate([*bad, *good])}
    lines = [
        f"  {sample}: {{file: {json.dumps('in/' + name)}{axes * name.endswith('.npy')}}}"
        for sample, name in names.items()
    ]
    project.configure("samples:\n" + "\n".join(lines) + "\nmethods: {vca: {}}\n")
    output = _output(project.snakemake("-k", "--", *(f"results/{sample}/raw.zarr" for sample in names)))
    for sample, name in names.items():
        log = (project.folder / f"results/{sample}/logs/import_image.log").read_text()
        store = project.folder / f"results/{sample}/raw.zarr"
        assert "Traceback" not in log
        if name in good:
            verify(store)
            continue
        errors = [line for line in log.splitlines() if " ERROR " in line]
        assert len(errors) == 1, log
        assert f"in/{name}: " in errors[0]
        assert re.search(bad[name], errors[0]), errors[0]
        assert errors[0] in output
        assert not store.exists()
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert not [
        path for path in project.folder.parent.rglob("*") if path.name == "PWNED" or path.name == "SLIPPED"
    ]


@pytest.mark.guarantee(25)
def test_strange_surroundings_change_nothing(prepared, tmp_path):
    """Spaces and unicode in all paths, another working folder, no locale, no TMPDIR, a strict umask."""
    code, work = tmp_path / "the code – ü", tmp_path / "my work (1)"
    shutil.copytree(
        prepared.folder, code, symlinks=True, ignore=shutil.ignore_patterns("results", ".snakemake")
    )
    (work / "tables").mkdir(parents=True)
    (work / "tables" / "samples.tsv").write_text("sample\tfile\nSI.1-a\timage – 1.npy\n")
    np.save(work / "image – 1.npy", _counts((6, 9, 90)))
    (work / "c.yaml").write_text(
        "samples: tables/samples.tsv\nmethods: {vca: {}}\ncomponents: {n: 2}\n"
        "axes: {dims: [y, x, energy_loss], energy: {offset_eV: 400, dispersion_eV: 1.0}}\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    environment |= {"LC_ALL": "C", "TMPDIR": str(tmp_path / "absent"), "PYTHONPATH": str(code / "workflow")}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--snakefile", code / "Snakefile"]
    command += ["--directory", work, "--configfile", work / "c.yaml", "--config", "seed=3"]
    command += ["--", "results/SI.1-a/map/vca.zarr"]
    done = subprocess.run(
        command, cwd="/", env=environment, umask=0o077, capture_output=True, text=True, check=False
    )
    output = _output(done)
    assert done.returncode == 0, output
    assert open_store(work / "results/SI.1-a/map/vca.zarr").attrs["seed"] == 3


@pytest.mark.guarantee(2)
def test_a_file_that_is_exchanged_is_read_again_whatever_its_time(project):
    axes = "axes: {dims: [y, x, energy_loss], energy: {offset_eV: 400, dispersion_eV: 1.0}}"
    gain = "corrections: {gain: {method: reference, reference: gain.npy, kind: divide}}"
    project.configure(f"samples: {{SI1: {{file: a.npy, {axes}, {gain}}}}}")
    image, reference = project.folder / "a.npy", project.folder / "gain.npy"
    target = "results/SI1/corrected.zarr"
    shutil.rmtree(project.folder / "results")
    np.save(image, _counts())
    np.save(reference, np.linspace(0.9, 1.1, 60))
    for path in (image, reference):
        os.utime(path, (4e9, 4e9))  # a clock that is far ahead
    assert project.run(target) == {"import_image", "correct_gain"}
    for path in (image, reference):
        path.touch()
    assert project.run("-n", target) == set()
    np.save(reference, np.linspace(0.8, 1.2, 60))
    os.utime(reference, (1e9, 1e9))
    assert project.run("-n", target) == {"correct_gain"}
    np.save(image, _counts() + 1)
    os.utime(image, (1e9, 1e9))
    assert project.run(target) == {"import_image", "correct_gain"}


def test_an_unreadable_source_fails_alone_in_one_line(project):
    axes = "axes: {dims: [y, x, energy_loss], energy: {offset_eV: 400, dispersion_eV: 1.0}}"
    project.configure(f"samples: {{A: {{file: a.npy}}, B: {{file: b.npy}}}}\n{axes}\nmethods: {{vca: {{}}}}")
    for name in ("a.npy", "b.npy"):
        np.save(project.folder / name, _counts())
    (project.folder / "a.npy").chmod(0)
    command = [*WITHOUT_RIGHTS, sys.executable, "-m", "snakemake", "--cores", "1", "-k"]
    command += [f"results/{sample}/raw.zarr" for sample in "AB"]
    environment = {**os.environ, "PYTHONPATH": str(project.folder / "workflow")}
    done = subprocess.run(
        command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False
    )
    output = _output(done)
    assert done.returncode != 0
    assert "a.npy: no permission to read it; ask its owner" in output
    verify(project.folder / "results/B/raw.zarr")
    assert not (project.folder / "results/A/raw.zarr").exists()


@pytest.mark.guarantee(38)
@pytest.mark.parametrize("place", ["logs/denoise.log", "benchmarks/denoise.tsv", "benchmarks"])
def test_a_planted_link_is_not_written_through(project, tmp_path, place):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("mine")
    (precious / "denoise.tsv").write_text("mine")
    target = project.folder / "results/SI1" / place
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(exist_ok=True)
    target.symlink_to(precious if place == "benchmarks" else precious / "thesis.txt")
    done = project.snakemake(PCA)
    assert done.returncode != 0
    assert f"results/SI1/{place}: is a link, and a run would write to where it leads" in _output(done)
    assert {path.read_text() for path in precious.iterdir()} == {"mine"}


@pytest.mark.guarantee(22)
def test_what_is_no_result_is_never_deleted(project):
    """A user's own store at the path of an output, which Snakemake would remove before the job."""
    store = project.folder / PCA
    store.mkdir()
    (store / "zarr.json").write_text("mine")
    done = project.snakemake(PCA)
    assert done.returncode != 0
    assert f"{PCA}: has no manifest.json, so it was not made by this workflow" in _output(done)
    assert (store / "zarr.json").read_text() == "mine"


def test_a_store_from_the_future_is_refused_before_the_work(project):
    stamp = project.folder / "results/SI1/corrected.zarr/.snakemake_timestamp"
    os.utime(stamp, (4e9, 4e9))
    done = project.snakemake(PCA)
    assert done.returncode != 0
    line = next(line for line in _output(done).splitlines() if "still to come" in line)
    assert "results/SI1/corrected.zarr: bears the time 2096-" in line
    subprocess.run(line.partition("is right: ")[2], shell=True, cwd=project.folder, check=True)  # noqa: S602
    assert "denoise" in project.run(PCA)


def test_stores_from_the_future_get_one_time_so_that_none_is_made_again(project):
    """By its advice; touched one after the other, a store may come to lie before what it was made of."""
    stores = [path for path in (project.folder / "results").rglob("*") if not path.is_symlink()]
    for path in stores:
        os.utime(path, (4e9, 4e9))
    line = next(line for line in _output(project.snakemake(PCA)).splitlines() if "still to come" in line)
    advice = line.partition("is right: ")[2].replace("{} +", r"{} \;")  # one by one, as if there were many
    subprocess.run(advice, shell=True, cwd=project.folder, check=True)  # noqa: S602
    assert len({path.stat().st_mtime_ns for path in stores}) == 1
    assert project.run("-n", PCA) == {"denoise"}


@pytest.mark.guarantee(34)
def test_processes_give_the_same_bits_as_threads(project):
    """In blocks of a tenth of the image, so that there is something to share out."""
    project.edit("workflow/eelsunmix/execution/blocks.py", "2**23", "6 * 10**3")
    shutil.rmtree(project.folder / "results")
    targets = [PCA, "results/SI1/bs.zarr"]
    project.run(*targets)
    expected = {path: open_store(project.folder / path).load() for path in targets}
    assert len(list((project.folder / "results/SI1/corrected.zarr/counts/c").rglob("*"))) > 8
    shutil.rmtree(project.folder / "results")
    project.configure(CONFIGURATION + "dask: {mode: processes, workers: 2}\n")
    project.run(*targets)
    for path, store in expected.items():
        assert open_store(project.folder / path).equals(store), path


@pytest.mark.guarantee(33, "G6")
def test_a_failing_method_never_costs_the_others_their_report(finished):
    report = (finished.folder / "reports" / "SI1.html").read_text()
    assert "the simplex &lt;b&gt;collapsed" in report
    assert "<b>collapsed" not in report
    assert open_store(finished.folder / "results/SI1/fit/ica.zarr").attrs["status"] == "failed"
    for name in ("nmf", "vca"):
        assert open_store(finished.folder / f"results/SI1/fit/{name}.zarr").attrs["status"] != "failed"


def _may_mount():
    if os.geteuid() or not shutil.which("mount"):
        return False
    done = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.guarantee(18)
@pytest.mark.skipif(not _may_mount(), reason="only root can make a small disk")
@pytest.mark.parametrize("place", ["results", "."])
def test_a_full_disk_is_one_line_and_nothing_half_written(project, place):
    """In a name space of its own, so that nothing stays mounted."""
    shutil.rmtree(project.folder / "results")
    project.configure(CONFIGURATION.replace("[9, 31]", "[60, 60]"))
    script = f"""
        set -e
        cp -a . ../full && mkdir -p ../disk
        mount -t tmpfs -o size=60m tmpfs ../disk
        if [ {place} = results ]; then ln -s ../disk ../full/results; cd ../full
        else cp -a ../full/. ../disk/ && cd ../disk; fi
        used=$(df --output=used ../disk | tail -1)
        mount -o remount,size=$(( used + 3000 ))k ../disk
        export PYTHONPATH=$PWD/workflow PYTHONDONTWRITEBYTECODE=1
        {sys.executable} -m snakemake --cores 1 {PCA} && exit 9
        {sys.executable} -m eelsunmix.storage ../disk
        mount -o remount,size=60m ../disk
        {sys.executable} -m snakemake --cores 1 {PCA}
    """
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", script],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    output = _output(done)
    assert done.returncode == 0, output
    assert "cannot be written, the disk is full" in output
    assert ", 0 of them not in order" in output


@pytest.mark.guarantee(19)
@pytest.mark.parametrize("place", [".", "results", "results/SI1"])
def test_a_folder_without_permission_is_one_line(project, place):
    (project.folder / place).chmod(0o555)
    command = [*WITHOUT_RIGHTS, sys.executable, "-m", "snakemake", "--cores", "1", PCA]
    environment = {**os.environ, "PYTHONPATH": str(project.folder / "workflow")}
    done = subprocess.run(
        command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False
    )
    output = _output(done)
    assert done.returncode != 0
    assert re.search(
        f"{project.folder / ('' if place == '.' else place)}.*: cannot be written, no permission", output
    )
    (project.folder / place).chmod(0o755)
    assert project.run(PCA) == {"denoise"}


@pytest.mark.guarantee(38)
def test_a_planted_link_is_not_followed(project, tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("mine")
    (project.folder / PCA).symlink_to(precious)
    project.snakemake(PCA)
    assert (precious / "thesis.txt").read_text() == "mine"
    assert list(precious.iterdir()) == [precious / "thesis.txt"]


@pytest.mark.guarantee(20, "G3")
@pytest.mark.parametrize("store", ["fit/vca", "comparison"])
def test_damage_to_any_store_is_refused_by_the_job_that_needs_it(finished, tmp_path, store):
    folder = tmp_path / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)
    damaged = folder / "results/SI1" / f"{store}.zarr"
    victim = sorted(path for path in damaged.rglob("c/**/*") if path.is_file())[0]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 4
    victim.write_bytes(content)
    assert check_stores([str(folder / "results")]) == 1
    copy = Project.__new__(Project)
    copy.folder = folder
    (folder / "reports" / "SI1.html").unlink()
    done = copy.snakemake()
    output = _output(done)
    assert done.returncode != 0
    assert f"{store}.zarr: {victim.relative_to(damaged)} is damaged" in output
    assert not (folder / "reports" / "SI1.html").exists()
    shutil.rmtree(damaged)
    assert check_stores([str(folder / "results")]) == 0
    assert {"compare", "report"} <= copy.run("-n")


@pytest.fixture(scope="module")
def finished(prepared, tmp_path_factory):
    """A run to its end, with a method that fails."""
    copy = prepared.copy(tmp_path_factory.mktemp("finished") / "project")
    copy.configure(CONFIGURATION.replace("nmf: {}", "nmf: {}, ica: {}"))
    copy.edit(
        "workflow/eelsunmix/methods/ica.py",
        "\n    def fit(self, learning_set",
        "\n    def fit(self, *_):\n        from eelsunmix.errors import MethodFailedError\n"
        "        raise MethodFailedError('the simplex <b>collapsed</b>')\n"
        "\n    def old_fit(self, learning_set",
    )
    copy.run()
    return copy
