"""What every kind of store holds: declared once, checked by `publish`, shown in `docs/data-model.md`."""

import ast
import copy
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from eelsunmix import compare, fit, subtract_background, synthetic
from eelsunmix.benchmark.limits import run_oracle
from eelsunmix.benchmark.replicates import run_replicates
from eelsunmix.benchmark.subtraction import run_background_subtraction
from eelsunmix.corrections import AlignOptions, Corrections, correct_image
from eelsunmix.errors import StoreError
from eelsunmix.model_arrays import model_arrays
from eelsunmix.pca import DenoiseOptions, denoise
from eelsunmix.rank import estimate_endmembers
from eelsunmix.recommended import fit_recommended, map_recommended
from eelsunmix.storage import LAYOUTS, check_layout, open_store, publish
from eelsunmix.storage.layout import _DTYPES, _TYPES, Layout, resolved, variable
from eelsunmix.storage.layouts.__main__ import main
from eelsunmix.storage.layouts.tables import tables, with_tables
from eelsunmix.synthetic import ChequerboardOptions
from tiny_run import EDGES, OPTIONS, altered, fitted, image_stores, report_arguments, sample

ROOT = Path(__file__).parents[1]
HOW_TO = "run: python -m eelsunmix.storage.layouts"
BOARD = ChequerboardOptions(size=(12, 15), counts=2000.0)


def of_sample(source, methods, failed=(), edges=EDGES):
    stores, fits, maps = copy.deepcopy(sample(source, methods, failed, tuple(edges.items())))
    found = list(stores.items())
    return [*found, *(("fit", one) for one in fits.values()), *(("map", one) for one in maps.values())]


def of_recommended():
    """Of `recommended` alone, with a comparison that has it."""
    stores = image_stores("simulated")
    counts, places = stores["corrected"].counts, {"edges": EDGES, "profiles": {}, "regions": {}}
    model = fit_recommended(counts, n_endmembers=3, pca=stores["pca"], edges=EDGES)
    maps = map_recommended(model, counts, pca=stores["pca"], rank=stores["rank"])
    bs, name = subtract_background(counts, **places), "recommended"
    comparison = compare(counts, bs, {name: model}, {name: maps}, **places)
    return [(name, model), ("map", maps), ("comparison", comparison)]


def of_benchmark():
    runs = {
        "vca": run_replicates(BOARD, "vca", n_replicates=1),
        "bs": run_background_subtraction(BOARD, n_replicates=1),
        "oracle": run_oracle(BOARD, n_replicates=1),
    }
    return [("benchmark", run.assign_attrs(label=label)) for label, run in runs.items()]


def of_other_options():
    counts = image_stores("simulated")["raw"].counts
    aligned = correct_image(
        counts, Corrections(align=AlignOptions(enabled=True, window_eV=(740.0, 840.0))), edges=EDGES
    )
    plain = denoise(counts, DenoiseOptions(spatial="none"))
    equalised = [
        ("fit", fit(counts, method, n_endmembers=3, brightness="variable", **OPTIONS[method]))
        for method in ("vca", "blu")
    ]
    anchored = fit(counts, "vca", n_endmembers=3, anchor="edges", edges=EDGES)
    wide = counts.x < float(counts.x[5])
    edge_free = wide & (counts.y > -1.0)
    moved = fit(counts, "vca", n_endmembers=3, nuisance=2, edge_free=edge_free.drop_vars(["y", "x"]))
    vacuum = ("raw", synthetic.vacuum(size=(12, 15)).to_dataset())
    found = [vacuum, ("corrected", aligned), ("pca", plain), ("rank", estimate_endmembers(counts, plain))]
    return [*found, *equalised, ("fit", anchored), ("fit", moved)]


@pytest.fixture(scope="module")
def real_stores():
    return [
        *of_sample("simulated", ("nmf", "ica", "vca", "blu", "daeu"), ("daeu",)),
        *of_sample("measured", ("vca",)),
        *of_sample("series", ("nmf",)),
        *of_sample("eds", ("nmf",), edges={}),
        *of_other_options(),
        *of_recommended(),
        *of_benchmark(),
    ]


def own_arrays(kind, store):
    return model_arrays(store) if kind in ("fit", "recommended") else None


def test_what_the_stages_make_is_what_is_declared(real_stores):
    for kind, store in real_stores:
        check_layout(store, kind, own_arrays(kind, store), place=kind)


