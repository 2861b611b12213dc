"""The page: contents, safety, size, atomic writing; without a browser."""

import errno
import hashlib
import html
import os
import re
import sys
import types
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from eelsunmix.edges import Edge
from eelsunmix.errors import InputError
from eelsunmix.methods import method_names
from eelsunmix.methods._references import references
from eelsunmix.model_arrays import model_arrays
from eelsunmix.report import materials, read_benchmarks, sections, write_report
from eelsunmix.report.figures.encoding import COLOUR_STEPS, SEEN_BITS, STEPS
from eelsunmix.report.figures.maps import COMMON, DEVIATION, RETURNED, SUBSPACE, ElementMaps
from eelsunmix.report.figures.mapview import view_of
from eelsunmix.report.figures.profiles import element_profiles
from eelsunmix.report.figures.style import method_styles
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.materials import Material
from eelsunmix.report.page import SCRIPTS
from eelsunmix.report.sample import render
from eelsunmix.report.sections import cost
from eelsunmix.storage import publish
from eelsunmix.storage.pages import read_page_manifest
from eelsunmix.storage.whole_files import write_page
from page_data import uncompressed, unpacked
from tiny_run import EDGES, altered, report_arguments

PAYLOADS = (
    "</script><script>alert(1)</script>",
    '<img src=x onerror="alert(2)">',
    "\"'><svg/onload=alert(3)>",
    "{{ 7*7 }}",
    "javascript:alert(4)",
    "<a href='javascript:alert(5)'>link</a>",
    "%{x} \u2028 <!--",
)
SECTIONS = (
    "verdict caveats errors explorer endmembers maps profiles differences residuals data corrections "
    "background components truth cost provenance citation"
)


