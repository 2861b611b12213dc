"""`repair`: what is not in order is moved aside, nothing is lost, and killing it changes nothing of that."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import xarray as xr
from click.testing import CliRunner

from eelsunmix.commands import entry
from eelsunmix.commands.repairing import repair_results
from eelsunmix.configuration import ConfigurationError
from eelsunmix.configuration.command_line import command_line_values
from eelsunmix.configuration.nodes import node_of
from eelsunmix.configuration.places import check_results
from eelsunmix.configuration.reading import read_tree
from eelsunmix.errors import InputError
from eelsunmix.recipes import Recipes
from eelsunmix.recipes.code import KNOWN
from eelsunmix.recipes.repairing import repair
from eelsunmix.recipes.verification import CONFIGURATION, Verification
from eelsunmix.storage import manifest_at, publish, sealed_page, sealed_record
from eelsunmix.storage.__main__ import main as check_stores
from eelsunmix.storage.kept import keep
from eelsunmix.storage.locks import LOCK
from test_faults import WITHOUT_RIGHTS
from test_locks import holder, results  # noqa: F401 - fixtures

TREE = {
    "samples": {"A": {"simulate": {"scene": "multilayer"}}, "B": {"simulate": {"scene": "multilayer"}}},
    "methods": {"vca": {}},
}
LOCKS = Path(".snakemake/locks")


def _make(tree):
    """Write what the recipes ask for, each store with a little data, without running any stage."""
    recipes = Recipes(read_tree(node_of(tree, "c.yaml")).samples)
    for product in recipes.products():
        inputs, settings = [one.path for one in recipes.inputs(product)], recipes.settings(product)
        if product.store in ("page", "verdict"):
            sealed = {"seals": {path: manifest_at(path).seal for path in inputs}, "settings": settings}
            page = sealed_page("<title>A - eelsunmix</title>", product.path, **sealed)
            text = page if product.store == "page" else sealed_record({"schema": 1}, product.path, **sealed)
            Path(product.path).parent.mkdir(exist_ok=True)
            Path(product.path).write_text(text)
        else:
            publish(xr.Dataset({"a": ("x", [1.0])}), product.path, inputs=inputs, settings=settings)
    return [product.path for product in recipes.products()]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Results of two samples, all in order."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("config").mkdir()
        _configure(TREE)
        _make(TREE)
    return folder


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    """A copy of the results, times of modification included."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _configure(tree):
    import yaml

    Path("config/config.yaml").write_text(yaml.safe_dump(tree))


REPAIR = """
import os, signal, sys
from pathlib import Path
from eelsunmix.recipes.repairing import repair
from eelsunmix.recipes.verification import CONFIGURATION, Verification
for line in repair(Path("results"), Verification([CONFIGURATION]), locks=Path(".snakemake/locks")):
    print(line, flush=True)
    if len(sys.argv) > 1:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def _repair():
    """What repair says, without its lock, which would last until the end of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eelsunmix.recipes.repairing.take_lock", lambda results: True)
        return list(repair(Path("results"), Verification([CONFIGURATION]), locks=LOCKS))


def _content(folder):
    """Digests of all files below a folder, whatever their names; but for what is only remembered."""
    return sorted(
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (LOCK, KNOWN.name)
    )


def _damage(path):
    victim = next(file for file in sorted(Path(path).rglob("*")) if file.is_file() and "c" in file.parts)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)


def _spoil():
    """Damage of each kind; returns what has to be moved."""
    _damage("results/A/pca.zarr")
    page = Path("reports/B.html")
    page.write_bytes(page.read_bytes()[:-30])
    Path("results/B/foreign.zarr").mkdir()
    LOCKS.mkdir(parents=True)
    (LOCKS / "0.output.lock").write_text("results/A/pca.zarr\n")
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    from eelsunmix.storage.drafts import _machine

    draft = Path(f"results/B/.rank.zarr.tmp-{_machine()}-{dead.pid}-0a1b2c3d")
    draft.mkdir()
    (draft / "half").write_text("half a result")
    keep(Path("results/B/raw.zarr"))
    moved = ["results/A/pca.zarr", "results/B/foreign.zarr", "reports/A.html", "reports/B.html"]
    return [*moved, str(LOCKS / "0.output.lock"), draft.name.removeprefix(".")]


