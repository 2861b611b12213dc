"""What commands print does not steer the terminal, whatever files and folders are called."""

import sys

import pytest

from eelsunmix.commands.entry import main
from exported_samples import CONFIGURATION, finished

STEERING = "a\x1b]0;x\x07\u202eb"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of a hostile name with results, a page and a configuration."""
    place = tmp_path_factory.mktemp("x") / STEERING
    place.mkdir()
    finished(place, "measured", page=True)
    (place / f"{STEERING}.yaml").write_text(CONFIGURATION)
    (place / "SI1.npy").write_bytes(b"none")
    return place


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", f"{STEERING}.yaml"),
        ("verify", "--configfile", f"{STEERING}.yaml"),
        ("verify", f"{STEERING}.yaml"),
        ("verify", STEERING),
        ("verify", "HERE/reports/S1.html"),
        ("export", "S1", "--csv", "--to", STEERING),
        ("export", STEERING, "--csv"),
        ("run", "--profile", STEERING, f"{STEERING}.yaml"),
        ("preflight", "--profile", STEERING),
        ("new", STEERING),
    ],
    ids=lambda words: words[0],
)
def test_names_steer_no_terminal(folder, arguments, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    arguments = [one.replace("HERE", str(folder)) for one in arguments]
    monkeypatch.setattr(sys, "argv", ["eelsunmix", *arguments])
    with pytest.raises(SystemExit):
        main()
    said = "".join(capsys.readouterr())
    assert "\\x1b]0;x\\x07\\u202eb" in said
    assert not {"\x1b", "\x07", "\u202e"} & {*said}
