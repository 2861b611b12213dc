"""The benchmark: scores against exact cases, limits against Monte-Carlo, sentences, page, a real run."""

import dataclasses
import re
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark_runs import made_up_results, made_up_run
from eelsunmix.benchmark import (
    collect,
    cramer_rao_nmse,
    run_background_subtraction,
    run_oracle,
    run_replicates,
)
from eelsunmix.benchmark.bars import Bar, as_lines, bars
from eelsunmix.benchmark.claims import BEST, SAME, WORST, claims, ranking, sentences
from eelsunmix.benchmark.options import PEERS, UNMIXING, BenchmarkOptions, default_methods, scene_options
from eelsunmix.benchmark.page.page import write_benchmark_report
from eelsunmix.benchmark.peers import score_peer, write_images
from eelsunmix.benchmark.scores import matched, n_dead, n_duplicated, scores, truth_of
from eelsunmix.benchmark.subtraction import edges_of
from eelsunmix.configuration import ConfigurationError
from eelsunmix.configuration.nodes import node_of
from eelsunmix.configuration.reading import read_tree
from eelsunmix.configuration.summary import summarise
from eelsunmix.errors import InputError
from eelsunmix.methods import method_names
from eelsunmix.numerics.abundances import fully_constrained
from eelsunmix.storage.store import open_store, publish
from eelsunmix.synthetic import ChequerboardOptions, chequerboard, simulate
from test_workflow import ROOT, Project

SMALL = ChequerboardOptions(size=(17, 24), counts=3000.0, seed=3)


@pytest.fixture(scope="module")
def scene():
    return simulate(SMALL)


@pytest.fixture(scope="module")
def vca():
    return run_replicates(SMALL, "vca", n_replicates=2)


# Scores


def test_the_truth_has_no_error_in_any_order_and_scale(scene):
    truth = truth_of(scene)
    order = [2, 0, 1]
    found = matched(truth, 3.0 * truth.spectra[order])
    assert np.array(order)[found].tolist() == [0, 1, 2]
    errors = scores(truth, 3.0 * truth.spectra, truth.abundance / 3.0)
    for name in ("sad", "sad_whitened", "nmse_scale_free"):
        np.testing.assert_allclose(errors[name], 0, atol=1e-12)
    # A third of every map: (1 - 1/3)^2.
    np.testing.assert_allclose(errors["nmse"], 4 / 9)


def test_dead_and_duplicated_components_are_counted(scene):
    truth = truth_of(scene)
    assert (n_dead(truth.spectra, truth.abundance), n_duplicated(truth, truth.spectra)) == (0, 0)
    faint = truth.abundance * [1.0, 1.0, 0.02]
    assert n_dead(truth.spectra, faint) == 1
    assert n_dead(truth.spectra, np.zeros_like(faint)) == 3
    same = truth.spectra[[0, 0, 2]] * np.array([1.0, 7.0, 1.0])[:, None]
    assert n_duplicated(truth, same) == 1
    assert n_duplicated(truth, truth.spectra[[1, 1, 1]]) == 2


