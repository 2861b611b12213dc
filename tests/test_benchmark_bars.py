"""The bars that the project has set itself, and the paper's conclusions, on made-up runs."""

import dataclasses
import re

import numpy as np
import pytest

from benchmark_runs import made_up_results, made_up_run
from eelsunmix.benchmark.results import collect
from paper_claims import BEST, SAME, WORST, claims, ranking, sentences
from project_bars import Bar, as_lines, bars


def test_bars_are_ratios_of_medians():
    results = made_up_results()
    found = {(bar.what, bar.scene): bar for bar in bars(results) if bar.counts == 1000}
    vca = found["vca against vca_published, NMSE", "ru3"]
    place = ("ru3", 1000.0)
    assert vca.ratio == results.median(place, "vca", "nmse") / results.median(place, "vca_published", "nmse")
    assert vca.met is True
    assert vca.n_images == 4
    # 0.4 of the published one is not within 0.35.
    assert found["daeu against daeu_published, NMSE", "k4"].met is False
    assert len([bar for bar in bars(results) if bar.limit == 0]) == 3 * 6
    assert all(bar.met for bar in bars(results) if bar.limit == 0)


def test_bars_take_the_peer_where_it_was_run_and_leave_out_what_was_not():
    found = [bar.what for bar in bars(made_up_results(("k4",), (1000.0,), peers=True))]
    assert "nmf against hyperspy_nmf, scale-free NMSE" in found
    assert "ica against ica_published, scale-free NMSE" in found
    results = made_up_results(("k4",), (1000.0,), failed=("vca_published",))
    (judged,) = [bar for bar in bars(results) if bar.what.startswith("vca")]
    assert judged.met is None
    assert judged.n_images == 0
    assert " -  " in next(line for line in as_lines(bars(results)) if "vca against" in line)


def test_a_dead_component_breaks_the_bar():
    run = made_up_run("ru3", 100.0, "vca", "vca", "eels", level=0.1, seed=0)
    run["n_dead"][2] = 1
    dead, duplicated, failed = bars(collect([run]))
    assert (dead.ours, dead.met, duplicated.met, failed.met) == (1.0, False, True, True)


def test_a_failed_image_breaks_the_bar_although_none_of_its_components_is_dead():
    run = made_up_run("ru3", 100.0, "vca", "vca", "eels", level=0.1, seed=0, failed=True)
    dead, duplicated, failed = bars(collect([run]))
    assert (dead.met, duplicated.met) == (True, True)
    assert (failed.ours, failed.met) == (4.0, False)


def test_two_methods_are_compared_on_the_images_that_both_have():
    ours, theirs = (
        made_up_run("ru3", 1000.0, name, "vca", setting, level=level, seed=1)
        for name, setting, level in (("vca", "eels", 0.1), ("vca_published", "published", 0.4))
    )
    ours["nmse"][:] = np.array([1.0, 2.0, 3.0, np.nan])[:, None]
    theirs["nmse"][:] = np.array([np.nan, 20.0, 30.0, 999.0])[:, None]
    few = theirs.isel(replicate=slice(3))  # as of a method that takes long
    for other in (theirs, few):
        bar = next(bar for bar in bars(collect([ours, other])) if "vca_published" in bar.what)
        assert (bar.ours, bar.theirs, bar.n_images) == (2.5, 25.0, 2)


def test_networks_are_compared_image_by_image():
    # On the images that both have, MTAEU is better by 0.1 every time; the first of each is another image.
    runs = {
        name: made_up_run("ru3", 1000.0, name, name, "eels", level=1.0, seed=1) for name in ("daeu", "mtaeu")
    }
    runs["daeu"]["nmse"][:] = np.array([np.nan, 0.3, 0.5, 0.9])[:, None]
    runs["mtaeu"]["nmse"][:] = np.array([0.8, 0.2, 0.4, np.nan])[:, None]
    (claim,) = claims(collect(runs.values()))
    assert claim.holds is False
    assert "gain 0.1 ±" in claim.evidence


def test_a_bar_just_reached_is_met():
    bar = Bar(what="", scene="", counts=1.0, ours=1.0, theirs=2.0, limit=0.5, n_images=1)
    assert bar.met is True
    assert dataclasses.replace(bar, ours=1.001).met is False


def test_claims_hold_where_the_numbers_say_so():
    results = made_up_results()
    found = claims(results)
    assert ranking(results, ("ru3", 100.0), "eels")[0][0] == "udas"
    # Two settings, two scenes, three doses; the comparison of the scenes once a dose.
    for text, number in ((BEST, 12), (WORST, 12), (SAME, 6)):
        assert [claim.holds for claim in found if claim.text == text] == [True] * number
    assert "“uDAS is best”, published: holds in 6 of 6 cases." in sentences(found)


def test_claims_fail_where_the_numbers_say_so():
    entries = {"udas": 0.5, "vca": 0.01, "nmf": 0.02, "ica": 0.4, "daeu": 0.3, "mtaeu": 0.1}
    runs = [
        made_up_run("ru3", 1000.0, name, name, "eels", level=level, seed=seed)
        for seed, (name, level) in enumerate(entries.items())
    ]
    best, worst, networks = found = claims(collect(runs))
    assert [claim.holds for claim in found] == [False] * 3
    assert re.match(r"NMSE of uDAS 0\.\d+, place \d of 6; VCA has 0\.01\d*\.", best.evidence)
    assert worst.evidence.startswith("The last by NMSE are ")
    assert networks.text == "MTAEU is no improvement over DAEU"
    assert sentences(found)[0] == "“uDAS is best”, eels: holds in 0 of 1 cases; not for ru3 at 1000 counts."


@pytest.mark.parametrize("udas", [0.0501, 0.0499])
def test_a_near_draw_is_called_a_tie_whoever_is_ahead(udas):
    runs = [
        made_up_run("ru3", 1000.0, name, name, "eels", level=level, seed=1)
        for name, level in {"udas": udas, "vca": 0.05, "nmf": 3.0}.items()
    ]
    assert [claim.holds for claim in claims(collect(runs))] == [None]
