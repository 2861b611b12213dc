"""Registry of example data, without network: a server on this machine stands for the public one."""

import dataclasses
import functools
import hashlib
import http.server
import inspect
import json
import os
import re
import threading
from pathlib import Path

import pytest

from eelsunmix import examples
from eelsunmix.errors import InputError

CONTENT = b"a small spectrum image"


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A registry of two files, one of which the server has."""
    (tmp_path / "public" / "with space").mkdir(parents=True)
    (tmp_path / "public" / "with space" / "a.dm3").write_bytes(CONTENT)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "public")
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        known = {
            name: examples.Example(
                name=name,
                url=f"{url}/with%20space/{name}",
                sha256=hashlib.sha256(CONTENT).hexdigest(),
                size_bytes=len(CONTENT),
                licence="MIT",
                description="",
            )
            for name in ("a.dm3", "gone.dm3")
        }
        monkeypatch.setattr(examples, "registry", lambda: known)
        monkeypatch.delenv(examples.FOLDER_VARIABLE, raising=False)
        yield known
        server.shutdown()
        thread.join()


def test_fetch_downloads_once(served, tmp_path):
    path = examples.fetch_example("a.dm3", tmp_path / "data")
    assert path == tmp_path / "data" / "a.dm3"
    assert path.read_bytes() == CONTENT
    written = path.stat().st_mtime_ns
    assert examples.fetch_example("a.dm3", tmp_path / "data").stat().st_mtime_ns == written


def test_find_looks_in_the_named_folder_first(served, tmp_path, monkeypatch):
    assert examples.find_example("a.dm3", tmp_path / "data") is None
    monkeypatch.setenv(examples.FOLDER_VARIABLE, str(tmp_path / "public" / "with space"))
    assert examples.find_example("a.dm3", tmp_path / "data") == tmp_path / "public" / "with space" / "a.dm3"


def test_file_with_another_content_is_not_used(served, tmp_path, monkeypatch, caplog):
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "a.dm3").write_bytes(b"something else")
    monkeypatch.setenv(examples.FOLDER_VARIABLE, str(tmp_path / "wrong"))
    assert examples.find_example("a.dm3", tmp_path / "data") is None
    assert "not the registered file" in caplog.text
    assert examples.fetch_example("a.dm3", tmp_path / "data").read_bytes() == CONTENT


def test_download_with_another_content_is_refused(served, tmp_path):
    (tmp_path / "public" / "with space" / "gone.dm3").write_bytes(b"tampered")
    with pytest.raises(InputError, match=r"gone\.dm3: cannot be fetched .*ValueError"):
        examples.fetch_example("gone.dm3", tmp_path / "data")
    assert not (tmp_path / "data" / "gone.dm3").exists()


def test_command_goes_on_without_a_file(served, tmp_path, capsys):
    assert examples.main(["--directory", str(tmp_path / "data")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"a.dm3: fetched to {tmp_path / 'data' / 'a.dm3'}"
    assert lines[1].startswith("gone.dm3: not available, samples that need it will be skipped")
    assert "404" in lines[1]
    assert len(lines) == 2
    examples.main(["a.dm3", "--directory", str(tmp_path / "data")])
    assert capsys.readouterr().out == f"a.dm3: found in {tmp_path / 'data'}\n"


def test_command_fetches_what_a_configuration_names(served, tmp_path, capsys):
    configuration = tmp_path / "my.yaml"
    configuration.write_text("samples:\n  one: {file: 'example:a.dm3'}\n  # two: {file: example:gone.dm3}\n")
    directory = ["--directory", str(tmp_path / "data")]
    assert examples.main(["--for", str(configuration), *directory]) == 0
    assert capsys.readouterr().out == f"a.dm3: fetched to {tmp_path / 'data' / 'a.dm3'}\n"
    configuration.write_text("samples: {one: {simulate: {scene: multilayer}}}\n")
    assert examples.main(["--for", str(configuration), *directory]) == 0
    assert capsys.readouterr().out == ""
    with pytest.raises(SystemExit, match="2"):
        examples.main(["--for", str(tmp_path / "none.yaml")])
    assert "none.yaml: no such file" in capsys.readouterr().err


def test_make_demo_asks_only_for_what_the_command_knows():
    recipe = (Path(__file__).parents[1] / "Makefile").read_text()
    options = re.findall(r"eelsunmix\.examples (--\S+)", recipe)
    assert options
    for option in options:
        assert f'"{option}"' in inspect.getsource(examples.main)


def test_no_network_is_said_in_few_words(served, tmp_path, capsys, monkeypatch):
    nowhere = dataclasses.replace(served["a.dm3"], url="http://127.0.0.1:1/a.dm3")
    monkeypatch.setattr(examples, "registry", lambda: {"a.dm3": nowhere})
    assert examples.main(["--directory", str(tmp_path / "data")]) == 0
    assert capsys.readouterr().out == (
        "a.dm3: not available, samples that need it will be skipped: cannot be fetched from "
        "http://127.0.0.1:1/a.dm3 (no connection to 127.0.0.1:1); download it yourself and name its folder "
        "in EELSUNMIX_DATA\n"
    )


def test_command_refuses_unknown_names(served, capsys):
    with pytest.raises(SystemExit, match="2"):
        examples.main(["b.dm3"])
    assert "known are a.dm3" in capsys.readouterr().err


def test_unknown_name(served):
    with pytest.raises(InputError, match=r"example 'x' is not known; known are a\.dm3"):
        examples.find_example("x")


def test_registry_is_pinned():
    for entry in examples.registry().values():
        assert entry.url.startswith("https://raw.githubusercontent.com/")
        commit = entry.url.split("/")[5]
        assert len(commit) >= 7
        assert set(commit) <= set("0123456789abcdef")
        assert " " not in entry.url
        assert len(entry.sha256) == 64
        assert entry.licence == "MIT"
        assert json.dumps(entry.description)


def test_registered_files_are_the_ones_at_hand():
    folder = Path(os.environ.get(examples.FOLDER_VARIABLE) or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"REAL DATA MISSING: {folder}; name the folder in EELSUNMIX_DATA to run this test")
    for entry in examples.registry().values():
        content = (folder / entry.name).read_bytes()
        assert len(content) == entry.size_bytes
        assert hashlib.sha256(content).hexdigest() == entry.sha256