@given(seed=st.integers(0, 2**31), scale=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_faults_do_not_hang_on_order_or_scale(seed, scale):
    rng = np.random.default_rng(seed)
    truth = truth_of(simulate(SMALL))
    spectra, maps = truth.spectra[[0, 0, 1]], truth.abundance * [1.0, 1.0, 0.05]
    order = rng.permutation(3)
    assert n_dead(scale * spectra[order], maps[..., order] / scale) == n_dead(spectra, maps)
    assert n_duplicated(truth, scale * spectra[order]) == 1


# Limits


def test_cramer_rao_limit_is_the_variance_of_the_best_unbiased_estimate():
    rng = np.random.default_rng(0)
    endmembers = rng.uniform(50, 400, (3, 23))
    abundance = np.array([0.2, 0.3, 0.5])
    mean = abundance @ endmembers
    counts = rng.poisson(mean, (40_000, 23))
    # Weighted least squares with the sum fixed, in the basis of two differences: efficient at many counts.
    differences = (endmembers[:2] - endmembers[2]) / np.sqrt(mean)
    free = ((counts - endmembers[2]) / np.sqrt(mean)) @ np.linalg.pinv(differences)
    estimates = np.column_stack([free, 1 - free.sum(axis=1)])
    measured = ((estimates - abundance) ** 2).mean(axis=0) / abundance**2
    # 40 000 draws: the variance of a variance is 2 / 40 000, one part in 140; four of these.
    np.testing.assert_allclose(measured, cramer_rao_nmse(endmembers, abundance), rtol=0.03)


def test_cramer_rao_limit_of_two_endmembers_is_the_textbook_formula():
    endmembers = np.array([[10.0, 40.0, 5.0, 9.0], [30.0, 10.0, 6.0, 9.0]])
    abundance = np.array([[[0.25, 0.75]], [[0.6, 0.4]]])
    variance = [
        1 / np.sum((endmembers[0] - endmembers[1]) ** 2 / (a @ endmembers)) for a in abundance.reshape(2, 2)
    ]
    expected = sum(variance) / (abundance**2).sum(axis=(0, 1))
    np.testing.assert_allclose(cramer_rao_nmse(endmembers, abundance), expected)


def test_cramer_rao_limit_falls_with_the_dose(scene):
    truth = truth_of(scene)
    once, tenfold = (cramer_rao_nmse(k * truth.spectra, truth.abundance) for k in (1.0, 10.0))
    np.testing.assert_allclose(once / tenfold, 10)


def test_oracle_is_weighted_fcls_with_the_true_endmembers(scene):
    oracle = run_oracle(SMALL, n_replicates=1)
    truth = truth_of(scene)
    flat = scene.spectrum_image.to_numpy().reshape(-1, 200)
    abundance = fully_constrained(flat, truth.spectra, channel_weight=truth.deviation)
    error = (abundance - truth.abundance.reshape(-1, 3)) ** 2
    expected = error.sum(axis=0) / (truth.abundance**2).sum(axis=(0, 1))
    np.testing.assert_allclose(oracle["nmse"][0], expected)
    np.testing.assert_allclose(oracle["sad"], 0, atol=1e-7)
    # Constrained to the simplex, it does better than unbiased estimates, but it is not another order.
    assert 0.3 < float((oracle["nmse"] / oracle["cramer_rao_nmse"]).mean()) < 1.1
    np.testing.assert_allclose(oracle["abundance"], truth.abundance, rtol=1e-6)


# Runs


def test_a_run_has_all_replicates_and_the_first_result(vca):
    assert dict(vca.sizes) == {"replicate": 2, "endmember": 3, "y": 17, "x": 24, "energy_loss": 200}
    assert vca["endmember"].values.tolist() == ["Pt", "Co", "Ru"]
    for name in ("sad", "sad_whitened", "nmse", "nmse_scale_free"):
        assert (vca[name] > 0).all()
        assert (vca[name].isel(replicate=0) != vca[name].isel(replicate=1)).all()
    assert (vca["nmse_scale_free"] <= vca["nmse"]).all()
    assert vca["status"].values.tolist() == ["converged", "converged"]
    assert (vca["seconds"] > 0).all()
    assert (vca["map_seconds"] > 0).all()
    assert vca.attrs["options"]["setting"] == "eels"
    assert vca.attrs["shown_seed"] == 3


def test_a_run_is_reproducible_and_its_images_are_those_of_their_seeds(vca):
    again = run_replicates(dataclasses.replace(SMALL, seed=4), "vca", n_replicates=1)
    for name in ("sad", "nmse"):
        np.testing.assert_array_equal(again[name][0], vca[name][1])
    other = run_replicates(SMALL, "vca", n_replicates=1, seed=77)
    assert other["nmse"].shape == (1, 3)


def test_no_method_beats_the_oracle_by_far(vca):
    oracle = run_oracle(SMALL, n_replicates=2)
    assert (vca["nmse"].mean("replicate") > 0.7 * oracle["nmse"].mean("replicate")).all()


@pytest.mark.parametrize("kind", ["pca", "nlm"])
def test_denoised_inputs(kind):
    run = run_replicates(SMALL, "vca", n_replicates=1, kind=kind)
    assert run.attrs["input"] == kind
    assert float(run["nmse"].max()) < 0.1


def test_a_failing_method_records_its_reason(monkeypatch):
    from eelsunmix.methods import vca as module

    def refuse(*_, **__):
        raise RuntimeError("out of\nmemory")

    monkeypatch.setattr(module, "purest_spectra", refuse)
    run = run_replicates(SMALL, "vca", n_replicates=2)
    assert run["status"].values.tolist() == ["failed"] * 2
    (reason,) = set(run["message"].values.tolist())
    assert reason.startswith("RuntimeError: out of memory; ")
    assert np.isnan(run["nmse"]).all()
    assert "abundance" not in run
    assert collect([run.assign_attrs(label="vca")]).failures(("ru3", 3000.0), "vca") == {reason: 2}


def test_an_unknown_option_is_a_mistake_not_a_failure():
    with pytest.raises(InputError, match="has no option 'n_drawss'"):
        run_replicates(SMALL, "vca", {"n_drawss": 3}, n_replicates=1)


def test_results_survive_their_store(vca, tmp_path):
    publish(vca.assign_attrs(label="vca"), tmp_path / "vca.zarr")
    back = open_store(tmp_path / "vca.zarr")
    xr.testing.assert_equal(back.drop_attrs(), vca.drop_attrs())
    assert collect([back]).values(("ru3", 3000.0), "vca", "nmse").shape == (2, 3)


# Background subtraction


def test_edges_stand_for_the_endmembers_that_have_them():
    assert edges_of(chequerboard(size=(24, 25))) == {"Co": "Co_L23", "Ru": "Ru_M23"}
    assert edges_of(chequerboard(endmembers="k4", size=(24, 25))) == {"C": "C_K", "BN": "N_K", "B2O3": "O_K"}


@pytest.mark.parametrize("exponent", ["pixel", "local"])
def test_background_subtraction_is_judged_by_the_pattern(exponent):
    bright = dataclasses.replace(SMALL, counts=1e6)
    run = run_background_subtraction(bright, n_replicates=2, exponent=exponent)
    assert np.isnan(run["nmse"]).all()
    assert np.isnan(run["nmse_scale_free"].sel(endmember="Pt")).all()
    # What is left at so many counts is cross-talk of the other materials and their exponents.
    assert float(run["nmse_scale_free"].sel(endmember="Co").max()) < 0.01
    assert float(run["nmse_scale_free"].sel(endmember="Ru").max()) < 0.1


# Peers


def test_results_of_other_software_are_scored_like_ours(tmp_path):
    write_images(tmp_path / "images.npz", SMALL, n_replicates=2)
    arrays = {"version": np.array("9.9")}
    with np.load(tmp_path / "images.npz", allow_pickle=False) as images:
        assert images["counts"].shape == (2, 17, 24, 200)
        assert images["edges"].tolist() == ["Co_L23", "Ru_M23"]
        assert images["windows"].shape == (2, 4)
    truth = truth_of(simulate(SMALL))
    seconds = {"seconds": np.array(2.5)}
    right = {"spectra": -truth.spectra[[1, 2, 0]], "maps": -truth.abundance[..., [1, 2, 0]], **seconds}
    wrong = {"message": np.array("ValueError: no")}
    maps = {"maps": 5.0 * truth.abundance[..., 1:], **seconds}
    for label, first in (("hyperspy_nmf", right), ("hyperspy_bs", maps)):
        for number, found in enumerate((first, wrong)):
            arrays |= {f"{label}.{number}.{key}": value for key, value in found.items()}
    np.savez(tmp_path / "results.npz", **arrays)
    nmf, bs = (
        score_peer(tmp_path / "results.npz", SMALL, label, n_replicates=2)
        for label in ("hyperspy_nmf", "hyperspy_bs")
    )
    np.testing.assert_allclose(nmf["nmse"][0], 0, atol=1e-12)
    np.testing.assert_allclose(nmf["sad"][0], 0, atol=1e-7)
    assert nmf["status"].values.tolist() == ["converged", "failed"]
    assert nmf["message"].values.tolist() == ["", "ValueError: no"]
    assert nmf["seconds"].values[0] == 2.5
    assert nmf.attrs["peer"] == "HyperSpy 9.9"
    np.testing.assert_allclose(bs["nmse_scale_free"][0, 1:], 0, atol=1e-12)
    with pytest.raises(InputError, match="no such peer"):
        score_peer(tmp_path / "results.npz", SMALL, "hyperspy", n_replicates=2)


def test_the_peer_says_in_one_line_what_it_needs(tmp_path):
    program = ROOT / "workflow" / "peers" / "hyperspy_peer.py"
    # -S leaves all installed packages out, HyperSpy among them; NumPy has a stand-in.
    (tmp_path / "numpy.py").write_text("class linalg:\n    LinAlgError = ValueError\n")
    code = [sys.executable, "-S", str(program), "a.npz", "b.npz"]
    done = subprocess.run(
        code, capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path)}, check=False
    )
    assert done.returncode == 1
    assert re.fullmatch(
        r"benchmark_peers: \S+ has no HyperSpy.*; set benchmark\.peers_python .*\n", done.stderr
    )


