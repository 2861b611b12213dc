"""The benchmark: scores against exact cases, limits against Monte-Carlo, real runs of one image or two."""

import re
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark_runs import made_up_results
from eelsunmix.benchmark.limits import cramer_rao_nmse, run_oracle
from eelsunmix.benchmark.peers import score_peer, write_images
from eelsunmix.benchmark.replicates import run_replicates
from eelsunmix.benchmark.results import collect
from eelsunmix.benchmark.scene import scene_options
from eelsunmix.benchmark.scores import matched, n_dead, n_duplicated, scores, truth_of
from eelsunmix.benchmark.subtraction import edges_of, run_background_subtraction
from eelsunmix.errors import InputError
from eelsunmix.numerics.abundances import fully_constrained
from eelsunmix.storage import open_store, publish
from eelsunmix.synthetic import ChequerboardOptions, chequerboard, simulate
from test_workflow import ROOT

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
@settings(max_examples=20)
def test_faults_do_not_depend_on_order_or_scale(seed, scale):
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
    again = run_replicates(SMALL.replaced(seed=4), "vca", n_replicates=1)
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
        raise RuntimeError("not\nconverged")

    monkeypatch.setattr(module, "purest_spectra", refuse)
    run = run_replicates(SMALL, "vca", n_replicates=2)
    assert run["status"].values.tolist() == ["failed"] * 2
    (reason,) = set(run["message"].values.tolist())
    assert reason.startswith("RuntimeError: not converged; ")
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
    bright = SMALL.replaced(counts=1e6)
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
    program = ROOT / "workflow" / "benchmark" / "hyperspy_peer.py"
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


# Tables


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


def test_labels_are_ranked_by_their_mean():
    results = made_up_results(failed=("daeu",))
    ranked = results.ranking(("ru3", 1000.0), "nmse")
    assert ranked[0][0] == "udas"
    assert {label for label, _, _ in ranked} == set(results.labels) - {"daeu", "bs", "bs_published"}
    assert [mean for _, mean, _ in ranked] == sorted(mean for _, mean, _ in ranked)
    assert ranked[0][1:] == results.mean(("ru3", 1000.0), "udas", "nmse")


# Further scenes


@pytest.mark.parametrize("name", ["particles", "eds", "gradient"])
def test_further_scenes_are_scored_with_their_thickness(name):
    scene = scene_options(name, 400, size=24, seed=2)
    oracle, vca, bs = (
        run_oracle(scene, n_replicates=1),
        run_replicates(scene, "vca", n_replicates=1),
        run_background_subtraction(scene, n_replicates=1),
    )
    assert collect([run.assign_attrs(label="one") for run in (oracle, vca)]).scenes == [name]
    assert float(oracle["nmse"].max()) < float(vca["nmse"].max())
    assert np.isfinite(oracle["cramer_rao_nmse"]).all()
    assert (bs["status"] == "failed").all() == (name == "eds")
    truth = truth_of(simulate(scene))
    assert np.ptp(truth.abundance.sum(axis=-1)) > 0.5 or name == "eds"


def test_pixels_without_sample_do_not_count_in_the_limit(scene):
    truth = truth_of(scene)
    empty = np.concatenate([truth.abundance, np.zeros_like(truth.abundance)])
    for known in (True, False):
        np.testing.assert_allclose(
            *(cramer_rao_nmse(truth.spectra, one, sum_to_one=known) for one in (truth.abundance, empty))
        )
    free = cramer_rao_nmse(truth.spectra, truth.abundance, sum_to_one=False)
    assert (free > cramer_rao_nmse(truth.spectra, truth.abundance)).all()
