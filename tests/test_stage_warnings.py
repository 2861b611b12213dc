"""Warnings of all stores of a sample, and where the page shows them."""

import pytest
import xarray as xr

from eelsunmix.report import write_report
from eelsunmix.stage_warnings import PLACES, collect_warnings
from tiny_run import report_arguments

STORES = ("raw", "corrected", "pca", "rank", "bs", "comparison")


def store(*sentences, **attrs):
    return xr.Dataset(attrs={"warnings": [*sentences], **attrs})


def test_nothing_is_missed_and_nothing_said_twice():
    stores = {name: store(f"{name} is odd.") for name in STORES}
    stores["raw"] = xr.Dataset(attrs={"counts_check": {"warnings": ["The counts are negative."]}})
    stores["bs"].attrs["reference_problems"] = {"Ti_L23": ["The exponent is 9."], "O_K": []}
    fits = {"nmf": store("It has learned from 3 pixels."), "vca": store()}
    maps = {"nmf": store("The dose is another."), "vca": store("The dose is another."), "ica": xr.Dataset()}
    found = collect_warnings(stores, fits, maps)
    assert found[0] == ("The reference of Ti_L23 failed", "The exponent is 9.")
    assert found[1] == ("Import", "The counts are negative.")
    assert [place for place, _ in found[1:7]] == list(PLACES.values())
    assert found[7:] == [("nmf", "It has learned from 3 pixels."), ("nmf, vca", "The dose is another.")]


def test_stores_without_the_attribute_warn_of_nothing():
    assert collect_warnings({"raw": xr.Dataset(), "bs": xr.Dataset()}, {"m": xr.Dataset()}) == []


@pytest.mark.parametrize("name", [*STORES, "fits", "maps"])
def test_a_warning_of_any_store_stands_before_the_lights(tmp_path, name):
    arguments = report_arguments()
    target = arguments[name]["vca"] if name in ("fits", "maps") else arguments["stores"][name]
    sentence = "Channel 17 is high everywhere; list it in corrections."
    if name == "raw":
        target.attrs["counts_check"]["warnings"] = [sentence]
    else:
        target.attrs["warnings"] = [sentence]
    page = write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8")
    assert page.index("<header>") < page.index(sentence) < page.index('class="table lights')


def test_the_page_says_that_the_reference_failed_before_anything_else(tmp_path):
    arguments = report_arguments()
    arguments["stores"]["bs"].attrs["reference_problems"] = {"Co_L23": ["All exponents are implausible."]}
    arguments["stores"]["rank"].attrs["warnings"] = ["Nothing is above the noise."]
    page = write_report(tmp_path / "page.html", **arguments).read_text(encoding="utf-8")
    page = page[page.index('id="verdict"') :]  # the first screen has sentences of its own
    first, second = page.index("All exponents are implausible."), page.index("Nothing is above the noise.")
    assert page.index("The reference of Co_L23 failed.") < first < second < page.index('class="table lights')


def test_an_energy_axis_that_is_off_comes_before_the_references_that_fail_because_of_it():
    off = "The energy axis is about 12 eV too low: write axes: {energy: {offset_eV: 412}}."
    bs = xr.Dataset(
        attrs={
            "energy_axis": {"warnings": [off]},
            "reference_problems": {"Ti": ["the net counts are negative"]},
            "warnings": [off, "A region is not used."],
        }
    )
    places = [place for place, _ in collect_warnings({"bs": bs})]
    assert places == ["The energy axis", "The reference of Ti failed", "Background subtraction"]
