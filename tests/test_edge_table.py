"""The table of onsets against measured binding energies, and the names of edges."""

import pytest
import xraydb

from eelsunmix.edge_table import SHELLS, TABLE, edges_of, split_name, tabulated_edge
from eelsunmix.elements import SYMBOLS

WITHIN_EV = 12.0


def _lines(shell):
    """Names of the lines of a shell in xraydb, that with the lower energy first: L23 -> L3, L2."""
    return [shell] if shell == "K" else [shell[0] + line for line in reversed(shell[1:])]


@pytest.mark.parametrize("edge", TABLE, ids=lambda edge: edge.name)
def test_onsets_are_binding_energies(edge):
    levels = {name: level.energy for name, level in xraydb.xray_edges(edge.element).items()}
    first, *second = _lines(edge.shell)
    assert abs(levels[first] - edge.onset_eV) <= WITHIN_EV
    if edge.second_eV is not None:
        assert abs(levels[second[0]] - edge.second_eV) <= WITHIN_EV


def test_every_edge_of_the_range_is_there():
    known = {(edge.element, edge.shell) for edge in TABLE}
    beyond = {"Cm", "Bk", "Cf"}
    for element in SYMBOLS - beyond:
        levels = xraydb.xray_edges(element) if xraydb.atomic_number(element) <= 95 else {}
        for shell in SHELLS:
            level = levels.get(_lines(shell)[0])
            # Lithium to neon have no edge of practice below K; a rounded limit may fall on either side.
            light = shell == "L1" and element in ("N", "O", "F", "Ne")
            if level and 31 < level.energy < 2999 and not light:
                assert (element, shell) in known


def test_no_element_has_an_edge_twice():
    assert len({(edge.element, edge.onset_eV) for edge in TABLE}) == len(TABLE)
    assert len({edge.name for edge in TABLE}) == len(TABLE)


def test_an_edge_far_off_is_none_of_the_table():
    assert tabulated_edge("Mn", 632.0).onset_eV == 640.0
    assert tabulated_edge("Mn", 690.0) is None
    assert tabulated_edge("Xx", 640.0) is None


def test_a_strong_edge_comes_before_a_nearer_weak_one():
    assert tabulated_edge("Si", 131.0).name == "Si_L23"  # L1 at 150 eV is nearer


@pytest.mark.parametrize(
    ("element", "first"),
    [("Ti", "L23"), ("O", "K"), ("La", "M45"), ("Si", "L23"), ("Mg", "K"), ("Au", "M45")],
)
def test_the_edge_that_one_measures_comes_first(element, first):
    assert edges_of(element)[0].shell == first


@pytest.mark.parametrize("written", ["Mn_L23", "Mn L2,3", "Mn-L23", "Mn_L3", "Mn L2", "MnL23", " Mn_L "])
def test_names_may_be_written_in_many_ways(written):
    assert split_name(written) == ("Mn", "L23")


@pytest.mark.parametrize("written", ["", "mn_L23", "layer_1", "Mn_L23_left", "Xx_K", "Ti_L2-3.5"])
def test_other_names_are_of_no_edge(written):
    assert split_name(written) is None


def test_a_symbol_is_read_before_a_shell():
    assert split_name("Co") == ("Co", None)
    assert split_name("OK") == ("O", "K")
    assert split_name("In") == ("In", None)
