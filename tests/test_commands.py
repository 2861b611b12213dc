"""The command line: what it says, what it runs, and its exit codes."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

from eelsunmix.commands import caches, entry
from eelsunmix.commands.checking import checked_configuration
from eelsunmix.commands.progress import Progress
from eelsunmix.commands.running import _command, _gone, run_workflow
from eelsunmix.commands.workflow_files import demo_configuration, profile, snakefile
from eelsunmix.configuration import read_configuration
from eelsunmix.configuration.file_axes import edges_on_axes
from eelsunmix.errors import InputError, StoreError
from eelsunmix.execution.log_ends import now_on_disk
from eelsunmix.execution.stopping import StoppedError
from eelsunmix.io import import_image
from eelsunmix.storage import publish

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "workflow"), "OMP_NUM_THREADS": "1"}


def eelsunmix(*arguments, cwd=None, env=ENVIRONMENT):
    return subprocess.run(
        [sys.executable, "-m", "eelsunmix", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=env,
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with an image of 300 channels from 400 eV on, 5 x 7 pixels."""
    monkeypatch.chdir(tmp_path)
    energy = 400.0 + np.arange(300)
    counts = np.random.default_rng(1).poisson(np.broadcast_to(2000 * (energy / 400) ** -3, (5, 7, 300)))
    np.save(tmp_path / "image.npy", counts)
    return tmp_path


AXES = "axes: {dims: [y, x, energy_loss], energy: {offset_eV: 400, dispersion_eV: 1}}\n"


def write(folder, text, name="my.yaml"):
    (folder / name).write_text("samples: {SI1: {file: image.npy}}\n" + AXES + text, encoding="utf-8")
    return name


def test_help_teaches_every_command():
    said = CliRunner().invoke(entry.eelsunmix, ["--help"]).output
    for name in entry.eelsunmix.commands:
        assert name in said
        one = CliRunner().invoke(entry.eelsunmix, [name, "--help"])
        assert one.exit_code == 0
        assert len(one.output.splitlines()) > 5
    assert "Completion" in said


def test_check_says_in_words_what_will_run(folder):
    found = eelsunmix("check", write(folder, "edges: [O, Ti]\nmethods: {vca: {}}\n"), cwd=folder)
    assert found.returncode == 0, found.stderr
    assert "edge O_K: O from 532 eV; background fitted 490 to 526 eV, signal summed 529 to" in found.stdout
    assert "edge Ti_L23: Ti from 456 eV; background fitted 412 to 450 eV" in found.stdout
    assert "methods: vca" in found.stdout


def test_windows_of_a_file_that_is_gone_are_checked_on_what_was_imported(folder):
    """A run goes on without it, and an edge off the axis would fail in a job only."""
    name = write(folder, "edges: [O, La]\n")
    sample = read_configuration([name]).samples["SI1"]
    axes = sample.axes.replaced(pixel_nm=None)
    publish(import_image(folder / "image.npy", axes=axes), folder / "results" / "SI1" / "raw.zarr")
    (folder / "image.npy").unlink()
    with pytest.raises(
        InputError, match=r"sample SI1: edges\.La: La_M45 .*, La_N45 at 102 eV lie off the axis"
    ):
        edges_on_axes({"SI1": sample})
    edges, warnings = edges_on_axes({"SI1": sample.replaced(edges={"O_K": sample.edges["O"]})})
    assert edges["SI1"]["O_K"].fit_eV == (481, 526)
    assert warnings == [
        "sample SI1: image.npy is no longer there; windows and places are checked on what was imported of it"
    ]
    (folder / "results" / "SI1" / "raw.zarr" / "energy_loss" / "c" / "0").write_bytes(b"x")
    _, (text,) = edges_on_axes({"SI1": sample})
    assert "energy_loss/c/0 is damaged" in text
    (folder / "results" / "SI1" / "raw.zarr" / "energy_loss" / "c" / "0").unlink()
    _, (text,) = edges_on_axes({"SI1": sample})
    assert "energy_loss/c/0 is missing; move this folder aside" in text


def test_a_file_in_a_folder_that_may_not_be_entered_is_as_one_that_is_gone(folder, monkeypatch):
    """`Path.exists` raises there, and `check` ended in a line that named no sample."""
    name = write(folder, "edges: [O]\n")
    sample = read_configuration([name]).samples["SI1"]
    axes = sample.axes.replaced(pixel_nm=None)
    publish(import_image(folder / "image.npy", axes=axes), folder / "results" / "SI1" / "raw.zarr")
    stat = os.stat

    def refused(path, *further, **options):
        if os.fspath(path) == "image.npy":
            raise PermissionError(13, "Permission denied", "image.npy")
        return stat(path, *further, **options)

    monkeypatch.setattr(os, "stat", refused)
    edges, (text,) = edges_on_axes({"SI1": sample})
    assert text.startswith("sample SI1: image.npy is no longer there; ")
    assert [edge.onset_eV for edge in edges["SI1"].values()] == [532]


def test_a_machine_without_the_programme_which_is_told_before_anything_runs(folder):
    """As small containers are: a plugin of Snakemake calls it in every run, and ended in a traceback."""
    found = eelsunmix(
        "run", write(folder, "methods: {vca: {}}\n"), cwd=folder, env=ENVIRONMENT | {"PATH": "/nonexistent"}
    )
    assert found.returncode == 2
    assert found.stderr.startswith("run needs the programme `which`, which is not on the PATH; install it")
    assert len(found.stderr.splitlines()) == 1


