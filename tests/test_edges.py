"""Windows, profiles and regions: what is accepted, and the one line that refuses the rest."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.background.window_check import check_windows
from eelsunmix.edges import Edge
from eelsunmix.energy.channels import channel_bounds, window_channels
from eelsunmix.energy.units import in_electronvolts
from eelsunmix.errors import InputError
from eelsunmix.profiles import Profile, Region
from eelsunmix.synthetic.edges import SCENE_EDGES

GOOD = {"element": "Ti", "onset_eV": 456, "fit_eV": [405, 450], "integrate_eV": [456, 486]}


def axis(start, step, size, units="eV"):
    return xr.DataArray(start + step * np.arange(size), dims="energy_loss", attrs={"units": units})


def test_lists_of_a_configuration_become_tuples():
    edge = Edge(**GOOD)
    assert edge.fit_eV == (405.0, 450.0)
    assert not edge.reference


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"element": "ruthenium"}, "element needs a chemical element, not 'ruthenium'; write its symbol"),
        ({"element": "Xx"}, "element needs a chemical element, not 'Xx'"),
        ({"element": "ti"}, r"element needs a chemical element, not 'ti'; did you mean Ti\?"),
        ({"element": 3}, "element needs text such as Ru"),
        ({"onset_eV": "456"}, "onset_eV needs a number from 1 to 1e6, found '456'"),
        ({"onset_eV": -1}, "onset_eV needs a number from 1 to 1e6"),
        ({"onset_eV": True}, "onset_eV needs a number from 1 to 1e6"),
        ({"fit_eV": (450, 405)}, r"fit_eV needs two increasing numbers \[low, high\], not \[450, 405\]"),
        ({"fit_eV": (405,)}, "fit_eV needs a list of 2 numbers"),
        ({"fit_eV": 405}, "fit_eV needs a list of 2 numbers"),
        ({"fit_eV": (405, float("nan"))}, r"fit_eV\[1\] needs a finite number above 0"),
        ({"fit_eV": (-5, 20)}, r"fit_eV\[0\] needs a number above 0, found -5"),
        ({"integrate_eV": (440, 486)}, "fit_eV must end before integrate_eV begins, but 450 > 440"),
    ],
)
def test_bad_edges_are_refused_in_one_line(change, message):
    with pytest.raises(ValueError, match=message) as caught:
        Edge(**{**GOOD, **change})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"along": "z"}, "along needs x or y"),
        ({"pixels": (0, 3), "width_nm": 1.0}, "pixels stands beside start_nm or width_nm"),
        ({"pixels": (0, 3), "start_nm": 1.0}, "pixels stands beside start_nm or width_nm"),
        ({"start_nm": 1.0}, "start_nm needs width_nm"),
        ({"width_nm": 0}, "width_nm needs a number above 0"),
        ({"width_nm": 1.0, "start_nm": "0"}, "start_nm needs a number"),
        ({"pixels": (3, 3)}, r"pixels needs two increasing numbers \[low, high\], not \[3, 3\]"),
        ({"pixels": (-1, 3)}, r"pixels\[0\] needs a whole number of at least 0"),
        ({"pixels": (0, 2.5)}, r"pixels\[1\] needs a whole number of at least 1, found 2\.5"),
        ({"pixels": 3}, "pixels needs a list of 2 whole numbers or null, found 3"),
    ],
)
def test_bad_profiles_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Profile(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x_nm": (2, 1)}, "x_nm needs two increasing"),
        ({"without": "Ru"}, "without needs a list of texts, found 'Ru'"),
    ],
)
def test_bad_regions_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Region(**options)


def test_windows_include_the_centres_they_end_on():
    energies = 216 + 3.33 * np.arange(200)
    window = (float(energies[7]), float(energies[19]))
    assert window_channels(window, energies) == (7, 20)
    np.testing.assert_allclose(channel_bounds(energies), 216 + 3.33 * (np.arange(201) - 0.5))


def test_kiloelectronvolts_are_converted():
    np.testing.assert_allclose(in_electronvolts(axis(0.1, 0.01, 5, "keV")), [100, 110, 120, 130, 140])
    with pytest.raises(InputError, match="units must be eV or keV, not 'nm'"):
        in_electronvolts(axis(0.1, 0.01, 5, "nm"))


def test_good_windows_pass_and_few_channels_warn():
    edges = {"Ti_L23": Edge(**GOOD)}
    assert check_windows(edges, axis(350, 0.5, 400)) == []
    assert check_windows(edges, axis(0.350, 0.0005, 400, "keV")) == []
    (warning,) = check_windows(edges, axis(350, 8.0, 60))
    assert warning.startswith("edges.Ti_L23.fit_eV: 6 channels")


@pytest.mark.parametrize(
    ("energies", "message"),
    [
        (
            axis(420, 0.5, 400),
            r"edges\.Ti\.fit_eV: window 405-450 eV does not lie wholly on the axis 420-619\.5 eV of 0\.5 eV",
        ),
        (
            axis(300, 0.5, 200),
            r"edges\.Ti\.fit_eV: window 405-450 eV does not lie wholly on the axis 300-399\.5",
        ),
        (
            axis(350, 0.5, 212),
            r"edges\.Ti\.integrate_eV: .* the axis 350-455\.5 eV .*; move it onto the axis",
        ),
        (
            axis(350, 0.5, 240),
            r"edges\.Ti\.integrate_eV: .* the axis 350-469\.5 eV .*; move it onto the axis",
        ),
        (axis(350, 20, 40), r"edges\.Ti\.fit_eV: window 405-450 eV has 3 channels \(at least 4 needed\)"),
        (axis(450, 1, 1), r"edges\.Ti\.fit_eV: the energy axis has 1 channel"),
    ],
)
def test_windows_off_the_axis_are_refused(energies, message):
    with pytest.raises(InputError, match=message) as caught:
        check_windows({"Ti": Edge(**GOOD)}, energies)
    assert "\n" not in str(caught.value)


def test_window_may_overhang_by_one_channel():
    assert check_windows({"Ti": Edge(**{**GOOD, "integrate_eV": (456, 486.4)})}, axis(350, 0.5, 273)) == []


def test_edges_of_the_scenes_begin_after_their_fit_window():
    for name, edge in SCENE_EDGES.items():
        assert edge.fit_eV[1] <= edge.onset_eV <= edge.integrate_eV[1], name
        assert name.startswith(edge.element + "_")
