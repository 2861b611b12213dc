"""What background subtraction sees in an area: the same rules in Python and in the explorer of a page."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from eelsunmix.background.reference_check import NEGATIVE_FRACTION
from eelsunmix.report import areas
from eelsunmix.report import sightings as words
from eelsunmix.report.areas import Sighting, Systematic, deviations_of_areas, sightings
from eelsunmix.report.content import Table
from eelsunmix.report.figures.phases import Phase, phases_of
from eelsunmix.report.first import choice, sides
from eelsunmix.report.first.screen import gathered
from eelsunmix.report.first.sides import beside_peaks
from eelsunmix.report.formatting import tidy
from eelsunmix.report.materials import SAME_IN_PIXELS, Material, _in_spectra, _ratios, alike, in_short
from eelsunmix.report.peaks import peak_of
from eelsunmix.report.sections import endmembers
from eelsunmix.report.sightings import _in_words, mixed_in, seen_in, sighting_table
from eelsunmix.report.systematics import systematic_of
from test_report_facts import inputs_of
from tiny_run import EDGES as EDGES_OF_RUN

EDGES = list(EDGES_OF_RUN)
PEAK = 60.0


@pytest.fixture
def one():
    """Net counts of an edge whose neighbours share half of the variance; one pixel without sample."""
    rng = np.random.default_rng(3)
    sd = rng.uniform(5, 9, (4, 7))
    sd[0, 0] = np.nan
    parts = {
        "net_counts": rng.normal(40, 8, (4, 7)),
        "net_counts_sd": sd,
        "independent_sd": sd * np.sqrt(0.5),
        "background_counts": np.full((4, 7), 900.0),
    }
    maps = {name: (("y", "x"), values) for name, values in parts.items()}
    return xr.Dataset(maps | {"common_sd": (("y", "x"), np.full((4, 7), 0.6))})


def test_an_area_is_judged_by_the_mean_of_its_pixels_that_are_known(one):
    area = np.zeros((4, 7), dtype=bool)
    area[:2, :3] = True
    known = area & one["net_counts_sd"].notnull().to_numpy()
    (found,) = sightings(one, [area], Systematic(), peak=PEAK)
    assert found.background == 900.0
    assert found.net == pytest.approx(float(one["net_counts"].to_numpy()[known].mean()))
    independent = np.sqrt((one["independent_sd"].to_numpy()[known] ** 2).sum()) / 5
    # The part that pixels have for themselves is that of the whole map, here the same in each pixel.
    assert found.sd == pytest.approx(np.hypot(independent, 0.6))
    assert deviations_of_areas(one) == pytest.approx((np.sqrt(0.5), 0.6))


def test_a_single_pixel_has_its_own_deviation_and_none_has_nothing(one):
    none, single = np.zeros((2, 4, 7), dtype=bool)
    single[2, 5] = True
    nothing, found = sightings(one, [none, single], Systematic(), peak=PEAK)
    assert np.isnan([nothing.net, nothing.sd]).all()
    assert found.sd == pytest.approx(float(one["net_counts_sd"][2, 5]))


def test_of_no_counts_at_all_the_limit_is_three(one):
    empty = one.assign({name: 0 * one[name].fillna(0) for name in one})
    (found,) = sightings(empty, [np.ones((4, 7), dtype=bool)], Systematic(), peak=PEAK)
    assert found.limit == pytest.approx(3 / 28)


@pytest.mark.parametrize(
    ("net", "sd", "peak", "words"),
    [
        (90, 20, 200, ("45 %", "90 ± 20 counts")),
        (12_345, 20, 0, ("12\u202f345 ± 20 counts",) * 2),
        (50, 20, 200, ("not seen", "< 41 %")),
        (-50, 20, 200, ("not seen", "< 16 %")),
        (-50, 20, 0, ("not seen", "< 33 counts")),
        (-90, 20, 200, ("not seen", "limit 45 %: BS biased")),
        (np.nan, np.nan, 200, ("–", "no pixel")),
    ],
)
def test_counts_or_their_limit_are_said_as_the_explorer_does(net, sd, peak, words):
    assert _in_words(Sighting(net=net, sd=sd, peak=peak)) == words


def table_of(inputs):
    phases = phases_of(inputs.comparison, inputs.working)
    return sighting_table(inputs, phases, seen_in(inputs, phases))


def test_the_table_has_the_counts_of_each_edge_in_the_pixels_of_each_component(monkeypatch):
    inputs = inputs_of(methods=("vca",))
    table = table_of(inputs)
    assert table.columns[1:] == tuple(edge.replace("_", " ") for edge in EDGES)
    phase = inputs.comparison["phase"]
    for row, (name, *cells) in enumerate(one.cells for one in table.rows):
        assert name.text
        for edge, cell in zip(EDGES, cells, strict=True):
            net = inputs.bs["net_counts"].sel(edge=edge).where(phase == row)
            mean, peak = float(net.mean()), peak_of(inputs, edge)
            if cell.text.endswith("%"):
                assert float(cell.text.split()[0]) == pytest.approx(100 * mean / peak, rel=0.06)
                assert cell.note.startswith(f"{mean:,.0f}"[:2].replace(",", "\u202f"))
            else:
                assert cell.text in ("not seen", "–")
    # An edge that BS failed at has no counts, and no order of axes changes others.
    monkeypatch.setattr(words, "reference_problems", lambda bs: {EDGES[0]: "its background"})
    turned = replace(inputs, bs=inputs.bs.transpose(..., "x", "y"))
    for old, new in zip(table.rows, table_of(turned).rows, strict=True):
        assert (new.cells[1].text, new.cells[1].note) == ("–", "BS failed")
        assert new.cells[2:] == old.cells[2:]


def test_a_page_without_edges_has_no_such_table():
    captions = [
        block.caption
        for inputs in (inputs_of(methods=("vca",)), inputs_of(methods=("vca",), edges={}, truth=False))
        for block in endmembers.section(inputs).blocks
        if isinstance(block, Table)
    ]
    assert sum(caption.startswith("Which edges") for caption in captions) == 1
    assert sum(caption.startswith("Share of the pixels") for caption in captions) == 2


def test_what_is_in_all_pixels_alike_is_not_averaged_away():
    clear = Sighting(net=90.0, sd=20.0, peak=200.0)
    assert clear.is_seen
    patterned = replace(clear, systematic=Systematic(sd=30.0))
    assert not patterned.is_seen
    assert patterned.limit == pytest.approx(90 + 1.645 * np.hypot(20, 30))
    high = replace(clear, systematic=Systematic(offset=35.0))
    assert not high.is_seen
    assert high.limit == pytest.approx(90 + 1.645 * 20)
    # A background that is too high hides counts; it makes none seen.
    low = replace(clear, net=-70.0, systematic=Systematic(offset=-50.0))
    assert not low.is_biased
    assert low.limit == pytest.approx(1.645 * 20)
    assert replace(clear, net=10.0, systematic=Systematic(offset=-50.0)).limit == pytest.approx(60 + 32.9)
    assert replace(low, net=-120.0).is_biased


def test_limits_hold_95_percent_where_the_background_is_off_by_a_known_amount():
    rng = np.random.default_rng(5)
    truth, sd, offset, offset_sd = 60.0, 20.0, -40.0, 8.0
    measured = offset + offset_sd * rng.standard_normal(4000)
    nets = truth + offset + sd * rng.standard_normal(4000)
    limits = [
        Sighting(net=net, sd=sd, peak=200.0, systematic=Systematic(offset=one, sd=offset_sd)).limit
        for net, one in zip(nets, measured, strict=True)
    ]
    assert 0.94 < np.mean(np.array(limits) > truth) < 0.97


def test_a_fixed_pattern_and_a_biased_background_are_known_of_an_edge():
    inputs, edge = inputs_of(methods=("vca",)), EDGES[0]
    inputs.bs["off_region_mean"].loc[{"edge": edge}] = -7.0
    inputs.bs["off_region_sd"].loc[{"edge": edge}] = 3.0
    assert systematic_of(inputs, edge) == Systematic()  # as chance may have it
    inputs.bs["off_region_sd"].loc[{"edge": edge}] = 2.0
    assert systematic_of(inputs, edge) == Systematic(offset=-7.0, sd=2.0)
    mean = abs(float(inputs.comparison["element_map"].sel(label="BS", edge=edge).mean()))
    for step in ("dark", "gain"):
        inputs.corrected.attrs["corrections"] = [{"step": step, "disturbed_percent": {edge: 40.0}}]
        assert systematic_of(inputs, edge).sd == pytest.approx(np.hypot(2.0, 0.4 * mean))


def test_components_that_show_the_same_edges_are_named():
    seen, none = Sighting(net=90.0, sd=2.0, peak=200.0), Sighting(net=1.0, sd=2.0, peak=200.0)
    phases = [Phase(number, f"{number + 1} · x", "#000000") for number in range(4)]
    found = {"Ti_L23": [seen, none, seen, none], "O_K": [seen, seen, seen, none]}
    shown = dict.fromkeys(("Ti_L23", "O_K", "Co_L23"), np.zeros(4, dtype=bool))
    (material,) = alike(found, phases, shown)
    assert [one.number for one in material.phases] == [0, 2]
    assert (material.name, material.edges) == ("1 and 3 together", ("Ti_L23", "O_K"))
    # Each ratio of two of 90 counts that err by 2 is off by some 3 %, their difference by 4.4 %.
    assert material.same_within == pytest.approx(np.expm1(1.96 * 2 * 2 / 90))
    assert np.isnan(material.differs_by)
    more = {
        "Ti_L23": [seen, none, replace(seen, net=60.0), none],
        "O_K": [seen, seen, replace(seen, net=72.0), none],
    }
    (apart,) = alike(more, phases, shown)
    assert apart.differs_by == pytest.approx(72 / 60 - 1)  # beyond 6 %, which noise makes of it
    noisy = {edge: [replace(one, sd=6.0) for one in row] for edge, row in more.items()}
    assert np.isnan(alike(noisy, phases, shown)[0].differs_by)
    assert alike(noisy, phases, shown)[0].same_within > 0.5
    # A background that takes as much of all: the counts differ, the composition does not.
    low = {"Ti_L23": (41.0, 21.0), "O_K": (60.0, 40.0)}
    off = {"Ti_L23": Systematic(offset=-19.0, sd=0.5), "O_K": Systematic(sd=0.5)}
    biased = {
        edge: [replace(seen, net=net, sd=0.1, systematic=off[edge]) for net in nets]
        for edge, nets in low.items()
    }
    (same,) = alike(biased | {"Ti_L23": biased["Ti_L23"]}, phases[:2], shown)
    assert np.isnan(same.differs_by)
    unsure = {
        edge: [replace(one, systematic=Systematic(sd=6.0)) for one in row] for edge, row in more.items()
    }
    assert np.isnan(alike(unsure, phases, shown)[0].differs_by)
    # A tail of a neighbour, however significant, is no edge of the material; half of the counts no likeness.
    tail, half = (replace(seen, net=net, sd=0.1) for net in (15.0, 44.0))
    assert not alike({"Co_L23": [tail, seen]}, phases[:2], shown)
    assert not alike({"Co_L23": [half, seen]}, phases[:2], shown)


def test_limits_are_parts_of_the_map_that_is_shown_unless_it_shows_nothing():
    inputs, edge = inputs_of(methods=("vca",)), EDGES[0]
    shown = inputs.comparison["element_map"].sel(label="vca", edge=edge)
    assert peak_of(inputs, edge) == pytest.approx(float(shown.quantile(0.995)))
    of_bs = float(inputs.bs["net_counts"].sel(edge=edge).quantile(0.995))
    assert of_bs != pytest.approx(float(shown.quantile(0.995)))
    faint = inputs.comparison.assign(element_map=1e-3 * inputs.comparison["element_map"])
    # Parts of what BS sees elsewhere would stand beside a map that ends at a twentieth of it.
    assert peak_of(replace(inputs, comparison=faint), edge) == 0.0
    none = inputs.comparison.assign(element_map=0.0 * inputs.comparison["element_map"])
    assert peak_of(replace(inputs, comparison=none), edge) == pytest.approx(of_bs)  # its map is that of BS
    # Maps of a large image are lazy.
    assert peak_of(replace(inputs, comparison=none, bs=inputs.bs.chunk()), edge) == pytest.approx(of_bs)
    noise = inputs.bs["net_counts_sd"] * np.random.default_rng(0).normal(size=inputs.bs["net_counts"].shape)
    absent = replace(inputs, comparison=none, bs=inputs.bs.assign(net_counts=noise))
    assert peak_of(absent, edge) == 0.0


def test_the_first_screen_says_which_edges_are_not_seen_where(monkeypatch):
    inputs = inputs_of(methods=("vca",))
    hidden = Sighting(net=1.0, sd=2.0, peak=200.0)
    seen, weak = (Sighting(net=net, sd=2.0, peak=200.0) for net in (90.0, 15.0))
    monkeypatch.setattr(words, "_sightings", lambda inputs, edge, phases: [seen, hidden, weak])
    names = [one.name for one in phases_of(inputs.comparison, inputs.working)]
    inputs.comparison["element_map"].loc[{"label": "vca"}] = 6.0
    where = f"{names[1]} (limit 2.1 % of the peak; vca has 3.0 %) is the largest"
    each = "; ".join(f"{edge.replace('_', ' ')} where {where}" for edge in EDGES)
    (told,) = in_short(inputs)
    assert told.replace("\u00a0", " ") == f"BS does not see {each}."
    monkeypatch.setattr(words, "MOST_UNSEEN", len(EDGES) - 1)
    assert in_short(inputs)[0].endswith("is the largest; 1 further edge.")
    less = Sighting(net=1.0, sd=4.0, peak=200.0)
    monkeypatch.setattr(words, "_sightings", lambda inputs, edge, phases: [seen, hidden, less])
    assert f"{names[1]} (limit 2.1 % of the peak; vca has 3.0 %) or {names[2]} (3.8 %; 3.0 %) is" in in_short(
        inputs
    )[0].replace("\u00a0", " ")
    monkeypatch.setattr(words, "_sightings", lambda inputs, edge, phases: [seen, seen, weak])
    inputs.comparison["cross_talk"][:] = 1.0
    edges = words.listed([edge.replace("_", " ") for edge in EDGES])
    (told,) = in_short(inputs)
    assert told.startswith(f"{names[0]} and {names[1]} show the same edges ({edges}; by BS")
    assert in_short(inputs_of()) == []  # abundances of nmf are no shares


def test_an_edge_of_other_components_in_the_same_pixels_is_told():
    inputs, edge = inputs_of(methods=("vca",)), EDGES[0]
    phases = phases_of(inputs.comparison, inputs.working)
    seen, tail = (Sighting(net=net, sd=1.0, peak=200.0) for net in (54.0, 15.0))
    found = {edge: [seen, seen, tail]}
    talk = inputs.comparison["cross_talk"]
    talk.loc[{"label": "vca", "edge": edge}] = [0.05, 0.6, -0.3]
    inputs.comparison["element_map"].loc[{"label": "vca", "edge": edge}] = 50.0
    (text,) = mixed_in(inputs, found, phases)
    assert text.replace("\u00a0", " ") == (
        f"BS sees {edge.replace('_', ' ')} (27 % of the peak) where {phases[0].name} is the largest, whose "
        "spectrum does not show it: all components of these pixels together account for 25 %."
    )
    counts, sd = (inputs.comparison[f"endmember_net_counts{name}"] for name in ("", "_sd"))
    place = {"label": "vca", "edge": edge, "endmember": counts["endmember"][phases[0].number]}
    counts.loc[place], sd.loc[place] = 9.0, 1.0  # little beside the owner's, and yet sure
    assert not list(mixed_in(inputs, found, phases))
    sd.loc[place] = 4.0
    talk.loc[{"label": "vca", "edge": edge}] = np.nan  # nothing is known
    assert not list(mixed_in(inputs, found, phases))


@pytest.fixture
def layer(monkeypatch):
    """A peak of 4 pixels in the middle of three rows; counts of BS before it, nothing but noise beyond."""
    inputs, edge = inputs_of(methods=("vca",)), EDGES[0]
    monkeypatch.setattr(sides, "widest_profile", lambda inputs: "three_rows")
    at = {"label": "vca", "edge": edge}
    line = at | {"profile": "three_rows"}
    places = np.arange(17)
    inputs.comparison["element_profile"].loc[line] = np.interp(places, [4, 8, 12], [0.0, 100.0, 0.0])
    of_bs = np.where(abs(places - 8) < 3, 100.0, np.where(places < 8, 30.0, 0.0))
    inputs.comparison["element_profile"].loc[line | {"label": "BS"}] = of_bs
    inputs.comparison["element_profile_sd"].loc[line | {"label": "BS"}] = 1.0
    step = float(np.diff(inputs.comparison["profile_position"].sel(profile="three_rows")[:2])[0])
    inputs.comparison["fwhm"].loc[line] = 4 * step
    inputs.comparison["lattice_period"][:] = np.nan
    inputs.comparison["element_map"].loc[at] = 20.0
    inputs.bs["net_counts"].loc[{"edge": edge}] = 0.0
    first, last = inputs.profiles["three_rows"]["pixels"]
    inputs.bs["net_counts"].loc[{"edge": edge}][first:last, :8] = 30.0
    for variable in ("net_counts_sd", "independent_sd"):
        inputs.bs[variable].loc[{"edge": edge}] = 1.0
    inputs.bs["common_sd"].loc[{"edge": edge}] = 0.0
    inputs.bs["background_counts"].loc[{"edge": edge}] = 300.0
    inputs.bs["off_region_mean"][:] = 0.0
    inputs.comparison["profile_position"].loc[{"profile": "three_rows"}] = step * places
    return inputs, line, step


def beside(inputs):
    return {one.edge: one for one in beside_peaks(inputs, choice.shown_maps(inputs, "vca"))}


def test_beside_its_peak_along_a_profile_an_edge_is_seen_or_has_a_limit(layer):
    inputs, line, step = layer
    (edge, profile), unit = (line["edge"], line["profile"]), inputs.view.unit
    told = beside(inputs)[edge]
    before, beyond = f"{tidy(4 * step, 3)} {unit}", f"{tidy(12 * step, 3)} {unit}"
    expected = (
        f"150 % of the map’s peak before {before} (vca has 100 %), not seen beyond {beyond} "
        "(limit 2.4 % of the map’s peak; vca has 100 %)"  # 1.645 standard deviations of 12 pixels
    )
    assert expected in told.text.replace("\u00a0", " ")
    assert "in “three rows” along x, on average" in told.text
    assert not told.is_whole  # three rows
    assert expected in " ".join(gathered(inputs).where).replace("\u00a0", " ")
    line_of_all = {**inputs.profiles[profile], "pixels": [0, 13]}
    inputs.profiles[profile].update(line_of_all)
    assert beside(inputs)[edge].is_whole
    hidden = f"{edge.replace('_', ' ')} where"
    assert hidden in " ".join(in_short(inputs))
    assert hidden not in " ".join(gathered(inputs).where)


def test_few_counts_beside_a_peak_are_held_against_the_background_under_them(layer):
    """Where it is no power law, as in thick specimens, up to 2 % of it were seen as an element."""
    inputs, line, step = layer
    before = f"{tidy(4 * step, 3)} {inputs.view.unit}"
    for background, more in (
        (2900.0, "; 1.0 % of the background, which may be off by as much"),
        (1400.0, ""),
    ):
        inputs.bs["background_counts"].loc[{"edge": line["edge"]}] = background
        text = beside(inputs)[line["edge"]].text.replace("\u00a0", " ")
        assert f"of the map’s peak before {before} (vca has 100 %{more}), not seen" in text
    few, none = (Sighting(net=net, sd=1.0, peak=200.0, background=1000.0) for net in (9.0, 2.0))
    assert "; 0.90 % of the background" in _in_words(few)[1].replace("\u00a0", " ")
    assert np.isnan(none.of_background)  # not seen
    assert areas.SLIGHT == NEGATIVE_FRACTION


def test_nothing_is_said_beside_a_peak_where_a_mean_would_hide_something(layer):
    inputs, line, _ = layer
    edge = line["edge"]
    for label in ("vca", "BS"):
        values = inputs.comparison["element_profile"].loc[line | {"label": label}]
        kept = values.copy()
        values[15] = 60.0  # another peak
        assert edge not in beside(inputs)
        values[:] = kept
    inputs.bs["net_counts"].loc[{"edge": edge}][:, 13:] = np.nan  # vacuum
    inputs.comparison["element_profile"].loc[line | {"label": "BS"}][13:] = np.nan
    assert "beyond" not in beside(inputs)[edge].text
    inputs.comparison["fwhm"].loc[line] = np.nan  # a step
    assert edge not in beside(inputs)
    inputs.bs.attrs["reference_problems"] = dict.fromkeys(EDGES, "negative")
    assert beside(inputs) == {}


def test_a_ratio_that_only_the_pixels_have_shows_no_composition():
    """Pixels of a component hold others too."""
    phases = (Phase(0, "1 · a", "#000000"), Phase(2, "3 · b", "#000001"))
    talk = xr.DataArray(
        [[0.3, 0.5], [1.0, 0.2], [1.0, 1.0]], dims=("endmember", "edge"), coords={"edge": ["A", "B"]}
    )
    material = Material(phases=phases, edges=("A", "B"), same_within=0.17)
    assert _in_spectra(talk, material) == pytest.approx(0.5 / 0.3 - 1)
    assert _ratios(replace(material, in_spectra=0.67)) == SAME_IN_PIXELS.format(spread="17 %", spectra="67 %")
    assert _ratios(replace(material, in_spectra=0.2)).endswith("as of one composition.")
    assert np.isnan(_in_spectra(talk, Material(phases=phases, edges=("A",))))


def test_what_makes_most_of_a_limit_is_told():
    hidden = Sighting(net=1.0, sd=2.0, peak=200.0, systematic=Systematic(sd=9.0))
    limit = f"limit {words.part_of(hidden, hidden.limit)} of the map’s peak"
    told = sides._in_words(hidden, "before 3 px", 9.0, "vca has 2 %")
    assert told == f"not seen before 3 px ({limit}, most of it for a fixed pattern; vca has 2 %)"
    assert sides._in_words(hidden, "before 3 px", 0.0, "x") == f"not seen before 3 px ({limit}; x)"
    # Counts make most of this one; that one is no limit of noise.
    assert "pattern" not in sides._in_words(replace(hidden, net=26.0), "", 9.0, "")
    assert ", as BS is biased; " in sides._in_words(replace(hidden, net=-100.0), "", 9.0, "x")


def test_a_bias_that_shows_on_one_side_is_in_the_limit_of_the_other():
    """Counts of 5 that a background too high by 20 hides."""
    low, hidden = (Sighting(net=net, sd=1.0, peak=200.0) for net in (-20.0, -1.0))
    first, second = sides._alike_biased([low, hidden])
    assert first == low
    assert second.limit == pytest.approx(19.0 + 1.645)
    assert ", as BS is biased; " in sides._in_words(second, "", 0.0, "x")
    seen = replace(hidden, net=10.0)
    assert sides._alike_biased([low, seen]) == [low, seen]
    assert sides._alike_biased([hidden, hidden]) == [hidden, hidden]
