"""What other simplices allow: planted ones lie in the range, and images with pure pixels are not doubted."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from eelsunmix import fit
from eelsunmix.background import BackgroundOptions, subtract_background
from eelsunmix.background.net_counts import net_counts_of_spectra
from eelsunmix.comparison import compare
from eelsunmix.comparison.ambiguity_words import ambiguity_sentences
from eelsunmix.comparison.atomic_floor import atomic_floor, least_of_each
from eelsunmix.comparison.components import read_components
from eelsunmix.comparison.pure_pixels import pure_pixels
from eelsunmix.comparison.shared_purity import shared_pure_pixels
from eelsunmix.comparison.simplex_range import Simplex, simplex_range
from eelsunmix.edges import Edge
from eelsunmix.image import as_spectrum_image
from eelsunmix.mapping import apply
from eelsunmix.synthetic import SCENES, simulate
from eelsunmix.synthetic.edges import SCENE_EDGES
from eelsunmix.synthetic.spectra import pixel_spectrum

CHANNELS = np.linspace(0.5, 2.0, 40)
EDGES = np.array([[0.0, 0.0], [900.0, 0.0], [0.0, 250.0]])
"""Net counts of two elements in three materials, the first without edges."""


def materials():
    """Spectra on falling backgrounds: of none, an early and a late edge."""
    ground = 100 * CHANNELS[None] ** np.array([[-2.5], [-2.6], [-2.4]])
    steps = np.stack([0 * CHANNELS, CHANNELS > 1, CHANNELS > 1.4])
    return ground + np.array([[0], [45], [31]]) * steps


def planted(mixing, *, purest=1.0, sd=0.01, number=3000, seed=0):
    """Fit whose endmembers are mixtures of the materials; and the true abundances."""
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet([0.2, 0.2, 0.2], 10 * number)
    inside = (truth @ np.linalg.inv(mixing) >= -1e-9).all(axis=1)  # so that these endmembers describe them
    truth = truth[inside & (truth[:, 2] <= purest)][:number]
    noisy = truth @ np.linalg.inv(mixing) + rng.normal(0, sd, truth.shape)
    simplex = Simplex(
        endmembers=mixing @ materials(),
        endmembers_sd=np.full((3, len(CHANNELS)), 0.1),
        abundances=np.maximum(noisy, 0.0),
        abundances_sd=np.full(truth.shape, sd),
        net_counts=mixing @ EDGES,
        net_counts_sd=np.full((3, 2), 2.0),
        owner=np.array([1, 2]),
        floor=np.zeros((2, len(CHANNELS))),
    )
    return simplex, truth


def covered(simplex, truth):
    low, high = simplex_range(simplex).abundances(simplex.abundances)
    reach = 1.96 * simplex.abundances_sd
    return np.mean((truth >= low - reach) & (truth <= high + reach), axis=0)


PURE = np.eye(3)
RU_NOT_PURE = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.25, 0.0, 0.75]])
MIXED_EDGES = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.05, 0.35, 0.6]])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("mixing", "purest"),
    [(PURE, 1.0), (RU_NOT_PURE, 0.6), (MIXED_EDGES, 0.5)],
    ids=["pure", "ground", "edge"],
)
def test_the_planted_materials_lie_in_the_range(mixing, purest, seed):
    simplex, truth = planted(mixing, purest=purest, seed=seed)
    assert (covered(simplex, truth) > 0.97).all()


def test_noise_alone_does_not_cover_what_is_mixed():
    simplex, truth = planted(MIXED_EDGES, purest=0.6)
    inside = np.abs(truth - simplex.abundances) < 1.96 * simplex.abundances_sd
    assert inside[truth[:, 2] > 0.1, 2].mean() < 0.5


def test_vertices_of_pure_pixels_stay_where_they_are():
    simplex, _ = planted(PURE)
    found = simplex_range(simplex)
    assert (found.pure > 100).all()
    assert (found.scale_low > 0.96).all()
    assert (found.scale_high < 1.06).all()
    assert max(found.taken_high.max(), -found.taken_low.min()) < 0.06


def test_a_vertex_without_pure_pixels_moves_until_a_spectrum_is_empty():
    simplex, _ = planted(RU_NOT_PURE, purest=0.6)
    found = simplex_range(simplex)
    assert found.pure[0] > 100
    assert found.pure[2] == 0
    assert found.scale_low[2] < 0.75
    ground = replace(simplex, endmembers=simplex.endmembers.copy())
    ground.endmembers[1] = 0.0  # it takes no part in this
    part = simplex_range(ground).taken_high[2, 0]
    moved = simplex.endmembers[2] - part * simplex.endmembers[0] + 0.2  # two standard deviations
    assert moved.min() == pytest.approx(0, abs=1e-6)
    assert part > 0.3


def test_the_atoms_of_an_edge_forbid_more_than_counts_below_zero():
    simplex, _ = planted(RU_NOT_PURE, purest=0.6)
    atoms = simplex.floor.copy()
    atoms[1] = 0.5 * materials()[2] / EDGES[2, 1]  # half of the spectrum comes with the late edge
    least = simplex_range(replace(simplex, floor=atoms)).scale_low[2]
    assert simplex_range(simplex).scale_low[2] + 0.05 < least < 0.75
    # What is below already belongs to a table of something else, and says nothing.
    wrong = simplex_range(replace(simplex, floor=4 * atoms))
    np.testing.assert_allclose(wrong.scale_low, simplex_range(simplex).scale_low)


def test_spectra_of_the_simulation_are_above_what_their_atoms_make():
    energy = xr.DataArray(np.arange(150.0, 900, 2.5), dims="energy_loss", name="energy_loss")
    energy = energy.assign_coords(energy_loss=energy).energy_loss.assign_attrs(units="eV")
    names = ("Co_L23", "Ru_M23", "Ru_M45", "B_K", "N_K", "C_K")
    edges = {name: SCENE_EDGES[name] for name in names}
    edges["Fe_L23"] = Edge(element="Fe", onset_eV=708, fit_eV=(640, 700), integrate_eV=(708, 760))
    floor = atomic_floor(edges, energy)
    assert (floor[-1] == 0).all()
    for row, material in enumerate(("Co", "Ru", "Ru", "BN", "BN", "C")):
        spectrum = 1e6 * pixel_spectrum(material, energy.to_numpy())
        name = names[row]
        net = net_counts_of_spectra(spectrum[None], energy, {name: edges[name]}, exponent_from=spectrum)[0, 0]
        assert 0.2 < (net * floor[row] / spectrum).max() < 1.0


def test_of_two_edges_of_an_element_the_one_with_fewer_atoms_counts():
    floor = np.array([[1.0, 1, 1], [2.0, 2, 2], [3.0, 3, 3]])
    net = np.array([[0.0, 0, 0], [10.0, 4, 7]])
    kept = least_of_each(["Ru", "Ru", "Co"], net, np.array([1, 1, 1]), floor)
    np.testing.assert_array_equal(kept, [[0, 0, 0], [2, 2, 2], [3, 3, 3]])


def test_edges_forbid_what_spectra_allow():
    simplex, _ = planted(RU_NOT_PURE, purest=0.6)
    loose = replace(simplex, net_counts_sd=np.full((3, 2), 400.0))
    tight, wide = simplex_range(simplex), simplex_range(loose)
    assert wide.taken_high[2, 1] > 5 * tight.taken_high[2, 1]


def test_nearly_pure_pixels_are_no_pure_ones():
    simplex, _ = planted(PURE, sd=0.02)
    near = replace(simplex, abundances=simplex.abundances @ np.array([[1, 0, 0], [0, 1, 0], [0.15, 0, 0.85]]))
    for one, expected in ((simplex, True), (near, False)):
        assert pure_pixels(one.abundances, one.abundances_sd)[2].any() == expected


def areas(*, flat, sd=0.01, shape=(48, 55), seed=1):
    """Squares of a second material in the first, or bumps with tops as pure; shares, and where they are."""
    y, x = np.indices(shape)
    if flat:
        share = ((y // 8) % 2 * (x // 9) % 2).astype(float)
    else:
        share = 0.5 - 0.5 * np.cos(2 * np.pi * y / 8) * np.cos(2 * np.pi * x / 9)
    truth = np.stack([1 - share, share, np.zeros(shape)], axis=-1)
    noisy = truth + np.random.default_rng(seed).normal(0, sd, truth.shape)
    return np.maximum(noisy, 0.0).reshape(-1, 3), np.full((share.size, 3), sd), np.ones(shape, dtype=bool)


@pytest.mark.parametrize("sd", [0.01, 0.03])
def test_tops_of_bumps_are_no_pure_area_although_pixels_pile_up_there(sd):
    for flat in (True, False):
        shares, deviation, grid = areas(flat=flat, sd=sd)
        assert pure_pixels(shares, deviation)[1].any()
        assert pure_pixels(shares, deviation, grid)[1].any() == flat


def test_deviations_of_half_a_share_prove_no_pixel():
    y, x = np.indices((24, 30))
    share = 0.5 + 0.3 * (y % 12 < 6) * (x % 10 < 5)  # nowhere above .8
    shares = np.stack([0.9 * share, 1 - share, 0.1 * share], axis=-1).reshape(-1, 3)
    grid = np.ones(share.shape, dtype=bool)
    for sd in (0.35, 0.5, 0.65):
        assert not pure_pixels(shares, np.full(shares.shape, sd), grid).any()


def test_what_other_simplices_make_of_the_recommended_maps_is_no_noise():
    dims, energy = ("y", "x", "endmember"), [1.0, 2.0, 3.0, 4.0]
    share = np.broadcast_to([0.6, 0.4], (3, 5, 2))
    maps = xr.Dataset(
        {
            "abundance": (dims, share),
            "abundance_sd": (dims, np.full((3, 5, 2), 0.5)),
            "refit_abundance": (dims, 2 * share),
            "refit_abundance_sd": (dims, np.broadcast_to([0.04, 0.06], (3, 5, 2))),
        }
    )
    spectra = np.array([[3.0, 3, 2, 2], [1.0, 2, 3, 4]])
    counts = xr.DataArray(2 * share @ spectra, dims=("y", "x", "energy_loss"), coords={"energy_loss": energy})
    fit = xr.Dataset(
        {"endmember_spectrum": (("endmember", "energy_loss"), spectra)}, coords={"energy_loss": energy}
    ).assign_attrs(learned_brightness=1.0)
    for method, sd in (("recommended", [0.02, 0.03]), ("vca", [0.5, 0.5])):
        model = fit.assign_attrs(method=method)
        found = read_components(method, model, maps, counts, total_counts=counts.sum("energy_loss"))
        assert found.deviation.dims == dims
        np.testing.assert_allclose(found.deviation, np.broadcast_to(sd, (3, 5, 2)), rtol=1e-6)


def test_what_another_method_proves_holds_for_a_vertex_that_is_a_noisy_pixel():
    shares, deviation, grid = areas(flat=True)
    one = planted(PURE)[0]
    clear = replace(one, abundances=shares, abundances_sd=deviation)
    # Its second vertex is a pixel that noise has moved away from the others.
    beside = replace(clear, abundances=shares @ np.array([[1, 0, 0], [0.04, 0.92, 0.04], [0, 0, 1]]))
    wrong = replace(clear, abundances=shares @ np.array([[1, 0, 0], [0.3, 0.7, 0], [0, 0, 1]]))
    alone = shared_pure_pixels([beside], [grid])[0]
    together = shared_pure_pixels([clear, beside, wrong], [grid] * 3)
    assert not alone[1].any()
    np.testing.assert_array_equal(together[1][1], together[0][1])
    assert together[0][1].sum() > 100
    assert not together[2][1].any()


def test_order_and_units_do_not_matter():
    simplex, _ = planted(RU_NOT_PURE, purest=0.7)
    order = np.array([2, 0, 1])
    turned = replace(
        simplex,
        endmembers=simplex.endmembers[order],
        abundances=simplex.abundances[:, order],
        net_counts=simplex.net_counts[order] * [7.0, 0.3],
        net_counts_sd=simplex.net_counts_sd * [7.0, 0.3],
        owner=np.array([2, 0]),
    )
    first, second = simplex_range(simplex), simplex_range(turned)
    np.testing.assert_allclose(second.scale_low, first.scale_low[order], rtol=1e-6)
    np.testing.assert_allclose(second.taken_high, first.taken_high[order][:, order], rtol=1e-6, atol=1e-9)
    factor = np.array([2.0, 5.0, 0.1])
    for given, scaled in zip(
        first.abundances(simplex.abundances),
        first.in_units(factor).abundances(simplex.abundances * factor),
        strict=True,
    ):
        np.testing.assert_allclose(scaled, given * factor, rtol=1e-9, atol=1e-12)


def compared(scene, methods):
    image = as_spectrum_image(scene.spectrum_image)
    fits = {
        label: fit(image, label, n_endmembers=3, seed=3, edges=scene.edges, anchor=anchor)
        for label, anchor in methods.items()
    }
    maps = {label: apply(one, image) for label, one in fits.items()}
    bs = subtract_background(image, scene.edges, BackgroundOptions())
    return compare(image, bs, fits, maps, edges=scene.edges), maps


@pytest.fixture(scope="module")
def without_pure_ru():
    scene = simulate(SCENES["multilayer"](shape=(40, 75), level="linear", counts=2000, seed=205))
    return scene, *compared(scene, {"udas": "edges", "ica": "none"})


def test_noise_and_ambiguity_cover_the_truth_where_no_ru_is_pure(without_pure_ru):
    scene, result, maps = without_pure_ru
    at = result.sel(label="udas", edge="Ru_M23")
    own = maps["udas"].isel(endmember=int(at.owner))
    truth = scene.abundance.isel(endmember=2).to_numpy()
    reach = 1.96 * own.abundance_sd.to_numpy() * max(1.0, float(at.scale_high))
    low, high = at.owner_abundance_low.to_numpy() - reach, at.owner_abundance_high.to_numpy() + reach
    strong = truth > 0.1
    assert np.mean((truth >= low) & (truth <= high)) > 0.95
    assert np.mean(((truth >= low) & (truth <= high))[strong]) > 0.95
    assert np.median((high - low)[strong]) < 0.9 * truth.max()


def test_it_is_said_that_no_pixel_is_pure_and_what_would_settle_it(without_pure_ru):
    result = without_pure_ru[1]
    told = [text for text in result.attrs["caveats"] if text.startswith("Ru of udas: shape known to ± ")]
    assert len(told) == 1
    assert "because no area of one composition lies at its vertex: no pixel is pure" in told[0]
    assert "A region of pure Ru would settle it" in told[0]
    assert "anchor: edges" not in told[0]  # it has been
    # Nor is Co, of which 3 % are Ru everywhere.
    assert any(text.startswith("Co of udas: shape known to ± ") for text in result.attrs["caveats"])


def test_signed_components_have_no_simplex(without_pure_ru):
    result = without_pure_ru[1]
    for label in ("BS", "ica"):
        assert result.scale_low.sel(label=label).isnull().all()
        assert result.owner_abundance_high.sel(label=label).isnull().all()


def test_atomic_columns_that_are_nowhere_pure_are_not_called_known():
    scene = simulate(SCENES["columns"](size=(36, 44), seed=904))
    result, maps = compared(scene, {"udas": "none", "vca": "none"})
    for label, column, edge in (("udas", 2, "Ru_M23"), ("udas", 1, "Co_L23"), ("vca", 2, "Ru_M23")):
        at = result.sel(label=label, edge=edge)
        reach = 1.96 * maps[label].abundance_sd.isel(endmember=int(at.owner)) * max(1.0, float(at.scale_high))
        truth = scene.abundance.isel(endmember=column).to_numpy()
        inside = (truth >= at.owner_abundance_low - reach) & (truth <= at.owner_abundance_high + reach)
        assert float(inside.mean()) > 0.95
    assert (result.pure_pixels.sel(label=["udas", "vca"]) == 0).all()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("chequerboard", {"size": (40, 48), "counts": 300, "seed": 822}),
        (
            "multilayer",
            {"shape": (20, 75), "seed": 206, "ru_nm": 1.6, "diffused_fraction": 0.0},
        ),
    ],
)
def test_images_with_pure_pixels_are_not_doubted(name, options):
    result, _ = compared(simulate(SCENES[name](**options)), {"udas": "none"})
    assert not [text for text in result.attrs["caveats"] if "shape known" in text]
    assert (result.pure_pixels.sel(label="udas") > 0).all()
    assert float(result.scale_low.sel(label="udas").min()) > 0.85
    said = result.attrs["ambiguity"]
    assert said
    assert all(text.endswith("if the pixels that pile up at its vertex are pure.") for text in said)


def test_what_one_method_leaves_open_stays_open_where_another_is_sure(without_pure_ru):
    result = without_pure_ru[1]
    at = {"label": "ica"}
    closed = result.copy(deep=True)
    closed["scale_low"].loc[{"label": "udas", "edge": "Co_L23"}] = 0.9
    for name, value in {
        "scale_low": 0.97,
        "scale_high": 1.02,
        "shape_error": 0.05,
        "pure_pixels": 40.0,
    }.items():
        closed[name].loc[at] = value
    setting = _Setting({name: _Edge(name.split("_")[0]) for name in closed["edge"].values.tolist()})
    sentences, left_open = ambiguity_sentences(closed, setting, can_be_anchored=["udas", "nmf"])
    (ru,) = [text for text in left_open if text.startswith("Ru of udas: ")]
    assert "no pixel is pure, or too few to tell" in ru
    assert ru.endswith("settle it; edges of all elements and anchor: edges may narrow it for udas.")
    assert any(text.startswith("Ru of ica: ") and "if the pixels that pile up" in text for text in sentences)
    assert isinstance(closed, xr.Dataset)


class _Edge:
    def __init__(self, element):
        self.element = element


class _Setting:
    def __init__(self, edges):
        self.edges, self.reference_problems = edges, {}


def shown(comparison):
    """The comparison, whose edges are all those of the only component, far beyond noise."""
    shape = (comparison.sizes["label"], 1, comparison.sizes["edge"])
    dims = ("label", "endmember", "edge")
    counts = dict.fromkeys(("endmember_net_counts", "confirmed_net_counts"), (dims, np.full(shape, 90.0)))
    sd, owner = (dims, np.ones(shape)), (("label", "edge"), np.zeros(shape[::2], dtype=int))
    return comparison.assign(**counts, endmember_net_counts_sd=sd, owner=owner)


def test_elements_of_one_component_share_a_sentence_that_can_be_read():
    edges = {name: SimpleNamespace(element=name.split("_")[0]) for name in ("Ti_L23", "O_K", "La_M45")}
    ranges = {
        "scale_low": [[0.5, 0.5, 0.95], [0.6, 0.6, 0.9]],
        "scale_high": [[1.1, 1.1, 1.05], [1.2, 1.2, 1.1]],
        "shape_error": [[0.67, 0.67, 0.1], [0.9, 0.9, 0.1]],
        "pure_pixels": [[0.0, 0.0, 60.0], [0.0, 0.0, 80.0]],
    }
    comparison = xr.Dataset(
        {name: (("label", "edge"), np.array(values)) for name, values in ranges.items()},
        coords={"label": ["vca", "blu"], "edge": list(edges)},
    )
    told, left_open = ambiguity_sentences(shown(comparison), _Setting(edges))
    assert len(told) == 2
    assert left_open == [text for text in told if text.startswith("Ti and O of vca and blu: ")]
    assert "shape known to ± 67 % of the peak at best and ± 90 % at worst" in left_open[0]
    assert "with more Ti and O. A region of pure Ti and O" in left_open[0]
    assert any(
        text.startswith("La of vca and blu: shape known to ± 10 % of the peak, scale") for text in told
    )


@pytest.mark.parametrize("label", ["recommended", "vca"])
def test_without_edges_it_is_said_why_there_is_no_range(label):
    comparison = xr.Dataset(coords={"label": ["BS", label], "edge": []})
    ((text,), left_open) = ambiguity_sentences(comparison, SimpleNamespace(edges={}))
    assert "none are named" in text
    assert ("standard deviations of recommended" in text) == (label == "recommended")
    assert left_open == []


def test_the_range_of_the_recommended_result_stands_apart_from_that_of_others():
    ranges = {
        "scale_low": [[0.57], [0.31], [0.33]],
        "scale_high": [[1.75], [1.05], [1.11]],
        "shape_error": [[0.05], [0.07], [0.09]],
        "pure_pixels": [[0.0], [0.0], [0.0]],
    }
    comparison = xr.Dataset(
        {name: (("label", "edge"), np.array(values)) for name, values in ranges.items()},
        coords={"label": ["recommended", "nmf", "vca"], "edge": ["Ru_M45"]},
    )
    comparison, setting = shown(comparison), _Setting({"Ru_M45": SimpleNamespace(element="Ru")})
    ((text,), _) = ambiguity_sentences(comparison, setting)
    assert "± 5 % of the peak, scale between 0.57 and 1.75 times the abundances shown by recommended" in text
    assert "± 9 % at worst, between 0.31 and 1.11 by the others)" in text
    assert "may all be less" not in text  # nor more
    noisy = comparison.assign(endmember_net_counts_sd=40 * comparison["endmember_net_counts_sd"])
    assert ambiguity_sentences(noisy, setting) == ([], [])  # of an element that is not shown
    ((text,), _) = ambiguity_sentences(comparison.isel(label=[1, 2]), setting)
    assert "scale between 0.31 and 1.11 times the abundances shown, because" in text
    assert "may all be less" in text
