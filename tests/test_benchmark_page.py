"""The page of the benchmark, without a browser."""

import re

import pytest

from benchmark_runs import made_up_results
from eelsunmix.benchmark.limits import run_oracle
from eelsunmix.benchmark.page.page import write_benchmark_report
from eelsunmix.benchmark.replicates import run_replicates
from eelsunmix.benchmark.results import collect
from eelsunmix.benchmark.scene import scene_options
from eelsunmix.benchmark.subtraction import run_background_subtraction
from eelsunmix.errors import InputError
from eelsunmix.synthetic import ChequerboardOptions
from page_data import unpacked


def test_the_page_says_what_failed_and_who_is_best(tmp_path):
    results = made_up_results(failed=("daeu_published",), peers=True)
    text = write_benchmark_report(tmp_path / "b.html", results, settings={"n_replicates": 4}).read_text()
    assert "daeu_published failed on 4 of 4 images of ru3 at 100 counts" in text
    assert "the loss is &lt;b&gt;not&lt;/b&gt; finite" in text
    ranked = re.findall(r"<td[^>]*>(?:<svg.*?</svg>)? *(\w+): [^<]+ ± ", text, re.DOTALL)
    assert ranked[:2] == ["udas", "udas"]
    assert "daeu_published" not in ranked
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


def test_the_page_takes_scenes_of_x_rays(tmp_path):
    scene = scene_options("eds", 50, size=12)
    runs = {"oracle": run_oracle(scene, n_replicates=1), "vca": run_replicates(scene, "vca", n_replicates=1)}
    runs["bs"] = run_background_subtraction(scene, n_replicates=1)
    results = collect([run.assign_attrs(label=label) for label, run in runs.items()])
    text = write_benchmark_report(tmp_path / "b.html", results, settings={}).read_text()
    assert "Scene eds: quartz, olivine, ilmenite, pyrite" in text
    packed = re.search(r'id="packed-data">([^<]*)<', text)[1]
    assert "energy (keV)" in str(unpacked(packed)["figures"])
    assert "no edges to subtract a background from" in text


def test_a_page_without_methods_is_refused(tmp_path):
    oracle = run_oracle(ChequerboardOptions(size=(17, 24)), n_replicates=1).assign_attrs(label="oracle")
    with pytest.raises(InputError, match="no method was run"):
        write_benchmark_report(tmp_path / "b.html", collect([oracle]))
    assert not (tmp_path / "b.html").exists()


def test_the_page_holds_no_bar_and_no_conclusion_of_the_project(tmp_path):
    text = write_benchmark_report(tmp_path / "b.html", made_up_results(), settings={}).read_text()
    assert 'id="bars"' not in text
    assert "is best" not in text
