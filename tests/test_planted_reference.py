"""Defects planted in the windows, the energy axis and the backgrounds of edges: each is named, in words."""

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix.background import BackgroundOptions
from eelsunmix.background.energy_offset import common_offset
from eelsunmix.configuration import read_configuration, window_warnings
from eelsunmix.configuration.__main__ import main
from eelsunmix.edges import Edge

CONFIG = Path(__file__).parents[1] / "config"
DATA = Path(os.environ.get("EELSUNMIX_DATA", "missing"))
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="EELSUNMIX_DATA is not set: no real images")

TI = {"element": "Ti", "onset_eV": 456.0, "fit_eV": [405, 450], "integrate_eV": [456, 490]}
O = {"element": "O", "onset_eV": 532.0, "fit_eV": [492, 526], "integrate_eV": [532, 568]}  # noqa: E741
MN = {"element": "Mn", "onset_eV": 640.0, "fit_eV": [585, 632], "integrate_eV": [640, 676]}
ALL = {"Ti_L23": TI, "O_K": O, "Mn_L23": MN}


def axis(first, last, step):
    return np.arange(float(first), last, step)


def shape_of(energy, onset, height, *, delay=0.0, white=0.0, lines=(3.0, 9.0)):
    """Edge of a height relative to the background at its onset; it may rise slowly or have white lines."""
    above = np.clip(energy - onset, 0, None)
    rise = 1 - np.exp(-above / delay) if delay else 1.0
    lines = white * sum(np.exp(-0.5 * ((energy - onset - at) / 1.5) ** 2) for at in lines)
    return np.where(energy >= onset, height * rise * (energy / onset) ** -3.0, 0.0) + height * lines


def spectrum(energy, *edges, exponent=3.0):
    """Power law of 1 at the first energy, with edges (onset, height, options)."""
    start = energy[0]
    total = (energy / start) ** -exponent
    for onset, height, *options in edges:
        scale = (onset / start) ** -exponent
        total = total + scale * shape_of(energy, onset, height, **(options[0] if options else {}))
    return total


def plural(energy, values, thickness):
    """Scatter once more, or more often, at a plasmon of 22 eV: the Poisson series of a thick specimen."""
    step = energy[1] - energy[0]
    loss = np.arange(0, 150, step)
    plasmon = loss * 5 / ((loss**2 - 22.0**2) ** 2 + (5 * loss) ** 2)
    plasmon /= plasmon.sum()
    once, total, weight = values, values.copy(), 1.0
    for order in range(1, 7):
        padded = np.concatenate([np.full(loss.size - 1, np.nan), once])
        # Below the first channel the power law goes on.
        below = energy[0] - step * np.arange(loss.size - 1, 0, -1)
        padded[: loss.size - 1] = once[0] * (below / energy[0]) ** -3.0
        once = np.convolve(padded, plasmon, mode="valid")
        weight *= thickness / order
        total = total + weight * once
    return total


def image_of(energy, expected, *, dose, seed=0, gain=1.0, shape=(9, 11), share=None):
    """Draw an image of `dose` counts in its first channel; the edges are stronger to the right."""
    share = np.ones(shape) if share is None else share
    brightness = 1 + 0.3 * np.sin(np.arange(shape[0]))[:, None] * share
    rng = np.random.default_rng(seed)
    mean = dose * brightness[..., None] * expected / expected.ravel()[0]
    counts = gain * rng.poisson(mean / gain).astype(float)
    coords = {name: (name, np.arange(float(n)), {"units": "nm"}) for name, n in zip("yx", shape, strict=True)}
    coords["energy_loss"] = ("energy_loss", energy, {"units": "eV"})
    return xr.DataArray(
        counts, dims=("y", "x", "energy_loss"), coords=coords, attrs={"counts_per_electron": gain}
    )


def edges_of(height=0.3, **options):
    return ((456, height, options), (532, height), (640, height, options))


def layered(energy, thin, other, shape=(9, 11)):
    """A map that goes from one material to another along x."""
    share = 1 / (1 + np.exp(-(np.arange(shape[1]) - shape[1] / 2)))
    return (thin * (1 - share[:, None]) + other * share[:, None])[None]