def test_the_pins_of_the_peers_agree():
    listed = yaml.safe_load((ROOT / "envs" / "peers.yaml").read_text())["dependencies"][-1]["pip"]
    assert listed == (ROOT / "envs" / "peers.txt").read_text().splitlines()


# Tables, bars, sentences


def test_results_answer_by_place_and_label():
    results = made_up_results(failed=("daeu",))
    assert (results.scenes, results.doses, results.middle) == (
        ["ru3", "k4"],
        [100.0, 1000.0, 10_000.0],
        1000.0,
    )
    place = ("k4", 1000.0)
    assert results.values(place, "vca", "nmse").shape == (4, 4)
    expected = results.get(place, "vca")["nmse"].values.mean(axis=1)
    assert results.mean(place, "vca", "nmse") == pytest.approx((expected.mean(), expected.std(ddof=1)))
    assert results.median(place, "vca", "nmse") == pytest.approx(np.median(expected))
    assert np.isnan(results.median(place, "daeu", "nmse"))
    assert results.failures(place, "daeu") == {"the loss is <b>not</b> finite": 4}
    assert [results.find("vca", setting) for setting in ("published", "eels")] == ["vca_published", "vca"]
    assert results.setting("bs_published") == "published"


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


# Configuration


def test_defaults_are_the_papers_methods_in_both_settings():
    benchmark = read_tree(node_of({"benchmark": {}}, "c.yaml")).benchmark
    assert list(benchmark.methods) == list(default_methods())
    assert set(UNMIXING) == set(method_names())
    assert {entry.options.setting for entry in benchmark.methods.values()} == {"published", "eels"}
    assert benchmark.doses == (100, 1000, 10_000)
    assert benchmark.seed_of("vca") == 0


