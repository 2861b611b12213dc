"""Results that match today's configuration, whatever happened to Snakemake's own records."""

import importlib
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr
import yaml

from eelsunmix.configuration.nodes import node_of
from eelsunmix.configuration.reading import read_tree
from eelsunmix.errors import StoreError
from eelsunmix.recipes import Product, Recipes
from eelsunmix.recipes.other_code import modules_behind
from eelsunmix.recipes.present import Present
from eelsunmix.recipes.table import recipe_of
from eelsunmix.recipes.words import difference
from eelsunmix.report import write_report
from eelsunmix.storage import (
    check_inputs,
    publish,
    read_manifest,
    read_page_manifest,
    sealed_page,
    verify_page,
)
from eelsunmix.storage.__main__ import main as check_stores
from eelsunmix.storage.versions import mixed_versions
from test_workflow import Project, rules_in
from tiny_run import report_arguments

CONFIGURATION = """
samples:
  SI1: {simulate: {scene: multilayer, shape: [7, 31], counts: 2000.0, seed: 1}}
components: {n: 3}
denoise: {n_components: 8}
methods: {vca: {n_draws: 5}}
"""
TWO = CONFIGURATION.replace("{n: 3}", "{n: 2}")
AFTER_N = {"estimate_endmembers", "fit_vca", "map_vca", "compare", "report", "index", "all"}
PAGE = "reports/SI1.html"
TREE = {
    "samples": {
        "A": {"simulate": {"scene": "multilayer"}},
        "B": {"simulate": {"scene": "multilayer", "seed": 5}, "fit_on": "A"},
    },
    "methods": {"vca": {}, "nmf": {}},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("records") / "project")
    project.configure(CONFIGURATION)
    project.run()
    return project


@pytest.fixture
def project(finished, tmp_path):
    return finished.copy(tmp_path / "project")


def _lose(project):
    shutil.rmtree(project.folder / ".snakemake")


def _empty(project):
    """As a power cut leaves records that were never flushed."""
    for record in (project.folder / ".snakemake").rglob("*"):
        if record.is_file():
            record.write_bytes(b"")


def _keep(project):
    """The records are whole, but of the run before."""


def _second_folder(project):
    other = Project.__new__(Project)
    other.folder = project.folder.with_name("second")
    shutil.copytree(
        project.folder,
        other.folder,
        symlinks=True,
        ignore=shutil.ignore_patterns(".snakemake", "results", "reports"),
    )
    for name in ("results", "reports"):
        (other.folder / name).symlink_to(project.folder / name)
    project.folder = other.folder


RECORDS = {"lost": _lose, "empty": _empty, "of another folder": _second_folder, "whole": _keep}


@pytest.mark.guarantee("G4")
@pytest.mark.workflow
@pytest.mark.slow
@pytest.mark.parametrize(
    ("records", "page"),
    [
        ("lost", "there"),
        ("lost", "deleted"),
        ("empty", "there"),
        ("of another folder", "deleted"),
        ("whole", "there"),
    ],
)
def test_another_number_of_components_is_never_a_page_over_old_stores(project, records, page):
    RECORDS[records](project)
    if page == "deleted":
        (project.folder / PAGE).unlink()
    project.configure(TWO)
    done = project.snakemake("-n")
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert rules_in(output) == AFTER_N
    assert "results/SI1/rank.zarr: made with components.n 3, the configuration says 2" in output
    assert "Traceback" not in output


@pytest.mark.guarantee("G4")
@pytest.mark.workflow
@pytest.mark.slow
def test_the_results_are_those_of_the_configuration_and_then_nothing_is_left_to_do(project):
    _lose(project)
    project.configure(TWO)
    assert project.run() == AFTER_N
    maps = read_manifest(project.folder / "results/SI1/map/vca.zarr")
    assert maps.settings["made_of"] == {
        f"results/SI1/{name}.zarr": Recipes(project_samples(TWO)).digest(Product("SI1", *name.split("/")))
        for name in ("fit/vca", "corrected", "pca", "rank")
    }
    assert verify_page(project.folder / PAGE).settings["settings"]["components"]["n"] == 2
    _lose(project)
    assert project.run("-n") == set()


