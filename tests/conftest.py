"""What several test files share: the example data, and one clear line when something is absent."""

import os
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("eelsunmix", deadline=None)  # a busy machine is no defect
hypothesis.settings.load_profile("eelsunmix")

ROOT = Path(__file__).parents[1]
LONG = ("slurm", "workflow", "browser", "slow")
"""Marks of long tests, those of the longest files first."""


@pytest.fixture(scope="session")
def example_data():
    """Folder of the real example files."""
    for folder in (
        os.environ.get("EELSUNMIX_DATA"),
        ROOT / "data" / "examples",
        ROOT.parent / "shared" / "data",
    ):
        if folder and (Path(folder) / "STO-LMO_EELS_SI.dm3").is_file():
            return Path(folder)
    pytest.skip("no example data: set EELSUNMIX_DATA, or fetch them with `python -m eelsunmix.examples`")


def pytest_collection_modifyitems(config, items):
    """Where workers share the files out, begin with the long ones, so that none is left alone at the end.

    In one process the order stays: the quick tests of the kernels fail first.
    """
    if hasattr(config, "workerinput"):
        ranks = {}
        for item in items:
            rank = next((i for i, mark in enumerate(LONG) if item.get_closest_marker(mark)), len(LONG))
            ranks[item.path] = min(rank, ranks.get(item.path, rank))
        items.sort(key=lambda item: ranks[item.path])


def pytest_terminal_summary(terminalreporter):
    """Say loudly what was skipped and why; pytest's own summary shows only a letter."""
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {reason}", yellow=True)