def clean(kind, seed):
    """An image without a defect, and its edges."""
    one, quarter = axis(400, 700, 1.0), axis(398, 690, 0.25)
    plain = spectrum(one, *edges_of(white=1.0))
    bare = spectrum(one)
    thin, thick = plural(one, plain, 0.2), plural(one, plain, 1.5)
    images = {
        "dose of 30": lambda: image_of(one, plain, dose=30, seed=seed),
        "dose of 1e3": lambda: image_of(one, plain, dose=1e3, seed=seed),
        "dose of 1e5": lambda: image_of(one, plain, dose=1e5, seed=seed),
        "a layer": lambda: image_of(one, layered(one, bare, plain), dose=400, seed=seed),
        "elements absent": lambda: image_of(one, bare, dose=1e5, seed=seed),
        "camera": lambda: image_of(one, plain, dose=900, seed=seed, gain=15.0),
        "camera of few counts": lambda: image_of(one, plain, dose=120, seed=seed, gain=15.0),
        "thin": lambda: image_of(one, thin, dose=1e4, seed=seed),
        "thick": lambda: image_of(one, thick, dose=1e5, seed=seed),
        "delayed": lambda: image_of(one, spectrum(one, *edges_of(delay=15.0)), dose=2e3, seed=seed),
        "0.25 eV per channel": lambda: image_of(
            quarter, spectrum(quarter, *edges_of(white=1.5)), dose=30, seed=seed
        ),
        "steep": lambda: image_of(one, spectrum(one, *edges_of(), exponent=4.5), dose=500, seed=seed),
        "flat": lambda: image_of(one, spectrum(one, *edges_of(), exponent=1.8), dose=500, seed=seed),
        "few pixels": lambda: image_of(one, plain, dose=40, seed=seed, shape=(1, 2)),
        "nearly no counts": lambda: image_of(one, plain, dose=2, seed=seed),
    }
    return images[kind]() if kind in images else sorted(images)


