"""`eelsunmix new` on X-rays: lines found, missed and false in known spectra, and what is written."""

import numpy as np
import pytest
import xarray as xr
import yaml

from eelsunmix.configuration import read_configuration
from eelsunmix.edge_choice import resolve_edges
from eelsunmix.edges import Edge
from eelsunmix.examples import find_example
from eelsunmix.proposal import configuration_text, propose_edges
from eelsunmix.proposal.drawing import windows_page
from eelsunmix.proposal.line_model import LineModel
from eelsunmix.proposal.line_naming import NamedLine, name_lines
from eelsunmix.proposal.line_text import lines_said, lines_text
from eelsunmix.proposal.lines import LineProposal, ProposedLine, _with_windows
from eelsunmix.synthetic import eds
from xray_spectra import random_specimen, spectrum_of

STRONG_SNR = 10.0


def found_in(amounts, photons, seed, **options):
    energy, counts, snr = spectrum_of(amounts, photons, np.random.default_rng(seed), **options)
    named, offset, resolution = name_lines(energy, counts)
    return {one.element for one in named if one.chance >= 0.5}, snr, offset, resolution


@pytest.mark.slow
@pytest.mark.parametrize("photons", [3e3, 1e6])
def test_strong_lines_are_found_and_few_are_false(photons):
    strong, found, false, number = 0, 0, 0, 0
    for place in range(10):
        rng = np.random.default_rng([77, place, int(photons)])
        amounts = random_specimen(rng)
        named, snr, _, _ = found_in(amounts, photons, [78, place, int(photons)])
        clear = {element for element, value in snr.items() if value > STRONG_SNR}
        strong, found = strong + len(clear), found + len(clear & named)
        false, number = false + len(named - set(amounts)), number + len(named)
    assert strong >= 15
    assert found >= 0.85 * strong, (found, strong)
    assert false <= 0.15 * number, (false, number)


def test_an_alloy_is_named_and_its_axis_measured():
    amounts = {"Fe": 1.0, "Cr": 0.3, "Ni": 0.2}
    named, _, offset, resolution = found_in(amounts, 3e4, 5, beam_kev=20.0, offset_ev=25.0)
    assert named == set(amounts)
    assert offset == pytest.approx(25.0, abs=5)
    assert 120 <= resolution <= 145


def test_bremsstrahlung_alone_shows_nothing():
    energy = np.arange(200.0, 15_000.0, 10.0)
    continuum = np.clip(15_000 / energy - 1, 0, None) * np.exp(-1.2 * (300.0 / energy) ** 3)
    counts = np.random.default_rng(2).poisson(2e5 * continuum / continuum.sum())
    assert name_lines(energy, counts.astype(float))[0] == []


def test_the_smooth_curve_follows_no_line():
    energy = np.arange(500.0, 8000.0, 20.0)
    counts = 50 + 400 * np.exp(-0.5 * ((energy - 3691) / 48) ** 2)
    model = LineModel(energy_eV=energy, counts=counts)
    amount, deviation = model.clarity(model.templates([("Ca", "K")]))
    assert amount[0] / deviation[0] > 30
    with_calcium = model.with_element("Ca")
    expected = 400 * np.sqrt(2 * np.pi) * 48 / 20  # photons of the peak
    assert with_calcium.amount("Ca", "K") * 0.88 == pytest.approx(expected, rel=0.06)


def test_what_is_written_runs_as_it_is(tmp_path):
    proposal = propose_edges(eds(size=24, counts=300.0, seed=4).spectrum_image)
    written = tmp_path / "map.yaml"
    path = find_example("EDS_80x80.hspy")
    written.write_text(configuration_text({"map": path}, proposal, page="map.windows.html"))
    configuration = read_configuration([written], {})
    edges = configuration.samples["map"].edges
    assert {"Si_Ka", "Fe_Ka", "Ti_Ka"} <= set(edges)
    assert {edge.element for edge in edges.values()} <= {"O", "Mg", "Si", "S", "Ti", "Fe"}
    assert configuration.samples["map"].corrections.gain.method == "none"
    lines = "\n".join(lines_said(proposal.x_rays))
    assert "Si_Ka, score" in lines
    assert windows_page("map", proposal).count("Si_Ka") == 1