def project_samples(text):
    return read_tree(node_of(yaml.safe_load(text), "c.yaml")).samples


@pytest.mark.guarantee("G4")
@pytest.mark.workflow
@pytest.mark.slow
def test_a_job_refuses_what_was_made_otherwise(project):
    """The stages before are not allowed to run, so the page would be made of old stores."""
    project.configure(TWO)
    before = (project.folder / PAGE).read_bytes()
    done = project.snakemake("--allowed-rules", "compare", "report", "index", "all")
    assert done.returncode != 0
    assert "fit/vca.zarr: was made otherwise than the configuration asks for now" in done.stdout + done.stderr
    assert not (project.folder / PAGE).exists() or (project.folder / PAGE).read_bytes() == before


def _cut(content):
    return content[: len(content) // 2]


def _without_end(content):
    return content[:-1]


def _zeroed(content):
    return bytes(len(content))


def _flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def _emptied(content):
    return b""


def _seal_of_another(content):
    return content.replace(b'"created": "2', b'"created": "3')


DAMAGES = (_cut, _without_end, _zeroed, _flipped, _emptied, _seal_of_another)


@pytest.mark.guarantee(23)
@pytest.mark.workflow
@pytest.mark.slow
def test_a_damaged_page_is_noticed_and_made_again(project, capsys, monkeypatch):
    monkeypatch.chdir(project.folder)
    page, recipes = project.folder / PAGE, Recipes(project_samples(CONFIGURATION))
    whole = page.read_bytes()
    assert check_stores(["results"]) == 0
    assert Present(recipes).fault(Product("SI1", "page")) is None
    for damage in DAMAGES:
        page.write_bytes(damage(whole))
        assert check_stores(["results"]) == 1, damage
        assert f"{PAGE}: " in capsys.readouterr().err
        assert Present(recipes).fault(Product("SI1", "page")), "by which a run makes it again"
    for damage in (_emptied, _seal_of_another):
        page.write_bytes(damage(whole))
        assert project.run("-n") == {"report", "index", "all"}, damage


@pytest.mark.parametrize(
    ("kind", "name", "use"),
    [
        ("dag.DAG", "forcefiles", "makes again what is not as asked for"),
        ("dag.DAG", "needrun_jobs", "keeps what was made of the user's files until it is made again"),
        ("workflow.Workflow", "executor_plugin", "tells a run from other commands"),
        ("workflow.Workflow", "is_main_process", "tells a run from its jobs"),
        ("scheduling.job_scheduler.JobScheduler", "_user_kill", "begins no job after SIGTERM"),
    ],
)
def test_what_the_rules_take_from_inside_snakemake_is_still_there(kind, name, use):
    """None of it is a public interface; whoever moves to another version of Snakemake is told here."""
    module, _, own = kind.rpartition(".")
    importlib.import_module("snakemake.api")  # its modules import each other in a circle
    found = getattr(importlib.import_module(f"snakemake.{module}"), own)
    assert name in inspect.getsource(found), (
        f"Snakemake has no {own}.{name} any more, by which workflow/rules/common.smk {use}; "
        "docs/decisions/031 and 033 say what for: find another way before you move to this version"
    )


# What is asked for, without a run.


@pytest.fixture
def recipes():
    return Recipes(read_tree(node_of(TREE, "c.yaml")).samples)


def _changed(change, **given):
    """Products whose digests another configuration changes."""
    before = TREE | given
    tree = yaml.safe_load(yaml.safe_dump(before))
    change(tree)
    old = Recipes(read_tree(node_of(before, "c.yaml")).samples)
    new = Recipes(read_tree(node_of(tree, "c.yaml")).samples)
    return {
        f"{one.sample}/{one.store}{'/' * bool(one.label)}{one.label}"
        for one in old.products()
        if old.digest(one) != new.digest(one)
    }


def test_a_sample_that_uses_the_models_of_another_has_no_fits_of_its_own(recipes):
    paths = [one.path for one in recipes.products()]
    assert "results/A/fit/vca.zarr" in paths
    assert "results/B/map/vca.zarr" in paths
    assert "results/B/fit/vca.zarr" not in paths
    assert next(iter(recipes.inputs(Product("B", "map", "vca")))).path == "results/A/fit/vca.zarr"


def _of_b(tree):
    tree["samples"]["B"]["components"] = {"n": 2}


def _title(tree):
    tree["samples"]["A"]["report"] = {"title": "Other"}


@pytest.mark.guarantee(15)
def test_a_change_reaches_what_is_made_of_it_and_nothing_else():
    windows = {"Co_L23": {}, "Ru_M23": {}}
    models = {f"A/fit/{label}" for label in ("vca", "nmf")}
    maps = {f"{sample}/map/{label}" for sample in "AB" for label in ("vca", "nmf")}
    ends = {f"{sample}/{store}" for sample in "AB" for store in ("comparison", "page", "verdict")} | {
        "index/page"
    }
    of_b = {"B/comparison", "B/page", "B/verdict", "index/page"}
    everywhere = {"A/rank", "B/rank"} | models | maps | ends
    assert _changed(lambda tree: tree.update(components={"n": 2})) == everywhere
    assert _changed(_of_b) == {"B/rank", "B/map/vca", "B/map/nmf", *of_b}
    assert _changed(lambda tree: tree.update(component_names={"background": "Pt"}), edges=windows) == ends
    of_vca = {"A/fit/vca", "A/map/vca", "B/map/vca"} | ends
    assert _changed(lambda tree: tree["methods"].update(vca={"n_draws": 7})) == of_vca
    told = {**windows, "Co_L23": {"shared": True}}
    anchored = {"vca": {"anchor": "edges"}, "nmf": {}}
    of_anchored = {"A/fit/vca", "A/map/vca", "B/map/vca", *ends}
    assert _changed(lambda tree: tree.update(edges=told), edges=windows, methods=anchored) == of_anchored
    assert _changed(_title) == {"A/page", "A/verdict", "index/page"}
    assert _changed(lambda tree: tree.update(dask={"mode": "processes"})) == set()


def test_products_come_in_the_order_of_the_work(recipes):
    made = []
    for one in recipes.products():
        assert set(recipes.inputs(one)) <= set(made)
        made.append(one)


def test_what_differs_is_said_once_where_it_begins():
    made = {"components": {"n": 3, "max": 8}, "code": "a", "made_of": {"x.zarr": "1"}}
    asked = {"components": {"n": 2, "max": 8}, "code": "a", "made_of": {"x.zarr": "1"}}
    assert difference(made, asked) == ("made with components.n 3, the configuration says 2", True)
    other = asked | {"components": made["components"], "made_of": {"x.zarr": "2"}}
    assert difference(made, other) == ("made from another x.zarr than the configuration asks for", False)
    assert difference(made, asked | {"code": "b"}).reason.endswith("(and 1 more)")
    page = {"settings": {"n": 3}, "made_of": {"x.zarr": "1"}}
    assert not difference(page, {"settings": {"n": 2}, "made_of": {"x.zarr": "2"}}).first
    assert difference(page, {"settings": {"n": 2}, "made_of": {"x.zarr": "1"}}).first
    more = page | {"made_of": {"x.zarr": "1", "y.zarr": "1"}}
    assert difference(page, more) == ("made without y.zarr, which the configuration asks for", False)
    assert difference(more, page) == ("made from y.zarr too, which is no longer asked for", False)
    empty, edge = {"edges": {}}, {"edges": {"Ru": {"onset_eV": 461}}}
    assert difference(empty, edge).reason == "made without edges.Ru.onset_eV, the configuration says 461"
    assert difference(edge, empty).reason == "made with edges.Ru.onset_eV 461, the configuration has none"
    assert difference(empty, {}).reason == "made with edges {}, the configuration has none"
    gone, new = {"a": {"b": 1}}, {"a": {"c": 2}}
    assert "made with a.b 1, the configuration has none (and 1 more)" in difference(gone, new).reason


def test_a_page_of_fewer_methods_says_so_and_nothing_of_gain():
    """The papers that a page lists are not the references of the gain."""
    page = Product("A", "page")
    made, asked = (
        Recipes(read_tree(node_of(TREE | {"methods": methods}, "c.yaml")).samples).settings(page)
        for methods in ({"vca": {}, "nmf": {}}, {"vca": {}})
    )
    reason, is_first = difference(made, asked)
    assert not is_first
    assert "gain" not in reason
    assert reason.startswith("made from another results/A/comparison.zarr than the configuration asks for")


def test_a_page_of_an_older_version_says_so_and_nothing_of_gain():
    """Its papers were called `references` once, which now are those of the gain."""
    old = {"references": {"vca": ["a paper"]}, "code": "a", "made_of": {"x.zarr": "1"}}
    new = {"literature": {"vca": ["a paper"]}, "code": "b", "made_of": {"x.zarr": "2"}}
    assert difference(old, new) == ("made with another version of the code (and 1 more)", True)
    assert difference({"references": ["0f"]}, {"references": ["1f"]}).reason.startswith(
        "made with another gain"
    )


def test_the_modules_behind_a_store_are_known_without_the_configuration():
    """A file of one format with references of another, and every option that adds modules to a fit."""
    sample = {
        "file": "a.dm4",
        "corrections": {"gain": {"reference": "g.hspy", "dark": "d.npy"}},
        "methods": {"vca": {"anchor": "edges", "nuisance": 2}, "blu": {}, "recommended": {}},
        "edges": ["Ti"],
    }
    tree = TREE | {"samples": TREE["samples"] | {"A": sample}}
    samples = read_tree(node_of(tree, "c.yaml"), must_exist=False).samples
    recipes = Recipes(samples)
    recipes._contents.of = lambda files, store, name: [""]
    for one in recipes.products():
        if one.store not in ("page", "verdict"):
            asked = [*recipe_of(one, samples[one.sample]).modules(samples[one.sample], one.label)]
            assert modules_behind(Path(one.path), recipes.settings(one)) == asked, one


def _publish(recipes, product, **changed):
    settings = recipes.settings(product) | changed
    inputs = [one.path for one in recipes.inputs(product)]
    publish(xr.Dataset({"a": ("x", [1.0])}), product.path, inputs=inputs, settings=settings)


def test_every_difference_of_a_store_is_found(recipes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw, corrected, pca = (Product("A", name) for name in ("raw", "corrected", "pca"))
    for product in (raw, corrected, pca):
        _publish(recipes, product)
    assert [Present(recipes).fault(product) for product in (raw, corrected, pca)] == [None] * 3
    check_inputs(recipes.value(pca, "made_of"))
    shutil.rmtree(corrected.path)
    _publish(recipes, corrected, code="of yesterday")
    present = Present(recipes)
    assert present.fault(corrected).reason == "made with another version of the code"
    assert present.fault(pca).reason == (
        "made from another results/A/corrected.zarr than the one that is there now"
    )
    assert present.fault(Product("A", "rank")) is None  # absent: not our business
    with pytest.raises(StoreError, match=r"corrected\.zarr: was made otherwise than the configuration asks"):
        check_inputs(recipes.value(pca, "made_of"))


def test_the_checker_names_what_differs_from_the_configuration(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tree = TREE | {"denoise": {"n_components": 8}}
    made = Recipes(read_tree(node_of(tree, "c.yaml")).samples)
    for name in ("raw", "corrected", "pca"):
        _publish(made, Product("A", name))
    config = tmp_path / "config" / "config.yaml"
    config.parent.mkdir()
    config.write_text(yaml.safe_dump(tree))
    assert check_stores(["results"]) == 0
    assert "settings compared with config/config.yaml" in capsys.readouterr().out
    config.write_text(yaml.safe_dump(TREE | {"denoise": {"n_components": 5}}))
    assert check_stores(["results"]) == 1
    told = capsys.readouterr()
    assert told.err == (
        "results/A/pca.zarr: made with denoise.n_components 8, the configuration says 5; "
        "run the workflow again\n"
    )
    assert told.out.startswith("3 stores, 1 of them not in order\n")
    config.write_text("denoise: [")
    assert check_stores(["results"]) == 2
    assert "config/config.yaml" in capsys.readouterr().err
    other = tmp_path / "other.yaml"
    other.write_text(yaml.safe_dump(tree))
    assert check_stores(["results", "--configfile", str(other)]) == 0


@pytest.mark.guarantee("G10")
def test_a_page_knows_its_stores_and_ends_no_comment_early(tmp_path):
    page = tmp_path / "reports" / "A.html"
    page.parent.mkdir()
    hostile = {"title": "--> <script>alert(1)</script> & ünï"}
    seals = {str(tmp_path / "results/A/raw.zarr"): "0f" * 16}
    page.write_text(sealed_page("<p>Text – ü</p>", page, seals=seals, settings=hostile), encoding="utf-8")
    manifest = verify_page(page)
    assert manifest.settings == hostile
    assert manifest.inputs == {"../results/A/raw.zarr": "0f" * 16}
    assert manifest.versions["python"].startswith("3.")
    tail = page.read_text(encoding="utf-8").partition("<!-- manifest: ")[2]
    assert tail.count("-->") == 1
    assert "<script" not in tail


@pytest.mark.guarantee("G3")
def test_any_flipped_bit_of_a_page_is_noticed(tmp_path):
    page = tmp_path / "A.html"
    page.write_text(sealed_page("<p>Text</p>" * 20, page, seals={}), encoding="utf-8")
    whole = page.read_bytes()
    for place in range(len(whole)):
        page.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        with pytest.raises(StoreError, match=r"A\.html: "):
            verify_page(page)
    for length in range(len(whole)):
        page.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"A\.html: "):
            read_page_manifest(page)


def test_what_is_no_page_of_ours_is_kept(recipes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "reports" / "A.html"
    page.parent.mkdir()
    page.write_text("<p>my thesis</p>")
    present = Present(recipes)
    assert "no seal" in present.fault(Product("A", "page")).reason
    assert present.keep(Product("A", "page")).endswith("kept as reports/A.html.aside1")
    assert (tmp_path / "reports" / "A.html.aside1").read_text() == "<p>my thesis</p>"
    page.write_text("<title>A · eelsunmix</title> cut")
    assert present.keep(Product("A", "page")) is None
    assert page.exists()


def test_of_very_many_pages_the_ends_are_looked_at(recipes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("eelsunmix.recipes.present.WHOLE_PAGES", 10)
    page = tmp_path / "reports" / "A.html"
    page.parent.mkdir()
    product = Product("A", "page")
    text = sealed_page("<p>Text</p>", page, seals={}, settings=recipes.settings(product))
    page.write_text(text.replace("Text", "Tent"))
    assert Present(recipes).fault(product) is None
    page.write_text(text.replace("Text", "Tex"))
    assert "length" in Present(recipes).fault(product).reason


@pytest.mark.guarantee(16, "G10")
def test_a_mix_of_versions_is_one_line_of_the_page(tmp_path):
    stores = {f"results/A/{name}.zarr": {"numpy": "2.4.6", "python": "3.11.7"} for name in "abcd"}
    assert mixed_versions(stores) == ""
    arguments = report_arguments(methods=("vca",))
    write_report(tmp_path / "A.html", **arguments, versions_of_stores=stores)
    assert "same software" not in (tmp_path / "A.html").read_text(encoding="utf-8")
    stores["results/A/fit/vca.zarr"] = {"numpy": "2.4.5", "python": "3.11.7", "torch": "2.13.0"}
    line = "Not all stores were made with the same software: numpy 2.4.6 (4 stores), 2.4.5 (fit/vca)."
    assert mixed_versions(stores) == line
    write_report(tmp_path / "A.html", **arguments, versions_of_stores=stores)
    assert line in (tmp_path / "A.html").read_text(encoding="utf-8")


@pytest.mark.guarantee(16)
def test_a_store_records_what_its_process_used(tmp_path):
    publish(xr.Dataset({"a": ("x", [1.0])}), tmp_path / "a.zarr")
    versions = read_manifest(tmp_path / "a.zarr").versions
    assert {"python", "eelsunmix", "numpy", "zarr", "xarray"} <= set(versions)
    code = "import eelsunmix.storage.versions as v; import scipy; print(*v.versions_used())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "scipy" in done.stdout.split()
    assert "torch" not in done.stdout.split()
