"""How maps are laid out, coded and coloured: exact values."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from eelsunmix.comparison.thresholds import CRITERIA
from eelsunmix.report.figures.components import components_by_method
from eelsunmix.report.figures.encoding import SEEN_BITS, ArrayBank, encode_line, encode_map, packed
from eelsunmix.report.figures.endmembers import group_names, members_of
from eelsunmix.report.figures.grid import Scale, Tile, columns_for, map_grid
from eelsunmix.report.figures.grid_colours import bar_places
from eelsunmix.report.figures.layout import Panels, legend_height, line_panels
from eelsunmix.report.figures.maps import single_map
from eelsunmix.report.figures.mapview import average, limits, view_of
from eelsunmix.report.figures.matrices import angles, cross_talk
from eelsunmix.report.figures.outline import outline_of
from eelsunmix.report.figures.residuals import mean_residuals
from eelsunmix.report.figures.spectra import edge_marks
from eelsunmix.report.figures.style import WIDTH, method_styles, one_legend_entry
from eelsunmix.report.sections import residuals
from page_data import codes_of, decoded, unpacked


def example(n_y=5, n_x=7, step_y=0.5, step_x=0.5, **dims):
    shape = [*dims.values(), n_y, n_x]
    coords = {
        "y": ("y", 1 + step_y * np.arange(n_y), {"units": "nm"}),
        "x": ("x", 2 + step_x * np.arange(n_x), {"units": "nm"}),
    }
    values = np.arange(np.prod(shape), dtype="f4").reshape(shape)
    return xr.DataArray(values, dims=(*dims, "y", "x"), coords=coords)


def view(image, n_maps=1, budget=10**6):
    return view_of(image, n_maps=n_maps, budget=budget)


def test_wide_image_is_shown_as_it_is():
    image = example()
    shown = view(image)
    assert (shown.rotated, shown.factor, shown.remark) == (False, 1, "")
    np.testing.assert_array_equal(shown.image(image), image.values)
    assert shown.aspect == pytest.approx(5 / 7)
    np.testing.assert_array_equal(shown.image(image.transpose("x", "y")), image.values)


def test_tall_image_lies_and_says_so():
    image = example(n_y=49, n_x=6)
    shown = view(image)
    assert (shown.across, shown.down) == ("y", "x")
    np.testing.assert_array_equal(shown.image(image), image.values.T)
    assert shown.aspect == pytest.approx(6 / 49)
    assert "y runs to the right" in shown.remark


def test_physical_size_decides_not_the_number_of_pixels():
    assert not view(example(n_y=12, n_x=6, step_y=0.1, step_x=0.5)).rotated


def test_an_outline_surrounds_the_pixels_of_a_mask():
    mask = example(n_y=5, n_x=7) == 8  # y 1, x 1: centre at 1.5 and 2.5 nm
    shown = view(example())
    across, down = (values.reshape(4, 3) for values in outline_of(mask, shown))
    assert np.isnan(across[:, 2]).all()
    sides = {tuple(np.round([*x[:2], *y[:2]], 3)) for x, y in zip(across, down, strict=True)}
    assert sides == {
        (2.25, 2.25, 1.25, 1.75),
        (2.75, 2.75, 1.25, 1.75),
        (2.25, 2.75, 1.25, 1.25),
        (2.25, 2.75, 1.75, 1.75),
    }
    assert outline_of(mask & False, shown) is None


def test_each_map_has_the_outline_and_says_so():
    shown = view(example())
    outlined = replace(shown, outline=outline_of(example() < 9, shown))
    assert "without sample" in outlined.remark
    tiles = [tile(1.0), tile(2.0), tile(1.0, image=False)]
    assert [trace["type"] for trace in map_grid(tiles, shown, columns=3)["data"]].count("scatter") == 1
    assert [trace["type"] for trace in map_grid(tiles, outlined, columns=3)["data"]].count("scatter") == 3


def test_series_shows_the_middle_frame():
    image = example(frame=3)
    shown = view(image)
    np.testing.assert_array_equal(shown.image(image), image.values[1])
    assert "Frame 2 of 3" in shown.remark


def test_pixels_are_averaged_to_keep_the_budget():
    image = example(n_y=6, n_x=9)
    shown = view(image, n_maps=10, budget=10 * 54 // 9)
    assert shown.factor == 3
    np.testing.assert_allclose(shown.image(image), image.values.reshape(2, 3, 3, 3).mean(axis=(1, 3)))
    # The first displayed pixel covers three: its centre is that of the second.
    assert shown.origin == pytest.approx({"x": 2.5, "y": 1.5})
    assert shown.step == pytest.approx({"x": 1.5, "y": 1.5})
    assert "3 × 3 pixels are averaged" in shown.remark


@settings(max_examples=30)
@given(st.integers(1, 9), st.integers(1, 11), st.integers(2, 4), st.integers(0, 2**31))
def test_average_leaves_out_nan(n_y, n_x, factor, seed):
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(n_y, n_x)).astype("f4")
    image[rng.random(image.shape) < 0.3] = np.nan
    found = average(image, factor)
    for row, column in np.ndindex(*found.shape):
        block = image[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
        known = block[np.isfinite(block)]
        expected = known.mean() if known.size else np.nan
        # float32 sums of at most 16 values
        np.testing.assert_allclose(found[row, column], expected, rtol=1e-4, atol=1e-6)


@settings(max_examples=30)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(0, 2**31))
def test_coded_maps_are_exact_to_half_a_step(offset, spread, seed):
    rng = np.random.default_rng(seed)
    image = offset + spread * rng.normal(size=(5, 7))
    image[2, 3] = np.nan
    entry, content = encode_map(image)
    found = decoded(entry, content)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(image))
    np.testing.assert_allclose(found, image, rtol=0, atol=entry["st"] * 0.501)


@pytest.mark.parametrize("image", [np.full((5, 7), np.nan), np.full((5, 7), 3.0)])
def test_maps_without_contrast_can_be_coded(image):
    codes = codes_of(*encode_map(image))
    assert set(codes.ravel().tolist()) == ({0} if np.isnan(image).all() else {1})


def test_bank_keeps_equal_arrays_once_and_writes_small_ones_out():
    bank = ArrayBank()
    large = np.arange(100.0)
    found = bank.strip({"a": large, "b": [large.copy()], "c": np.array([1.0, np.nan]), "d": np.float32(0.1)})
    assert found["a"] == found["b"][0]
    assert len(bank.entries) == 1
    assert found["c"] == [1.0, None]
    assert found["d"] == 0.1


def test_whole_numbers_are_coded_exactly():
    counts = np.random.default_rng(0).integers(-5, 40000, (7, 11)).astype("f4")
    np.testing.assert_array_equal(decoded(*encode_map(counts)), counts)


def test_packed_data_are_the_same_text_for_the_same_page_and_cannot_end_their_element():
    bank = ArrayBank()
    arrays = {"lines": [np.linspace(0, 1, 300), np.arange(900.0)], "map": np.arange(35.0).reshape(5, 7)}
    tree = {"figures": bank.strip({"</script><!--": "&\u2028", **arrays}), "arrays": bank.entries}
    text = packed(tree, bank.content)
    assert text == packed(tree, bank.content)
    assert not set(text) & set("<>&\"' \n")
    found = unpacked(text)
    assert found["figures"]["</script><!--"] == "&\u2028"
    np.testing.assert_array_equal(found["arrays"][tree["figures"]["map"]["$"]], arrays["map"])
    for reference, line in zip(tree["figures"]["lines"], arrays["lines"], strict=True):
        np.testing.assert_array_equal(found["arrays"][reference["$"]], line.astype("f4"))


def test_lines_are_kept_to_the_digits_that_can_be_seen():
    rng = np.random.default_rng(0)
    line = rng.normal(size=500) * 10.0 ** rng.integers(-3, 6, 500)
    line[3] = np.nan
    entry, content = encode_line(line)
    np.testing.assert_allclose(decoded(entry, content), line, rtol=2.0**-SEEN_BITS)
    assert not any(content[: line.size])  # the last byte of each number is zero: nothing to compress


def test_limits_ignore_nan_and_can_be_symmetric():
    image = np.array([[np.nan, -1.0, 0.0, 4.0]])
    assert limits([image], symmetric=True) == pytest.approx((-3.96, 3.96), rel=0.02)
    assert limits([np.full((2, 3), np.nan)]) == (0.0, 1.0)
    assert limits([np.full((2, 3), 5.0)]) == (4.5, 5.5)


def test_maps_keep_their_aspect_at_the_width_that_they_are_laid_out_for():
    image = example(n_y=5, n_x=9)
    tiles = [
        Tile(title=str(i), image=image.values, scale=Scale(low=0, high=i, unit="counts")) for i in range(5)
    ]
    shown = view(image)
    layout = map_grid(tiles, shown, columns=columns_for(5, shown))["layout"]
    room = layout["meta"]
    assert layout["height"] == pytest.approx(room["fixed"] + room["plot"], abs=0.6)
    for i in range(5):
        x, y = (layout[f"{letter}axis{i + 1 if i else ''}"] for letter in "xy")
        width = (x["domain"][1] - x["domain"][0]) * (room["width"] - room["side"])
        height = (y["domain"][1] - y["domain"][0]) * room["plot"]
        assert height / width == pytest.approx(5 / 9)
        assert x["range"] == pytest.approx([1.75, 6.25])
        assert y["range"] == pytest.approx([3.25, 0.75])


def tile(high, image=True):
    return Tile(
        title="", image=np.zeros((5, 7)) if image else None, scale=Scale(low=0, high=high, unit="counts")
    )


@pytest.mark.parametrize(
    ("highs", "columns", "expected"),
    [
        ([1, 1, 1, 1], 2, "figure"),
        ([1, 2, 1, 2], 2, "column"),
        ([1, 1, 2, 2], 2, "row"),
        ([1, 2, 3, 4], 2, "tile"),
        ([1, 2], 2, "tile"),
    ],
)
def test_fewest_colour_bars(highs, columns, expected):
    assert bar_places([tile(high) for high in highs], columns) == expected


@pytest.mark.parametrize(
    ("highs", "columns"), [([1, 2, 1, 3], 2), ([1, 1, 2, 2, 1, 1], 2), ([1, 2, 1, 1, 2, 1], 3)]
)
def test_no_map_is_without_its_colour_bar(highs, columns):
    """Tiles with equal limits share a bar only where one bar stands for both."""
    tiles = [tile(high) for high in highs]
    figure = map_grid(tiles, view(example()), columns=columns)
    bars = [
        key for key, entry in figure["layout"].items() if key.startswith("coloraxis") and "colorbar" in entry
    ]
    kind = bar_places(tiles, columns)
    assert len(bars) == {"tile": len(highs), "row": len(highs) // columns, "column": columns}[kind]


def test_the_ends_of_colour_bars_keep_apart_where_maps_are_low():
    """A line of text is 13 px high; both ends of each bar are labelled."""
    tiles = [tile(high) for high in range(1, 9)]
    shown = map_grid(tiles, view(example(n_y=2, n_x=31)), columns=2, row_titles=list("abcd"), widest=100)
    layout = shown["layout"]
    height = layout["height"] - layout["margin"]["t"] - layout["margin"]["b"]
    ends = sorted(
        height * end
        for key in layout
        if key.startswith("coloraxis")
        for bar in [layout[key]["colorbar"]]
        for end in (bar["y"], bar["y"] + bar["len"])
    )
    assert min(np.diff(ends)[1::2]) > 13


def test_tiles_without_image_need_no_colour_bar():
    assert bar_places([tile(1), tile(2), tile(9, image=False), tile(2)], 2) == "column"


def test_panels_fill_the_width_without_overlap():
    panels = line_panels(5, columns=3)
    assert panels.rows == 2
    assert panels.domain_x(2)[1] == pytest.approx(1)
    assert panels.domain_x(0)[1] < panels.domain_x(1)[0]
    assert panels.domain_y(3)[1] < panels.domain_y(0)[0]
    assert [panels.is_lowest(i) for i in range(5)] == [False, False, True, True, True]
    assert isinstance(panels, Panels)


def test_edges_outside_the_axis_are_not_marked():
    edges = {"Ti_L23": {"onset": 456.0}, "Pt_M45": {"onset": 2122.0}}
    shapes, texts = edge_marks(edges, np.linspace(350, 860, 40))
    assert [shape["x0"] for shape in shapes] == [456.0]
    assert [text["text"] for text in texts] == ["Ti L23"]


def test_names_of_crowded_lines_do_not_meet_and_the_last_one_gives_way():
    energy, room = np.linspace(0.8, 20, 40), 0.12
    onsets = {"Mg_Ka": 1.25, "Al_Ka": 1.49, "Si_Ka": 1.74, "Cl_Ka": 2.62, "Fe_Ka": 6.4}
    shapes, texts = edge_marks({name: {"onset": at} for name, at in onsets.items()}, energy, room=room)
    assert [shape["x0"] for shape in shapes] == list(onsets.values())
    assert [text["text"] for text in texts] == ["Mg Ka", "Al Ka", "Si Ka", "Fe Ka"]
    for height in (0, 13, 26):
        places = [text["x"] for text in texts if text["yshift"] == height]
        assert places
        assert all(step >= room * 19.2 for step in np.diff(places))


@pytest.mark.parametrize("n_edges", [2, 5, 8])
def test_numbers_and_names_of_a_matrix_of_cross_talk_have_room(n_edges):
    edges, methods = [f"E{k}_Ka" for k in range(n_edges)], ["recommended", "nmf", "ica", "vca"]
    name = "1 · " + "+".join(edge[:2] for edge in edges)
    table = xr.Dataset(
        {
            "cross_talk": (("label", "endmember", "edge"), np.ones((4, 3, n_edges))),
            "endmember_name": (("label", "endmember"), np.full((4, 3), name)),
            "group": (("label", "endmember"), np.tile(np.arange(3), (4, 1))),
        },
        coords={"label": methods, "edge": edges},
    )
    layout = cross_talk(table, methods, edges)["layout"]
    left = layout["margin"]["l"]
    width = WIDTH - left - layout["margin"]["r"]
    for k in range(4):
        low, high = layout[f"xaxis{k + 1 if k else ''}"]["domain"]
        assert (high - low) * width >= 45 * n_edges
        taken = [layout[f"xaxis{i + 1 if i else ''}"]["domain"][1] for i in range(4)]
        before = max([end * width for end in taken if end <= low], default=-left)
        assert low * width - before >= 6.5 * len(name)


def test_rows_of_all_matrices_of_cross_talk_are_in_one_order():
    dims = ("label", "endmember")
    names = [["2 · O", "3 · La", "1 · Ti"], ["4 · background", "1 · Ti", ""]]
    table = xr.Dataset(
        {
            "cross_talk": ((*dims, "edge"), np.array([[[0.2], [0.1], [1.0]], [[0.3], [1.0], [np.nan]]])),
            "endmember_name": (dims, np.array(names)),
            "group": (dims, np.array([[1, 2, 0], [-1, 0, -1]])),
        },
        coords={"label": ["nmf", "vca"], "edge": ["Ti_L23"]},
    )
    first, second = cross_talk(table, ["nmf", "vca"], ["Ti_L23"])["data"]
    assert (first["y"], first["z"]) == (["1 · Ti", "2 · O", "3 · La"], [[1.0], [0.2], [0.1]])
    assert (second["y"], second["z"]) == (["1 · Ti", "4 · background"], [[1.0], [0.3]])


def test_a_flat_map_of_a_card_is_as_high_as_the_width_of_the_card_allows():
    image = example(6, 49)
    figure = single_map(image, view(image), "abundance", width=WIDTH)
    low, high = figure["layout"]["yaxis"]["domain"]
    left, right = figure["layout"]["xaxis"]["domain"]
    margin, meta = figure["layout"]["margin"], figure["layout"]["meta"]
    across = (right - left) * (WIDTH - margin["l"] - margin["r"])
    assert across > 0.8 * WIDTH
    assert (high - low) * meta["plot"] == pytest.approx(across * 6 / 49, rel=0.02)


def test_twenty_methods_can_be_told_apart():
    styles = method_styles(["BS", *(f"m{i}" for i in range(18))])
    assert len({(style["color"], style["dash"]) for style in styles.values()}) == 19


def test_labels_of_one_method_share_its_colour_and_differ_in_their_dashes():
    methods = ("blu", "cnnaeu", "daeu", "ica", "mtaeu", "nmf", "udas", "vca")  # those that have a colour
    labels = [f"{method}{end}" for end in ("", "_published") for method in methods]
    styles = method_styles(["BS", *labels], {label: label.removesuffix("_published") for label in labels})
    for method in methods:
        first, second = styles[method], styles[f"{method}_published"]
        assert first["color"] == second["color"]
        assert (first["dash"], second["dash"]) == ("solid", "dash")
    assert len({style["color"] for style in styles.values()}) == 1 + len(methods)


def _comparison(labels, groups):
    dims = ("label", "endmember")
    data = {"endmember_name": (dims, np.array(labels)), "group": (dims, np.array(groups))}
    return xr.Dataset(data, coords={"label": ["a", "b", "c"]})


def test_a_group_has_the_commonest_name_of_its_endmembers():
    names = [["background", "background"], ["Ru", "background"], ["Ru", "background"]]
    comparison = _comparison(names, [[0, 1]] * 3)
    assert group_names(comparison, members_of(comparison, ["a", "b", "c"])) == {0: "Ru", 1: "background"}


def test_each_method_has_a_panel_of_its_components_in_the_colours_of_the_groups():
    comparison = _comparison([["Ru", "Co"], ["Co", "Ru"], ["Ru", "Co"]], [[0, 1], [1, 0], [0, 1]])
    spectra = (("endmember", "energy_loss"), np.array([[4.0, 2.0, 1.0], [1.0, 1.0, 2.0]]))
    fits = {
        method: xr.Dataset({"endmember_spectrum": spectra}, coords={"energy_loss": [300.0, 400.0, 800.0]})
        for method in "abc"
    }
    options = {
        "edges": {"Co_L23": {"onset": 779.0}},
        "display": "as returned",
        "counts": 1.0,
        "title": "energy loss (eV)",
    }
    figure = components_by_method(comparison, fits, ["a", "b", "c"], **options)
    found = {(t["meta"]["method"], t["xaxis"], t["name"]): t for t in figure["data"]}
    assert set(found) == {
        (m, x, name) for m, x in zip("abc", ("x", "x2", "x3"), strict=True) for name in ("Ru", "Co")
    }
    for name in ("Ru", "Co"):
        assert len({found[key]["line"]["color"] for key in found if key[2] == name}) == 1
    np.testing.assert_array_equal(found["b", "x2", "Co"]["y"], [4, 2, 1])
    assert sum(trace["showlegend"] for trace in figure["data"]) == 2
    assert [shape["x0"] for shape in figure["layout"]["shapes"]] == [779.0] * 3


def test_long_names_stand_upright_below_the_angles():
    turned = [
        angles(np.zeros((9, 9)), [f"{name}{end}" for name in "abcdefghi"])["layout"]
        for end in ("", "_published_setting")
    ]
    assert [layout["xaxis"]["tickangle"] for layout in turned] == [0, -90]
    assert turned[1]["margin"]["b"] > turned[0]["margin"]["b"] + 50


def test_the_legend_has_the_room_of_its_rows():
    heights = [legend_height([f"method_{i}" for i in range(n)]) for n in (1, 8, 16, 24)]
    assert heights == sorted(heights)
    assert heights[0] == 22
    assert heights[-1] >= 66


def test_legend_holds_each_name_once():
    data = [{"name": "a", "showlegend": False}, {"name": "a"}, {"name": "a"}, {"name": "b"}]
    assert [trace["showlegend"] for trace in one_legend_entry(data)] == [False, True, False, True]


def test_the_axis_of_residuals_holds_those_of_every_method():
    energy, sd = np.arange(5.0), np.full(5, 2.0)
    found = {"vca": (np.array([0, 1, 0, -1, 0.0]), sd), "nmf": (np.array([0, 8, -18.0, 0, 0]), sd)}
    styles = {method: {} for method in found}
    layout = mean_residuals(found, energy, {}, styles, "energy (eV)")["layout"]
    ranges = [one["range"] for name, one in layout.items() if name.startswith("yaxis")]
    assert len(ranges) == 2
    assert all(low < -9 and high > 4 for low, high in ranges)


def test_it_is_said_that_residuals_are_those_of_a_refit():
    assert "fitted anew" in residuals.REFIT
    assert "refit" in residuals.CHI2
    assert "refit" in residuals.MEAN_RESIDUAL
    assert "fitted anew" in CRITERIA["reconstruction"].explanation
