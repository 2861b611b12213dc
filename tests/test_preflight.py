"""What could stop a run on a cluster is said before its first job: on a SLURM made of a few scripts."""

import json
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from eelsunmix.commands import entry, running
from eelsunmix.errors import InputError
from eelsunmix.slurm import checks, site
from eelsunmix.slurm.ends import reason
from eelsunmix.slurm.profile import read_profile, with_keys

ROOT = Path(__file__).parents[1]
SHIPPED = ROOT / "workflow" / "profiles" / "slurm"

ANSWERS = {
    "sinfo": '[ "$1" = --version ] && echo "slurm 23.11.4" && exit\n'
    "printf 'cpu*|up|2-00:00:00|30|64|256000\\ncpu*|up|2-00:00:00|2|128+|1024000\\n"
    "short|up|20:00|4|8|16000\\n"
    "old|down|infinite|1|4|8000\\n'",
    "sacct": "exit 0",
    "squeue": "exit 0",
    "sacctmgr": 'case "$*" in *defaultaccount*) echo tem;; *) printf "physics\\ntem\\n";; esac',
    "scontrol": "echo 'MinJobAge = 300 sec'",
    "sbatch": "exit 0",
    "srun": "/bin/date +%s.%N; echo node7",
}


class Cluster:
    """A folder of commands that answer as those of SLURM do."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        for name, script in ANSWERS.items():
            self.answer(name, script)

    def answer(self, name, script):
        (self.folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / name).chmod(0o755)

    def remove(self, *names):
        for name in names:
            (self.folder / name).unlink()


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # a real SLURM, if there is one, is out of sight
    monkeypatch.chdir(tmp_path)
    return Cluster(tmp_path / "bin")


def preflight(*arguments):
    return CliRunner().invoke(entry.eelsunmix, ["preflight", *map(str, arguments)])


def profile(folder, text):
    (folder / "site").mkdir(exist_ok=True)
    (folder / "site" / "config.yaml").write_text(f"executor: slurm\n{text}")
    return folder / "site"


def test_one_screen_says_what_a_run_will_meet(cluster, tmp_path):
    said = preflight()
    assert said.exit_code == 0, said.output
    lines = dict(
        line.split(maxsplit=1) for line in said.stdout.splitlines() if not line.startswith("partition")
    )
    assert lines["SLURM"] == "23.11.4"
    assert "cpu (default): up, 2880 min, 32 nodes of 128 CPUs and 1024000 MB" in said.stdout
    assert "old: not up, no limit of time" in said.stdout
    assert lines["accounts"] == "tem, physics"
    assert lines["status"] == "sacct answers"
    assert re.fullmatch(rf"{tmp_path}: can be written, [\d.]+ GB free", lines["folder"])
    assert f"Python {sys.version.split()[0]}" in lines["versions"]
    assert re.fullmatch(r"the node [+-]0\.\d s, the file system [+-]0\.\d s", lines["clocks"])
    assert said.stdout.splitlines()[-3].split() == ["trial", "job", "ran", "on", "node7"]
    assert lines["keys"] == "slurm_partition: cpu, slurm_account: tem, slurm-status-command: sacct"


def test_the_keys_of_the_site_are_written_and_nothing_is_lost(cluster, tmp_path):
    cluster.answer("sacct", "echo accounting is disabled >&2; exit 1")
    cluster.answer("sacctmgr", "exit 1")
    lacking = preflight()
    assert lacking.exit_code == 2
    assert "sacct does not answer (sacct: accounting is disabled)" in lacking.stderr
    assert len(lacking.stderr.splitlines()) == 1
    written = preflight("--write", "mine", "--partition", "short")
    assert written.exit_code == 0, written.output
    before, after = (yaml.safe_load((f / "config.yaml").read_text()) for f in (SHIPPED, tmp_path / "mine"))
    new = {"slurm-status-command": "squeue", "slurm-no-account": True}
    defaults = {**before["default-resources"], "slurm_partition": "short"}
    assert after == {**before, **new, "default-resources": defaults}
    comments = [line for line in (SHIPPED / "config.yaml").read_text().splitlines() if line.startswith("#")]
    text = (tmp_path / "mine" / "config.yaml").read_text()
    assert [line in text for line in comments].count(False) == 1  # the one on the status command
    again = preflight("--write", "mine")
    assert again.exit_code != 0
    assert "is there already" in str(again.exception)
    assert (tmp_path / "mine" / "config.yaml").read_text() == text
    assert preflight("--write", "mine", "--force").exit_code == 0
    assert "slurm_partition: cpu" in (tmp_path / "mine" / "config.yaml").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "cores: 5\n",
        "default-resources:\n  - mem_mb=100\n  - slurm_partition=old\ncores: 5\n",
        "default-resources:\n- mem_mb=100\n",
        "default-resources:\n    slurm_partition: old\n    mem_mb: 100\nset-resources:\n  a:\n"
        "    slurm_partition: gpu\n",
        "slurm-status-command: sacct\ndefault-resources:\n  mem_mb: 100\n",
        "slurm-status-command: >-\n  sacct\n  --fast\ndefault-resources:\n"
        "# slurm-status-command: squeue\n  mem_mb: 100\n",
        "slurm-logdir: >-\n  logs\ncores: 5\n",
    ],
)
def test_keys_find_their_place_in_any_profile(tmp_path, text):
    one = read_profile(profile(tmp_path, text))
    new = with_keys(one, {"slurm-status-command": "squeue"}, {"slurm_partition": "cpu"})
    found = read_profile(profile(tmp_path, new.removeprefix("executor: slurm\n")))
    assert found.defaults == {**one.defaults, "slurm_partition": "cpu"}
    others = {"slurm-status-command", "default-resources"}
    assert found.keys["slurm-status-command"] == "squeue"
    assert {key: found.keys[key] for key in one.keys if key not in others} == {
        key: one.keys[key] for key in one.keys if key not in others
    }


def test_a_profile_without_a_place_for_keys_is_refused(tmp_path):
    one = read_profile(profile(tmp_path, "default-resources: {mem_mb: 100}\n"))
    with pytest.raises(InputError, match="write them by hand: slurm_partition: cpu"):
        with_keys(one, {}, {"slurm_partition": "cpu"})
    one = read_profile(profile(tmp_path, "retries:\nslurm-status-command:\n- sacct\n"))
    with pytest.raises(InputError, match="write them by hand: slurm-status-command: squeue"):
        with_keys(one, {"slurm-status-command": "squeue"}, {})  # the list would become that of retries


@pytest.mark.parametrize(
    "text", ["jobs: 2024-99-99", "jobs: 0x_", f"a: {'[' * 2000}"], ids=["date", "number", "deep"]
)
def test_a_profile_that_is_no_yaml_is_one_line(tmp_path, text):
    with pytest.raises(InputError, match=r"config\.yaml: is no YAML \(.+\); mend it there$"):
        read_profile(profile(tmp_path, text))


def test_a_pipe_in_the_place_of_a_profile_is_not_read(tmp_path):
    os.mkfifo(profile(tmp_path, "") / "config1.yaml")
    (tmp_path / "site/config.yaml").unlink()
    with pytest.raises(InputError, match=r"config1\.yaml: is no plain file"):
        read_profile(tmp_path / "site")


def test_aliases_that_stand_for_more_than_any_memory_holds_are_not_written_out(tmp_path):
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    for text in ("\n".join(lines), "a: &a [*a]"):
        with pytest.raises(InputError, match=r"config\.yaml: an alias \(\*name\) is not read here"):
            read_profile(profile(tmp_path, text))


def test_a_profile_of_odd_values_is_one_line(cluster, tmp_path):
    one = read_profile(profile(tmp_path, "default-resources: 5\nset-resources: {a: true}"))
    assert checks.misfits(one) == []
    with pytest.raises(InputError, match="write them by hand"):
        with_keys(one, {}, {"slurm_partition": "cpu"})


def test_a_profile_that_is_written_takes_nothing_with_it(cluster, tmp_path):
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/config.yaml").symlink_to(tmp_path / "precious")
    assert preflight("--write", "own", "--force").exit_code == 0
    assert (tmp_path / "precious").read_text() == "mine"
    assert [one.name for one in (tmp_path / "own").iterdir()] == ["config.yaml"]


WRONG = {
    "no such partition": (
        "default-resources: {slurm_partition: gpu}\n",
        "there is no partition gpu; there are cpu",
    ),
    "one of several": (
        "default-resources: {slurm_partition: 'cpu,gpu,fast'}\n",
        "there is no partition gpu, fast; there are cpu",
    ),
    "several that are too short": (
        "default-resources: {slurm_partition: 'old,short'}\n",
        "partition old,short allows jobs of 20 minutes, and the longest",
    ),
    "a partition that is down": ("default-resources: [slurm_partition=old]\n", "partition old is not up"),
    "of one rule": ("set-resources: {fit_vca: {slurm_partition: gpu}}\n", "there is no partition gpu"),
    "too short": (
        "default-resources: {slurm_partition: short}\n",
        "allows jobs of 20 minutes, and the longest",
    ),
    "no such account": (
        "default-resources: {slurm_account: chem}\n",
        "chem is no account of yours; yours are tem",
    ),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_a_profile_that_does_not_fit_is_one_line(cluster, tmp_path, text, said):
    request = checks.Request(mem_mb=900, minutes=60, disk_mb=10)
    (line,) = checks.misfits(read_profile(profile(tmp_path, text)), request)
    assert line.startswith(f"{tmp_path}/site/config.yaml: slurm_")
    assert said in line


@pytest.mark.parametrize("names", ["cpu", "short,cpu", "old, cpu"])
def test_one_of_several_partitions_is_enough(cluster, tmp_path, names):
    one = read_profile(profile(tmp_path, f"default-resources: {{slurm_partition: '{names}'}}\n"))
    assert checks.misfits(one, checks.Request(mem_mb=900, minutes=60, disk_mb=10)) == []


def test_an_answer_that_cannot_be_read_is_one_line(cluster):
    cluster.answer("sinfo", "echo 'cpu*|up|infinite'")
    with pytest.raises(
        InputError, match=r"^sinfo answers 'cpu\*\|up\|infinite' instead of %P.*; ask those who"
    ):
        site.partitions()
    cluster.answer("sinfo", "exit 0")
    with pytest.raises(InputError, match=r"^sinfo names no partition; ask those who"):
        site.partitions()


def test_what_slurm_itself_refuses_is_told_with_its_reason(cluster, tmp_path):
    cluster.answer("sbatch", 'echo "$@" > asked; echo "allocation failure: QOS limit" >&2; exit 1')
    one = read_profile(profile(tmp_path, "default-resources: {slurm_account: tem, slurm_partition: cpu}\n"))
    (line,) = checks.misfits(one, checks.Request(mem_mb=900, minutes=60, disk_mb=10))
    assert "does not take a job of 900 MB and 60 minutes (allocation failure: QOS limit)" in line
    asked = "--test-only --partition=cpu --account=tem --mem=900 --time=60 --wrap true"
    assert Path("asked").read_text().strip() == asked


def test_jobs_that_squeue_forgets_too_soon_are_told(cluster, tmp_path):
    cluster.answer("scontrol", "echo 'MinJobAge = 10 sec'")
    (line,) = checks.misfits(read_profile(profile(tmp_path, "slurm-status-command: squeue\n")))
    assert "squeue forgets jobs 10 s after their end" in line


def test_a_full_folder_and_one_that_cannot_be_written(cluster, tmp_path, monkeypatch):
    one = read_profile(profile(tmp_path, ""))
    monkeypatch.setattr(checks, "free_mb", lambda folder: 500.0)
    (line,) = checks.misfits(one, checks.Request(mem_mb=100, minutes=1, disk_mb=700))
    assert line.startswith(f"{tmp_path}: 500 MB are free, about 700 MB are needed")
    assert checks.misfits(one, checks.Request(mem_mb=100, minutes=1, disk_mb=400)) == []
    (line,) = checks.of_folder(Path("/proc"))
    assert line.startswith("/proc: cannot be written")


def test_clocks_that_differ_and_a_job_that_sees_nothing(cluster):
    cluster.answer("srun", "echo 1000.5; echo node7")
    early = preflight()
    assert early.exit_code == 2
    assert "clock: that of the node is -" in early.stderr
    cluster.answer("srun", 'echo "it cannot write into /home" >&2; exit 1')
    blind = preflight()
    assert blind.exit_code == 2
    assert blind.stderr == "a trial job failed: srun: it cannot write into /home\n"
    cluster.answer(
        "srun", 'echo "srun: error: Unable to allocate resources: Requested nodes are busy" >&2; exit 1'
    )
    busy = preflight()
    assert busy.exit_code == 0
    assert "trial job   not run: " in busy.stdout


def test_what_a_cluster_prints_around_a_job_is_not_its_time(cluster):
    cluster.answer("srun", "echo Loading modules; /bin/date +%s.%N; echo node7; echo bye")
    told = preflight()
    assert told.exit_code == 0, told.output
    assert "trial job   ran on node7" in told.stdout
    cluster.answer("srun", "echo Loading modules")
    assert (
        preflight().stderr == "a trial job failed: it says 'Loading modules' instead of its time and node\n"
    )


def test_a_user_without_a_name_and_answers_that_are_no_text(cluster, monkeypatch):
    monkeypatch.setattr(site.getpass, "getuser", lambda: {}["uid not found"])
    assert site.accounts() is None
    cluster.answer("sbatch", r"printf '\377' >&2; exit 1")
    assert site.refusal([]) == "\ufffd"
    assert "cannot be asked" in site.refusal(["--account=a\0b"])


def test_a_path_of_any_characters_is_no_command_of_the_trial_job(cluster, tmp_path, monkeypatch):
    cluster.answer("srun", 'while [ "$1" != sh ]; do shift; done; PATH=/bin:/usr/bin; exec "$@"')
    folder = tmp_path / "it's $(touch hacked) data (1)"
    folder.mkdir()
    monkeypatch.chdir(folder)
    fine = preflight()
    assert fine.exit_code == 0, fine.output
    monkeypatch.setattr(sys, "executable", f"{folder}/python")
    blind = preflight()
    assert blind.stderr == f"a trial job failed: srun: it does not see {folder}/python\n"
    assert list(folder.iterdir()) == []


def test_where_there_is_no_slurm_it_is_said(cluster, tmp_path):
    cluster.remove("sinfo")
    said = preflight()
    assert isinstance(said.exception, InputError)
    assert str(said.exception).startswith("no SLURM answers: sinfo cannot be run here")
    assert preflight("--profile", "absent").exception.args[0].startswith("absent/config.yaml: cannot be read")


@pytest.mark.parametrize("is_right", [True, False])
def test_a_run_by_a_profile_is_refused_before_it_begins(cluster, tmp_path, monkeypatch, is_right):
    np.save("image.npy", np.ones((3, 4, 300), np.uint16))
    axes = {"dims": ["y", "x", "energy_loss"], "energy": {"offset_eV": 400, "dispersion_eV": 1}}
    listed = {"samples": {"S": {"file": "image.npy"}}, "axes": axes, "methods": {"vca": {}}}
    Path("my.yaml").write_text(json.dumps(listed))
    begun = []
    monkeypatch.setattr(running, "_command", lambda *options: begun.append(options) or ["/bin/true"])
    site_profile = profile(
        tmp_path, f"default-resources: {{slurm_partition: {'cpu' if is_right else 'gpu'}}}\n"
    )
    said = CliRunner().invoke(entry.eelsunmix, ["run", "my.yaml", "--profile", str(site_profile)])
    assert bool(begun) == is_right
    assert isinstance(said.exception, InputError) != is_right
    assert is_right or "there is no partition gpu" in str(said.exception)


def test_times_and_ends_of_slurm():
    limits = {
        "20:00": 20,
        "1:00:00": 60,
        "2-00:00:00": 2880,
        "infinite": None,
        "x-1:00": None,
        "1:2:3:4": None,
    }
    assert {text: site.minutes_of(text) for text in limits} == limits
    assert reason("SLURM status is: 'FAILED'", "nothing known", "fit") is None
    assert reason("Command failed", "oom_kill", "fit") is None  # no job of SLURM