@pytest.mark.parametrize("kind", LAYOUTS)
def test_nothing_is_declared_that_no_stage_makes(real_stores, kind):
    found = [store for one, store in real_stores if one == kind]
    # A background that bends is in test_recommended; a brightness that varies needs a larger image.
    # An image of the scan needs a file with two signals: it is in test_io_scan_image.
    bent = {"recommended": {"nuisance_direction", "nuisance_filter"}, "raw": {"scan_image"}}.get(kind, set())
    assert {*LAYOUTS[kind].variables} - bent <= set().union(*(store.variables for store in found))
    elsewhere = {"benchmark": {"peer"}, "recommended": {"equalised_counts"}}.get(kind, set())
    assert {*LAYOUTS[kind].attributes} - elsewhere <= set().union(*(store.attrs for store in found))


def test_what_is_made_can_be_published_and_opened(real_stores, tmp_path):
    for number, (kind, store) in enumerate(real_stores):
        path = tmp_path / f"{number}.zarr"
        publish(store, path, kind=kind, own=own_arrays(kind, store))
        check_layout(open_store(path, kind=kind), kind, own_arrays(kind, store), place=path)


def rank_store():
    return image_stores("simulated")["rank"].copy(deep=True)


BREAKS = {
    "variable coherence is missing": lambda store: store.drop_vars("coherence"),
    "variable guess is not declared": lambda store: store.assign(guess=("estimator", store.estimate.values)),
    r"variable parallel_eigenvalue has dims \(number\), declared are \(index\)": lambda store: store.rename(
        index="number"
    ),
    "variable estimate is of type float64, declared is integer": lambda store: store.assign(
        estimate=store.estimate.astype(float).assign_attrs(store.estimate.attrs)
    ),
    "variable coherence has no unit, declared is 1": lambda store: store.assign(
        coherence=store.coherence.drop_attrs()
    ),
    "variable coherence has the unit counts, declared is 1": lambda store: store.assign(
        coherence=store.coherence.assign_attrs(units="counts")
    ),
    "coordinate estimator is missing": lambda store: store.drop_vars("estimator"),
    "coordinate mood is not declared": lambda store: store.assign_coords(mood=1.0),
    "attribute reason is missing": lambda store: store.drop_attrs(deep=False).assign_attrs(
        {name: value for name, value in store.attrs.items() if name != "reason"}
    ),
    "attribute colour is not declared": lambda store: store.assign_attrs(colour="blue"),
    "attribute n_endmembers is str, declared is int": lambda store: store.assign_attrs(n_endmembers="3"),
    "attribute n_endmembers is bool, declared is int": lambda store: store.assign_attrs(n_endmembers=True),
}


@pytest.mark.parametrize("message", BREAKS)
def test_a_dataset_that_breaks_its_layout_is_refused_before_anything_is_written(tmp_path, message):
    broken = BREAKS[message](rank_store())
    with pytest.raises(StoreError, match=f"rank.zarr: not a store of kind rank: {message}$") as caught:
        publish(broken, tmp_path / "deep" / "rank.zarr", kind="rank")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_without_a_kind_anything_can_be_published(tmp_path):
    publish(BREAKS["variable coherence is missing"](rank_store()), tmp_path / "mine.zarr")
    assert "coherence" not in open_store(tmp_path / "mine.zarr")


def test_an_unknown_kind_is_refused(tmp_path):
    with pytest.raises(StoreError, match="no kind of store is called 'ranks'; choose from raw, corrected"):
        publish(rank_store(), tmp_path / "rank.zarr", kind="ranks")


def test_a_map_in_the_place_of_a_fit_is_named(tmp_path):
    publish(fitted("simulated", "vca")[1], tmp_path / "vca.zarr", kind="map")
    expected = "vca.zarr: not a store of kind fit: variable endmember_spectrum is missing; it looks like one"
    with pytest.raises(StoreError, match=f"{expected} of kind map$"):
        open_store(tmp_path / "vca.zarr", kind="fit")


def test_a_store_of_an_earlier_version_can_be_opened(tmp_path):
    store = rank_store().assign(mood=("number", [1.0, 2.0, 3.0])).drop_attrs()
    publish(store, tmp_path / "rank.zarr")
    assert open_store(tmp_path / "rank.zarr", kind="rank").mood.size == 3


