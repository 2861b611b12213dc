"""What guards main: which advice of Snakemake's linter is heeded."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATH = ROOT / ".ci" / "snakemake_lint.py"
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


def load():
    spec = importlib.util.spec_from_file_location("snakemake_lint", PATH)
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
