"""BS of endmember spectra: own exponents for what looks like a background, linear for the rest."""

import numpy as np
import pytest

from eelsunmix.background.net_counts import EdgeWindow, net_counts_in_windows, net_counts_of_spectra
from eelsunmix.edges import Edge
from eelsunmix.energy.channels import channel_bounds
from eelsunmix.errors import InputError

ENERGY = 300.0 + 2.0 * np.arange(150)
EDGE = Edge(element="Ti", onset_eV=400, fit_eV=(320, 390), integrate_eV=(400, 460), reference=True)
LATER = Edge(element="O", onset_eV=520, fit_eV=(470, 492), integrate_eV=(520, 560))
EDGES_HERE = {"Ti_L23": EDGE, "O_K": LATER}


def power_law(exponent, counts_per_channel):
    """Counts per channel, given those at 400 eV."""
    return (
        counts_per_channel * np.diff((channel_bounds(ENERGY) / 400) ** (1 - exponent)) / (1 - exponent) * 200
    )


def with_edge(spectrum, net):
    """Add net counts spread over the 31 channels of the integration window of Ti."""
    inside = (ENERGY >= 400) & (ENERGY <= 460)
    return spectrum + net * inside / inside.sum()


def test_endmember_spectra_get_their_own_exponent():
    spectra = np.stack(
        [with_edge(power_law(2.0, 10.0), 50), power_law(4.0, 300.0), with_edge(power_law(3.0, 1.0), 5)]
    )
    net = net_counts_of_spectra(spectra, ENERGY, EDGES_HERE)
    assert net.shape == (3, 2)
    np.testing.assert_allclose(net, [[50, 0], [0, 0], [5, 0]], atol=1e-6)


def test_signed_spectra_use_the_exponent_of_the_reference():
    mean = with_edge(power_law(3.0, 100.0), 40)
    signed = np.stack([-0.2 * mean, with_edge(np.zeros(150), -7), mean])
    net = net_counts_of_spectra(signed, ENERGY, {"Ti_L23": EDGE}, exponent_from=mean)
    np.testing.assert_allclose(net[:, 0], [-8, -7, 40], atol=1e-6)
    # Without a reference, the spectra that look like a background provide it.
    np.testing.assert_allclose(net_counts_of_spectra(signed, ENERGY, {"Ti_L23": EDGE}), net, atol=1e-6)
    with pytest.raises(InputError, match=r"edges\.Ti_L23\.fit_eV: no positive spectrum"):
        net_counts_of_spectra(signed[:2], ENERGY, {"Ti_L23": EDGE})


def test_nothing_in_the_fit_window_is_no_background():
    """As where the detector was not exposed, or at low dose: a sample had no page for it."""
    mean = with_edge(np.zeros(150), 40)
    net = net_counts_of_spectra(np.stack([mean, 2 * mean]), ENERGY, {"Ti_L23": EDGE}, exponent_from=mean)
    np.testing.assert_allclose(net[:, 0], [40, 80])


def test_implausible_backgrounds_use_the_reference():
    # A spectrum that rises through its fit window, as one of NMF may: its own power law would overshoot.
    rising, mean = power_law(-2.0, 10.0), power_law(3.0, 100.0)
    net = net_counts_of_spectra([rising], ENERGY, {"Ti_L23": EDGE}, exponent_from=mean)
    same = net_counts_of_spectra([-rising], ENERGY, {"Ti_L23": EDGE}, exponent_from=mean)
    np.testing.assert_allclose(net, -same)
    assert net[0, 0] > 0


def test_signed_net_counts_are_linear():
    rng = np.random.default_rng(0)
    signed = rng.normal(size=(3, 150)) - 5
    weights = rng.normal(size=(2, 3))
    reference = power_law(2.5, 10.0)
    net = net_counts_of_spectra(signed, ENERGY, EDGES_HERE, exponent_from=reference)
    mixed = -np.abs(weights) @ signed  # positive: its own exponent would not be that of the reference
    negative = net_counts_of_spectra(-mixed, ENERGY, EDGES_HERE, exponent_from=reference)
    np.testing.assert_allclose(negative, np.abs(weights) @ net, rtol=1e-9)


def test_no_edges_or_no_spectra_give_an_empty_table():
    assert net_counts_of_spectra(np.ones((4, 150)), ENERGY, {}).shape == (4, 0)
    assert net_counts_of_spectra(np.ones((0, 150)), ENERGY, EDGES_HERE).shape == (0, 2)


def test_window_off_the_axis_is_refused():
    with pytest.raises(InputError, match=r"edges\.O_K\.fit_eV"):
        net_counts_of_spectra(np.ones((1, 50)), ENERGY[:50], {"O_K": LATER})


def test_the_deviation_is_that_of_repeated_spectra():
    """Also where some spectra take their exponent from a reference, which is then taken as known."""
    energy = np.arange(400.0, 600.0, 2.0)
    edge = Edge(element="O", onset_eV=532, fit_eV=(450, 528), integrate_eV=(532, 580))
    expected = 5e3 * (energy / 400) ** -3 + np.where(energy >= 532, 100.0, 0.0)
    draws = np.random.default_rng(0).poisson(expected, (4000, energy.size)).astype(float)
    counts, deviation = EdgeWindow(name="O_K", edge=edge).net_counts(draws, energy)
    assert abs(counts.mean() - 100.0 * 25) < 4 * counts.std() / np.sqrt(4000)
    np.testing.assert_allclose(deviation.mean(), counts.std(), rtol=0.05)
    known = EdgeWindow(name="O_K", edge=edge, exponent_from=expected)
    draws[:, 28:36] = -1.0  # bins of the fit window: no background of their own any more
    assert (known.net_counts(draws, energy)[1] < deviation).all()


class _Box:
    """A window without a background, as a line of X-rays on none."""

    def net_counts(self, spectra, energy):
        inside = (np.asarray(energy) >= 10) & (np.asarray(energy) < 20)
        counts = spectra[:, inside].sum(axis=1)
        return counts, np.sqrt(counts)


def test_any_window_can_stand_beside_an_edge():
    energy = np.arange(0.0, 40.0)
    spectra = np.ones((3, 40)) * np.array([[1.0], [2.0], [5.0]])
    found = net_counts_in_windows(spectra, energy, {"Si_Ka": _Box(), "again": _Box()})
    np.testing.assert_array_equal(found, [[10, 10], [20, 20], [50, 50]])