BUSY = """
import sys, time
from eelsunmix.commands import entry

@entry.eelsunmix.command()
def busy():
    from zarr.core.sync import _get_loop
    _get_loop().call_soon_threadsafe(time.sleep, 1.0)

sys.argv = ["eelsunmix", "busy"]
try:
    entry.main()
finally:
    import zarr
    zarr.ones(3)[:]  # what comes afterwards in the same process does not wait for ever
"""


def test_on_a_busy_machine_the_thread_of_zarr_ends_no_command_in_a_traceback():
    done = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, text=True, env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_sample_that_is_another_one_once_more_is_named(folder):
    """Maps of one image under the name of another: a line was copied, and the path left as it was."""
    (folder / "link.npy").symlink_to("image.npy")
    text = "samples:\n" + "".join(
        f"  {name}: {{file: {file}{more}}}\n"
        for name, file, more in [
            ("A", "image.npy", ""),
            ("B", "link.npy", ""),
            ("C", "image.npy", ", components: {n: 2}"),
        ]
    )
    (folder / "my.yaml").write_text(text + AXES)
    assert checked_configuration([Path("my.yaml")]).warnings == [
        "samples A and B have the same file, link.npy, and the same settings; if that is a slip, write the "
        "path of the image of B"
    ]


def test_check_draws_windows_and_doubts_an_axis_that_is_off(folder):
    energy = 400.0 + np.arange(300)
    expected = 2000 * (energy / 400) ** -3
    for onset in (456, 532):
        expected = expected + 700 * (energy >= onset) * (energy / onset) ** -3
    np.save(folder / "image.npy", np.random.default_rng(2).poisson(np.broadcast_to(expected, (12, 13, 300))))
    pages = []
    for offset in (400, 412):
        axes = f"axes: {{dims: [y, x, energy_loss], energy: {{offset_eV: {offset}, dispersion_eV: 1}}}}\n"
        text = "samples: {SI1: {file: image.npy}}\n" + axes + "edges: [Ti_L23, O_K]\n"
        (folder / "my.yaml").write_text(text, encoding="utf-8")
        found = CliRunner().invoke(entry.eelsunmix, ["check", "my.yaml", "--draw"])
        assert found.exit_code == 0, found.output
        assert "wrote SI1.windows.html" in found.output
        pages.append((folder / "SI1.windows.html").read_text(encoding="utf-8"))
    assert "The energy axis is about" not in pages[0]
    assert "The energy axis is about 12" in pages[1]
    (folder / "SI1.windows.html").write_text("mine")
    found = CliRunner().invoke(entry.eelsunmix, ["check", "my.yaml", "--draw"])
    assert "was not made by this command" in str(found.exception) + found.output
    assert (folder / "SI1.windows.html").read_text() == "mine"