KINDS = clean("", 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("exponent", ["local", "pixel", "global"])
def test_clean_images_have_neither_warnings_nor_problems(kind, exponent):
    bs = eu.subtract_background(clean(kind, 5), ALL, BackgroundOptions(exponent=exponent))
    assert bs.attrs["warnings"] == []
    assert bs.attrs["reference_problems"] == {}
    assert abs(bs.attrs["energy_axis"]["offset_eV"] or 0.0) < 2.5


ONE = axis(365, 735, 1.0)
PLAIN = spectrum(ONE, *edges_of())


def on_axis(offset, expected, **options):
    """Image whose file says energies that are `offset` too high."""
    image = image_of(ONE, expected, **options)
    return image.assign_coords(energy_loss=("energy_loss", ONE + offset, {"units": "eV"}))


def problems(image, edges=ALL, **options):
    return eu.subtract_background(image, edges, BackgroundOptions(**options)).attrs["reference_problems"]


def warnings(edges):
    """Those of the windows; that the edge itself lies elsewhere is said besides."""
    found = eu.subtract_background(image_of(ONE, PLAIN, dose=200), edges).attrs["warnings"]
    return [text for text in found if text.startswith("edges.")]


@pytest.mark.parametrize("exponent", ["local", "pixel", "global"])
@pytest.mark.parametrize(("dose", "gain"), [(40, 1.0), (1e4, 1.0), (1500, 15.0)])
@pytest.mark.parametrize("offset", [-15, -25])
def test_an_axis_that_is_off_makes_net_counts_negative(offset, dose, gain, exponent):
    found = problems(on_axis(offset, PLAIN, dose=dose, gain=gain, seed=1), exponent=exponent)
    (text,) = found["O_K"]
    assert "The exponent of the background is -" in text
    assert "net counts are negative" in text
    assert text.count("Move edges.O_K.fit_eV") == text.count("offset_eV") == 1
    assert set(found) >= {"Ti_L23", "O_K"}


def test_a_weak_edge_on_an_axis_that_is_off_is_negative_though_its_exponent_is_usual():
    weak = spectrum(ONE, *edges_of(0.1))
    found = problems(on_axis(-30, weak, dose=1000, seed=2))
    assert set(found) == set(ALL)
    for texts in found.values():
        (text,) = texts
        assert text.startswith("The net counts are negative")


def test_the_onset_in_the_fit_window_bends_the_background():
    # Written down too high as well, so that the windows agree with it.
    late = TI | {"onset_eV": 478.0, "fit_eV": [425, 474], "integrate_eV": [478, 512]}
    found = problems(image_of(ONE, PLAIN, dose=800, seed=3), {"Ti_L23": late})
    assert any("deviate from a power law" in text for text in found["Ti_L23"])
    (text,) = eu.subtract_background(image_of(ONE, PLAIN, dose=800), {"Ti_L23": late}).attrs["warnings"]
    assert text.startswith("Ti_L23 rises at 45")


def test_an_unnamed_edge_in_the_fit_window_is_seen():
    # Nitrogen, of which the configuration knows nothing.
    edge = {"O_K": O | {"fit_eV": [375, 440]}}
    expected = spectrum(ONE, (410, 0.5))
    (text,) = problems(image_of(ONE, expected, dose=300, seed=4), edge)["O_K"]
    assert "deviate from a power law" in text
    assert problems(image_of(ONE, spectrum(ONE), dose=300, seed=4), edge) == {}


@pytest.mark.parametrize(("exponent", "sign"), [(0.3, "0.3"), (-1.5, "-1.5"), (8.0, "8.0"), (25.0, "20.0")])
def test_an_exponent_that_no_background_has_is_named(exponent, sign):
    image = image_of(ONE, spectrum(ONE, exponent=exponent), dose=2000, seed=5)
    texts = problems(image, {"Ti_L23": TI})["Ti_L23"]
    assert any(f"he exponent of the background is {sign}, and not within 1 to 6.5" in text for text in texts)


def test_noisy_exponents_of_a_short_window_are_no_problem_in_a_plain_image():
    short = {"Ti_L23": TI | {"fit_eV": [444, 450]}}
    bs = eu.subtract_background(
        image_of(ONE, spectrum(ONE), dose=20, seed=6), short, BackgroundOptions(exponent="pixel")
    )
    assert (~((bs.exponent > 1) & (bs.exponent < 6.5))).mean() > 0.5
    assert bs.attrs["reference_problems"] == {}


def test_one_spike_condemns_no_image():
    image = image_of(ONE, PLAIN, dose=100, seed=7)
    image[3, 4, 70] = 1e6
    assert problems(image) == {}


def test_masked_pixels_take_no_part():
    image = image_of(ONE, PLAIN, dose=300, seed=8)
    spoiled = np.zeros(image.shape[:2], bool)
    spoiled[:, :8] = True
    image[:, :8] = 300 * (ONE / 365) ** 2.0
    assert set(problems(image)) == set(ALL)
    assert problems(image.assign_coords(valid_pixel=(("y", "x"), ~spoiled))) == {}


def test_a_fit_window_across_another_onset_is_named():
    (text,) = warnings({"Ti_L23": TI, "Mn_L23": MN | {"fit_eV": [440, 520]}})
    assert text.startswith(
        "edges.Mn_L23.fit_eV: the fit window 440-520 eV lies across the onset of Ti_L23 at 456"
    )


@pytest.mark.parametrize(("begin", "is_named"), [(456, True), (475, True), (476, False)])
def test_a_fit_window_just_after_another_onset_is_named(begin, is_named):
    """Its white lines, at 456 and 462 eV here, are then taken for background."""
    found = warnings({"Ti_L23": TI, "Mn_L23": MN | {"fit_eV": [begin, 520]}})
    said = (
        f"edges.Mn_L23.fit_eV: the fit window {begin}-520 eV begins on Ti_L23, which rises at 456 eV; "
        "begin it at 476 eV or later"
    )
    assert found == ([said] if is_named else [])


def test_who_begins_a_fit_window_where_advised_is_not_advised_again():
    """An onset need not be a whole number: 456.3 eV and its lines end at 476.3 eV, not at 476 eV."""
    ti = TI | {"onset_eV": 456.3}
    (text,) = warnings({"Ti_L23": ti, "Mn_L23": MN | {"fit_eV": [470, 520]}})
    assert text.endswith("begin it at 477 eV or later")
    assert warnings({"Ti_L23": ti, "Mn_L23": MN | {"fit_eV": [477, 520]}}) == []


def test_the_own_onset_in_the_fit_window_is_named():
    (text,) = warnings({"Ti_L23": TI | {"onset_eV": 431.0}})
    assert "holds the onset of the edge itself, 431 eV" in text


@pytest.mark.parametrize(
    ("onset", "n_warnings"), [(396, 1), (399, 1), (494, 0), (496, 1), (4560, 1), (452, 0)]
)
def test_an_onset_far_from_its_windows_is_named(onset, n_warnings):
    found = warnings({"Ti_L23": TI | {"onset_eV": float(onset)}})
    assert len(found) == n_warnings
    assert all(
        "is not between the fit window and the end of the integration window" in text for text in found
    )


def test_every_other_edge_across_is_named_once_and_the_edge_itself_not_twice():
    across = {"Ti_L23": TI, "O_K": O, "Mn_L23": MN | {"fit_eV": [440, 620]}}
    assert [text.split(" lies ")[1].split(" at ")[0] for text in warnings(across)] == [
        "across the onset of Ti_L23",
        "across the onset of O_K",
    ]
    again = {"Ti_L23": TI | {"onset_eV": 440.0}, "Ti_L3": TI | {"onset_eV": 440.0}}
    assert len(warnings(again)) == 2


OF_TI, OF_MN, OF_CO = ({"white": 2.0, "lines": (2.0, 2.0 + apart)} for apart in (6, 11, 15))
WHITE = spectrum(ONE, (456, 0.3, OF_TI), (532, 0.3), (640, 0.3, OF_MN))


def axis_of(image, edges=ALL, **options):
    """Warnings of the axis, what was measured, and the problems, of one subtraction."""
    attrs = eu.subtract_background(image, edges, **options).attrs
    return attrs["warnings"], attrs["energy_axis"], attrs["reference_problems"]


@pytest.mark.parametrize(("dose", "gain"), [(80, 1.0), (2e4, 1.0), (1500, 15.0)])
@pytest.mark.parametrize("offset", [-17, -8, -5, 5, 11, 19])
def test_an_axis_that_is_off_is_measured_and_the_override_is_right(offset, dose, gain):
    (text, *others), measured, _ = axis_of(on_axis(offset, WHITE, dose=dose, gain=gain, seed=11))
    assert others == []
    assert measured["offset_eV"] == pytest.approx(offset, abs=2.0)
    side = "too low" if offset < 0 else "too high"
    assert text.startswith(f"The energy axis is about {abs(measured['offset_eV']):.1f} eV {side}")
    proposed = float(text.split("{energy: {offset_eV: ")[1].split("}")[0])
    assert proposed == pytest.approx(ONE[0], abs=2.0)


def test_the_override_leaves_nothing_to_warn_of():
    image = on_axis(9, WHITE, dose=2000, seed=12)
    (text,), _, _ = axis_of(image)
    first = float(text.split("offset_eV: ")[1].split("}")[0])
    right = image.assign_coords(energy_loss=image.energy_loss + (first - float(image.energy_loss[0])))
    right.energy_loss.attrs = image.energy_loss.attrs
    warned, measured, problems = axis_of(right)
    assert (warned, problems) == ([], {})
    assert abs(measured["offset_eV"]) < 1.5


def test_the_override_is_of_the_axis_of_the_file_where_the_image_is_cropped():
    image = on_axis(-10, WHITE, dose=2000, seed=13)
    (text,), _, _ = axis_of(image[..., 20:], raw_energy=image.energy_loss)
    assert float(text.split("offset_eV: ")[1].split("}")[0]) == pytest.approx(ONE[0], abs=2.0)


def test_a_shift_within_chemistry_is_none():
    for offset in (-2, 2):
        warned, measured, _ = axis_of(on_axis(offset, WHITE, dose=2000, seed=14))
        assert warned == []
        assert measured["offset_eV"] == pytest.approx(offset, abs=1.5)


def test_onsets_that_follow_an_axis_that_is_off_are_information():
    moved = {
        name: edge
        | {"onset_eV": edge["onset_eV"] - 12}
        | {key: [value - 12 for value in edge[key]] for key in ("fit_eV", "integrate_eV")}
        for name, edge in ALL.items()
    }
    warned, measured, problems = axis_of(on_axis(-12, WHITE, dose=2000, seed=15), moved)
    assert (warned, problems) == ([], {})
    assert measured["offset_eV"] == pytest.approx(0, abs=2)
    assert measured["table_offset_eV"] == pytest.approx(-12, abs=2)
    assert "below the table, which these onsets allow for" in measured["summary"]


def test_one_edge_alone_proposes_no_number():
    (text,), measured, problems = axis_of(on_axis(-14, WHITE, dose=2000, seed=16), {"Mn_L23": MN})
    assert text.startswith("Mn_L23 rises at 62")
    assert "One edge does not tell" in text
    assert measured["offset_eV"] is None
    assert "An edge rises at 62" in problems["Mn_L23"][0]


def test_edges_that_disagree_propose_no_number():
    edges = ALL | {"O_K": O | {"onset_eV": 545.0}, "Ti_L23": TI | {"onset_eV": 440.0}}
    warned, measured, _ = axis_of(on_axis(0, WHITE, dose=2000, seed=17), edges)
    assert "The edges disagree on the energy axis" in warned[0]
    assert "so none is proposed" in warned[0]
    assert measured["offset_eV"] is None


def test_one_wrong_onset_among_right_ones_is_named_alone():
    edges = ALL | {"O_K": O | {"onset_eV": 545.0}}
    (text, *_), measured, _ = axis_of(on_axis(0, WHITE, dose=2000, seed=18), edges)
    assert text.startswith("O_K rises at 53")
    assert measured["offset_eV"] == pytest.approx(0, abs=2)


def test_a_wrong_dispersion_is_measured_with_four_edges():
    energy = axis(365, 900, 1.0)
    edges = ALL | {
        "Co_L23": {"element": "Co", "onset_eV": 779, "fit_eV": [700, 770], "integrate_eV": [779, 820]}
    }
    expected = spectrum(energy, (456, 0.3, OF_TI), (532, 0.3), (640, 0.3, OF_MN), (779, 0.3, OF_CO))
    image = image_of(energy, expected, dose=5000, seed=19)
    stored = 365 + (energy - 365) * 0.97 - 6  # channels of 0.97 eV where they are 1 eV wide
    image = image.assign_coords(energy_loss=("energy_loss", stored, {"units": "eV"}))
    text = axis_of(image, edges)[0][0]
    first, width = text.split("offset_eV: ")[1].split("}")[0].split(", dispersion_eV: ")
    assert float(width) == pytest.approx(1.0, abs=0.012)
    assert float(first) == pytest.approx(365, abs=4)


@pytest.mark.parametrize("stretch", [0.032, -0.036])
def test_a_wrong_dispersion_is_named_though_its_shifts_balance(stretch):
    energy = axis(355, 940, 1.5)
    onsets = {"Ti_L23": 456.0, "O_K": 532.0, "Mn_L23": 640.0, "Co_L23": 779.0}
    co = {"element": "Co", "onset_eV": 779, "fit_eV": [700, 770], "integrate_eV": [779, 820]}
    expected = spectrum(energy, (456, 0.3, OF_TI), (532, 0.3), (640, 0.3, OF_MN), (779, 0.3, OF_CO))
    image = image_of(energy, expected, dose=4000, seed=23)
    centre = np.mean(list(onsets.values()))
    stored = energy + stretch * (energy - centre)
    image = image.assign_coords(energy_loss=("energy_loss", stored, {"units": "eV"}))
    (text,), measured, _ = axis_of(image, ALL | {"Co_L23": co})
    assert abs(measured["offset_eV"]) < 2
    assert text.startswith("The energy axis is off by ")
    assert "0.0 eV too" not in text
    first, width = text.split("offset_eV: ")[1].split("}")[0].split(", dispersion_eV: ")
    assert float(width) == pytest.approx(1.5, abs=0.018)
    assert float(first) == pytest.approx(355, abs=4)


def test_a_small_stretch_or_one_of_three_edges_is_not_named():
    onsets = [400.0, 633.0, 867.0, 1100.0]
    assert not common_offset(onsets, [-2.0, -1.0, 1.0, 2.0]).is_sure
    assert common_offset(onsets[:3], [-12.0, 0.0, 12.0]) is None
    balanced = common_offset(onsets, [-12.0, -4.0, 4.0, 12.0])
    assert balanced.is_sure
    assert not balanced.mean_is_sure


LARGE = axis(399, 702, 1.5)


@pytest.mark.parametrize("seed", [31, 32])
@pytest.mark.parametrize("height", [0.0, 0.05, 0.3])
def test_large_clean_images_have_neither_warnings_nor_problems(height, seed):
    """The more pixels, the surer is a step that the choice of pixels made: 8000 show what 99 do not."""
    bare, plain = spectrum(LARGE), spectrum(LARGE, (456, height), (640, height))
    mean = 200 * np.where(np.arange(90)[:, None] > 40, plain, bare)
    counts = np.random.default_rng(seed).poisson(mean, size=(88, 90, LARGE.size))
    image = image_of(LARGE, bare, dose=1, shape=(88, 90)).copy(data=counts.astype(float))
    warned, measured, problems = axis_of(image, {"Ti_L23": TI, "Mn_L23": MN})
    assert (warned, problems) == ([], {})
    assert len(measured["onsets"]) == (2 if height else 0)


@pytest.mark.parametrize("offset", [-12, 6])
def test_weak_edges_of_a_large_image_tell_its_offset(offset):
    stored = {"energy_loss": ("energy_loss", LARGE + offset, {"units": "eV"})}
    mean = 200 * spectrum(LARGE, (456, 0.06), (640, 0.06))
    counts = np.random.default_rng(33).poisson(mean, size=(88, 90, LARGE.size))
    image = image_of(LARGE, mean, dose=1, shape=(88, 90)).copy(data=counts.astype(float))
    (text, *_), measured, _ = axis_of(image.assign_coords(stored), {"Ti_L23": TI, "Mn_L23": MN})
    assert text.startswith("The energy axis is about ")
    assert measured["offset_eV"] == pytest.approx(offset, abs=2)


@pytest.mark.parametrize(("delay", "offset"), [(12, 9), (25, -13)])
def test_delayed_edges_are_off_by_as_much_as_the_axis(delay, offset):
    expected = spectrum(ONE, *edges_of(0.3, delay=delay), (532, 0.0))
    measured = axis_of(on_axis(offset, expected, dose=1e4, seed=20))[1]
    assert measured["offset_eV"] == pytest.approx(offset, abs=2.5)


def test_an_image_of_eds_has_no_onsets():
    image = image_of(ONE, WHITE, dose=500, seed=21).rename(energy_loss="energy")
    image = image.assign_coords(energy=("energy", (ONE - 30) / 1000, {"units": "keV"}))
    assert axis_of(image)[1]["onsets"] == {}


def test_an_edge_of_which_only_one_pixel_tells_is_not_measured():
    image = image_of(ONE, spectrum(ONE), dose=300, seed=22)
    image[4, 5] = 1e4 * spectrum(ONE, (470, 1.0))
    assert axis_of(image)[1]["onsets"] == {}


@needs_data
def test_the_real_cathode_is_named_with_its_textbook_windows():
    image = eu.open_image(DATA / "NMC_core-loss_2x21.dm3")
    names = {
        "Mn": (640, 580, 632, 668),
        "Co": (779, 700, 770, 820),
        "Ni": (855, 780, 845, 890),
        "O": (532, 480, 525, 570),
    }
    edges = {
        name: {"element": name, "onset_eV": onset, "fit_eV": [low, high], "integrate_eV": [onset, end]}
        for name, (onset, low, high, end) in names.items()
    }
    (text, on_cobalt), _, problems = axis_of(image, edges)
    assert "the fit window 780-845 eV begins on Co, which rises at 779 eV" in on_cobalt
    assert text.startswith("The energy axis is about 16.")
    assert "its dispersion is off by 2.1% (standard error 1.4%)" in text  # too unsure to be proposed
    assert "offset_eV: 456.7}} in the configuration: the offset first" in text
    assert "dispersion_eV" not in text
    # The peak of nickel lies in its fit window, and the net counts of it are nearly zero.
    assert "An edge rises at 833 eV, in the fit window 780-845 eV" in problems["Ni"][0]
    alone = axis_of(image, {"Ni": edges["Ni"]})
    assert alone[0][0].startswith("Ni rises at 833 eV, 22 eV below")
    assert set(alone[2]) == {"Ni"}


@needs_data
def test_the_real_oxide_is_named_with_textbook_onsets_and_not_with_its_own():
    image = eu.open_image(DATA / "STO-LMO_EELS_SI.dm3")
    own = (
        read_configuration([CONFIG / "examples" / "sto_lmo.yaml"], must_exist=False).samples["STO-LMO"].edges
    )
    textbook = {name: onset for name, onset in zip(own, (456, 532, 640, 832), strict=True)}
    moved = {name: edge.replaced(onset_eV=textbook[name]) for name, edge in own.items()}
    warned, measured, _ = axis_of(image, moved)
    assert measured["offset_eV"] == pytest.approx(-4.5, abs=1.5)
    assert warned[0].startswith("The energy axis is about 4.")
    warned, measured, problems = axis_of(image, own)
    assert (warned, problems) == ([], {})
    assert "below the table, which these onsets allow for" in measured["summary"]


TOP_EDGES = """
edges:
  N_K: {element: N, onset_eV: 402, fit_eV: [360, 395], integrate_eV: [399, 439]}
  Fe_L23: {element: Fe, onset_eV: 708, fit_eV: [380, 700], integrate_eV: [705, 760]}
methods: {vca: {}}
"""


def configured(folder, samples):
    path = folder / "c.yaml"
    path.write_text("samples:\n" + samples + TOP_EDGES)
    return path


def test_windows_are_named_before_any_job_once_for_all_samples(tmp_path, capsys):
    samples = "".join(f"  S{i}: {{simulate: {{scene: multilayer, seed: {i}}}}}\n" for i in range(5))
    path = configured(tmp_path, samples)
    (text,) = window_warnings(read_configuration([path]).samples)
    assert text.startswith("samples S0, S1, S2 and 2 more: edges.Fe_L23.fit_eV: the fit window 380-700 eV")
    assert "across the onset of N_K at 402 eV" in text
    assert main([str(path)]) == 0
    assert f"\nwarning: {text}\n" in capsys.readouterr().out


def test_a_sample_with_windows_of_its_own_is_named_alone(tmp_path):
    own = "edges: {N_K: {element: N, onset_eV: 377, fit_eV: [360, 395], integrate_eV: [399, 439]}}"
    path = configured(
        tmp_path,
        f"  A: {{simulate: {{scene: multilayer}}, {own}}}\n  B: {{simulate: {{scene: multilayer}}}}\n",
    )
    own_text, shared = window_warnings(read_configuration([path]).samples)
    assert own_text.startswith("sample A: edges.N_K.fit_eV: the fit window 360-395 eV holds the onset")
    assert shared.startswith("sample B: edges.Fe_L23.fit_eV")


@pytest.mark.parametrize("path", sorted([CONFIG / "config.yaml", *CONFIG.glob("examples/*.yaml")]), ids=str)
def test_the_windows_of_the_examples_fit_their_onsets(path):
    assert window_warnings(read_configuration([path], must_exist=False).samples) == []


def test_edges_of_the_low_loss_are_subtracted_beside_energies_below_zero():
    energy = xr.DataArray(-20 + 0.5 * np.arange(400), dims="energy_loss", attrs={"units": "eV"})
    counts = np.random.default_rng(81).poisson(500.0, (7, 9, 400)).astype(float)
    image = xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords={"energy_loss": energy})
    edge = Edge(element="Li", onset_eV=55, fit_eV=(42, 53), integrate_eV=(54, 75))
    bs = eu.subtract_background(image, {"Li_K": edge})
    assert abs(float(bs.net_counts.mean())) < 5 * float(np.sqrt((bs.net_counts_sd**2).mean() / 63))
    assert bs.attrs["energy_axis"]["warnings"] == []


def test_two_windows_on_one_rise_are_one_witness_of_the_energy_axis():
    energy = 380.0 + np.arange(400)
    background = 2000 * (energy / 380) ** -3
    rise = sum(
        600
        * (t / 380) ** -3
        * ((energy > t) * (energy / t) ** -3 + 2 * np.exp(-0.5 * ((energy - t - 2) / 1.5) ** 2))
        for t in (450, 456)
    )
    expected = background + np.linspace(0, 1, 12)[None, :, None] * rise * np.ones((11, 1, 1))
    axis = xr.DataArray(energy, dims="energy_loss", attrs={"units": "eV"})
    counts = np.random.default_rng(82).poisson(expected).astype(float)
    image = xr.DataArray(counts, dims=("y", "x", "energy_loss"), coords={"energy_loss": axis})
    first = Edge(element="Ti", onset_eV=456, fit_eV=(410, 446), integrate_eV=(456, 496))
    second = Edge(element="Ti", onset_eV=462, fit_eV=(405, 446), integrate_eV=(462, 500))
    said = eu.subtract_background(image, {"L3": first, "L2": second}).attrs["energy_axis"]["warnings"]
    assert not any("offset_eV: 3" in text for text in said)  # one rise gives no number for the axis
