"""The facts below the first screen say what a reader asks first, and lead to the section that says why."""

from types import SimpleNamespace

import numpy as np
import pytest

from eelsunmix.background.energy_axis import describe
from eelsunmix.background.energy_offset import EnergyOffset
from eelsunmix.report import facts
from eelsunmix.report.figures.endmembers import is_too_wide
from eelsunmix.report.figures.mapview import view_of
from eelsunmix.report.formatting import number
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.sections import caveats
from tiny_run import report_arguments


def inputs_of(methods=("nmf",), **changes):
    given = report_arguments(methods=methods, **changes)
    names = ("sample", "title", "fits", "maps", "benchmarks", "settings", "seals", "versions")
    return Inputs(**given["stores"], **{name: given[name] for name in names})


@pytest.fixture
def inputs():
    return inputs_of()


def said(inputs, name):
    return {one.name: one.text for one in facts.key_facts(inputs)}.get(name)


def caveats_of_axis(inputs):
    texts = [getattr(one, "text", "") for one in caveats.section(inputs).blocks]
    return [text for text in texts if "energy axis" in text]


def test_noise_is_that_of_electrons_or_a_multiple_of_it(inputs):
    check = inputs.raw.attrs["counts_check"]
    check |= {"counts_per_electron": 1.0, "counts_per_electron_from": "configuration"}
    assert said(inputs, "noise") == "variance 1.00 × mean (Poisson), as configured"
    check |= {"counts_per_electron": 36.1, "counts_per_electron_from": "measured"}
    assert said(inputs, "noise") == "variance 36.1 × mean (Poisson: 1 ×), measured"
    del check["counts_per_electron"]
    assert said(inputs, "noise") == "–"


def test_what_was_left_out_or_corrected_is_named(inputs):
    inputs.corrected.attrs["corrections"] = [{"step": "dark", "applied": False}]
    assert said(inputs, "data used") == "all 221 pixels, all channels; corrections: none"
    inputs.corrected.attrs["corrections"] = [{"step": "bad_channels", "applied": True}]
    inputs.pca.attrs["n_valid_pixels"] = 200
    assert said(inputs, "data used") == "200 of 221 pixels, all channels; corrections: bad channels"


def test_the_energy_axis_is_said_to_be_right_off_or_not_measured(inputs):
    axis = inputs.bs.attrs["energy_axis"]
    axis |= {"offset_eV": -1.25, "offset_sd_eV": 1.25, "warnings": []}
    assert said(inputs, "energy axis") == "edges rise 1.2 ± 1.2 eV below the expected onsets"
    onsets = {"Ti_L23": {"onset_eV": 454.0, "given_eV": 455.0, "table_eV": 456.0}}
    inputs.bs.attrs["energy_axis"] = dict(axis) | {"onsets": onsets}
    assert said(inputs, "energy axis") == "edges rise 1.2 ± 1.2 eV below the expected onsets"
    assert not caveats_of_axis(inputs)
    onsets["O_K"] = {"onset_eV": 525.0, "given_eV": 525.0, "table_eV": 532.0}
    (told,) = [
        one.text for one in caveats.section(inputs).blocks if "energy axis" in getattr(one, "text", "")
    ]
    assert told.startswith(
        "The energy axis is not confirmed: edges lie off their tabulated onsets by Ti L23 −2 and O K −7 eV."
    )
    assert said(inputs, "energy axis") == (
        "not confirmed: edges lie off their tabulated onsets by Ti L23 −2 and O K −7 eV. "
        "Edges rise 1.2 ± 1.2 eV below the other onsets of the configuration, which the windows follow"
    )
    inputs.bs.attrs["energy_axis"] = axis
    axis |= {"offset_eV": 6.0, "offset_sd_eV": 0.5, "warnings": ["The energy axis is off"]}
    assert said(inputs, "energy axis") == "off: edges rise 6.0 ± 0.5 eV above the expected onsets"
    axis |= {"offset_eV": -0.04, "offset_sd_eV": 1.0, "warnings": []}
    assert said(inputs, "energy axis") == "edges rise at the expected onsets (± 1.0 eV)"
    onset = SimpleNamespace(onset_eV=456.0, sd_eV=1.0, given_eV=456.0, table_eV=None)
    rest = {"at_eV": 456.0, "stretch": 0.0, "stretch_sd": 0.0, "rest_eV": 0.0, "span_eV": (456.0, 456.0)}
    summary = describe({"Ti_L23": onset}, EnergyOffset(offset_eV=-0.04, sd_eV=1.0, **rest))["summary"]
    assert summary.startswith("The edges rise at the expected onsets (standard error 1.0 eV")
    axis |= {"offset_eV": None, "warnings": []}
    assert said(inputs, "energy axis") == "not measured: too few edges rise clearly"
    assert said(inputs_of(source="eds", edges={}), "energy axis") is None


def test_a_band_that_would_hide_the_lines_is_too_wide(inputs):
    fit = inputs.fits["nmf"].isel(endmember=0)
    peak = float(abs(fit["endmember_spectrum"]).max())
    assert not is_too_wide(fit)
    for part, wide in ((0.2, False), (0.3, True)):
        sd = (fit["endmember_spectrum"] * 0 + part * peak).rename("endmember_spectrum_sd")
        assert is_too_wide(fit.assign(endmember_spectrum_sd=sd)) is wide


def test_the_worst_fit_is_that_of_the_method_shown_first_with_the_edge_that_is_there(inputs):
    store, counts = inputs.maps["nmf"], inputs.corrected["mean_spectrum"].to_numpy()
    edge, windows = list(inputs.edges.items())[-1]
    at = int(np.searchsorted(inputs.energy, np.mean(windows["integrate"])))
    residual = np.zeros_like(counts)
    inputs.maps["nmf"] = store.assign(
        mean_residual=("energy", residual), mean_residual_sd=("energy", np.full_like(counts, 1.0))
    )
    chi2 = inputs.comparison["reconstruction_chi2"].sel(label="nmf")
    maps, *_, spectra, rest = said(inputs, "worst fit").split("; ")
    assert maps.startswith("maps differ from BS by ")
    assert spectra == "mean spectrum, refitted: nowhere beyond noise"
    assert rest == f"χ² of a typical pixel {number(chi2)}"
    residual[at] = 5.0
    place = f"{inputs.energy[at]:.4g} eV ({edge.replace('_', ' ')})"
    assert f"refitted: 5.0 σ at {place}, {number(500 / counts[at], 2)} % of" in said(inputs, "worst fit")


def test_a_single_pixel_has_no_size():
    """The places of one pixel do not tell how large it is: a page said 1 nm of 0.12 nm."""
    counts = report_arguments()["stores"]["bs"]["net_counts"].isel(edge=0)
    assert view_of(counts, n_maps=1, budget=1000).unit == "nm"
    assert view_of(counts.isel(y=[3], x=[4]), n_maps=1, budget=1000).unit == "px"