@pytest.mark.guarantee("G7")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("edges: [La]\n", "sample SI1: edges.La: "),
        (
            "edges: {Ti_L23: {fit_eV: [300, 390]}}\n",
            "sample SI1: edges.Ti_L23.fit_eV: window 300-390 eV does not lie wholly on the axis 400-699 eV",
        ),
        ("edges: [Tii]\n", "my.yaml:3: edges.Tii: names no element"),
        ("edges: {Ti_L23: {onset_eV: 1.0e+308}}\n", "onset_eV: needs a number from 1 to 1e6"),
        ("edges: {Ti_L23: {onset_eV: 1.0e-320}}\n", "onset_eV: needs a number from 1 to 1e6"),
        ("\tedges: {}\n", "my.yaml:3"),
        ("edges: [Ti\n", "my.yaml:"),
        ("metods: {}\n", "my.yaml:3: metods: unknown key; did you mean methods?"),
        ("corrections: {crop: {energy_eV: [900, 1000]}}\nedges: [Ti]\n", "corrections.crop.energy_eV"),
        (
            "profiles: {P: {width_nm: 2}}\n",
            "sample SI1: profiles.P.width_nm: the image has no pixel size in nm",
        ),
        ("corrections: {crop: {y_nm: [0, 2]}}\n", "sample SI1: corrections.crop.y_nm: the axis y is in px"),
        (
            "components: {n: 36}\n",
            "sample SI1: components.n is 36, but the image has 300 channels and 35 pixels; write 35 at most",
        ),
        (
            "components: {n: 31}\ncorrections: {bin: {energy: 10}}\n",
            "sample SI1: components.n is 31, but the image has 30 channels and 35 pixels; write 30 at most",
        ),
        (
            "denoise: {n_components: 500}\n",
            "sample SI1: denoise.n_components is 500, but the image has 300 channels and 35 pixels; write 35",
        ),
        ("regions: {R: {y_nm: [0, 2]}}\n", "sample SI1: regions.R.y_nm: the image has no pixel size in nm"),
        (
            "corrections: {bin: {y: 2}}\nprofiles: {P: {pixels: [1, 3]}}\n",
            "sample SI1: profiles.P: y pixels 1 to 2 asked for, but the image has 0 to 1",
        ),
    ],
    ids=[
        *(
            "no room",
            "off the axis",
            "no element",
            "a high onset",
            "a low onset",
            "a tab",
            "an open bracket",
            "a key",
            "a crop",
        ),
        *("a profile in nm", "a crop in nm", "more than pixels", "more than channels", "more in the PCA"),
        *("a region in nm", "a profile off the binned image"),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_mistake_is_one_line_before_anything_runs(folder, command, text, said, monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", ["eelsunmix", command, str(write(folder, text))])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    found = capfd.readouterr()
    assert ended.value.code == 2
    assert said in found.err
    assert len(found.err.splitlines()) == 1
    assert not (folder / ".snakemake").exists()
    assert found.out == ""


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_mistake_is_one_line_of_the_command_too(folder, command):
    found = eelsunmix(command, write(folder, "edges: [Tii]\n"), cwd=folder)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("my.yaml:3: edges.Tii: names no element")
    assert len(found.stderr.splitlines()) == 1


def test_a_resolution_of_x_rays_is_refused_for_energy_losses(folder):
    axes = AXES.replace("dispersion_eV: 1", "dispersion_eV: 1, resolution_eV: 130")
    (folder / "my.yaml").write_text("samples: {SI1: {file: image.npy}}\n" + axes, encoding="utf-8")
    found = CliRunner().invoke(entry.eelsunmix, ["check", "my.yaml"])
    assert found.exit_code != 0
    assert "sample SI1: image.npy: axes.energy.resolution_eV is that of a detector of X-rays" in str(
        found.exception
    )


@pytest.mark.parametrize(
    ("axis", "edges", "sign"),
    [
        ("400, dispersion_eV: 1", "[Ti]", "its channels of 1 eV are those of energy losses"),
        ("0, dispersion_eV: 10", "{Ti_L23: {onset_eV: 456}}", "edges.Ti_L23 is named as an edge of energy"),
        ("0, dispersion_eV: 10", "[Ti]", None),
        ("0, dispersion_eV: 10", "[Ti_Ka]", None),
    ],
)
def test_an_axis_called_energy_is_said_to_be_of_x_rays(folder, axis, edges, sign):
    """Whoever has energy losses, and writes `energy`, is told; whether or not the line has room there."""
    axes = f"axes: {{dims: [y, x, energy], energy: {{offset_eV: {axis}}}}}"
    text = f"samples: {{SI1: {{file: image.npy}}}}\n{axes}\nedges: {edges}\n"
    (folder / "my.yaml").write_text(text, encoding="utf-8")
    found = CliRunner().invoke(entry.eelsunmix, ["check", "my.yaml"])
    said = f"{found.output}{found.exception}"
    assumed = "sample SI1: axes.dims says energy, so the image is taken for one of X-rays, but "
    assert (assumed in said) == (sign is not None)
    assert sign is None or f"{assumed}{sign}" in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "absent.yaml"],
        ["run", "absent.yaml"],
        ["verify", "nowhere"],
        ["verify"],
        ["run"],
        ["runn"],
        ["run", "a", "--corse"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_the_users_mistake(tmp_path, arguments):
    found = eelsunmix(*arguments, cwd=tmp_path)
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
    assert found.stderr.strip()


@pytest.mark.parametrize("paths", [[], ["results"], ["exports/SI1"]], ids=" ".join)
def test_a_configuration_that_does_not_exist_is_named_before_its_results(tmp_path, paths):
    found = eelsunmix("verify", *paths, "--configfile", "nope.yaml", cwd=tmp_path)
    said = "nope.yaml: no such file; eelsunmix new writes one\n"
    assert (found.returncode, found.stdout, found.stderr) == (2, "", said)


@pytest.mark.parametrize("cores", ["0", "-1", "abc", "\N{SUPERSCRIPT TWO}"])
def test_cores_are_a_number_or_all(cores):
    found = CliRunner().invoke(entry.eelsunmix, ["run", "a.yaml", "--cores", cores])
    assert found.exit_code == 2
    assert "write a number from 1 on, or all" in found.output


def test_a_file_that_cannot_be_read_is_left_to_its_job(folder):
    (folder / "broken.dm4").write_bytes(b"not a file of DigitalMicrograph")
    text = "samples: {SI1: {file: broken.dm4}}\nedges: [Ti]\n"
    (folder / "my.yaml").write_text(text, encoding="utf-8")
    found = eelsunmix("check", "my.yaml", cwd=folder)
    assert found.returncode == 0
    assert "warning: sample SI1: broken.dm4: cannot be read as .dm4" in found.stdout


LINES = """\
all                       1
total                     3
Job 2: S1: principal components
Finished jobid: 2 (Rule: denoise)
1 of 3 steps (33%) done
Job 5: S1: fit vca
Finished jobid: 5 (Rule: fit_vca)
2 of 3 steps (67%) done
Finished jobid: 0 (Rule: all)
3 of 3 steps (100%) done
"""


def progress(text, **given):
    said, clock = [], iter(range(0, 1000, 10))
    one = Progress(echo=said.append, clock=lambda: float(next(clock)), **given)
    for line in text.splitlines():
        one.take(line)
    return one, said


def test_progress_is_one_line_per_step():
    one, said = progress(LINES)
    assert said == ["[1/2] S1: principal components (20 s)", "[2/2] S1: fit vca (30 s)"]
    assert one.end() == "done in 50 s"


def test_a_failed_job_is_one_line_with_the_end_of_its_log(tmp_path):
    log = tmp_path / "fit.log"
    log.write_text("10:00:00 INFO begin\n10:00:01 ERROR the memory is used up\n", encoding="utf-8")
    one, _ = progress(f"Error in rule fit_vca:\n    jobid: 5\n    log: {log} (check log file(s))\n")
    assert one.failures()[0] == f"fit_vca failed: the memory is used up (log: {log})"


def failed(log, *, before="", **given):
    text = f"{before}\nError in rule fit_vca:\n    jobid: 5\n    log: {log} (check log file(s))\n"
    return progress(text, **given)[0].failures()[0]


def test_a_job_that_died_early_is_not_explained_by_the_log_of_an_earlier_run(tmp_path):
    """On a cluster nobody removes the old log before the job itself begins."""
    log = tmp_path / "fit.log"
    log.write_text("10:00:01 ERROR data/old.npy: is empty\n", encoding="utf-8")
    assert "old.npy: is empty" in failed(log, began=log.stat().st_mtime_ns)
    os.utime(log, ns=(0, log.stat().st_mtime_ns - 10**8))
    said = failed(log, began=now_on_disk(tmp_path))
    assert "old.npy" not in said
    assert said.startswith(f"fit_vca failed: it ended before it wrote into its log {log}; ")


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (
            "Command 'set -e; python fit.py' died with <Signals.SIGKILL: 9>.",
            "the job was killed without a word",
        ),
        ("Command 'set -e; python fit.py' died with <Signals.SIGSEGV: 11>.", "it was ended by SIGSEGV"),
        ("ModuleNotFoundError: No module named 'zarr'", "ModuleNotFoundError: No module named 'zarr'"),
        ("WorkflowError: all went wrong", "run snakemake itself"),
        ("MemoryError", "the memory is used up; give the job more"),
        ("10:00:00 ERROR a.zarr: cannot be written, the disk is full", "a.zarr: cannot be written, the disk"),
        ("OSError: [Errno 28] No space left on device: 'a/b'", "a/b: the disk is full; free some space"),
        ("FileNotFoundError: [Errno 2] No such file: 'a'", "FileNotFoundError: [Errno 2] No such file: 'a'"),
    ],
)
def test_how_a_job_ended_that_wrote_nothing_is_said(tmp_path, before, said):
    log = tmp_path / "fit.log"
    log.touch()
    assert f"; {said}" in failed(log, before=before)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full; free some space and run again"),
        (
            'InputFunctionException in rule bs in file "a.smk", line 3:\nError:\n  MemoryError: \n'
            "Wildcards:\nsample=A\nTraceback:\n" + '  File "a.smk", line 3, in remade\n' * 6,
            "the memory is used up; free some, or raise",
        ),
        ('MemoryError in file "a.smk", line 232.\n  File "a.smk", line 232, in f', "the memory is used up; "),
        (
            "PermissionError in file \"a.smk\", line 3:\n[Errno 13] Permission denied: '/a/.snakemake'\n"
            + '  File "a.smk", line 3, in f\n' * 6,
            "/a/.snakemake: no permission; ",
        ),
    ],
)
def test_what_snakemake_itself_lacks_is_one_line(text, said):
    (line,) = progress(f"Traceback (most recent call last):\n{text}\n")[0].failures()
    assert line.startswith(f"Snakemake stopped: {said}")


