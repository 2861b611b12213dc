"""The table of onsets against measured binding energies."""

import pytest
import xraydb

from eelsunmix.edge_table import TABLE, tabulated_edge

SECOND = {"K": "", "L3": "L2", "M5": "M4", "M3": "M2"}
WITHIN_EV = 12.0


@pytest.mark.parametrize("edge", TABLE, ids=lambda edge: f"{edge.element}-{edge.onset_eV:g}")
def test_onsets_are_binding_energies(edge):
    levels = {name: level.energy for name, level in xraydb.xray_edges(edge.element).items()}
    nearest = min(set(SECOND) & set(levels), key=lambda name: abs(levels[name] - edge.onset_eV))
    assert abs(levels[nearest] - edge.onset_eV) <= WITHIN_EV
    if edge.second_eV is not None:
        assert abs(levels[SECOND[nearest]] - edge.second_eV) <= WITHIN_EV


def test_no_element_has_an_edge_twice():
    assert len({(edge.element, edge.onset_eV) for edge in TABLE}) == len(TABLE)


def test_an_edge_far_off_is_none_of_the_table():
    assert tabulated_edge("Mn", 632.0).onset_eV == 640.0
    assert tabulated_edge("Mn", 690.0) is None
    assert tabulated_edge("Xx", 640.0) is None
