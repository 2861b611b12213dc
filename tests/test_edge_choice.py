"""What names of edges mean on an energy axis: windows that have room, and refusals that are right."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import eelsunmix as eu
from eelsunmix.background.window_check import check_windows
from eelsunmix.configuration import as_params, from_params, read_configuration
from eelsunmix.corrections.protected import protected_edges
from eelsunmix.edge_choice import choices_in_words, resolve_edges
from eelsunmix.edge_table import TABLE
from eelsunmix.edge_windows import (
    BEFORE_NEXT_EV,
    FEWEST_FIT_EV,
    FEWEST_SIGNAL_EV,
    GAP_EV,
    SHORTEST_RECOVERY_EV,
)
from eelsunmix.edges import Edge, EdgeRequest, as_requests, complete_edges
from eelsunmix.errors import InputError
from eelsunmix.examples import find_example

EXAMPLES = Path(__file__).parents[1] / "config" / "examples"
AXIS = np.arange(350.0, 862.0, 0.5)
STRONG = {edge.name: edge for edge in TABLE if edge.strong and 60 < edge.onset_eV < 2500}


def axis(first, channel, number, units="eV"):
    values = first + channel * np.arange(number)
    return xr.DataArray(values, dims="energy_loss", name="energy_loss", attrs={"units": units})


@pytest.mark.parametrize(
    "written",
    [["Ti", "O"], ["Ti_L23", "O_K"], ["Ti L2,3", "O K"], {"Ti": {}, "O": {}}, {"Ti_L23": {}, "O_K": {}}],
    ids=str,
)
def test_names_alone_are_enough(written):
    edges = resolve_edges(written, AXIS)
    assert [edge.element for edge in edges.values()] == ["Ti", "O"]
    assert [edge.onset_eV for edge in edges.values()] == [456, 532]
    ti, o = edges.values()
    assert ti.fit_eV[1] < 456 < ti.integrate_eV[1] < 532
    assert 462 < o.fit_eV[0] < o.fit_eV[1] < 532


def test_an_element_alone_gives_its_edge_the_name():
    assert list(resolve_edges(["La", "Mn"], AXIS)) == ["La_M45", "Mn_L23"]
    assert list(resolve_edges({"La": {"reference": True}}, AXIS)) == ["La"]  # which the user has called so


def test_what_is_said_of_an_edge_stays_when_its_windows_are_chosen():
    edges = resolve_edges({"Ti_L23": {"shared": True}, "O_K": {"reference": True}}, AXIS)
    assert [(edge.shared, edge.reference) for edge in edges.values()] == [(True, False), (False, True)]


def test_an_element_alone_is_called_by_its_edge_after_the_way_through_a_job():
    read = as_requests({"O": {"element": "O"}})
    assert list(resolve_edges(from_params(dict[str, EdgeRequest], as_params(read)), AXIS)) == ["O_K"]


def test_what_is_written_wins():
    edges = resolve_edges({"O_K": {"fit_eV": [490, 521]}, "Mn_L23": {"integrate_eV": (641, 660)}}, AXIS)
    assert edges["O_K"].fit_eV == (490, 521)
    assert edges["Mn_L23"].integrate_eV == (641, 660)
    assert edges["O_K"].integrate_eV[0] >= 521
    moved = resolve_edges({"O_K": {"onset_eV": 525}, "Ti_L23": {}}, AXIS)
    assert moved["O_K"].onset_eV == 525
    assert moved["O_K"].fit_eV[1] <= 519
    assert moved["Ti_L23"].integrate_eV[1] < 525


def test_whole_edges_stay_as_they_are():
    edge = Edge(element="Ti", onset_eV=456, fit_eV=(405, 450), integrate_eV=(453, 486))
    assert resolve_edges({"Ti_L23": edge, "mine": edge}, AXIS) == {"Ti_L23": edge, "mine": edge}
    assert resolve_edges({"Ti_L23": edge, "O_K": {}}, AXIS)["Ti_L23"] == edge


def test_the_edge_that_lies_on_the_axis_is_taken():
    assert list(resolve_edges(["Si"], axis(60, 0.2, 700))) == ["Si_L23"]
    assert list(resolve_edges(["Si"], axis(1500, 1.0, 700))) == ["Si_K"]
    assert list(resolve_edges(["Ru"], axis(300, 1.0, 500))) == ["Ru_M23"]


@pytest.mark.parametrize(
    ("written", "on", "reason"),
    [
        (
            ["V_L23", "O_K"],
            AXIS,
            r"edges\.O_K: no room to fit a background before 532 eV, since V rises at 513",
        ),
        (["Ti"], axis(440, 0.5, 600), r"edges\.Ti: no room to fit .* the axis begins at 440 eV"),
        (["La"], axis(500, 0.5, 670), r"edges\.La: La_M45: no room to sum .* the axis ends at 834 eV"),
        (["Ru_M45", "C_K"], axis(200, 0.5, 400), r"edges\.Ru_M45: no room to sum .* since C rises at 284 eV"),
        (
            ["Fe", "Pt"],
            AXIS,
            r"edges\.Pt: Pt_M45 at 2122 eV lies off the axis 350-861 eV; name one that is weak",
        ),
        (["Au"], axis(250, 0.5, 600), r"name one that is weak \(Au_N45 at 335 eV"),
        (["Ti", "Ti_L23"], AXIS, r"Ti_L23 is named twice"),
        (["Ti", "Ti"], AXIS, r"'Ti' is named twice"),
        (["layer"], AXIS, r"edges\.layer: names no element"),
        (["Ti_K"], AXIS, r"edges\.Ti_K: Ti has no K edge between 30 and 3000 eV; its edges are Ti_L23"),
        ({"Mn_L23": {"element": "Fe"}}, AXIS, r"edges\.Mn_L23: the name says Mn, but the element is Fe"),
        ({"O_K": {"fit": [1, 2]}}, AXIS, r"edges\.O_K: fit is not an option"),
        (["Ti"], AXIS[:1], "the energy axis has 1 channel"),
    ],
    ids=str,
)
def test_where_there_is_no_room_the_reason_is_given(written, on, reason):
    with pytest.raises(InputError, match=reason):
        resolve_edges(written, on)


def test_every_edge_without_room_is_named():
    with pytest.raises(InputError, match=r"edges\.O: .*; edges\.B: "):
        resolve_edges(["V", "O", "B"], axis(450, 0.5, 300))


def _random_case(seed):
    """An axis and names of strong edges, some of which lie on it."""
    rng = np.random.default_rng(seed)
    channel = float(rng.choice([0.1, 0.25, 0.5, 1.0, 2.0, 3.33]))
    first, number = float(rng.uniform(40, 900)), int(rng.integers(150, 1500))
    energies = first + channel * np.arange(number)
    near = [one for one in STRONG.values() if energies[0] - 30 < one.onset_eV < energies[-1] + 30]
    picked = rng.permutation(len(near))[: int(rng.integers(1, 6))]
    return energies, [near[place].name for place in picked]


def _one_by_one(names, energies):
    """Edges that have room, and those that are refused; neighbours are those of all names."""
    found, refused = {}, []
    requests = as_requests(names)
    for name in names:
        # The windows of the others are given, so that they cannot fail.
        given = {n: _somewhere(STRONG[n]) if n != name else request for n, request in requests.items()}
        try:
            found[name] = resolve_edges(given, energies)[name]
        except InputError:
            refused.append(name)
    return found, refused


def _somewhere(edge):
    return EdgeRequest(onset_eV=edge.onset_eV, fit_eV=(1, 2), integrate_eV=(3, 4), element=edge.element)


@pytest.mark.parametrize("seed", range(30))
def test_windows_have_room_and_refusals_are_right(seed):
    energies, names = _random_case(seed)
    found, refused = _one_by_one(names, energies)
    elements = {STRONG[name].element for name in names}
    onsets = [one for one in STRONG.values() if one.element in elements]
    channel = energies[1] - energies[0]
    for name, edge in found.items():
        others = [one.onset_eV for one in onsets if one.name != name]
        assert not [onset for onset in others if edge.fit_eV[0] - 10 < onset < edge.fit_eV[1]]
        assert not [onset for onset in others if edge.onset_eV <= onset < edge.integrate_eV[1]]
        assert energies[0] < edge.fit_eV[0] < edge.fit_eV[1] < edge.onset_eV < edge.integrate_eV[1]
        assert edge.integrate_eV[1] < energies[-1]
        assert edge.fit_eV[1] <= edge.integrate_eV[0]
    expected = ("channels;", "on the fine structure of")
    assert all(any(words in text for words in expected) for text in check_windows(found, energies))
    for name in refused:
        assert not _has_room(STRONG[name], [one for one in onsets if one.name != name], energies, channel)


def _has_room(edge, others, energies, channel):
    """Look for any windows of the least size and three channels more."""
    onset, spare = edge.onset_eV, 3 * channel + 2
    starts = np.arange(max(energies[0] + channel, onset / 2), onset, channel / 4)
    ends = starts + max(FEWEST_FIT_EV, 5 * channel) + spare
    fits = ends <= onset - max(GAP_EV, 1.2 * channel)
    for other in others:
        if other.onset_eV < onset:
            fits &= starts >= other.onset_eV + other.splitting + SHORTEST_RECOVERY_EV
    limit = min([one.onset_eV for one in others if one.onset_eV >= onset], default=np.inf)
    end = min(limit - max(BEFORE_NEXT_EV, channel), energies[-1] - channel)
    return bool(fits.any()) and end - onset >= max(FEWEST_SIGNAL_EV, 3 * channel) + spare


def test_what_was_chosen_is_said_as_it_could_be_written():
    requests = as_requests({"O_K": {"fit_eV": [490, 521]}})
    (text,) = choices_in_words(resolve_edges(requests, AXIS), requests)
    assert text.startswith("edges.O_K: chosen by its name and the axis: onset_eV: 532, integrate_eV: [529, ")


def test_choices_are_logged(caplog):
    with caplog.at_level("INFO", logger="eelsunmix"):
        resolve_edges(["Mn"], AXIS)
    assert "edges.Mn_L23: chosen by its name and the axis: onset_eV: 640, fit_eV: [" in caplog.text


def test_gain_is_protected_at_all_edges_that_a_name_may_mean():
    assert {name: one["onset_eV"] for name, one in protected_edges(["Ru", "Ti_L1"]).items()} == {
        "Ru_M45": 279,
        "Ru_M23": 461,
        "Ru_L23": 2838,
        "Ti_L1": 561,
    }
    given = {"mine": {"onset_eV": 470}, "O_K": EdgeRequest(element="O", onset_eV=525)}
    assert protected_edges(given) == given


def _image(seed=1):
    """Ti and O above E^-3, in the right half."""
    rng = np.random.default_rng(seed)
    counts = np.broadcast_to(400 * (AXIS / AXIS[0]) ** -3.0, (5, 8, AXIS.size)).copy()
    for onset in (456, 532):
        counts[:, 4:] += 60 * (onset <= AXIS) * (AXIS / onset) ** -3.0
    coords = {"energy_loss": axis(350, 0.5, AXIS.size)}
    return xr.DataArray(rng.poisson(counts), dims=("y", "x", "energy_loss"), coords=coords)


def test_notebooks_take_names():
    image = _image()
    bs = eu.subtract_background(image, edges=["Ti", "O"])
    assert list(bs.edge.values) == ["Ti_L23", "O_K"]
    right, left = bs.net_counts[:, :, 4:].mean(("y", "x")), bs.net_counts[:, :, :4].mean(("y", "x"))
    length = np.array(
        [bs.attrs["edges"][name]["integrate_eV"][1] - 456 - 76 * (name == "O_K") for name in bs.edge.values]
    )
    np.testing.assert_allclose(right, 60 * length / 0.5 * 0.9, rtol=0.1)
    assert (abs(left) < 0.1 * right).all()
    written = {name: edge for name, edge in resolve_edges(["Ti", "O"], image.energy_loss).items()}
    assert eu.subtract_background(image, written).identical(bs)
    assert eu.correct_gain(image, edges=["Ti", "O"]).attrs["corrections"][1]["step"] == "gain"


def _best(bs):
    """Mean SNR of the tenth of the pixels that has the highest, edge by edge."""
    snr = bs.snr.stack(pixel=("y", "x"))
    return {name: np.sort(snr.sel(edge=name))[-snr.sizes["pixel"] // 10 :].mean() for name in bs.edge.values}


def _against_hand(image, hand):
    """SNR of the windows by default over that of windows chosen by hand, and both subtractions."""
    named = {name: {"onset_eV": edge.onset_eV} for name, edge in hand.items()}
    chosen = resolve_edges(named, image.energy_loss)
    first, second = eu.subtract_background(image, hand), eu.subtract_background(image, chosen)
    best, ours = _best(first), _best(second)
    return {name: ours[name] / best[name] for name in best}, first, second


@pytest.mark.parametrize("level", ["linear", "realistic"])
def test_windows_by_default_are_nearly_as_good_as_those_of_the_example(level):
    scene = eu.synthetic.multilayer(seed=7, level=level, shape=(20, 75))
    ratios, by_hand, chosen = _against_hand(scene.spectrum_image, _hand("multilayer.yaml"))
    assert min(ratios.values()) > 0.8, ratios
    for name in ("Ru_M23", "Co_L23"):  # Ru M45 fails as in the paper, whatever the windows
        share = scene.abundance.sel(endmember=name[:2]).mean("y").to_numpy()
        bias = [_bias(bs, name, share) for bs in (by_hand, chosen)]
        assert abs(bias[1]) < abs(bias[0]) + 0.1, (name, bias)


def _bias(bs, name, share):
    """Net counts where the element is not, over those where it is most."""
    profile = bs.net_counts.sel(edge=name).mean("y").to_numpy()
    return profile[share < 0.01].mean() / profile[share.argmax()]


def test_windows_of_k_edges_are_as_good_as_those_of_the_example():
    image = eu.synthetic.chequerboard(endmembers="k4", size=(16, 24), seed=3).spectrum_image
    ratios, *_ = _against_hand(image, _hand("k_edges.yaml"))
    assert min(ratios.values()) > 0.8, ratios


def test_windows_of_a_measured_image_are_as_good_as_those_of_the_example():
    path = find_example("STO-LMO_EELS_SI.dm3")
    if path is None:
        pytest.skip("needs STO-LMO_EELS_SI.dm3 in EELSUNMIX_DATA")
    ratios, *_ = _against_hand(eu.open_image(path), _hand("sto_lmo.yaml"))
    assert min(ratios.values()) > 0.8, ratios


def _hand(example):
    settings = read_configuration([EXAMPLES / example], must_exist=False)
    return complete_edges(next(iter(settings.samples.values())).edges)


def test_a_comparison_takes_the_same_names():
    image = _image()
    pca = eu.denoise(image)
    bs = eu.subtract_background(image, ["Ti", "O_K"])
    model = eu.fit(image, "vca", n_endmembers=2, pca=pca)
    maps = eu.apply(model, image)
    comparison = eu.compare(image, bs, {"vca": model}, {"vca": maps}, edges=["Ti", "O_K"])
    assert list(comparison.edge.values) == ["Ti_L23", "O_K"]