def test_too_few_files_for_snakemake_itself_are_one_line():
    text = "Traceback (most recent call last):\n  File ...\nOSError: [Errno 24] Too many open files\n"
    (said,) = progress(text)[0].failures()
    assert said.startswith("Snakemake stopped: too many files are open at a time; raise the limit (ulimit -n")


STOPPED = """
import os, signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have told us to ignore it
from eelsunmix.commands import running
from eelsunmix.commands.checking import checked_configuration

child = "import os, signal, time; signal.signal(signal.SIGTERM, lambda *_: os._exit(3)); "
child += f"os.kill(os.getppid(), {sys.argv[2]}); time.sleep(60)"
running._command = lambda *_: [sys.executable, "-c", child]
print("code", running.run_workflow(checked_configuration([Path(sys.argv[1])]), []))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_stops_a_run_stops_snakemake_too(folder, number):
    """And waits for its end: whoever types the same command at once is told of no other run."""
    name = write(folder, "methods: {vca: {}}\n")
    command = [sys.executable, "-c", STOPPED, name, str(int(number))]
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stdout) == (0, f"code {128 + number}\n"), done.stderr
    assert f"stopped by {number.name}; what is finished stays" in done.stderr


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt(), 130), (StoppedError(143), 143)])
def test_ctrl_c_is_one_word_and_the_code_of_the_shell(monkeypatch, raised, code):
    def stopped(_files):
        raise raised

    monkeypatch.setattr("eelsunmix.commands.checking.checked_configuration", stopped)
    done = CliRunner().invoke(entry.eelsunmix, ["check", "a.yaml"])
    assert (done.exit_code, done.output) == (code, "stopped\n")


def test_a_command_that_is_stopped_while_zarr_reads_says_no_more(tmp_path):
    """Its tasks told of their end: "Task was destroyed", or a traceback that blamed a whole store."""
    script = tmp_path / "stopped.py"
    script.write_text(
        "import asyncio, sys, time, zarr\n"
        "from zarr.core.sync import _get_loop\n"
        "from eelsunmix.commands import checking, entry\n"
        "from eelsunmix.execution.stopping import StoppedError\n"
        "async def failing():\n"
        "    await asyncio.sleep(0.01)\n"
        "    raise FileNotFoundError('bs.zarr/.zmetadata')\n"
        "async def reading():\n"
        "    asyncio.ensure_future(failing())\n"
        "    await asyncio.sleep(60)\n"
        "def stopped(_files):\n"
        "    asyncio.run_coroutine_threadsafe(reading(), _get_loop())\n"
        "    raise StoppedError(143)\n"
        "checking.checked_configuration = stopped\n"
        "sys.argv = ['eelsunmix', 'check', 'a.yaml']\n"
        "entry.main()\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (143, "stopped\n")


def test_want_of_memory_of_a_command_does_not_speak_of_a_job(monkeypatch, capsys):
    def lacking(_files):
        raise MemoryError

    monkeypatch.setattr("eelsunmix.commands.checking.checked_configuration", lacking)
    monkeypatch.setattr(sys, "argv", ["eelsunmix", "check", "a.yaml"])
    with pytest.raises(SystemExit):
        entry.main()
    said = capsys.readouterr().err
    assert said == "the memory is used up; free some, or raise its limit (ulimit -v)\n"


def test_a_job_that_a_signal_has_ended_leaves_nothing_to_mend(tmp_path):
    log = tmp_path / "fit.log"
    log.write_text("10:00:01 ERROR interrupted; nothing half-written is left\n", encoding="utf-8")
    said = progress(f"Error in rule fit_vca:\n    log: {log}\n")[0].failures(ended_by=signal.SIGINT)
    assert said == [
        f"fit_vca failed: interrupted; nothing half-written is left (log: {log})",
        "stopped by SIGINT; what is finished stays, and the same command goes on from there",
    ]


@pytest.mark.parametrize("is_there", [True, False])
def test_of_a_job_that_a_signal_reached_before_it_began_nothing_is_said(tmp_path, is_there):
    """Ctrl-C goes to Snakemake and to the job at once: "its log cannot be read" would worry for nothing."""
    log = tmp_path / "fit.log"
    if is_there:
        log.touch()
    followed = progress(f"Error in rule fit_vca:\n    log: {log}\n")[0]
    assert followed.failures(ended_by=signal.SIGINT) == [
        "stopped by SIGINT; what is finished stays, and the same command goes on from there"
    ]
    assert followed.failures()[0].startswith("fit_vca failed: ")


def of_slurm(folder, state, said, job="", number=5):
    """What Snakemake prints of a job of SLURM that failed, with SLURM's log between two lines."""
    (folder / "slurm").mkdir(exist_ok=True)
    slurm_log = folder / "slurm" / f"{number}.log"
    slurm_log.write_text(said, encoding="utf-8")
    (folder / "fit.log").write_text(job, encoding="utf-8")
    return f"""Error in rule fit_vca:
    message: SLURM-job '31' failed, SLURM status is: '{state}'. Detailed failure reason unavailable
    jobid: {number}
    output: results/S1/fit/vca.zarr
    log: {folder / "fit.log"}, {slurm_log} (check log file(s) for error details)
    external_jobid: 31
Logfile {slurm_log}:
==========
Job 0: S1: fit vca
Error in rule fit_vca:
    jobid: 0
    log: results/S1/logs/fit_vca.log (check log file(s) for error details)
1 of 1 steps (100%) done
==========
"""


