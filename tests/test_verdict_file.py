"""`verdict.json`: what it says is what the stores hold; sealed, whole, and readable for anybody."""

import json
import re
import struct
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest

from eelsunmix.comparison.thresholds import CRITERIA
from eelsunmix.errors import StoreError
from eelsunmix.report import write_report
from eelsunmix.report.record import SCHEMA, verdict_of
from eelsunmix.storage import manifest_at, read_record, sealed_record, verify_page
from test_report_first import inputs_of
from tiny_run import EDGES, report_arguments

DOCUMENT = Path(__file__).parents[1] / "docs" / "data-model.md"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Arguments of a report, its verdict and the paths of both."""
    folder = tmp_path_factory.mktemp("verdict")
    arguments = report_arguments(methods=("nmf", "ica", "daeu"), failed=("daeu",))
    arguments["stores"]["rank"].attrs["warnings"] = ["No eigenvalue is above the noise."]
    page, place = folder / "reports" / "S.html", folder / "results" / "S" / "verdict.json"
    write_report(page, **arguments, made_with={"title": "T"}, verdict=place)
    return arguments, read_record(place)[0], page, place


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def test_numbers_are_those_of_the_stores(made):
    arguments, verdict, *_ = made
    corrected, comparison = arguments["stores"]["corrected"], arguments["stores"]["comparison"]
    valid = corrected["counts"].coords["valid_pixel"]
    numbers, label = verdict["numbers"], verdict["recommended"]["label"]
    assert numbers["pixels"] == int(valid.sum())
    assert numbers["channels"] == corrected["counts"].shape[-1]
    assert numbers["endmembers"] == arguments["fits"][label]["endmember_spectrum"].shape[0]
    measured = corrected["counts"].where(valid).sum("energy_loss").mean()
    assert numbers["counts_per_pixel"] == pytest.approx(float(measured), rel=1e-5)
    chi_square = comparison["reconstruction_chi2"].sel(label=label).item()
    assert numbers["chi_square"] == pytest.approx(chi_square, rel=1e-6)
    image = verdict["image"]
    assert image["shape"] == list(corrected["counts"].shape)
    assert image["energy_range"] == corrected["counts"].energy_loss.values[[0, -1]].tolist()
    steps = [float(np.diff(corrected["counts"][axis])[0]) for axis in "yx"]
    assert image["pixel_size"] == pytest.approx(steps)


def test_lights_are_those_of_the_comparison(made):
    arguments, verdict, *_ = made
    rows = [row for row in arguments["stores"]["comparison"].attrs["verdict"] if row["method"] != "BS"]
    said = {
        (one["label"], criterion): (found["light"], found["value"], found["text"])
        for one in verdict["methods"]
        for criterion, found in one["criteria"].items()
    }
    titles = {"convergence": "convergence", **{key: one.title for key, one in CRITERIA.items()}}
    assert {(label, titles[key]): found for (label, key), found in said.items()} == {
        (row["method"], row["criterion"]): (row["light"], row["value"], row["text"]) for row in rows
    }
    by_label = {one["label"]: one for one in verdict["methods"]}
    assert {"place": "Number of components", "text": "No eigenvalue is above the noise."} in verdict[
        "warnings"
    ]
    assert by_label["daeu"]["light"] == "red"
    assert by_label["daeu"]["status"] == "failed"
    assert "not finite" in by_label["daeu"]["message"]
    assert by_label["daeu"]["chi_square"] is None
    for one in verdict["methods"]:
        lights = [found["light"] for found in one["criteria"].values()]
        assert one["light"] == min(lights, key=["red", "amber", "green", "grey"].index)


def test_elements_have_what_the_arrays_say_of_their_own_edges(made):
    arguments, verdict, *_ = made
    label = verdict["recommended"]["label"]
    one = arguments["stores"]["comparison"].sel(label=label)
    judging = [name for name, edge in EDGES.items() if edge.reference]
    criteria = next(found["criteria"] for found in verdict["methods"] if found["label"] == label)
    assert {found["element"] for found in verdict["elements"]} == {edge.element for edge in EDGES.values()}
    for found in verdict["elements"]:
        own = [name for name in judging if EDGES[name].element == found["element"]]
        at = one.sel(edge=own)
        clear = at["profile_noise_ceiling"] >= 0.5
        agreement = (at["profile_correlation"] / at["profile_noise_ceiling"]).where(clear).min()
        assert found["agreement"] == pytest.approx(float(agreement), abs=1e-6)
        assert found["misfit"] == pytest.approx(float(at["profile_misfit"].where(clear).max()), abs=1e-6)
        known = {key: found[key] for key in ("agreement", "misfit", "scale", "cross_talk")}
        lights = [CRITERIA[key].light(value) for key, value in known.items() if value is not None]
        assert found["light"] == min(lights, key=["red", "amber", "green"].index)
    # The verdict of the method is that of its worst element.
    for key, worst in {"agreement": min, "misfit": max, "scale": max, "cross_talk": max}.items():
        of_elements = [found[key] for found in verdict["elements"] if found[key] is not None]
        assert worst(of_elements) == pytest.approx(criteria[key]["value"], rel=1e-6)


def test_the_page_and_the_verdict_say_the_same(made):
    _, verdict, page, place = made
    text = re.sub(r"<[^>]*>|&#\d+;|\s|[“”.:]", "", page.read_text(encoding="utf-8"))
    for one in verdict["sentences"]:
        assert re.sub(r"\s|[“”.:']", "", one["text"])[:60] in text.replace("'", "")
    assert (place.parent / verdict["page"]).resolve() == page.resolve()
    inputs = [
        {str((file.parent / name).resolve()): seal for name, seal in manifest.inputs.items()}
        for file, manifest in ((place, manifest_at(place)), (page, verify_page(page)))
    ]
    assert inputs[0] == inputs[1]
    assert manifest_at(place).settings == verify_page(page).settings == {"title": "T"}


def test_it_is_json_that_anybody_reads(made):
    *_, place = made
    content = json.loads(place.read_text(encoding="utf-8"), parse_constant=refuse)
    assert content["schema"] == SCHEMA
    png = b64decode(content["thumbnail"]["address"].partition(",")[2])
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (17, 13)
    assert content["thumbnail"]["aspect"] == pytest.approx(17 / 13)


def test_without_edges_nothing_of_elements_is_made_up():
    verdict = verdict_of(inputs_of(source="eds", edges={}), page="S.html")
    assert verdict["elements"] == []
    assert verdict["numbers"]["agreement"] is None
    assert verdict["image"]["signal"] == "EDS"


def test_red_is_what_blocks_use_and_green_needs_everything_in_order():
    inputs = inputs_of(truth=False)
    assert verdict_of(inputs, page="")["light"] == "amber"
    label = verdict_of(inputs, page="")["recommended"]["label"]
    for store in (inputs.raw, inputs.corrected, inputs.pca, inputs.rank, inputs.bs, inputs.comparison):
        store.attrs.pop("warnings", None)
    inputs.raw.attrs["counts_check"] = {}
    inputs.bs.attrs |= {"reference_problems": {}, "energy_axis": {}}
    for row in inputs.comparison.attrs["verdict"]:
        row["light"] = "green" if row["method"] == label else "red"
    del inputs.__dict__["warnings"]
    for store in (*inputs.fits.values(), *inputs.maps.values()):
        store.attrs.pop("warnings", None)
    assert verdict_of(inputs, page="")["light"] == "green"
    row["method"], row["light"] = label, "amber"
    assert verdict_of(inputs, page="")["light"] == "amber"
    inputs.bs.attrs["reference_problems"] = {name: ["The counts are below zero."] for name in inputs.edges}
    assert verdict_of(inputs, page="")["light"] == "red"


def test_no_method_with_a_result_is_red():
    verdict = verdict_of(inputs_of(methods=("vca",), failed=("vca",)), page="")
    assert verdict["light"] == "red"
    assert verdict["recommended"]["label"] == "BS"
    assert {one["source"] for one in verdict["elements"]} == {"BS"}
    assert {one["light"] for one in verdict["elements"]} == {"grey"}


def test_every_name_is_documented_and_every_documented_one_is_there(made):
    *_, place = made
    content = json.loads(place.read_text(encoding="utf-8"))
    section = (
        DOCUMENT.read_text(encoding="utf-8").partition("## The verdict of a sample")[2].partition("\n## ")[0]
    )
    names = {
        name
        for cell in re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)
        for name in re.findall("`(.+?)`", cell)
    }
    assert {name for name in names if "." not in name} == set(content)
    for name in names:
        above, _, below = name.partition(".")
        if below:
            part = content[above]
            assert below in (part[0] if isinstance(part, list) else part), name
    for above, part in content.items():
        one = part[0] if isinstance(part, list) and part else part
        if isinstance(one, dict) and above not in ("versions", "manifest"):
            assert {f"{above}.{below}" for below in one} <= names, above
    criteria = {key for one in content["methods"] for key in one["criteria"]}
    assert all(f"`{key}`" in section for key in criteria)


@pytest.mark.guarantee("G3")
def test_any_flipped_bit_of_a_record_is_noticed(tmp_path):
    place = tmp_path / "verdict.json"
    content = {"sample": "S–1", "value": float("nan"), "numbers": [1.5, 2, 1e-30]}
    place.write_text(sealed_record(content, place, seals={}, settings={"n": 3}), encoding="utf-8")
    assert read_record(place)[0] == content | {"value": None}
    whole = place.read_bytes()
    for at in range(len(whole)):
        place.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        with pytest.raises(StoreError, match=r"verdict\.json: is damaged"):
            read_record(place)
    for length in range(0, len(whole), 7):
        place.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"verdict\.json: is damaged"):
            read_record(place)


def test_what_is_no_record_is_said_in_a_line(tmp_path):
    with pytest.raises(StoreError, match=r"no such record; run the workflow"):
        read_record(tmp_path / "verdict.json")
    (tmp_path / "verdict.json").mkdir()
    with pytest.raises(StoreError, match=r"is no plain file"):
        read_record(tmp_path / "verdict.json")
    other = tmp_path / "other.json"
    other.write_text("[1, 2]")
    with pytest.raises(StoreError, match=r"is damaged"):
        read_record(other)