def test_the_command_says_what_the_benchmark_runs():
    section = {"doses": [50, 70], "n_replicates": 3, "methods": {"vca": {}}}
    said = summarise(read_tree(node_of({"benchmark": section}, "c.yaml"), ("c.yaml",)))
    assert "benchmark: 3 images of ru3 and k4 at 50, 70 counts; methods: vca\n" in said
    read = read_tree(node_of({"benchmark": section | {"n_replicates_of": {"vca": 2}}}, "c.yaml"), ("c.yaml",))
    assert "; vca on 2 of them\n" in summarise(read)
    assert read.benchmark.replicates_of("vca") == 2


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"methods": {"oracle": {"method": "vca"}}}, "benchmark.methods.oracle: this label is used by"),
        ({"methods": {"BS": {"method": "vca"}}}, "this label is used by the benchmark"),
        ({"methods": {"peers_run": {"method": "vca"}}}, "this label is used by the benchmark"),
        ({"methods": {"vca": {"n_drawss": 2}}}, "benchmark.methods.vca.n_drawss: unknown key; did you mean"),
        ({"doses": []}, "doses needs at least one entry"),
        ({"doses": [100, 100]}, "each once"),
        ({"doses": [0]}, r"benchmark.doses\[0\]"),
        ({"doses": [10**20]}, r"benchmark.doses\[0\]: .* less than or equal to 1000000000"),
        ({"scenes": ["ru4"]}, "needs ru3 or k4"),
        ({"size": 4}, "simulate.size: at least 3 blocks"),
        ({"n_replicate": 4}, "did you mean n_replicates"),
        ({"n_replicates_of": {"vcaa": 4}}, "n_replicates_of.vcaa: no such method; did you mean vca"),
        ({"n_replicates_of": {"vca": 0}}, "benchmark.n_replicates_of.vca"),
    ],
)
def test_mistakes_in_the_section(section, message):
    with pytest.raises(ConfigurationError, match=message):
        read_tree(node_of({"benchmark": section}, "c.yaml"))


def test_no_sample_may_have_the_name_of_the_benchmark():
    with pytest.raises(ConfigurationError, match="name of the benchmark's results"):
        read_tree(node_of({"samples": {"benchmark": {"simulate": {"scene": "multilayer"}}}}, "c.yaml"))