KILLED = (
    "slurmstepd-n1: error: StepId=3.0 exceeded memory limit (790929408 > 576716800), being killed\n"
    "slurmstepd-n1: error: *** STEP 3.0 ON n1 CANCELLED AT 2026-11-26T10:43:15 ***\n"
)


@pytest.mark.parametrize(
    ("state", "said", "job", "why"),
    [
        ("FAILED", KILLED, "", r"more memory than SLURM gave it \(754 MB, 550 MB were allowed\)"),
        ("OUT_OF_MEMORY", "Detected 1 oom_kill event in StepId=3.0\n", "", "more memory than SLURM gave it;"),
        ("TIMEOUT", "", "10:00:01 ERROR stopped from outside\n", "limit of time in SLURM; .*runtime"),
        ("NODE_FAIL", "", "", "its node of SLURM failed"),
        ("CANCELLED", "*** STEP 2.0 ON n1 CANCELLED AT 2026\n", "10:00:01 ERROR stopped\n", "was cancelled"),
        ("PREEMPTED", "*** JOB 2 CANCELLED AT 2026 DUE TO PREEMPTION ***\n", "", "gave its node to another"),
        ("FAILED", "srun: error\n", "10:00:01 ERROR S1: no counts\n", r"failed: S1: no counts \(log: "),
        ("FAILED", "srun: error\n", "", "failed: see its log .*5.log"),
    ],
)
def test_a_failed_job_of_slurm_says_which_limit_it_met(tmp_path, state, said, job, why):
    one, echoed = progress(of_slurm(tmp_path, state, said, job))
    failed, advice = one.failures()
    assert re.search(why, failed), failed
    assert f"{tmp_path}/slurm/5.log" in failed or not said
    assert "what is finished stays" in advice
    assert echoed == []


def test_a_job_that_slurm_does_not_take_is_one_line():
    text = """Error in rule fit_vca:
    message: SLURM sbatch failed. The error message was 'sbatch: error: invalid partition specified: nope
sbatch: error: Batch job submission failed: Invalid partition name specified'.
    sbatch call:
        sbatch --parsable
"""
    (failed, _) = progress(text)[0].failures()
    assert failed == "fit_vca failed: SLURM did not take it: invalid partition specified: nope"


def test_a_job_that_is_tried_again_is_named_and_no_failure_in_the_end(tmp_path):
    first = of_slurm(tmp_path, "FAILED", KILLED, number=5)
    second = of_slurm(tmp_path, "CANCELLED", "", number=6)
    one, echoed = progress(f"{first}Trying to restart job 5.\n{second}")
    assert len(echoed) == 1
    assert "fit_vca failed and is tried again: it needed more memory" in echoed[0]
    (failed, _) = one.failures()
    assert "it was cancelled" in failed


def test_of_a_group_those_jobs_are_named_that_failed_by_themselves(tmp_path):
    logs = {name: tmp_path / f"{name}.log" for name in ("a", "b", "c", "slurm")}
    logs["a"].write_text("10:00:01 ERROR no edges\n")
    logs["b"].write_text("10:00:01 INFO done\n")
    logs["slurm"].write_text("srun: error\n")
    shared = f"""    message: Error in group sample
    log: {logs["slurm"]} (check log file(s) for error details)
    jobs:
"""
    rule = "        rule fit_{0}:\n            jobid: {1}\n            log: {2} (check log file)\n"
    jobs = [rule.format(name, number, logs[name]) for number, name in enumerate("cba")]
    one, _ = progress(shared + "".join(jobs))
    failed, advice = one.failures()
    assert failed == f"fit_a failed: no edges (log: {logs['a']}, {logs['slurm']})"
    assert advice.startswith("the jobs of a small sample are one submission: where one failed, all of them")
    assert "all else that is finished stays" in advice
    again, echoed = progress(f"{shared}{''.join(jobs)}Trying to restart job 1b5c.\n")
    assert echoed == [f"fit_a failed and is tried again: no edges (log: {logs['a']}, {logs['slurm']})"]
    assert again.failures()[0] == "Snakemake stopped:"
    logs["a"].write_text("10:00:01 INFO begin\n")
    logs["slurm"].write_text(KILLED)
    assert "fit_a failed: it needed more memory" in progress(shared + "".join(jobs))[0].failures()[0]


