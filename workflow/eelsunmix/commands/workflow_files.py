"""Where the files of the workflow lie: beside the package in a clone, below share/ once installed."""

import importlib.util
import shutil
import sysconfig
from pathlib import Path

import eelsunmix
from eelsunmix.errors import InputError


def snakefile() -> Path:
    """Return the Snakefile of the workflow.

    Raises
    ------
    InputError
        If it, Snakemake, or the programme that its plugin of SLURM looks for others with, is not installed.
    """
    if importlib.util.find_spec("snakemake") is None:
        raise InputError(
            "run needs Snakemake, which is not installed; type: pip install 'eelsunmix[workflow]'"
        )
    if not shutil.which("which"):  # small containers have none, and each run would end in a traceback
        raise InputError(
            "run needs the programme `which`, which is not on the PATH; install it with the packages of the "
            "system, or mend PATH"
        )
    return _file("workflow/Snakefile")


def demo_configuration() -> Path:
    """Return the configuration of the demo."""
    return _file("config/examples/demo.yaml")


def profile(name: str) -> str:
    """Return a profile by its folder, or by the name of one that comes with the workflow."""
    own = _root() / "workflow" / "profiles" / name
    return str(own) if not Path(name).exists() and own.is_dir() else name


def default_profile() -> Path:
    """Return the profile that comes with the workflow for every machine.

    Its whole path is for Snakemake, which would take what is called `default` in the working folder instead.
    """
    return _file("workflow/profiles/default/config.yaml")


def _file(name: str) -> Path:
    path = _root() / name
    if not path.is_file():
        raise InputError(f"{path}: no such file; install eelsunmix again, or work in a clone of it")
    return path


def _root() -> Path:
    clone = Path(eelsunmix.__file__).parents[2]
    installed = Path(sysconfig.get_path("data")) / "share" / "eelsunmix"
    return clone if (clone / "workflow" / "Snakefile").is_file() else installed