def test_a_kept_store_gets_its_place_back_from_a_damaged_successor_and_then_all_is_settled(project):
    keep(Path("results/A/raw.zarr"))
    shutil.copytree("results/A/.raw.zarr.kept", "results/A/raw.zarr")
    _damage("results/A/raw.zarr")
    before = _content(project)
    moved, back = _repair()
    assert moved.endswith("is damaged (its checksum differs); moved to results/A/raw.zarr.aside1")
    assert back.startswith("results/A/raw.zarr: was not made again")
    assert _content(project) == before
    assert _repair() == []
    assert check_stores(["results"]) == 0


@pytest.mark.parametrize("refused", ["results/B/raw.zarr", "results/B/.raw.zarr.kept"])
def test_a_successor_whose_place_nothing_can_take_gets_it_back(project, monkeypatch, refused):
    """Of two stores that are kept, the second, or what stands in its place, may not be renamed."""
    for sample in "AB":
        keep(Path(f"results/{sample}/raw.zarr"))
        shutil.copytree(f"results/{sample}/.raw.zarr.kept", f"results/{sample}/raw.zarr")
        _damage(f"results/{sample}/raw.zarr")
    before, renamed = _content(project), Path.rename

    def rename(path, new):
        if path == Path(refused):
            raise PermissionError(1, "Operation not permitted", str(path))
        return renamed(path, new)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises(InputError, match=r"^results/B/raw\.zarr: cannot be (renamed|written)"):
            _repair()
    assert _content(project) == before
    assert Path("results/B/raw.zarr").exists()
    assert not list(project.glob("results/B/*.aside*"))
    assert _repair()
    assert check_stores(["results"]) == 0


def test_a_store_that_no_page_shows_moves_no_page(project):
    Path("results/A/mine.zarr").mkdir()
    (line,) = _repair()
    assert line.endswith("moved to results/A/mine.zarr.aside1")
    assert Path("reports/A.html").is_file()
    assert check_stores(["results"]) == 0


def test_in_order_nothing_is_moved(project):
    before = sorted(project.rglob("*"))
    assert _repair() == []
    assert [path for path in sorted(project.rglob("*")) if path.name != LOCK] == before


def test_everything_that_is_not_in_order_is_moved_aside_and_named(project):
    moved = _spoil()
    before = _content(project)
    said = _repair()
    for path in moved:
        assert any(f"{path}.aside1" in line for line in said), path
    assert any("results/B/raw.zarr: was not made again" in line for line in said)
    assert any("pca.zarr: a/c/0 is damaged" in line and "; move" in line for line in said)
    assert len(said) == len(moved) + 1
    assert _content(project) == before
    assert check_stores(["results"]) == 0
    assert _repair() == []


def test_a_page_without_any_results_is_looked_at_too(project, capsys):
    shutil.rmtree("results/B")
    page = Path("reports/B.html")
    page.write_bytes(page.read_bytes()[:-30])
    assert check_stores(["results"]) == 1
    assert "reports/B.html: has no seal at its end" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_never_ends_in_the_place_of_a_manifest_is_not_waited_for(project, kind):
    manifest = Path("results/A/raw.zarr/manifest.json")
    manifest.unlink()
    os.mkfifo(manifest) if kind == "pipe" else manifest.symlink_to("/dev/zero")
    Path("image.npy").write_bytes(b"0")
    _configure(TREE | {"samples": {"A": {"file": "image.npy"}}})  # jobs look there for what was read
    assert any(line.startswith("results/A/raw.zarr: manifest.json is damaged") for line in _repair())


def test_a_damaged_manifest_moves_no_store_that_was_made_of_its_own(project):
    Path("results/A/raw.zarr/manifest.json").write_text("{")
    moved = [line.rpartition(" ")[2] for line in _repair()]
    assert sorted(moved) == ["reports/A.html.aside1", "results/A/raw.zarr.aside1"]