def test_a_locked_folder_is_said_in_one_line():
    one, _ = progress("LockException:\nError: Directory cannot be locked. Please make sure ...\n")
    assert one.failures()[0].startswith("another run is going on in this folder")


def test_nothing_to_do_is_said():
    one, _ = progress("Nothing to be done (all requested files are present and up to date).")
    assert one.end() == "nothing to do: all results are there and match the configuration"


@pytest.mark.guarantee(23)
def test_stores_that_are_gone_behind_a_page_are_named():
    one, _ = progress("Nothing to be done (all requested files are present and up to date).")
    said = one.end(dry_run=True, gone=["results/A/pca.zarr", "results/A/rank.zarr"])
    assert "all results are there" not in said
    assert "2 stores are gone: results/A/pca.zarr, results/A/rank.zarr; to have them made again" in said


def test_stores_that_are_gone_are_found(folder):
    checked = checked_configuration([Path(write(folder, "methods: {vca: {}}\n"))])
    page = folder / "reports" / "SI1.html"
    page.parent.mkdir()
    page.touch()
    stores = [f"results/SI1/{name}.zarr" for name in ("raw", "corrected", "pca", "rank", "bs", "fit/vca")]
    assert _gone(checked) == [*stores, "results/SI1/map/vca.zarr", "results/SI1/comparison.zarr"]
    (folder / "results" / "SI1" / "pca.zarr").mkdir(parents=True)
    assert "results/SI1/pca.zarr" not in _gone(checked)


@pytest.mark.parametrize("kind", ["cannot be made", "a file", "nobody's"])
def test_caches_lie_in_the_working_folder_where_home_cannot_be_written(tmp_path, monkeypatch, kind):
    (tmp_path / "file").touch()
    home = {"cannot be made": "/proc/none", "a file": str(tmp_path / "file"), "nobody's": "~nobody-at-all"}
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "XDG_CACHE_HOME" not in caches.environment()
    if kind == "nobody's":
        monkeypatch.setenv("XDG_CACHE_HOME", home[kind])
    else:
        monkeypatch.setenv("HOME", home[kind])
    assert caches.environment()["XDG_CACHE_HOME"] == str(tmp_path / ".snakemake" / "cache")


def test_no_home_and_a_folder_that_cannot_be_written_are_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    (tmp_path / ".snakemake").touch()  # as a folder of somebody else, for who may write everywhere too
    with pytest.raises(InputError, match=rf"{tmp_path}: cannot be written, a file stands where"):
        caches.environment()


def test_a_temporary_folder_that_cannot_be_used_is_passed_over(tmp_path, monkeypatch):
    """As Python does; a solver of Snakemake wrote there all the same, and a full one ended the run."""
    for asked, is_usable in ((tmp_path, True), ("/proc/none", False)):
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.setenv("TMPDIR", str(asked))
        assert (caches.environment()["TMPDIR"] == str(asked)) is is_usable
    monkeypatch.delenv("TMPDIR")
    assert "TMPDIR" not in caches.environment()


