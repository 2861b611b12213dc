"""What several test files share: the example data, and one clear line when something is absent."""

import os
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("eelsunmix", deadline=None)  # a busy machine is no defect
hypothesis.settings.load_profile("eelsunmix")

ROOT = Path(__file__).parents[1]


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


def pytest_terminal_summary(terminalreporter):
    """Say loudly what was skipped and why; pytest's own summary shows only a letter."""
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        terminalreporter.write_line(f"SKIPPED {report.nodeid}: {reason}", yellow=True)
