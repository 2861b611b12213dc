"""The page of all samples: a row for each verdict, failures with their reasons, links that lead somewhere."""

import copy
import os
import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from eelsunmix.configuration.names import sample_name_fault
from eelsunmix.configuration.nodes import node_of
from eelsunmix.configuration.reading import read_tree
from eelsunmix.errors import InputError, StoreError
from eelsunmix.execution.log_ends import now_on_disk
from eelsunmix.recipes import INDEX, Product, Recipes
from eelsunmix.recipes.present import Present
from eelsunmix.recipes.table import log_of
from eelsunmix.recipes.unfinished import NOT_MADE, last_error, write_unfinished_index
from eelsunmix.report.index import Missing, write_index
from eelsunmix.report.record import verdict_of
from eelsunmix.storage import manifest_at, read_record, sealed_record, verify_page
from test_report_first import inputs_of

PAYLOAD = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"


@pytest.fixture(scope="module")
def kinds():
    """Verdicts of a sample with edges, of one without any, and of one without a result of a method."""
    options = ({}, {"source": "eds", "edges": {}}, {"methods": ("vca",), "failed": ("vca",)})
    return [verdict_of(inputs_of(**one), page="") for one in options]


def written(folder, kinds, number, settings=None, **changes):
    """Verdicts below a folder, of samples S00, S01, ..., each with a page; return their paths."""
    places = []
    for i in range(number):
        name = f"S{i:02d}"
        place = folder / "results" / name / "verdict.json"
        content = copy.deepcopy(kinds[i % len(kinds)])
        content |= {"sample": name, "title": name, "page": f"../../reports/{name}.html", **changes}
        content["numbers"]["counts_per_pixel"] = 10.0 * (7 * i % 11)
        place.parent.mkdir(parents=True)
        own = None if settings is None else settings(name)
        place.write_text(sealed_record(content, place, seals={}, settings=own), encoding="utf-8")
        (folder / "reports").mkdir(exist_ok=True)
        (folder / "reports" / f"{name}.html").touch()
        places.append(place)
    return places