@pytest.mark.workflow
def test_a_run_needs_no_home(folder):
    name = write(folder, "edges: [Ti]\nmethods: {vca: {}}\n")
    without = {key: value for key, value in ENVIRONMENT.items() if key != "XDG_CACHE_HOME"}
    done = eelsunmix("run", name, "-n", cwd=folder, env=without | {"HOME": "/proc/none"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "steps would run\n" in done.stdout
    assert not list(folder.glob("~*"))


@pytest.mark.workflow
@pytest.mark.parametrize("name", ["re", "numpy", "json", "yaml", "eelsunmix"])
def test_no_module_of_the_working_folder_is_imported_by_a_run(folder, name):
    """Nor in a job, where a script is started; a folder may hold programs of the user, or of who sent it."""
    (folder / f"{name}.py").write_text(
        "from pathlib import Path\nPath('imported').touch()\nraise SystemExit(3)\n"
    )
    text = "methods: {vca: {}}\n"
    command = [str(Path(sys.executable).with_name("eelsunmix")), "run", write(folder, text), "-n"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (0, "")
    assert not Path("imported").exists()


def test_the_files_of_the_workflow_are_found(tmp_path, monkeypatch):
    assert snakefile() == ROOT / "workflow" / "Snakefile"
    assert "STO-LMO" in read_configuration([demo_configuration()], must_exist=False).samples
    assert Path(profile("slurm")) == ROOT / "workflow" / "profiles" / "slurm"
    assert profile("mine") == "mine"


DRY = "dry-run: true\nuntil: [denoise]\nconfig: [seed=7]\n"


@pytest.mark.parametrize("place", ["profiles/default/config.yaml", "default/config.yaml", "default", "mine"])
def test_no_other_profile_is_taken_than_ours_and_the_one_asked_for(tmp_path, monkeypatch, place):
    """Neither what is called so by chance, nor that of the environment; Snakemake itself says it."""
    parse = pytest.importorskip("snakemake.cli").parse_args
    monkeypatch.chdir(tmp_path)
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text(DRY)
    monkeypatch.setenv("SNAKEMAKE_PROFILE", str(tmp_path / place))
    taken = parse(_command([Path("a.yaml")], "2", None, False)[3:])[1]
    assert (taken.dryrun, taken.config, taken.rerun_incomplete) == (False, None, True)
    asked = parse(_command([Path("a.yaml")], "2", place, False)[3:])[1]
    assert (asked.dryrun, asked.config, asked.rerun_incomplete) == (True, ["seed=7"], True)


@pytest.mark.parametrize(("profile", "advice"), [(None, "run again"), ("mine", "see what the profile mine")])
def test_a_run_that_made_no_page_is_not_done(folder, monkeypatch, capsys, profile, advice):
    child = [sys.executable, "-S", "-c", ""]
    monkeypatch.setattr("eelsunmix.commands.running._command", lambda *_: child)
    monkeypatch.setattr("eelsunmix.commands.running.refuse_misfit", lambda *_: None)
    monkeypatch.setenv("SNAKEMAKE_PROFILE", "theirs")
    checked = checked_configuration([Path(write(folder, "methods: {vca: {}}\n"))])
    assert run_workflow(checked, [], dry_run=True) == 0
    said = capsys.readouterr()
    assert said.err == "SNAKEMAKE_PROFILE is not used; to run by it: --profile 'theirs'\n"
    publish(xr.Dataset({"a": ("x", [1.0])}), Path("results/SI1/raw.zarr"))
    assert run_workflow(checked, [], profile=profile) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert (
        f"results/SI1/corrected.zarr: was not made, though Snakemake ended without an error; {advice}"
        in said.err
    )
    assert ("SNAKEMAKE_PROFILE" in said.err) == (profile is None)


def test_a_run_is_done_once_its_pages_are_there(folder, monkeypatch, capsys):
    monkeypatch.setattr("eelsunmix.commands.running._command", lambda *_: [sys.executable, "-S", "-c", ""])
    checked = checked_configuration([Path(write(folder, "methods: {vca: {}}\n"))])
    (folder / "reports").mkdir()
    for name in ("SI1", "index"):
        (folder / "reports" / f"{name}.html").touch()
    assert run_workflow(checked, []) == 0
    assert re.match(
        r"done in \d s; but of the results behind the pages 8 stores are gone", capsys.readouterr().out
    )


def test_without_snakemake_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'eelsunmix\[workflow\]'"):
        snakefile()


@pytest.mark.workflow
@pytest.mark.slow
def test_a_run_ends_with_its_page_and_is_not_repeated(folder):
    name = write(folder, "edges: [Ti]\nmethods: {vca: {}}\ncomponents: {n: 2}\n")
    first = eelsunmix("run", name, "--cores", "1", cwd=folder)
    assert first.returncode == 0, first.stdout + first.stderr
    lines = first.stdout.splitlines()
    steps, (done, *warned, page) = [line for line in lines if line.startswith("[")], lines[10:]
    assert len(steps) == 10, lines
    warning, use, *_ = warned
    assert warning.startswith("SI1, number of components: 2 endmembers are asked for, but 1")
    assert use.startswith("SI1, use")
    said = json.loads((folder / "results" / "SI1" / "verdict.json").read_text())["sentences"]
    assert [line.partition(": ")[2] for line in warned[1:]] == [one["text"] for one in said[:-1]]
    assert eelsunmix("export", "SI1", "--csv", cwd=folder).returncode == 0
    (notes,) = (folder / "exports").rglob("0_README.txt")
    assert f"WHAT THE PAGE SAYS\n- {said[0]['title']}: {said[0]['text']}" in notes.read_text(encoding="utf-8")
    assert "SI1: import image.npy" in steps[0]
    assert done.startswith("done in ")
    assert page == f"page of SI1: {folder / 'reports' / 'SI1.html'}"
    again = eelsunmix("run", name, "--cores", "1", cwd=folder)
    assert again.stdout.splitlines()[0].startswith("nothing to do")
    verified = eelsunmix("verify", cwd=folder)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert verified.stdout.startswith(
        "8 stores, 0 of them not in order\n2 pages, 0 of them not in order\n1 verdict, "
    )
    (folder / "results" / "SI1" / "pca.zarr" / "score" / "zarr.json").write_text("{}")
    assert eelsunmix("verify", cwd=folder).returncode == 1


def test_what_the_workflow_refuses_is_said_without_what_snakemake_puts_around_it():
    refused = "results/A/raw.zarr: has no manifest.json, so a run would remove it; move it aside"
    text = f"""Using workflow specific profile workflow/profiles/default for setting default arguments.
WorkflowError in file "/a b/common.smk", line 59:
{refused}
File "/a b/common.smk", line 59, in <module>
"""
    assert progress(text)[0].failures() == progress(text)[0].refusal() == [refused]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("results: another run uses these results (process 7 on a); wait for its end, or end it", 2),
        ("results: another run uses these results; wait for its end", 2),
        ("WorkflowError:\nreports: is no folder, and a run writes there; move it aside", 2),
        ("Error in rule fit_vca:\n    log: a.log\nWorkflowError:\nAt least one job did not complete", 1),
        ("Job 3: A: import a.npy\nFinished jobid: 3\n1 of 9 steps\nWorkflowError:\nlost", 1),
        ("Segmentation fault", 1),
    ],
)
def test_what_was_refused_before_any_job_is_not_what_failed(folder, monkeypatch, said, code):
    child = [sys.executable, "-S", "-c", f"print({said!r}); raise SystemExit(1)"]
    monkeypatch.setattr("eelsunmix.commands.running._command", lambda *_: child)
    checked = checked_configuration([Path(write(folder, "methods: {vca: {}}\n"))])
    assert run_workflow(checked, []) == code


@pytest.mark.parametrize(
    ("end", "said"), [("raise SystemExit(1)", ""), ("os.kill(os.getpid(), 9)", "SIGKILL")]
)
def test_a_run_that_the_system_has_killed_failed_and_says_the_signal(folder, monkeypatch, capsys, end, said):
    child = [sys.executable, "-S", "-c", f"import os; {end}"]
    monkeypatch.setattr("eelsunmix.commands.running._command", lambda *_: child)
    checked = checked_configuration([Path(write(folder, "methods: {vca: {}}\n"))])
    assert run_workflow(checked, []) == 1
    error = capsys.readouterr().err
    assert f"stopped by {said}" in error if said else "stopped by" not in error


@pytest.mark.parametrize(
    "line",
    [
        "results/A/pca.zarr: made with n 3, the configuration says 2; it is made again",
        "reports/A.html: does not begin like a page of this workflow; kept as reports/A.html.aside1",
        "results/A/raw.zarr: is no whole store; what was there before is kept as results/A/.raw.zarr.kept",
    ],
)
def test_what_happens_to_results_is_told_as_it_is(line):
    assert progress(f"{line}\n")[1] == [line]


class _Unwritable:
    """A standard output that nobody reads, or whose disk is full."""

    encoding = "utf-8"

    def __init__(self, error):
        self.error = error

    def write(self, _text):
        raise self.error

    def flush(self):
        pass


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "nobody reads it any more"),
        (FULL, "No space left on device"),
    ],
)
def test_a_run_whose_output_cannot_be_written_stops_in_order_and_says_so(
    folder, monkeypatch, capsys, error, said
):
    steps = "Job 1: A\nJob 2: B\nFinished jobid: 1\n1 of 3 steps"
    ending = "signal.signal(signal.SIGTERM, lambda *_: (print('last words', flush=True), sys.exit(1)))"
    child = f"import signal, sys, time; {ending}; print({steps!r}, flush=True); time.sleep(60)"
    monkeypatch.setattr("eelsunmix.commands.running._command", lambda *_: [sys.executable, "-c", child])
    checked = checked_configuration([Path(write(folder, "methods: {vca: {}}\n"))])
    monkeypatch.setattr(sys, "stdout", _Unwritable(error))
    assert run_workflow(checked, []) == 1
    stopping, stopped = capsys.readouterr().err.splitlines()
    assert stopping.startswith(f"the output cannot be written ({said}); stopping, once")
    assert stopped == "stopped by SIGTERM; what is finished stays, and the same command goes on from there"