class Elements(HTMLParser):
    """Tags, attributes, texts and scripts of a page."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.scripts, self.text = [], [], [], []
        self._script = None
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "script":
            self._script = dict(attrs).get("type", "")
            self.scripts.append([self._script, ""])

    def handle_endtag(self, tag):
        if tag == "script":
            self._script = None

    def handle_data(self, data):
        if self._script is not None:
            self.scripts[-1][1] += data
        else:
            self.text.append(data)

    def values(self, name):
        return [value for _, attribute, value in self.attributes if attribute == name]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    return write_report(folder / "multilayer.html", **told_arguments()).read_text(encoding="utf-8")


def told_arguments():
    """Stores with an unknown pixel, and with texts and a number that the page must show."""
    arguments = report_arguments()
    stores = arguments["stores"]
    total = stores["corrected"].total_counts.to_numpy().copy()
    total[2, 3] = np.nan
    steps = [*stores["corrected"].attrs["corrections"]]
    steps[3] = {**steps[3], "applied": True, "summary": "2 voxels were replaced."}
    stores["corrected"] = altered(
        stores["corrected"], "corrected", total_counts=total, attrs={"corrections": steps}
    )
    rows = stores["comparison"].attrs["verdict"]
    texts = {
        "sentences": ["NMF and VCA agree with BS within noise (r within 0.05 of its ceiling)."],
        "warnings": ["Few pixels alone hold component 2 of ica: (y 3, x 4)."],
        "caveats": ["Ru_M45 is not zero where Ru is absent (−40 σ): do not trust this window."],
        "verdict": [
            {**row, "value": 0.97, "text": "0.97"} if row["criterion"] == "agreement with BS" else row
            for row in rows
        ],
    }
    stores["comparison"] = altered(stores["comparison"], "comparison", attrs=texts)
    return arguments


def test_the_page_says_how_many_pixels_hold_no_sample(tmp_path, page):
    assert "hold no sample" not in page
    arguments = report_arguments(("vca",))
    vacuum = np.zeros(arguments["stores"]["corrected"].vacuum.shape, bool)
    vacuum[:2, :5] = True
    arguments["stores"]["corrected"] = altered(arguments["stores"]["corrected"], "corrected", vacuum=vacuum)
    told = write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8")
    assert "10 pixels (4.5 %) hold no sample. They are left out of learning" in told
    assert "A line surrounds pixels without sample." in told


@pytest.fixture(scope="module")
def elements(page):
    return Elements(page)


def figures_of(elements):
    return unpacked(packed_of(elements)[1])


def packed_of(elements):
    """The plotting library and the data, as they stand in the page."""
    return [text for kind, text in elements.scripts if kind == "text/plain"]


def test_all_sections_in_order_and_in_the_contents(elements):
    assert [i for i in elements.values("id") if i in SECTIONS.split()] == SECTIONS.split()
    contents = ["page", "answer", *SECTIONS.split()]
    links = [link[1:] for link in elements.values("href")]
    assert links[: len(contents)] == contents
    assert {*links} <= {*elements.values("id")}


@pytest.mark.guarantee(36)
def test_policy_allows_only_the_scripts_of_the_page(elements):
    policy = elements.values("content")[0]
    scripts = [text for kind, text in elements.scripts if kind == ""]
    assert len(scripts) == len(SCRIPTS)
    scripts.append(uncompressed(packed_of(elements)[0]).decode())
    assert "plotly.js v" in scripts[-1][:100]
    hashes = {b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts}
    assert hashes == set(re.findall(r"'sha256-([^']+)'", policy))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy
    assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")


@pytest.mark.guarantee(36)
def test_nothing_comes_from_outside(elements):
    assert all(source.startswith("data:image/png;base64,") for source in elements.values("src"))
    assert not {"link", "iframe", "object", "embed", "form", "base"} & set(elements.tags)
    assert not [name for _, name, _ in elements.attributes if name.startswith("on")]


def test_every_plot_has_its_figure_and_every_control_its_variants(elements):
    figures = figures_of(elements)["figures"]
    assert sorted(elements.values("data-plot")) == sorted(figures)
    options = {}
    for figure, control in zip(elements.values("data-figure"), elements.values("data-control"), strict=True):
        options.setdefault(figure, {}).setdefault(control, 0)
        options[figure][control] += 1
    assert {"0", "1"} == options.pop("explorer").keys()
    assert options.keys() == {name for name, figure in figures.items() if len(figure["variants"]) > 1}
    for name, controls in options.items():
        assert len(figures[name]["variants"]) == np.prod(list(controls.values()))


def test_every_figure_is_one_that_plotly_knows(elements):
    # Validates names and values of every trace and layout attribute against plotly's own schema.
    from plotly.graph_objects import Figure

    content = figures_of(elements)
    for name, figure in content["figures"].items():
        for key, variant in figure["variants"].items():
            drawn = Figure(resolve(variant, content["arrays"]))
            assert len(drawn.data) > 0, (name, key)


def resolve(tree, arrays):
    if isinstance(tree, dict) and "$" in tree:
        return arrays[tree["$"]]
    if isinstance(tree, dict):
        return {key: resolve(item, arrays) for key, item in tree.items()}
    return [resolve(item, arrays) for item in tree] if isinstance(tree, list) else tree


def test_every_axis_with_ticks_has_a_title(elements):
    for name, figure in figures_of(elements)["figures"].items():
        if name in ("cross-talk", "angles"):
            continue
        for variant in figure["variants"].values():
            axes = {key: axis for key, axis in variant["layout"].items() if key[1:5] == "axis"}
            for letter in "xy":
                assert (
                    any(a["title"]["text"] for key, a in axes.items() if key[0] == letter)
                    or name == "cost-bars"
                )


def test_maps_hold_the_values_of_the_stores(elements):
    content = figures_of(elements)
    arguments = told_arguments()
    total = arguments["stores"]["corrected"]["total_counts"].values
    trace = content["figures"]["total-counts"]["variants"][""]["data"][0]
    shown = content["arrays"][trace["z"]["$"]]
    assert np.isnan(shown[2, 3])
    # Steps between the extremes: half a step at most.
    span = np.nanmax(total) - np.nanmin(total)
    np.testing.assert_allclose(shown, total, atol=span / STEPS * 0.51)


@pytest.fixture(scope="module")
def element_grids():
    """Source of the element maps of a simulated sample."""
    arguments = report_arguments()
    comparison = arguments["stores"]["comparison"]
    view = view_of(comparison["element_map"][0, 0], n_maps=1, budget=10**6)
    return comparison, ElementMaps(comparison=comparison, maps=arguments["maps"], view=view, failures={})


@pytest.mark.parametrize(
    ("row", "scale", "name"),
    [
        ("truth", COMMON, "true_element_map"),
        ("material BS", COMMON, "material_bs_map"),
        ("vca", COMMON, "element_map"),
        ("vca", SUBSPACE, "subspace_map"),
        ("vca", DEVIATION, "element_map_sd"),
        ("truth", RETURNED, "true_abundance"),
    ],
)
def test_truth_and_methods_stand_side_by_side(element_grids, row, scale, name):
    comparison, grids = element_grids
    assert grids.labels[:3] == ["truth", "material BS", "BS"]
    expected = comparison[name]
    expected = expected.sel({"label": row}) if "label" in expected.dims else expected
    at_edge = expected.sel(edge="Co_L23") if "edge" in expected.dims else expected.sel(true_endmember="Co")
    np.testing.assert_allclose(grids.image(row, "Co_L23", scale), at_edge, rtol=1e-6)
    assert not np.allclose(comparison["true_element_map"], comparison["material_bs_map"], rtol=0.1)


def test_a_map_without_known_deviation_says_so(element_grids):
    comparison, grids = element_grids
    grids = replace(grids, comparison=comparison.copy(deep=True))
    grids.comparison["element_map_sd"].loc[{"label": "vca"}] = np.nan
    assert grids.image("vca", "Co_L23", DEVIATION) == "not known"
    assert grids.image("truth", "Co_L23", DEVIATION) == "no noise"


@pytest.mark.parametrize("scaled", [False, True])
def test_profiles_of_methods_have_bands_of_one_standard_deviation_where_it_is_known(scaled):
    comparison = report_arguments()["stores"]["comparison"].copy(deep=True)
    comparison["element_profile_sd"].loc[{"label": "nmf"}] = np.nan
    styles = method_styles(comparison["label"].values.tolist())
    found = element_profiles(
        comparison,
        edges=["Co_L23"],
        profile=str(comparison["profile"].values[0]),
        scaled=scaled,
        styles=styles,
        methods=["nmf", "vca"],
        unit="nm",
    )["data"]
    of_method = {name: [one for one in found if one.get("legendgroup") == name] for name in ("nmf", "vca")}
    assert len(of_method["nmf"]) == 1
    low, high, line = of_method["vca"]
    assert (high["name"], high["fill"], high["meta"]) == ("vca ± 1 sd", "tonexty", {"method": "vca"})
    at = comparison.sel(label="vca", edge="Co_L23", profile=comparison["profile"].values[0])
    deviation = at["element_profile_sd"].values * (float(at["profile_scale"]) if scaled else 1.0)
    np.testing.assert_allclose(high["y"] - low["y"], 2 * deviation[: len(low["y"])], rtol=1e-6)
    np.testing.assert_allclose((high["y"] + low["y"]) / 2, line["y"], rtol=1e-6)


def test_numbers_of_the_comparison_are_printed(elements):
    text = re.sub(r"[ \n]+", " ", " ".join(elements.text))
    for sentence in (
        "NMF and VCA agree with BS within noise",
        "do not trust this window",
        "2 voxels were replaced",
    ):
        assert sentence in text
    assert "0.36 nm" in text
    assert "225 – 275 eV" in text
    assert "✔\u00a00.97" in text


@pytest.mark.guarantee(36, "G9")
@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_text_stays_text(tmp_path, payload):
    harmless = report_arguments()
    harmless["stores"]["rank"].attrs["warnings"] = ["Nothing is above the noise."]
    safe = Elements(write_report(tmp_path / "safe.html", **harmless).read_text())
    arguments = report_arguments(
        methods=("nmf", payload), edges={payload: EDGES["Ru_M45"], "Co_L23": EDGES["Co_L23"]}
    )
    arguments |= {"sample": payload, "title": payload, "settings": {payload: payload}}
    arguments |= {"seals": {payload: payload}, "versions": {payload: payload}}
    poison(arguments["stores"], payload)
    page = write_report(tmp_path / "hostile.html", **arguments).read_text(encoding="utf-8")
    elements = Elements(page)
    assert elements.tags.count("script") == safe.tags.count("script")
    assert set(elements.tags) == set(safe.tags)
    assert {name for _, name, _ in elements.attributes} <= {name for _, name, _ in safe.attributes} | {
        "title"
    }
    assert not [link for link in elements.values("href") if not link.startswith("#")]
    assert not [text for text in packed_of(elements) if re.search(r"[<>&\"'\s]", text)]
    assert payload in "".join(elements.text)


def poison(stores, payload):
    stores["raw"].attrs |= {
        "source": {payload: payload},
        "metadata": {payload: {payload: payload}},
        "origin_of_axes": {payload: payload},
    }
    stores["raw"].attrs["counts_check"]["warnings"] = [payload]
    stores["corrected"].attrs["corrections"] = [{"step": payload, "applied": True, "summary": payload}]
    stores["rank"].attrs |= {"reason": payload, "warnings": [payload], "chosen": payload}
    stores["comparison"].attrs |= {"sentences": [payload], "caveats": [payload]}
    entry = {"method": "nmf", "criterion": payload, "text": payload, "explanation": payload, "light": payload}
    stores["comparison"].attrs["verdict"] = [{**entry, "value": 1.0, "green": 1.0, "amber": 0.5}]


@pytest.mark.parametrize("payload", PAYLOADS[:3])
def test_no_markup_of_the_user_reaches_a_label_of_a_plot(tmp_path, payload):
    # plotly reads a few tags in its labels; ours are <b> and <br>, all others must arrive escaped.
    arguments = report_arguments(methods=("nmf", payload), edges={payload: EDGES["Ru_M45"]})
    elements = Elements(write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8"))
    texts = list(strings(figures_of(elements)["figures"]))
    allowed = re.compile(r"</?b>|<br>|</?extra>")
    assert any("&lt;" in text for text in texts)
    assert not [text for text in texts if "<" in allowed.sub("", text) and not text.startswith(payload)]


def strings(tree):
    if isinstance(tree, dict):
        for key, item in tree.items():
            if key not in ("legendgroup", "meta"):
                yield from strings(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from strings(item)
    elif isinstance(tree, str):
        yield tree


@pytest.mark.guarantee(33, "G6")
def test_failed_method_shows_its_reason_and_the_others_go_on(tmp_path):
    arguments = report_arguments(methods=("nmf", "daeu"), failed=("daeu",))
    elements = Elements(write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8"))
    text = " ".join(elements.text)
    assert "daeu failed." in text
    assert "the loss was not finite in epoch 3" in text
    shown = elements.values("data-toggle")
    assert shown == ["nmf"]
    maps = figures_of(elements)["figures"]["element-maps"]["variants"]["0.0"]["layout"]["annotations"]
    assert sum(note["text"] == "failed" for note in maps) == len(EDGES)


def test_page_without_any_working_method(tmp_path):
    arguments = report_arguments(methods=("daeu",), failed=("daeu",))
    elements = Elements(write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8"))
    assert "No method gave a result." in elements.text
    assert "spectrum-1" not in figures_of(elements)["figures"]


def test_page_without_edges_shows_the_components(tmp_path):
    elements = Elements(
        write_report(tmp_path / "page.html", **report_arguments(edges={}, truth=False)).read_text()
    )
    figures = figures_of(elements)["figures"]
    assert "component-maps" in figures
    assert not {"element-maps", "windows", "cross-talk", "element-profiles", "true-spectra"} & figures.keys()


def test_page_of_x_rays_without_edges(tmp_path):
    arguments = report_arguments(methods=("nmf", "vca"), edges={}, source="eds")
    elements = Elements(write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8"))
    spectra = figures_of(elements)["figures"]["spectrum-1"]["variants"]
    titles = {figure["layout"]["xaxis"]["title"]["text"] for figure in spectra.values()}
    assert titles == {"energy (keV)"}


def test_windows_in_ev_are_drawn_on_an_axis_in_kev(tmp_path):
    edge = Edge(element="C", onset_eV=284, fit_eV=(190, 270), integrate_eV=(284, 350))
    arguments = report_arguments(methods=("nmf",), edges={"C_K": edge}, source="eds")
    elements = Elements(write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8"))
    figures = figures_of(elements)["figures"]
    (windows,) = figures["windows"]["variants"].values()
    drawn = {(shape["x0"], shape["x1"]) for shape in windows["layout"]["shapes"]}
    assert drawn == {(0.19, 0.27), (0.284, 0.35)}
    assert windows["layout"]["xaxis"]["range"] == pytest.approx([0.1708, 0.3692])
    marks = next(iter(figures["spectrum-1"]["variants"].values()))["layout"]["shapes"]
    assert 0.284 in {mark["x0"] for mark in marks}


def test_measured_sample_has_no_truth(tmp_path):
    page = write_report(tmp_path / "page.html", **report_arguments(truth=False)).read_text()
    assert "truth" not in Elements(page).values("id")


def test_missing_store_is_named(tmp_path):
    arguments = report_arguments()
    del arguments["stores"]["rank"]
    with pytest.raises(InputError, match="report of multilayer: no store named rank"):
        write_report(tmp_path / "page.html", **arguments)


def test_same_stores_same_page(tmp_path):
    write_report(
        tmp_path / "first.html", **report_arguments()
    )  # imports the packages that its manifest names
    first, second = (write_report(tmp_path / f"{i}.html", **report_arguments()) for i in range(2))
    manifests = [replace(read_page_manifest(page), created="", checksum="") for page in (first, second)]
    assert manifests[0] == manifests[1]  # the hash of the page among them


def test_page_is_replaced_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "page.html"
    write_report(path, **report_arguments())
    old = path.read_bytes()

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(InputError, match="cannot be written, the disk is full"):
        write_report(path, **report_arguments(methods=("nmf",)))
    assert path.read_bytes() == old
    assert [entry.name for entry in path.parent.iterdir()] == ["page.html"]


def test_series_shows_its_middle_frame_and_all_of_them_by_a_slider(tmp_path):
    arguments = report_arguments(methods=("nmf",), edges={}, source="series")
    elements = Elements(write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8"))
    assert any("Frame 2 of 3 is shown" in text for text in elements.text)
    content = figures_of(elements)
    frames = content["figures"]["frames"]["variants"]
    total = arguments["stores"]["corrected"]["total_counts"]
    assert list(frames) == ["0", "1", "2"]
    for place, frame in enumerate(frames.values()):
        shown = content["arrays"][frame["data"][0]["z"]["$"]]
        expected = total.isel(frame=place).values
        np.testing.assert_allclose(shown, expected, atol=0.51 * np.ptp(expected) / COLOUR_STEPS)
        assert len(np.unique(shown)) <= COLOUR_STEPS + 1
    assert len({repr(frame["layout"]["coloraxis"]["cmax"]) for frame in frames.values()}) == 1
    assert elements.values("data-options") == ["1 of 3|2 of 3|3 of 3"]


@pytest.mark.guarantee("G11")
def test_large_image_with_many_methods_stays_small(tmp_path):
    # Ten methods, five edges, 376 x 372 pixels: 50 element maps and 30 abundance maps among others.
    edges = {f"{name}_{i}": EDGES[name] for i in range(2) for name in EDGES}
    edges.pop("Co_L23_1")
    arguments = report_arguments([f"method_{i}" for i in range(10)], edges=edges)
    grown = {name: enlarge(store, 376, 372) for name, store in arguments["stores"].items()}
    arguments |= {"stores": grown, "maps": {m: enlarge(s, 376, 372) for m, s in arguments["maps"].items()}}
    path = write_report(tmp_path / "page.html", **arguments)
    assert path.stat().st_size < 15e6
    assert "pixels are averaged; the stores hold all." in path.read_text(encoding="utf-8")


def enlarge(store, n_y, n_x):
    """Maps of noise in the place of small ones: noise cannot be compressed."""
    rng = np.random.default_rng(1)
    size = {"y": n_y, "x": n_x}
    grown = store.drop_vars([name for name in store.variables if {"y", "x"} & set(store[name].dims)])
    for name, variable in store.data_vars.items():
        if {"y", "x"} <= set(variable.dims):
            shape = [1 if dim == "energy_loss" else size.get(dim, n) for dim, n in variable.sizes.items()]
            noise = rng.normal(100, 10, shape).astype("f4")
            if "energy_loss" in variable.dims:
                noise = np.broadcast_to(noise, (*shape[:-1], variable.sizes["energy_loss"]))
            grown[name] = (variable.dims, noise, variable.attrs)
    units = {"units": "nm"}
    return grown.assign_coords({axis: (axis, 0.1 * np.arange(n), units) for axis, n in size.items()})


def test_benchmarks_are_read_in_the_order_of_their_end(tmp_path):
    header = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    (tmp_path / "z_first.tsv").write_text(header + "1.5\t0:00:01\t99.5\t1\t1\t1\t0\t0\t50.0\t0.9\n")
    (tmp_path / "a_second.tsv").write_text(header + "0.1\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\t0.05\n")
    (tmp_path / "empty.tsv").write_text(header)
    (tmp_path / "report.tsv").write_text(
        header + "9.9\t0:00:09\t1\t1\t1\t1\t0\t0\t1.0\t0.9\n"
    )  # of the page before
    os.utime(tmp_path / "z_first.tsv", (1, 1))
    first, second = read_benchmarks(tmp_path)
    expected = {"rule": "z_first", "seconds": 1.5, "max_rss_mb": 99.5, "cpu_seconds": 0.9, "threads": None}
    assert first == expected
    assert (second["rule"], second["max_rss_mb"]) == ("a_second", None)
    assert read_benchmarks(tmp_path / "nowhere") == []


def test_what_is_no_table_of_snakemake_costs_no_page(tmp_path):
    (tmp_path / "good.tsv").write_text("s\tmax_rss\n1.5\t99.5\n")
    (tmp_path / "latin.tsv").write_bytes("s\tZeit für alles\n1.5\t2\n".encode("latin-1"))
    (tmp_path / "zeros.tsv").write_bytes(bytes(300))
    (tmp_path / "endless.tsv").write_bytes(b"s\n" + b"1" * 200_000)  # longer than csv reads
    (tmp_path / "folder.tsv").mkdir()
    os.mkfifo(tmp_path / "pipe.tsv")
    found = {entry["rule"]: entry["seconds"] for entry in read_benchmarks(tmp_path)}
    assert found.pop("good") == 1.5
    assert set(found) <= {"zeros"}


def test_the_time_of_the_mapping_alone_is_shown_and_judged(tmp_path):
    arguments = report_arguments()
    maps = arguments["maps"]
    for method, seconds in (("nmf", 0.0021), ("ica", 0.5)):
        times = {"abundance_seconds": seconds, "abundance_pixels": 210}
        network = {"model": "_networks.encoder.SpectrumEncoder"}
        maps[method] = altered(maps[method], "map", attrs=times | network)
    del maps["vca"].attrs["abundance_seconds"]
    text = write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8")
    table = text[text.index("pixels per second") :]
    table = Elements(table[: table.index("</table>")]).text
    cells = [one.strip() for one in table if one.strip()]
    fast, slow = (cells.index(method) for method in ("nmf", "ica"))
    assert cells[fast : fast + 5] == ["nmf", "210", "2 ms", "100\u202f000", "✔\u00a041 ms"]
    assert cells[slow + 4] == "▲\u00a09.75 s"
    assert "vca" not in cells


def test_the_time_of_what_is_no_network_has_no_light():
    arguments = report_arguments()
    store = arguments["maps"]["ica"].assign_attrs(abundance_seconds=0.5, abundance_pixels=210)
    cells = cost._mapping_rows(types.SimpleNamespace(working=["ica"], maps={"ica": store}))[0].cells
    assert (cells[-1].text, cells[-1].light) == ("9.75 s", "")


def test_deviations_are_shown_where_a_method_knows_them(tmp_path, elements):
    arguments = report_arguments(methods=("nmf", "blu"))
    blu = arguments["fits"]["blu"]
    convergence = {"effective_sample_size": [321.0, 87.4, 1400.0], "split_rhat": [1.004, 1.0237, 1.001]}
    arguments["fits"]["blu"] = altered(blu, "fit", model_arrays(blu), **convergence)
    found = Elements(write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8"))
    content = figures_of(found)
    last = list(content["figures"]["spectrum-1"]["variants"].values())[-1]
    traces = resolve(last, content["arrays"])["data"]
    low, high = [trace for trace in traces if trace["meta"]["method"] == "blu"][:2]
    assert "fill" not in low
    assert (high["name"], high["fill"]) == ("blu ± 2 sd", "tonexty")
    place = arguments["stores"]["comparison"]["group"].sel(label="blu").values.tolist().index(0)
    deviation = arguments["fits"]["blu"]["endmember_spectrum_sd"][place]  # shown as returned
    rounded = 2.0**-SEEN_BITS * np.max(high["y"])  # of both lines
    np.testing.assert_allclose(np.subtract(high["y"], low["y"]), 4 * deviation, rtol=1e-3, atol=2 * rounded)
    assert [trace.get("name") for trace in traces].count("blu ± 2 sd") == 1
    rows = []
    for variant in ("0", "1"):
        maps = resolve(content["figures"]["component-maps"]["variants"][variant], content["arrays"])
        rows.append(
            [note["text"] for note in maps["layout"]["annotations"] if note["text"].startswith("<b>")]
        )
    assert rows == [["<b>truth</b>", "<b>nmf</b>", "<b>blu</b>"], ["<b>nmf</b>", "<b>blu</b>"]]
    cells = [one.strip() for one in found.text if one.strip()]
    columns = cells.index("effective sample size")
    assert cells[columns + 1] == "split R-hat"
    table = cells[columns:]
    assert table[table.index("blu") :][6:9] == ["221", "87", "1.024"]
    assert table[table.index("nmf") :][6:9] == ["221", "–", "–"]
    assert "split R-hat" not in [text.strip() for text in elements.text]
    assert "± 2 sd" not in " ".join(elements.text)


def test_the_page_says_which_pixels_were_brought_to_the_same_counts(tmp_path):
    arguments = report_arguments(methods=("nmf", "vca", "ica"))
    arguments["fits"]["nmf"].attrs["brightness"] = "constant"
    del arguments["fits"]["ica"].attrs["brightness"]  # fitted by an earlier version
    arguments["fits"]["vca"].attrs |= {"brightness": "variable", "brightness_spread": 8.04}
    found = Elements(write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8"))
    cells = [one.strip() for one in found.text if one.strip()]
    table = cells[cells.index("same counts") :]
    assert [table[table.index(method) + 3] for method in ("nmf", "vca", "ica")] == ["no", "yes (8.04)", "–"]


@pytest.mark.parametrize("method", method_names())
def test_every_method_is_cited_from_its_docstring(method, tmp_path):
    papers = references(method)
    assert papers
    assert all(re.search(r"\b(19|20)\d\d\b", paper) for paper in papers)
    arguments = report_arguments(methods=("mine",))
    arguments["fits"]["mine"].attrs["method"] = method
    text = html.unescape(write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8"))
    assert f"<li>{method}: {' '.join(papers)}</li>" in re.sub("</?a[^>]*>", "", text)


def test_a_method_without_references_is_not_cited():
    assert references("no_such_method") == []


def test_every_section_stands_once_in_the_order_of_the_page():
    folder = Path(sections.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert sorted(files) == sorted(section.__name__.rpartition(".")[2] for section in sections.IN_ORDER)


def test_no_path_of_the_machine_reaches_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = report_arguments(truth=False)
    raw = arguments["stores"]["raw"]
    for given, shown in (
        ("/mnt/scope/2024/SI1.dm4", "SI1.dm4"),
        (str(tmp_path / "data" / "a.dm4"), "data/a.dm4"),
    ):
        source = {**raw.attrs["source"], "file": given}
        arguments["stores"]["raw"] = raw.assign_attrs(source=source)
        arguments["settings"]["file"] = given
        text = write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8")
        assert given not in text
        assert f'<td class="">{shown}</td>' in text
        assert f"file: {shown}" in text


def test_an_untitled_page_is_called_by_the_name_of_the_sample(tmp_path):
    arguments = report_arguments() | {"title": None}
    arguments["stores"]["raw"].counts.attrs["title"] = "EELS Spectrum Image"
    page = write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8")
    assert "<h1>multilayer</h1>" in page


def test_columns_of_which_nothing_is_known_are_left_out(tmp_path):
    arguments = report_arguments()
    stores = arguments["stores"]
    unknown = np.full(stores["bs"].sizes["edge"], np.nan)
    for name in ("off_region_mean", "off_region_sd"):
        stores["bs"][name] = ("edge", unknown)
    stores["comparison"]["off_region_mean"] = stores["comparison"]["off_region_mean"] * np.nan
    page = Elements(write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8"))
    assert not any(text.startswith("off region") for text in page.text)
    assert any("known to be absent (regions in the configuration)" in text for text in page.text)


def test_criteria_that_judge_nobody_are_named_and_take_no_room(tmp_path):
    arguments = report_arguments()
    comparison = arguments["stores"]["comparison"]
    known, unknown = (
        {"method": "nmf", "text": "1", "green": 2.0, "amber": 3.0, "light": light, "explanation": ""}
        for light in ("green", "grey")
    )
    rows = [{**known, "criterion": "judged"}, {**unknown, "criterion": "never judged"}]
    arguments["stores"]["comparison"] = comparison.assign_attrs(verdict=rows)
    page = Elements(write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8"))
    assert page.text.count("judged") == 2
    assert "never judged" not in page.text
    assert any("Not judged here: never judged." in text for text in page.text)


def test_what_a_region_would_let_judge_is_said():
    known, unknown = ({"light": light} for light in ("green", "grey"))
    entries = [
        {**known, "criterion": "judged"},
        {**unknown, "criterion": "outside its region"},
        {**unknown, "criterion": "other"},
    ]
    said = sections.verdict._not_judged(entries)
    assert said.startswith(" Not judged here: other, outside its region. “Outside its region” is judged")
    assert "region" not in sections.verdict._not_judged(entries[::2])


def test_metadata_that_nobody_looks_for_are_folded_away(tmp_path):
    arguments = report_arguments(truth=False)
    raw = arguments["stores"]["raw"]
    metadata = {"Acquisition_instrument": {"TEM": {"beam_energy": 200.0, "stage": {"tilt_a": 1.5}}}}
    arguments["stores"]["raw"] = raw.assign_attrs(metadata=metadata)
    text = write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8")
    assert "beam energy (keV)" in text
    assert "<summary>Everything else in the file</summary>" in text
    assert "Acquisition_instrument.TEM.stage.tilt_a: 1.5" in text


def test_snippet_of_the_page_opens_the_stores(tmp_path, monkeypatch):
    """The part for Python runs as it stands; HyperSpy is stood in for, since it is not installed here."""
    arguments = report_arguments()
    folder = tmp_path / "results" / "multilayer"
    for name in ("corrected", "comparison"):
        store = arguments["stores"][name].isel(y=slice(1)).drop_attrs(deep=False)
        publish(store, folder / f"{name}.zarr")
    text = write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8")
    code = html.unescape(re.search(r"<pre>(import xarray.*?)</pre>", text, re.DOTALL).group(1))
    made = {}

    class Signal1D:
        def __init__(self, data, axes):
            made.update(data=data, axes=axes)

        def set_signal_type(self, kind):
            made["kind"] = kind

    api = types.ModuleType("hyperspy.api")
    api.signals = types.SimpleNamespace(Signal1D=Signal1D)
    package = types.ModuleType("hyperspy")
    package.api = api
    monkeypatch.setitem(sys.modules, "hyperspy", package)
    monkeypatch.setitem(sys.modules, "hyperspy.api", api)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "snippet", "exec"), {})  # noqa: S102
    assert made["kind"] == "EELS"
    assert made["data"].shape == (1, 17, 200)
    np.testing.assert_allclose([axis["scale"] for axis in made["axes"]], [1.0, 0.12, 3.33])
    assert [axis["size"] for axis in made["axes"]] == [1, 17, 200]


@pytest.mark.guarantee(18)
def test_a_full_disk_is_named_by_the_page_and_leaves_the_old_one(tmp_path, monkeypatch):
    path = write_page(tmp_path / "SI1.html", "old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"SI1\.html: cannot be written, the disk is full; free some space"):
        write_page(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_reasons_that_share_their_advice_give_it_once(tmp_path):
    arguments = report_arguments()
    advice = "Move edges.Co_L23.fit_eV to a smooth stretch."
    problems = [
        f"The exponent is 9 in 40% of the pixels. {advice}",
        f"The net counts are -3% of it. {advice}",
    ]
    arguments["stores"]["bs"].attrs["reference_problems"] = {"Co_L23": problems}
    sentence = f"The reference failed: Co_L23. {problems[0]} Agreement with BS is void there."
    arguments["stores"]["comparison"].attrs["sentences"] = [sentence]
    text = " ".join(Elements(write_report(tmp_path / "page.html", **arguments).read_text("utf-8")).text)
    assert text.count(advice) == 1
    assert "in 40\u00a0% of the pixels. The net counts are −3\u00a0% of it. Move" in text
    assert "The reference failed: Co L23. Agreement with BS is void there." in text


def lazily(store):
    """A store whose maps are lazy, as those of a large image are."""
    large = {name: one.chunk() for name, one in store.variables.items() if {"y", "x"} <= {*one.dims}}
    return store.assign({name: one for name, one in large.items() if name in store.data_vars})


@pytest.mark.parametrize("methods", [("nmf", "ica", "vca"), ("vca", "recommended")])
def test_the_page_is_the_same_where_maps_are_lazy(methods, monkeypatch):
    given = report_arguments(methods=methods)
    names = ("sample", "title", "benchmarks", "settings", "seals", "versions")
    two = lambda seen, phases, absent: [Material(phases=tuple(phases[:2]), edges=())]  # noqa: E731
    monkeypatch.setattr(materials, "alike", two)
    pages = []
    for opened in (dict, lambda stores: {name: lazily(store) for name, store in stores.items()}):
        stores, fits, maps = (opened(given[name]) for name in ("stores", "fits", "maps"))
        inputs = Inputs(**stores, fits=fits, maps=maps, **{name: given[name] for name in names})
        pages.append(render(inputs))
    assert inputs.comparison["element_map"].chunks
    assert "possible materials" in pages[0]
    assert pages[0] == pages[1]