@pytest.mark.parametrize("kind", ["pipe", "folder", "/nowhere", "A.html", "mine.html"])
def test_what_stands_in_the_place_of_a_page_and_is_none_is_a_fault(project, kind, capsys):
    """A run would write to where a link leads, so it is refused there, though the page is whole."""
    page = Path("reports/A.html")
    page.rename(page.with_name("mine.html"))
    {"pipe": lambda: os.mkfifo(page), "folder": page.mkdir}.get(kind, lambda: page.symlink_to(kind))()
    fault = "reports/A.html: is no " if kind in ("pipe", "folder") else "reports/A.html: is a link, "
    assert check_stores(["results"]) == 1
    assert fault in capsys.readouterr().err
    if kind == "A.html":
        with pytest.raises(InputError, match="is a link, and a run would write"):
            check_results(["A"])
    assert any(line.startswith(fault.strip(" ,")) for line in _repair())
    assert not os.path.lexists(page)


@pytest.mark.guarantee("G7")
@pytest.mark.parametrize("name", ["results/A/pca.zarr", "results/A", "reports"])
def test_a_link_that_leads_to_itself_is_no_traceback(project, name):
    Path(name).rename("before")
    Path(name).symlink_to(Path(name).name)
    check_stores(["results"])
    told = _repair()
    assert not name.endswith(".zarr") or f"{name}: no such store" in " ".join(told)
    assert Path(name).is_symlink() != name.endswith(".zarr")


def test_stores_of_a_sample_on_another_disk_are_verified_and_repaired(project, capsys):
    sample, disk = Path("results/A"), project / "disk"
    assert check_stores(["results"]) == 0
    whole = capsys.readouterr().out
    sample.rename(disk)
    sample.symlink_to(disk)
    (disk / "again").symlink_to(disk)  # leads round in a circle
    (project / "data" / "image.zarr").mkdir(parents=True)  # of the user, and no result
    Path("results/data").symlink_to(project / "data")
    assert check_stores(["results"]) == 0
    everything = capsys.readouterr().out
    _damage("results/A/pca.zarr")
    assert check_stores(["results"]) == 1
    told = capsys.readouterr()
    assert "results/A/pca.zarr: a/c/0 is damaged" in told.err
    assert told.out.partition(",")[0] == everything.partition(",")[0] == whole.partition(",")[0]
    assert any("moved to results/A/pca.zarr.aside1" in line for line in _repair())
    assert (project / "data" / "image.zarr").is_dir()
    assert check_stores(["results"]) == 0


