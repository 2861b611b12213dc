"""The table of X-ray lines against xraydb, and the names and widths of lines."""

import importlib.util
from pathlib import Path

import pytest
import xraydb

from eelsunmix.line_table import best_lines, full_width, lines_of, single_lines, split_line_name

SCRIPT = Path(__file__).parents[1] / "benchmarks/make_xray_lines.py"


def test_the_table_is_what_the_script_writes():
    spec = importlib.util.spec_from_file_location("make_xray_lines", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    written = script.OUTPUT.read_text().splitlines()
    assert written[1:] == script.table()


@pytest.mark.parametrize("element", ["O", "Si", "Fe", "Mo", "La", "Au"])
def test_every_line_is_one_of_xraydb_and_no_strong_one_is_missing(element):
    known = {name: line.energy for name, line in xraydb.xray_lines(element).items()}
    own = single_lines()[element]
    assert all(any(abs(line.energy_eV - energy) < 0.1 for energy in known.values()) for line in own)
    for name in ("Ka1", "La1", "Lb1", "Ma"):
        if name in known and 150 < known[name] < 30_000:
            assert any(abs(line.energy_eV - known[name]) < 0.1 for line in own)


@pytest.mark.parametrize("element", ["Si", "Fe", "Ag", "Nd", "Au"])
def test_the_photons_of_a_shell_are_shared_out(element):
    shells = {line.family[0] for line in single_lines()[element]}
    for shell in shells - ({"L"} if element == "Si" else set()):  # which lies below 0.1 keV but for a rest
        own = [line.weight for line in single_lines()[element] if line.family[0] == shell]
        assert sum(own) == pytest.approx(1, abs=0.02)
        assert sum(one.weight for one in lines_of(element) if one.family[0] == shell) == pytest.approx(
            sum(own)
        )


@pytest.mark.parametrize(
    ("element", "ratio", "within"),
    # Kb over Ka as measured: Ettinger, Nucl. Instrum. Methods 1 (1983), rounded; light elements have few 3p.
    [("Mg", 0.0, 0.01), ("Al", 0.013, 0.012), ("Si", 0.027, 0.02), ("Ca", 0.13, 0.02), ("Fe", 0.137, 0.02)],
)
def test_kb_is_as_bright_as_is_measured(element, ratio, within):
    own = {line.family: line.weight for line in lines_of(element)}
    assert own.get("Kb", 0.0) / own["Ka"] == pytest.approx(ratio, abs=within)


@pytest.mark.parametrize(
    "written", ["Mn_Ka", "Mn Ka", "Mn-Ka", "MnKa", "Mn_Kα", "Mn_Ka1", "Mn_Ka1,2", "Mn_K", "Mn K"]
)
def test_names_of_lines(written):
    assert split_line_name(written) == ("Mn", "Ka")


@pytest.mark.parametrize("written", ["Mn_L23", "Xx_Ka", "layer", "Ka", "Mn_N", "mn_Ka", ""])
def test_what_is_no_name_of_a_line(written):
    assert split_line_name(written) is None


def test_an_element_alone_may_look_like_a_line():
    assert [split_line_name(one) for one in ("Co", "In", "K")] == [("Co", None), ("In", None), ("K", None)]


@pytest.mark.parametrize(("energy", "width"), [(277, 53.4), (1740, 80.7), (5895, 130), (17443, 214.2)])
def test_the_width_is_that_of_fiori(energy, width):
    assert full_width(energy) == pytest.approx(width, abs=1)
    assert full_width(energy, 140) > full_width(energy)


def test_the_best_line_is_one_that_the_beam_excites():
    found = {one: best_lines(one)[0].name for one in ("O", "Ti", "As", "Ag", "W", "U", "Ba")}
    assert found == {
        "O": "O_Ka", "Ti": "Ti_Ka", "As": "As_Ka", "Ag": "Ag_La", "W": "W_Ma", "U": "U_Ma", "Ba": "Ba_La"
    }  # fmt: skip
    assert not best_lines("H")
