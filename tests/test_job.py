"""One job: its log, and what a user's mistake looks like."""

import logging
import warnings

import pytest

from eelsunmix.errors import InputError
from eelsunmix.job import job


def test_log_takes_messages_and_warnings(tmp_path):
    with job(tmp_path / "log"):
        logging.getLogger("eelsunmix.gain").info("gain left alone")
        warnings.warn("not converged", UserWarning, stacklevel=1)
    text = (tmp_path / "log").read_text()
    assert "INFO gain left alone" in text
    assert "not converged" in text
    assert text.endswith("INFO done\n")


def test_a_mistake_of_the_user_is_one_line_and_exit_status_1(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped, job(tmp_path / "log"):
        raise InputError("data/a.dm4: is no DM4 file; check its extension")
    assert stopped.value.code == 1
    text = (tmp_path / "log").read_text()
    assert text.endswith("ERROR data/a.dm4: is no DM4 file; check its extension\n")
    assert "Traceback" not in text + capsys.readouterr().err


def test_a_defect_keeps_its_traceback(tmp_path):
    with pytest.raises(ZeroDivisionError), job(tmp_path / "log"):
        1 / 0  # noqa: B018
    assert "Traceback" in (tmp_path / "log").read_text()


def test_an_unknown_dask_mode_is_refused(tmp_path):
    with (
        pytest.raises(ValueError, match="mode must be threads"),
        job(tmp_path / "log", dask={"mode": "thread"}),
    ):
        pass