@pytest.mark.guarantee("G7")
def test_what_is_made_anew_anyway_need_not_be_moved_aside(project, capsys):
    """A page or verdict of another store is no folder, and the next run writes over it."""
    settings = manifest_at("results/A/comparison.zarr").settings
    shutil.rmtree("results/A/comparison.zarr")
    inputs = ["results/A/bs.zarr"]
    publish(xr.Dataset({"a": ("x", [2.0])}), "results/A/comparison.zarr", inputs=inputs, settings=settings)
    assert check_stores(["results"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert {line.partition(":")[0] for line in said} == {"reports/A.html", "results/A/verdict.json"}
    assert all("; run the workflow again, which " in line for line in said)
    assert not any("folder aside" in line for line in said)


def test_what_was_made_with_other_settings_is_moved_aside(project):
    _configure(TREE | {"denoise": {"n_components": 5}})
    said = _repair()
    assert any("pca.zarr: made with denoise.n_components" in line for line in said)
    left = {path.relative_to("results/A").as_posix() for path in Path("results/A").rglob("*.zarr")}
    assert left == {"raw.zarr", "corrected.zarr", "bs.zarr"}


def test_what_cannot_be_read_is_left(project, monkeypatch):
    verification = Verification([Path("config/config.yaml")])
    verification.unreadable.add(Path("results/A/pca.zarr"))
    monkeypatch.setattr(
        verification, "of_store", lambda store: f"{store}: x" if store.stem == "pca" else None
    )
    lines = list(repair(Path("results"), verification, locks=LOCKS))
    assert "results/A/pca.zarr: x (left where it is)" in lines
    assert Path("results/A/pca.zarr").exists()
    assert not Path("results/B/pca.zarr").exists()


def test_nothing_is_repaired_below_a_run(results, holder):  # noqa: F811
    with pytest.raises(InputError, match="another run uses these results"):
        list(repair(results, Verification(), locks=LOCKS))


def test_a_repair_may_be_killed_at_any_time_and_repeated(project):
    """After each line that it says, that is between any two changes of names."""
    _spoil()
    before = _content(project)
    kills = 0
    while subprocess.run([sys.executable, "-c", REPAIR, "killed"], check=False).returncode == -signal.SIGKILL:
        kills += 1
        assert _content(project) == before
    assert kills >= 6
    assert check_stores(["results"]) == 0
    assert not Path("reports/A.html").exists()  # or no run would ask for the store behind it


def test_the_command_says_what_was_moved_and_asks_what_would_run(project, monkeypatch):
    asked = []

    def planned(checked, files, *, config, dry_run):
        assert not config
        asked.append((list(checked.configuration.samples), files, dry_run))
        return 0

    monkeypatch.setattr("eelsunmix.commands.repairing.run_workflow", planned)
    _damage("results/A/pca.zarr")
    done = CliRunner().invoke(entry.eelsunmix, ["repair"])
    assert done.exit_code == 0, done.output
    page, store, end = done.output.splitlines()
    assert page.endswith("shows stores that are made again; moved to reports/A.html.aside1")
    assert store.endswith("is damaged (its checksum differs); moved to results/A/pca.zarr.aside1")
    assert end == "a run would make:"
    assert asked == [(["A", "B"], [Path("config/config.yaml")], True)]


def test_values_of_the_command_line_are_no_other_settings(tmp_path, monkeypatch):
    """Results that a run with --config made stay, and the run that is planned has the values too."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    _configure(TREE)
    _make(TREE | {"seed": 7})
    asked = []

    def called(command, **options):
        asked.append(command)
        return subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE, text=True)

    monkeypatch.setattr(
        "eelsunmix.commands.running.subprocess", SimpleNamespace(Popen=called, PIPE=0, STDOUT=0)
    )
    done = CliRunner().invoke(entry.eelsunmix, ["repair", "--config", "seed=7", "--config", "device=cpu"])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("all results are in order; nothing was moved")
    (command,) = asked
    assert command[command.index("--config") + 1 :] == ["seed=7", "device=cpu"]
    wrong = CliRunner().invoke(entry.eelsunmix, ["repair", "--config", "sed=7"])
    assert isinstance(wrong.exception, InputError)


def test_the_checker_sees_values_of_the_command_line(project, capsys):
    assert check_stores(["results"]) == 0
    assert check_stores(["results", "--config", "seed=7"]) == 1
    assert "fit/vca.zarr: made with seed 0, the configuration says 7" in capsys.readouterr().err
    done = CliRunner().invoke(entry.eelsunmix, ["verify", "--config", "seed=7"])
    assert done.exit_code == 1


@pytest.mark.parametrize("text", ["seed", "=3", "a b=3", "seed=[1"])
def test_a_wrong_value_of_the_command_line_is_one_line(text):
    with pytest.raises(ConfigurationError, match=r"^--config"):
        command_line_values([text])


def test_verify_says_for_which_samples_it_compared_settings(project, capsys):
    assert check_stores(["results"]) == 0
    assert capsys.readouterr().out.endswith("settings compared with config/config.yaml\n")
    shutil.copytree("results/A/fit/vca.zarr", "results/A/fit/old.zarr")
    one = TREE | {"samples": {"A": TREE["samples"]["A"]}}
    _configure(one)
    check_stores(["results"])
    said = capsys.readouterr().out.splitlines()[-1]
    others = "B, reports/index.html, results/A/fit/old.zarr"
    assert said == f"settings compared with config/config.yaml for A, not for {others}"
    _configure(TREE | {"samples": {"C": TREE["samples"]["A"]}})
    check_stores(["results"])
    assert "settings not compared" in capsys.readouterr().out


def test_the_index_of_another_configuration_is_no_fault_of_this_one(project, capsys):
    _configure({**TREE, "samples": {"A": TREE["samples"]["A"]}})
    assert check_stores(["results"]) == 0  # the index shows B, too
    index = Path("reports/index.html")
    _configure({**TREE, "samples": {"A": TREE["samples"]["A"], "C": TREE["samples"]["A"]}})
    assert check_stores(["results"]) == 0
    gone = Path("results/B/verdict.json")
    gone.rename("kept.json")  # its link leads nowhere
    assert check_stores(["results"]) == 1
    Path("kept.json").rename(gone)
    index.write_bytes(index.read_bytes().replace(b"eelsunmix", b"eelsunmax", 1))
    assert check_stores(["results"]) == 1
    assert f"{index}: is damaged" in capsys.readouterr().err


def test_an_index_that_lacks_a_sample_is_named(project, capsys):
    """As after a run that failed: what it shows is of this configuration."""
    _configure({**TREE, "samples": dict.fromkeys("ABC", TREE["samples"]["A"])})
    assert check_stores(["results"]) == 1
    assert "index.html: made without results/C/verdict.json" in capsys.readouterr().err


def test_verify_needs_no_output(project, monkeypatch):
    for closed in ("stdout", "stderr"):
        monkeypatch.setattr(sys, closed, None)
    assert check_stores(["results"]) == 0
    _damage("results/A/pca.zarr")
    assert check_stores(["results"]) == 1


@pytest.mark.parametrize(
    ("there", "named"),
    [
        (["SI1.yaml"], "SI1.yaml"),
        (["SI1.yml", ".tool.yml"], "SI1.yml"),
        ([], "FILE.yaml"),
        (["a.yaml", "b.yml"], "FILE.yaml"),
    ],
)
def test_repair_without_a_configuration_says_what_to_type(project, there, named):
    Path("config/config.yaml").unlink()
    for name in there:
        Path(name).touch()
    with pytest.raises(InputError, match=f"^name your configuration: eelsunmix repair {named}$"):
        repair_results([])


def test_nothing_is_moved_where_something_cannot_be(project):
    """The page and the locks went first, and then came the folder that nobody may write to."""
    _spoil()
    before, folder = _content(project), project / "results/A"
    folder.chmod(0o555)
    command = [*WITHOUT_RIGHTS, sys.executable, "-m", "eelsunmix", "repair"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    folder.chmod(0o755)
    assert found.returncode == 2
    assert f"{folder}: cannot be written, no permission; ask its owner, or run in" in found.stderr
    assert not list(project.rglob("*.aside*"))
    assert _content(project) == before


def test_what_may_not_be_renamed_moves_nothing_else(project, monkeypatch):
    """As in a folder with a sticky bit: its page had been moved before the store was refused."""
    _spoil()
    before, names = _content(project), sorted(project.rglob("*"))
    renamed = Path.rename

    def rename(path, new):
        if path == Path("results/A/pca.zarr"):
            raise PermissionError(1, "Operation not permitted", str(path))
        return renamed(path, new)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(InputError, match=r"^results/A/pca\.zarr: cannot be renamed; .*; nothing was moved$"):
        _repair()
    assert not list(project.rglob("*.aside*"))
    assert _content(project) == before
    of_settled = project / "results/B"  # a kept store had got its place back before that
    assert {path for path in names if of_settled not in path.parents} <= {*project.rglob("*")}


@pytest.mark.parametrize("is_there", [True, False])
def test_what_no_run_can_make_again_is_left(tmp_path, monkeypatch, is_there):
    """After an upgrade all is of another version; the image may lie in an archive by then."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("a.npy").write_bytes(b"counts")
    applied = {"file": "b.npy", "fit_on": "A"}
    tree = TREE | {"samples": {"A": {"file": "a.npy"}, "B": TREE["samples"]["B"], "C": applied}}
    Path("b.npy").write_bytes(b"others")
    _configure(tree)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eelsunmix.recipes.asked.code_of", lambda *modules: "of yesterday")
        made = _make(tree)
    if not is_there:
        Path("a.npy").unlink()
    said = "\n".join(_repair())
    left = [path for path in made if Path(path).exists()]
    assert left == ([] if is_there else [path for path in made if "/A" in path or "/C" in path])
    assert ("left where it is: no run can make it without a.npy)" in said) is not is_there


def test_a_damaged_import_whose_file_is_gone_is_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("a.npy").write_bytes(b"counts")
    tree = TREE | {"samples": {"A": {"file": "a.npy"}}}
    _configure(tree)
    made = _make(tree)
    (Path("results/A/raw.zarr") / "manifest.json").write_bytes(b"{}")
    Path("a.npy").unlink()
    assert "left where it is: no run can make it without a.npy)" in "\n".join(_repair())
    assert [path for path in made if "/A" in path and not Path(path).exists()] == []