def test_arrays_of_a_model_are_declared_by_its_class():
    blu = fitted("simulated", "blu")[0]
    own = model_arrays(blu)
    assert own["endmember_spectrum_sd"].dims == ("endmember", "energy")
    assert own["split_rhat"].dims == ("endmember",)
    assert model_arrays(fitted("simulated", "failed")[0]) == {}
    with pytest.raises(StoreError, match=r"fit: not a store of kind fit: variable .* is not declared"):
        check_layout(blu, "fit", place="fit")
    transposed = blu.assign(endmember_spectrum_sd=blu.endmember_spectrum_sd.T)
    with pytest.raises(
        StoreError, match=r"has dims \(energy_loss, endmember\), declared are \(endmember, ene"
    ):
        check_layout(transposed, "fit", own)


def test_arrays_of_a_network_are_declared_together():
    own = {"weights.*": variable("", "number", "1", "")}
    layout = Layout(path="", variables={})
    dataset = xr.Dataset({"weights.bias_0": ((), 1.0, {"units": "1"}), "weight": ((), 1.0)})
    assert list(layout.faults(dataset, own)) == ["variable weight is not declared"]


def test_a_failed_method_has_no_arrays():
    failed = fitted("simulated", "failed")[0]
    with pytest.raises(StoreError, match="variable endmember_spectrum is not declared"):
        check_layout(failed.assign(endmember_spectrum=0.0), "fit")


def test_symbolic_dims_follow_the_image():
    image = xr.Dataset({"counts": (("frame", "y", "x", "energy"), np.zeros((2, 3, 4, 5)))})
    assert resolved(("navigation", "energy"), image) == ("frame", "y", "x", "energy")
    assert resolved(("edge", "frames", "position"), image) == ("edge", "frame", "position")
    assert resolved(("edge", "frames", "position"), image.isel(frame=0)) == ("edge", "position")


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_declarations_are_complete(layout):
    for name, one in {**layout.variables, **layout.coordinates}.items():
        assert one.dtype in _DTYPES, name
        assert one.meaning, name
        assert "|" not in one.meaning + one.when, name
        assert (one.unit is None) >= (one.dtype in ("bool", "text")), name
        assert one.unit is not None or one.dtype != "float", name
    for name, attribute in layout.attributes.items():
        assert set(attribute.types.split("|")) <= set(_TYPES), name
        assert "|" not in attribute.meaning, name


def test_the_page_shows_the_declarations():
    page = (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8")
    assert page == with_tables(page), HOW_TO


def test_the_tables_name_all_that_is_declared():
    text = tables()
    for kind, layout in LAYOUTS.items():
        assert f"### `{layout.path}` ({kind})" in text
        for name in (*layout.variables, *layout.coordinates, *layout.attributes):
            assert f"`{name}`" in text


def test_the_command_writes_the_tables_between_the_markers(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    page = (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8")
    Path("docs/data-model.md").write_text(page.replace("| `snr` |", "| `old` |"), encoding="utf-8")
    assert main([]) == 0
    assert capsys.readouterr().out == "wrote docs/data-model.md\n"
    assert Path("docs/data-model.md").read_text(encoding="utf-8") == page


def test_help_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    assert "docs/data-model.md" in capsys.readouterr().out


def test_a_page_without_markers_is_refused():
    with pytest.raises(ValueError, match="the page needs the lines"):
        with_tables("# Data model\n")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "workflow").glob("**/scripts/*.py")), ids=lambda path: path.stem
)
def test_scripts_say_what_they_publish(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    for call in calls:
        if getattr(call.func, "id", "") == "publish":
            kinds = [word.value.value for word in call.keywords if word.arg == "kind"]
            assert set(kinds) < set(LAYOUTS)
            assert len(kinds) == 1


def test_altered_stores_keep_their_layout():
    rank = altered(rank_store(), "rank", coherence=0.5, attrs={"signal_rank": 2})
    assert set(rank.coherence.to_numpy()) == {0.5}
    with pytest.raises(StoreError, match="attribute guess is not declared"):
        altered(rank, "rank", attrs={"guess": 1})


def test_a_tiny_sample_is_copied_for_every_caller():
    first = report_arguments()
    first["stores"]["raw"].attrs["counts_check"]["warnings"].append("altered")
    first["maps"]["nmf"].abundance[:] = 0
    second = report_arguments()
    assert second["stores"]["raw"].attrs["counts_check"]["warnings"] == []
    assert float(second["maps"]["nmf"].abundance.max()) > 0