def _main(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["eelsunmix", *arguments])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    return ended.value.code


def test_a_full_disk_under_the_output_is_named_as_such(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", _Unwritable(FULL))
    assert _main(monkeypatch, "check", write(folder, "methods: {vca: {}}\n")) == 1
    said = "the output of this command: cannot be written, the disk is full; free some space and run again\n"
    assert capsys.readouterr().err == said


def test_a_folder_that_is_gone_is_named_as_such(folder, monkeypatch, capsys):
    (folder / "gone").mkdir()
    monkeypatch.chdir(folder / "gone")
    (folder / "gone").rmdir()
    assert _main(monkeypatch, "check", "a.yaml") == 2
    assert capsys.readouterr().err == "this folder no longer exists; go to another one\n"


@pytest.mark.parametrize("code", [0, 1])
def test_a_folder_that_goes_during_a_run_is_named_as_such(folder, monkeypatch, capsys, code):
    child = f"import os, shutil; shutil.rmtree(os.getcwd()); raise SystemExit({code})"
    monkeypatch.setattr("eelsunmix.commands.running._command", lambda *_: [sys.executable, "-c", child])
    (folder / "gone").mkdir()
    (folder / "image.npy").rename(folder / "gone" / "image.npy")
    monkeypatch.chdir(folder / "gone")
    assert _main(monkeypatch, "run", write(folder / "gone", "methods: {vca: {}}\n")) == 2
    assert capsys.readouterr().err == "this folder no longer exists; go to another one\n"


def test_a_damaged_store_is_named_before_all_is_called_well(folder, monkeypatch, capsys):
    child = [sys.executable, "-S", "-c", "print('Nothing to be done')"]
    monkeypatch.setattr("eelsunmix.commands.running._command", lambda *_: child)
    store = Path("results/SI1/comparison.zarr")
    publish(xr.Dataset({"a": ("x", [1.0])}), store)
    name = Path(write(folder, "methods: {vca: {}}\n"))
    next((store / "a/c").iterdir()).write_bytes(b"damage")
    with pytest.raises(StoreError, match=f"a/c/0 is damaged .*; type: eelsunmix repair {name}$"):
        run_workflow(checked_configuration([name]), [name])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["[: {", "- a list"])
def test_settings_of_dask_that_are_broken_are_one_line(folder, text):
    settings = folder / "dask.yaml"
    settings.write_text(text)
    name = write(folder, "methods: {vca: {}}\n")
    done = eelsunmix("check", name, cwd=folder, env=ENVIRONMENT | {"DASK_CONFIG": str(settings)})
    said = f"{settings}: no YAML that Dask can read; mend it, or move it away\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_a_python_without_docstrings_is_refused_in_one_line(tmp_path):
    command = [sys.executable, "-OO", "-m", "eelsunmix", "check", "a.yaml"]
    done = subprocess.run(
        command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "PYTHONOPTIMIZE=2" in done.stderr
