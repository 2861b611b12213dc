"""What guards main: which advice of linters is heeded, what an audit makes of what it is told."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SAID = """\
Using workflow specific profile profiles/default for setting default command line arguments.
Lints for snakefile /here/Snakefile:
    * Absolute path "/etc" in line 3:
      Do not define absolute paths inside of the workflow.

Lints for rule one (line 4, /here/one.smk):
    * Specify a conda environment or container for each rule.:
      This way, the used software is documented.

Lints for rule two (line 9, /here/two.smk):
    * No log directive defined:
      Without a log directive, all output will be printed to the terminal.
    * Specify a conda environment or container for each rule.:
      This way, the used software is documented.
"""


def load(name="snakemake_lint"):
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_the_advice_on_environments_is_left_out():
    left, n_lints = load().lints(SAID)
    assert n_lints == 4
    assert [lint.split(":")[0] for lint in left] == [
        "Lints for snakefile /here/Snakefile",
        "Lints for rule two (line 9, /here/two.smk)",
    ]
    assert "No log directive defined" in left[1]


UNSAFE = {
    "import pickle\nloaded = pickle.loads(b'')\n": "S301",
    "import yaml\nloaded = yaml.load('', yaml.Loader)\n": "S506",
    "import subprocess\nsubprocess.run('ls ' + input(), shell=True, check=True)\n": "S602",
    "import torch\nloaded = torch.load('weights.pt')\n": "TID251",
    "loaded = eval(input())\n": "S307",
}


@pytest.mark.guarantee(35)
@pytest.mark.parametrize("code", UNSAFE, ids=UNSAFE.get)
@pytest.mark.parametrize("place", ["workflow/eelsunmix/io/new.py", "workflow/scripts/new.py"])
def test_the_linter_forbids_what_can_run_code(place, code):
    command = [sys.executable, "-m", "ruff", "check", "--output-format=concise", "--stdin-filename", place]
    done = subprocess.run([*command, "-"], input=code, cwd=ROOT, capture_output=True, text=True, check=False)
    assert f" {UNSAFE[code]} " in done.stdout, done.stdout + done.stderr


def test_other_output_has_no_lints():
    assert load().lints("WorkflowError in file Snakefile\n") == ([], 0)


GOOD = [{"name": "numpy", "version": "2", "vulns": []}]
BAD = {"name": "pyyaml", "version": "5.3", "vulns": [{"id": "CVE-1", "fix_versions": ["5.4"]}]}
SILENT = {"name": "torch", "skip_reason": "not found"}


@pytest.fixture
def audit(monkeypatch, tmp_path):
    """The audit of a lock of two packages; `said` is what the service says of each."""
    module = load("audit")
    module.said = {module.KNOWN_BAD: BAD, "numpy==2": GOOD[0], "torch==3": GOOD[0]}
    (tmp_path / "locked.txt").write_text(
        "# head\nnumpy==2 ; python_version > '3' \\\n    --hash=x\ntorch==3 \\\n"
    )
    monkeypatch.setattr(module, "LOCKS", [tmp_path / "locked.txt"])
    monkeypatch.setattr(module, "asked", lambda tools, service, *pins: [module.said[pin] for pin in pins])
    monkeypatch.delenv("EELSUNMIX_AUDIT", raising=False)
    return module


@pytest.mark.guarantee(40)
@pytest.mark.parametrize(
    ("told", "said"),
    [(GOOD[0], []), (BAD, ["pyyaml 5.3: CVE-1, mended in ['5.4']"]), (SILENT, ["torch: not found"])],
)
def test_the_audit_fails_for_what_is_vulnerable_or_was_not_looked_at(audit, told, said):
    audit.said["torch==3"] = told
    assert audit.audited(None) == said


@pytest.mark.guarantee(40)
def test_an_audit_that_knows_nothing_says_so_loudly(audit, capsys, monkeypatch):
    audit.said[audit.KNOWN_BAD] = {"name": "pyyaml", "skip_reason": "not found"}
    assert audit.audited(None) == []
    assert "AUDIT OF DEPENDENCIES SKIPPED" in capsys.readouterr().err
    monkeypatch.setenv("EELSUNMIX_AUDIT", "required")
    assert audit.audited(None) == ["the audit is required and was skipped"]


@pytest.mark.guarantee(40)
def test_a_bill_that_is_not_what_is_installed_is_refused():
    components = [{"name": "NumPy", "version": "2"}, {"name": "gone", "version": "1"}]
    bill = {"metadata": {"component": {"name": "eelsunmix", "version": "0"}}, "components": components}
    assert load("audit").differences(bill, {"eelsunmix": "0", "numpy": "3", "ruff": "9"}) == [
        "bill of materials: gone is 1, installed none",
        "bill of materials: numpy is 2, installed 3",
        "bill of materials: ruff is absent, installed 9",
    ]