class Table(HTMLParser):
    """Rows of the table as lists of (text, value by which it is sorted), and all links of the page."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.links, self._cell = [], [], None
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "tr" and "data-light" in attrs:
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self._cell = ["", attrs.get("data-value")]
            self.rows[-1].append(self._cell)
        elif tag == "a":
            self.links.append(unquote(attrs["href"]))

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = None

    def handle_data(self, data):
        if self._cell is not None:
            self._cell[0] += data


def test_every_sample_has_a_row_with_the_numbers_of_its_verdict(tmp_path, kinds):
    places = written(tmp_path, kinds, 5)
    page = write_index(tmp_path / "reports" / "index.html", places, made_with={"n": 1})
    rows = Table(page).rows
    assert [row[0][1] for row in rows] == [f"S{i:02d}" for i in range(5)]
    for place, row in zip(places, rows, strict=True):
        content = read_record(place)[0]
        numbers = content["numbers"]
        names = ("pixels", "counts_per_pixel", "endmembers", "chi_square", "agreement", "cross_talk")
        assert [cell[1] for cell in row[4:]] == [
            "" if numbers[name] is None else repr(numbers[name]) for name in names
        ]
        assert row[1][0].split()[0] == {"green": "✔", "amber": "▲", "red": "✖"}[content["light"]]
        assert all(one["element"] in row[3][0] for one in content["elements"])
        assert content["thumbnail"]["address"] in page.read_text(encoding="utf-8")
    manifest = verify_page(page)
    assert {seal: Path(name).parent.name for name, seal in manifest.inputs.items()} == {
        manifest_at(place).seal: place.parent.name for place in places
    }
    assert manifest.settings == {"n": 1}


def test_links_lead_somewhere_and_failures_say_why(tmp_path, kinds):
    places = written(tmp_path, kinds, 2)
    log = tmp_path / "results" / "B" / "logs" / "fit_vca.log"
    log.parent.mkdir(parents=True)
    log.touch()
    (tmp_path / "reports" / "benchmark.html").touch()
    page = write_index(
        tmp_path / "reports" / "index.html",
        places,
        missing=[
            Missing(sample="B", reason="fit_vca failed: 3 < 4", log=str(log)),
            Missing(sample="C", reason="r"),
        ],
        skipped=["sample D is skipped: x"],
        benchmark=True,
    )
    table = Table(page)
    files = [link for link in table.links if not link.startswith("#")]
    assert len(files) == 4
    assert all((page.parent / link).is_file() for link in files)
    assert table.rows[2][2][0] == "fit_vca failed: 3 < 4 log"
    assert [row[1][0] for row in table.rows[2:]] == ["✖ no result"] * 2
    text = unescape(page.read_text(encoding="utf-8"))
    assert "Sample D is skipped: x" in text
    assert re.findall(r"<dt>(.*?)</dt><dd>(\d+)</dd>", text)[0] == ("samples", "4")


def test_hostile_names_stay_text_and_a_damaged_verdict_is_no_row(tmp_path, kinds):
    places = written(tmp_path, kinds, 1, title=PAYLOAD, warnings=[{"place": PAYLOAD, "text": PAYLOAD}])
    page = write_index(tmp_path / "reports" / "index.html", places, skipped=[PAYLOAD])
    assert "<script>window" not in page.read_text(encoding="utf-8")
    places[0].write_bytes(places[0].read_bytes()[:-40])
    with pytest.raises(StoreError, match=r"verdict\.json: is damaged .*; run the workflow again"):
        write_index(page, places)


def test_forty_samples_are_a_small_page(tmp_path, kinds):
    page = write_index(tmp_path / "reports" / "index.html", written(tmp_path, kinds, 40))
    assert len(Table(page).rows) == 40
    assert page.stat().st_size < 400_000


TREE = {
    "samples": {name: {"simulate": {"scene": "multilayer"}} for name in ("S00", "S01", "S02", "S03")},
    "methods": {"vca": {}},
}


@pytest.fixture
def failed_run(tmp_path, kinds, monkeypatch):
    """Of four samples one is in order, one is of another configuration, and two have no verdict."""
    monkeypatch.chdir(tmp_path)
    samples = read_tree(node_of(TREE, "c.yaml")).samples
    recipes = Recipes(samples)
    old = {"code": "of yesterday"}
    written(
        tmp_path,
        kinds,
        2,
        settings=lambda name: recipes.settings(Product(name, "verdict")) | (old if name == "S01" else {}),
    )
    for stem, end in {"denoise": "INFO done", "correct_gain": "ERROR no room; free some"}.items():
        log = tmp_path / "results" / "S02" / "logs" / f"{stem}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"10:00:00 INFO begin\n10:00:01 {end}\n")
    return samples


def test_after_a_failed_run_the_page_shows_what_is_there_and_why_the_rest_is_not(failed_run):
    page = write_unfinished_index(failed_run, ["sample D is skipped: x"])
    rows = Table(page).rows
    assert [row[0][1] for row in rows] == ["S00", "S01", "S02", "S03"]
    assert [len(row) for row in rows] == [10, 3, 3, 3]
    assert rows[1][2][0] == f"made with another version of the code; {NOT_MADE}"
    assert rows[2][2][0] == "correct_gain failed: no room; free some log"
    assert rows[3][2][0] == NOT_MADE
    # It is no page of this configuration, so the next run makes it.
    found = Present(Recipes(failed_run, ["sample D is skipped: x"])).fault(INDEX)
    assert "results/S01/verdict.json" in found.reason
    assert [Path(name).parent.name for name in verify_page(page).inputs] == ["S00"]


def test_what_stood_in_the_place_of_the_page_is_kept(failed_run):
    Path("reports/index.html").write_text("<p>my thesis</p>")
    write_unfinished_index(failed_run)
    assert Path("reports/index.html.aside1").read_text() == "<p>my thesis</p>"


def test_a_page_that_cannot_be_written_is_one_line(failed_run):
    shutil.rmtree("reports")
    Path("reports").touch()
    with pytest.raises(InputError, match=r"^reports.*: cannot be "):
        write_unfinished_index(failed_run)


@pytest.fixture
def two(tmp_path, monkeypatch):
    """A sample that uses the models of another one, and what writes into their logs."""
    monkeypatch.chdir(tmp_path)
    simulated = {"simulate": {"scene": "multilayer"}}
    tree = {"samples": {"A": simulated | {"fit_on": "B"}, "B": simulated}, "methods": {"vca": {}}}

    def write(log, text, *, before=0):
        path = Path("results") / log
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, ns=(0, path.stat().st_mtime_ns - before))

    return Recipes(read_tree(node_of(tree, "c.yaml")).samples), write


VERDICT = Product("A", "verdict")


def test_only_a_log_without_a_good_end_has_an_error(two):
    recipes, write = two
    assert last_error(recipes, VERDICT, 0) is None
    write("A/logs/denoise.log", "10:00:00 ERROR once\n10:00:01 INFO done\n")
    assert last_error(recipes, VERDICT, 0) is None
    write("A/logs/map_vca.log", "Killed\n", before=10**9)
    assert last_error(recipes, VERDICT, 0) == ("map_vca failed: see its log", "results/A/logs/map_vca.log")
    write("B/logs/fit_vca.log", "10:00:00 ERROR no edges\n")
    said = ("fit_vca of B failed: no edges", "results/B/logs/fit_vca.log")
    assert last_error(recipes, VERDICT, 0) == said


def test_logs_of_earlier_runs_and_of_other_jobs_are_not_blamed(two):
    recipes, write = two
    write("A/logs/fit_nmf.log", "10:00:00 ERROR of a method that is no longer asked for\n")
    write("A/logs/fit_vca.log", "10:00:00 ERROR of a fit that sample B makes\n")
    write("B/logs/compare.log", "10:00:00 ERROR of what A is not made of\n")
    write("A/logs/denoise.log", "10:00:00 ERROR of an earlier run\n", before=10**9)
    assert last_error(recipes, VERDICT, now_on_disk(Path()) - 5 * 10**8) is None
    assert "earlier run" in last_error(recipes, VERDICT, 0)[0]


def test_logs_are_those_of_the_rules():
    rules = Path(__file__).parents[1] / "workflow" / "rules"
    text = "\n".join(path.read_text() for path in rules.glob("*.smk"))
    logs = re.findall(r'"results/\{+sample\}+/logs/(\S+)\.log"', text)
    one = {"S": {"simulate": {"scene": "multilayer"}}}
    values = {"methods": {"vca": {}, "recommended": {}}, "samples": one}
    samples = read_tree(node_of(values, "c.yaml")).samples
    known = {log_of(product, samples["S"]) for product in Recipes(samples).products() if product != INDEX}
    named = {name.replace("{label}", "vca") for name in logs} - {"import_image"}
    assert known == {f"results/S/logs/{name}.log" for name in named}


def test_the_index_is_made_again_where_its_samples_are_others(tmp_path, kinds, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipes = Recipes(read_tree(node_of(TREE, "c.yaml")).samples)
    places = written(tmp_path, kinds, 4, settings=lambda name: recipes.settings(Product(name, "verdict")))
    relative = [place.relative_to(tmp_path) for place in places]
    write_index(INDEX.path, relative, made_with=recipes.settings(INDEX))
    assert Present(recipes).fault(INDEX) is None
    fewer = {name: one for name, one in recipes.samples.items() if name != "S03"}
    assert "no longer asked for" in Present(Recipes(fewer)).fault(INDEX).reason
    assert Present(Recipes(recipes.samples, ["one is skipped"])).fault(INDEX) is not None
    Path("reports/benchmark.html").touch()
    assert "benchmark" in Present(Recipes(recipes.samples)).fault(INDEX).reason
    Path("reports/benchmark.html").unlink()
    content, manifest = read_record(places[0])
    places[0].write_text(
        sealed_record(content | {"title": "T"}, places[0], seals={}, settings=manifest.settings)
    )
    assert (
        "made from another results/S00/verdict.json" in Present(Recipes(recipes.samples)).fault(INDEX).reason
    )
    shutil.rmtree(tmp_path / "results")
    assert Present(Recipes(recipes.samples)).fault(INDEX) is None  # what is absent says nothing


def test_no_sample_is_called_as_the_index_is():
    assert "is the name of the page of all samples" in sample_name_fault("Index")


@pytest.mark.parametrize("name", ["a.aside1", "a.b.aside12", "a.zarr", "a.kept", "a.windows", "a.Zarr"])
def test_no_sample_ends_as_stores_and_what_is_moved_aside_do(name):
    assert f"ends in .{name.rpartition('.')[2]}, as folders and files" in sample_name_fault(name)


@pytest.mark.parametrize("name", ["a.", "CON", "aux", "nul.x", "PRN.1.b", "COM1", "lpt9.dm4"])
def test_no_sample_has_a_name_that_windows_refuses(name):
    assert "Windows" in sample_name_fault(name)


@pytest.mark.parametrize(
    "name", ["a.aside", "aside1", "zarr", "a.zarr.b", "a.windows2", "console", "COM10", "a.nul"]
)
def test_other_samples_may_look_alike(name):
    assert sample_name_fault(name) is None