def corrections_proposed_for(image):
    text = configuration_text({"map": "map.emd"}, propose_edges(image), page="map.windows.html")
    return yaml.safe_load(text)["corrections"]


def test_a_noise_peak_is_left_out():
    image = eds(size=12, counts=300.0, seed=4).spectrum_image
    assert "crop" not in corrections_proposed_for(image)
    noisy = image.assign_coords(energy=(image.energy - 0.2).assign_attrs(image.energy.attrs))
    noisy = noisy + xr.DataArray(900.0 * np.exp(-((noisy.energy.to_numpy() / 0.04) ** 2)), dims="energy")
    low, high = corrections_proposed_for(noisy)["crop"]["energy_eV"]
    assert low == 100
    assert high == pytest.approx(1000 * float(noisy.energy[-1]), rel=1e-4)


def proposed_line(name, chance, others=(), **options):
    energy = {"Al_Ka": 1486.4, "Mg_Ka": 1253.7}[name]
    return ProposedLine(
        named=NamedLine(energy_eV=energy, clarity=9.0, chances=((name, chance), *others)), **options
    )


def test_what_is_unsure_or_has_no_room_is_a_comment():
    edge = Edge(
        element="Al",
        onset_eV=1486.4,
        fit_eV=(1329, 1379),
        integrate_eV=(1402, 1571),
        fit_above_eV=(1594, 1657),
    )
    found = LineProposal(
        lines=(
            proposed_line("Mg_Ka", 1.0, reason="no room"),
            proposed_line("Al_Ka", 0.7, [("Br_La", 0.3)], edge=edge, fields={"fit_eV": [1329.0, 1379.0]}),
        ),
        offset_eV=20.0,
        resolution_eV=145.0,
        written_axis={"offset_keV": 0.08, "resolution_eV": 145.0},
    )
    text = list(lines_text(found))
    assert "axes: {energy: {offset_keV: 0.08, resolution_eV: 145}}" in text
    assert "# Energy axis: the lines lie 20 eV above the table; the axis is put right; " in text[0]
    plain = yaml.safe_load("\n".join(text))
    assert plain["edges"] == {"Al_Ka": {"fit_eV": [1329, 1379]}}
    assert any(line.startswith("  # Mg_Ka at 1254 eV, score 1.00; left out: no room") for line in text)
    assert any("# or this, score 0.30" in line for line in text)
    assert "1486 eV: Al_Ka, score 0.70 (unsure; or Br_La 0.30)" in list(lines_said(found))


def test_windows_that_avoid_what_is_left_out_are_written():
    energies = np.arange(100.0, 12_000.0, 10.0)
    axis = xr.DataArray(energies, name="energy", dims="energy", attrs={"units": "eV", "resolution_eV": 130.0})
    named = [
        NamedLine(energy_eV=0.0, clarity=20.0, chances=((name, 1.0),)) for name in ("C_Ka", "O_Ka", "N_Ka")
    ]
    found = {one.named.name: one for one in _with_windows(named, axis, 0 * energies)}
    assert "no room" in found["C_Ka"].reason
    kept = {name: one.fields for name, one in found.items() if one.edge}
    resolved = resolve_edges(kept, axis)
    assert all(found[name].edge.fit_eV == edge.fit_eV for name, edge in resolved.items())
    assert any(kept.values())


def test_a_bright_line_is_not_left_out_for_dim_ones_beside_it():
    amounts = {"Mg": 1.0, "Al": 0.06, "Si": 0.7, "Fe": 0.3, "Cu": 0.2, "Ga": 0.03}
    energy, counts, _ = spectrum_of(amounts, 1e6, np.random.default_rng(3), beam_kev=30.0, offset_ev=0.0)
    image = xr.DataArray(
        counts[None, None],
        dims=("y", "x", "energy"),
        coords={"energy": ("energy", energy, {"units": "eV"})},
    )
    lines = {one.named.name: one for one in propose_edges(image).x_rays.lines}
    assert {"Mg_Ka", "Ga_Ka", "Cu_Ka"} <= set(lines)
    assert lines["Mg_Ka"].edge is not None
    resolved = resolve_edges({name: one.fields for name, one in lines.items() if one.edge}, image.energy)
    assert resolved["Mg_Ka"].fit_eV == lines["Mg_Ka"].edge.fit_eV