def test_options_describe_the_first_image():
    made = scene_options("k4", 100, size=24, seed=5)
    assert (made.endmembers, made.counts, made.size, made.seed) == ("k4", 100.0, 24, 5)
    with pytest.raises(ValueError, match="scenes needs"):
        BenchmarkOptions(scenes=())


# The page


def test_the_page_says_what_failed_and_what_was_met(tmp_path):
    results = made_up_results(failed=("daeu_published",), peers=True)
    text = write_benchmark_report(tmp_path / "b.html", results, settings={"n_replicates": 4}).read_text()
    assert "daeu_published failed on 4 of 4 images of ru3 at 100 counts" in text
    assert "the loss is &lt;b&gt;not&lt;/b&gt; finite" in text
    assert "judged against HyperSpy itself" in text
    for heading in ("Scene ru3: Pt, Co, Ru", "Scene k4: C, BN, B2O3, B4C", "Execution times"):
        assert heading in text
    assert "<b>not" not in text


def test_the_page_judges_the_time_of_mappings_with_a_fitted_model(tmp_path):
    text = write_benchmark_report(tmp_path / "b.html", made_up_results(), settings={}).read_text()
    assert "✔\u00a040 ms" in text
    assert "▲\u00a0200 ms" in text
    assert ">200 ms<" in re.sub(r"\s+", "", text).replace("200ms", "200 ms")  # BS has no fitted model


def test_captions_say_how_many_images_are_behind_the_means(tmp_path):
    results = made_up_results(("ru3",), (1000.0,))
    whole = write_benchmark_report(tmp_path / "a.html", results, settings={}).read_text()
    assert "standard deviation over 4 images" in re.sub(r"\s+", " ", whole)
    key = ("ru3", 1000.0, "mtaeu_published")
    results.runs[key] = results.runs[key].isel(replicate=slice(2))
    fewer = write_benchmark_report(tmp_path / "b.html", results, settings={}).read_text()
    assert "standard deviation over 2 to 4 images" in re.sub(r"\s+", " ", fewer)


def test_a_page_without_methods_is_refused(tmp_path):
    oracle = run_oracle(SMALL, n_replicates=1).assign_attrs(label="oracle")
    with pytest.raises(InputError, match="no method was run"):
        write_benchmark_report(tmp_path / "b.html", collect([oracle]))
    assert not (tmp_path / "b.html").exists()


# The workflow

TINY = {"scenes": ["ru3"], "doses": [2000], "n_replicates": 2, "size": 16, "methods": {"vca": {"n_draws": 5}}}


@pytest.mark.workflow
def test_snakemake_makes_the_page_and_reruns_what_changed(tmp_path):
    project = Project(tmp_path / "project")
    project.configure(yaml.safe_dump({"benchmark": TINY}))
    first = project.run("benchmark")
    assert first == {
        "benchmark",
        "benchmark_vca",
        "benchmark_oracle",
        "benchmark_bs",
        "benchmark_bs_published",
        "benchmark_report",
    }
    place = project.folder / "results" / "benchmark" / "ru3" / "2000"
    run = open_store(place / "vca.zarr")
    assert run["nmse"].shape == (2, 3)
    assert float(run["nmse"].max()) < 0.5
    assert "VCA" in (project.folder / "reports" / "benchmark.html").read_text()
    assert project.run("benchmark") == set()
    more = TINY | {
        "methods": {"vca": {"n_draws": 6}, "vca_published": {"method": "vca", "setting": "published"}}
    }
    project.configure(yaml.safe_dump({"benchmark": more}))
    changed = {"benchmark", "benchmark_vca", "benchmark_vca_published", "benchmark_report"}
    assert project.run("benchmark") == changed
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "bars.py"), str(project.folder / "results" / "benchmark")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "vca against vca_published, NMSE" in done.stdout


@pytest.mark.workflow
def test_peers_without_hyperspy_end_in_one_line(tmp_path):
    project = Project(tmp_path / "project")
    project.configure(yaml.safe_dump({"benchmark": TINY | {"peers_python": sys.executable}}))
    done = project.snakemake("benchmark_peers", "--until", "benchmark_peers_run")
    assert done.returncode != 0
    assert "has no HyperSpy" in done.stdout + done.stderr
    assert set(PEERS) == {"hyperspy_bs", "hyperspy_nmf", "hyperspy_ica"}
