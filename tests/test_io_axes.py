"""Axes: found by unit, checked, overridden, with the origin of each number."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eelsunmix.errors import InputError
from eelsunmix.io.axes import AxesOptions, EnergyAxis, FrameAxis
from eelsunmix.io.axis_order import ordered_axes
from eelsunmix.io.layout import find_layout
from eelsunmix.io.signals import FileAxis, Signal, choose_signal

PATH = Path("a.dm3")
ENERGY = FileAxis(size=40, units="eV", offset=350.0, scale=0.5)
Y = FileAxis(size=7, name="y", units="nm", offset=0.0, scale=2.0)
X = FileAxis(size=5, name="x", units="nm", offset=1.0, scale=2.0)


def signal(*axes, title="SI", kind=""):
    return Signal(
        open=lambda chunks: None, dtype=np.dtype("f4"), axes=axes, title=title, kind=kind, reader="test"
    )


@pytest.mark.parametrize("order", list(itertools.permutations([Y, X, ENERGY])))
def test_energy_is_found_by_unit_wherever_it_is(order):
    found = find_layout(signal(*order), AxesOptions(), PATH)
    assert found.dims == ("y", "x", "energy_loss")
    sizes = dict(zip(found.file_dims, (axis.size for axis in order), strict=True))
    assert sizes == {"y": 7, "x": 5, "energy_loss": 40}
    image = found.label(np.arange(1400).reshape([axis.size for axis in order]))
    assert image.shape == (7, 5, 40)


@pytest.mark.parametrize(
    ("axes", "dims"),
    [
        ([ENERGY], ("y", "x", "energy_loss")),
        ([FileAxis(size=3), ENERGY], ("y", "x", "energy_loss")),
        ([FileAxis(size=3), FileAxis(size=2), FileAxis(size=6), ENERGY], ("frame", "y", "x", "energy_loss")),
    ],
)
def test_missing_axes_are_inserted(axes, dims):
    found = find_layout(signal(*axes), AxesOptions(), PATH)
    assert found.dims == dims
    assert found.label(np.zeros([axis.size for axis in axes])).ndim == len(dims)


@pytest.mark.guarantee(5)
@given(st.floats(-1e3, 1e4), st.floats(1e-3, 1e2))
def test_override_wins_and_is_recorded(offset, dispersion):
    options = AxesOptions(energy=EnergyAxis(offset_eV=offset, dispersion_eV=dispersion), pixel_nm=0.25)
    found = find_layout(signal(Y, X, ENERGY), options, PATH)
    np.testing.assert_allclose(found.coords["energy_loss"], offset + dispersion * np.arange(40))
    np.testing.assert_allclose(found.coords["x"], 0.25 * np.arange(5))
    assert found.origin["energy_loss.offset"] == found.origin["x"] == "configuration"


def test_one_override_keeps_the_other_value_of_the_file():
    options = AxesOptions(energy=EnergyAxis(dispersion_eV=0.25))
    found = find_layout(signal(Y, X, ENERGY), options, PATH)
    np.testing.assert_allclose(found.coords["energy_loss"], 350 + 0.25 * np.arange(40))
    assert found.origin["energy_loss.offset"] == "file"
    assert found.origin["energy_loss.dispersion"] == "configuration"


@pytest.mark.parametrize(
    ("unit", "kind", "dim", "first"),
    [
        ("keV", "", "energy", 2.0),
        ("eV", "EDS", "energy", 0.002),
        ("keV", "EELS", "energy_loss", 2000.0),
        ("ev", "", "energy_loss", 2.0),
    ],
)
def test_kind_settles_dim_and_unit(unit, kind, dim, first):
    found = find_layout(
        signal(FileAxis(size=9, units=unit, offset=2.0, scale=1.0), kind=kind), AxesOptions(), PATH
    )
    assert found.dims[-1] == dim
    assert found.coords[dim].attrs["units"] == {"energy": "keV", "energy_loss": "eV"}[dim]
    assert float(found.coords[dim][0]) == pytest.approx(first)


@pytest.mark.parametrize(
    ("unit", "nanometres"), [("µm", 2000.0), ("μm", 2000.0), ("Å", 0.2), ("mm", 2e6), ("nm", 2.0)]
)
def test_lengths_become_nanometres(unit, nanometres):
    axes = [FileAxis(size=size, units=unit, offset=0.0, scale=0.02) for size in (7, 5)]
    found = find_layout(signal(*axes, ENERGY), AxesOptions(), PATH)
    assert float(found.coords["y"][1]) == pytest.approx(nanometres / 100)
    assert found.origin["y"] == "file"


@pytest.mark.parametrize("values", [[0.0, 10.0, 25.0], [60.0, 2.0, -60.0], None])
def test_frames_of_the_file_that_rise_or_fall_are_kept(values):
    axis = FileAxis(
        size=3, name="tilt", units="deg", offset=4.0, scale=-2.0, values=values and np.array(values)
    )
    found = find_layout(signal(axis, Y, X, ENERGY), AxesOptions(), PATH)
    np.testing.assert_array_equal(found.coords["frame"], values or [4.0, 2.0, 0.0])
    assert found.coords["frame"].attrs == {"units": "deg", "long_name": "tilt"}
    assert found.origin["frame"] == "file"
    assert found.notes == ()


@pytest.mark.parametrize(
    "calibration",
    [
        {"offset": 0.0, "scale": np.nan},
        {"offset": np.inf, "scale": 2.0},
        {"offset": 5.0, "scale": 0.0},
        {"values": np.array([1.0, np.nan, 3.0])},
        {"values": np.array([1.0, 2.0, np.inf])},
        {"values": np.array([1.0, 3.0, 2.0])},
        {"values": np.array([3.0, 2.0, 2.0])},
    ],
    ids=str,
)
def test_frames_that_the_file_does_not_tell_apart_are_numbered_and_it_is_said(calibration):
    axis = FileAxis(size=3, name="t", units="s", **calibration)
    found = find_layout(signal(axis, Y, X, ENERGY), AxesOptions(), PATH)
    np.testing.assert_array_equal(found.coords["frame"], [0.0, 1.0, 2.0])
    assert found.coords["frame"].attrs == {"units": "frame"}
    assert found.origin["frame"] == "assumed"
    (said,) = found.notes
    assert "'s', neither rise nor fall throughout: they are numbered; write axes: {frame:" in said
    given = AxesOptions(frame=FrameAxis(values=(1.0, 3.0, 2.0), unit="s"))
    found = find_layout(signal(axis, Y, X, ENERGY), given, PATH)
    np.testing.assert_array_equal(found.coords["frame"], [1.0, 3.0, 2.0])
    assert found.notes == ()


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("step", [1e300, 3e6, 1e-9])
def test_a_pixel_that_no_microscope_has_counts_as_absent_and_is_said(step):
    axes = [FileAxis(size=7, name="y", units="nm", offset=step, scale=step), X, ENERGY]
    found = find_layout(signal(*axes), AxesOptions(), PATH)
    for dim, size in (("y", 7), ("x", 5)):
        np.testing.assert_array_equal(found.coords[dim], np.arange(size))
        assert found.coords[dim].attrs["units"] == "px"
        assert found.origin[dim] == "assumed"
    (said,) = found.notes
    assert f"a pixel of {step:.3g} nm along y" in said
    given = find_layout(signal(*axes), AxesOptions(pixel_nm=2.0), PATH)
    assert float(given.coords["y"][1]) == 2.0
    assert given.notes == ()


EVEN = 2.0 * np.arange(7) + 1000.0


@pytest.mark.parametrize("dim", ["y", "x"])
@pytest.mark.parametrize("moved", [0.1, -0.1, 5.0])
def test_pixels_that_are_not_evenly_spaced_are_in_pixels_and_it_is_said(dim, moved):
    uneven = EVEN + moved * (np.arange(7) > 3)
    sizes = {"y": 7, "x": 5} if dim == "y" else {"y": 5, "x": 7}
    axes = [
        FileAxis(size=size, name=name, units="nm", values=uneven if name == dim else EVEN[:size])
        for name, size in sizes.items()
    ]
    found = find_layout(signal(*axes, ENERGY), AxesOptions(), PATH)
    for name, size in sizes.items():
        np.testing.assert_array_equal(found.coords[name], np.arange(size))
        assert found.coords[name].attrs["units"] == "px"
        assert found.origin[name] == "assumed"
    (said,) = found.notes
    least, most = sorted((2.0, 2.0 + moved))
    assert f"the pixels along {dim} are not evenly spaced (steps of {least:g} to {most:g} nm)" in said
    given = find_layout(signal(*axes, ENERGY), AxesOptions(pixel_nm=2.0), PATH)
    assert float(given.coords[dim][1]) == 2.0
    assert given.notes == ()


def test_rounding_does_not_make_pixels_uneven():
    axis = FileAxis(size=7, name="y", units="nm", values=EVEN.astype("f4") + 0.004 * (np.arange(7) > 3))
    found = find_layout(signal(axis, X, ENERGY), AxesOptions(), PATH)
    assert found.coords["y"].attrs["units"] == "nm"
    assert found.notes == ()


@pytest.mark.parametrize("wrong", [EVEN[::-1], EVEN * 0, np.where(np.arange(7) == 3, np.nan, EVEN)], ids=str)
def test_places_that_do_not_increase_are_refused(wrong):
    axis = FileAxis(size=7, name="y", units="nm", values=wrong)
    with pytest.raises(InputError, match=r"a\.dm3: y .*write axes: \{pixel_nm: \.\.\.\}"):
        find_layout(signal(axis, X, ENERGY), AxesOptions(), PATH)


@pytest.mark.parametrize("values", [None, 700.0 - 3.0 * np.arange(40) ** 1.1])
@pytest.mark.parametrize("order", list(itertools.permutations([0, 1, 2])))
def test_energies_that_descend_are_turned_round_with_the_spectra(order, values):
    axis = FileAxis(size=40, units="eV", offset=700.0, scale=-0.5, values=values)
    found = find_layout(signal(*[(Y, X, axis)[number] for number in order]), AxesOptions(), PATH)
    cube = np.arange(7 * 5 * 40).reshape(7, 5, 40)
    image = found.label(cube.transpose(order))
    np.testing.assert_array_equal(image, cube[..., ::-1])
    expected = 700.0 - 0.5 * np.arange(40) if values is None else values
    np.testing.assert_allclose(image.energy_loss, expected[::-1])
    assert "descend" in found.notes[0]


def test_what_is_given_holds_for_the_axis_after_it_was_turned_round():
    axis = FileAxis(size=40, units="eV", offset=700.0, scale=-0.5)
    for configured, expected in [
        ({"offset_eV": 690.0}, 690 + 0.5 * np.arange(40)),
        ({"dispersion_eV": 0.25}, 680.5 + 0.25 * np.arange(40)),
        ({"offset_eV": 1.0, "dispersion_eV": 2.0}, 1 + 2.0 * np.arange(40)),
    ]:
        found = find_layout(signal(Y, X, axis), AxesOptions(energy=EnergyAxis(**configured)), PATH)
        np.testing.assert_allclose(found.coords["energy_loss"], expected)
        assert found.is_reversed


UNEVEN = 100.0 + np.arange(40) ** 1.1


@pytest.mark.parametrize(("unit", "size"), [("eV", 1.0), ("keV", 1e-3), ("meV", 1e3)])
def test_an_offset_shifts_uneven_energies_and_keeps_their_steps(unit, size):
    axis = FileAxis(size=40, units=unit, values=UNEVEN * size)
    options = AxesOptions(energy=EnergyAxis(offset_eV=87.5))
    found = find_layout(signal(Y, X, axis, kind="EELS"), options, PATH)
    np.testing.assert_allclose(found.coords["energy_loss"], UNEVEN - 12.5, rtol=1e-12)
    assert found.notes == ()
    assert found.origin["energy_loss.offset"] == "configuration"
    assert found.origin["energy_loss.dispersion"] == "file"


def test_a_straight_line_for_uneven_energies_is_said_and_a_dispersion_alone_refused():
    axis = FileAxis(size=40, units="eV", values=UNEVEN)
    found = find_layout(
        signal(Y, X, axis), AxesOptions(energy=EnergyAxis(offset_eV=90.0, dispersion_eV=0.5)), PATH
    )
    np.testing.assert_allclose(found.coords["energy_loss"], 90 + 0.5 * np.arange(40))
    assert "not evenly spaced (steps of 1 to 1.5" in found.notes[0]
    with pytest.raises(InputError, match=r"not evenly spaced.*a dispersion alone"):
        find_layout(signal(Y, X, axis), AxesOptions(energy=EnergyAxis(dispersion_eV=0.5)), PATH)


def test_rounding_does_not_make_energies_uneven():
    axis = FileAxis(size=40, units="eV", values=(1000 + 0.01 * np.arange(40)).astype("f4").astype(float))
    found = find_layout(signal(Y, X, axis), AxesOptions(energy=EnergyAxis(dispersion_eV=0.02)), PATH)
    np.testing.assert_allclose(found.coords["energy_loss"], 1000 + 0.02 * np.arange(40), rtol=1e-6)
    assert found.notes == ()


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("unit", ["foo", "mev", "channel", "nm"])
def test_an_unknown_unit_of_energy_is_named(unit):
    axis = FileAxis(size=40, units=unit, offset=1.0, scale=1.0)
    options = AxesOptions(dims=("y", "x", "energy_loss"), energy=EnergyAxis(offset_eV=3.0))
    with pytest.raises(InputError, match=rf"a\.dm3: '{unit}' of the energy axis is no unit of energy; write"):
        find_layout(signal(Y, X, axis), options, PATH)
    given = AxesOptions(dims=options.dims, energy=EnergyAxis(offset_eV=3.0, dispersion_eV=2.0))
    assert float(find_layout(signal(Y, X, axis), given, PATH).coords["energy_loss"][1]) == 5.0


def listed(*axes):
    return [dict(zip(("name", "size", "index_in_array"), axis, strict=True)) for axis in axes]


@pytest.mark.parametrize(
    ("axes", "shape", "names", "is_choice"),
    [
        # Velox EELS: numbers of x and y swapped; sizes decide, or else the list.
        ([("y", 7, 1), ("x", 5, 0), ("E", 40, 2)], (7, 5, 40), "yxE", False),
        ([("y", 6, 1), ("x", 6, 0), ("E", 40, 2)], (6, 6, 40), "yxE", True),
        # DigitalMicrograph: energy first.
        ([("E", 40, 0), ("y", 7, 1), ("x", 5, 2)], (40, 7, 5), "Eyx", False),
        # Listed in another order than stored.
        ([("x", 5, 2), ("E", 40, 0), ("y", 7, 1)], (40, 7, 5), "Eyx", False),
        ([("E", 40, 2), ("y", 6, 0), ("x", 6, 1)], (6, 6, 40), "yxE", False),
        ([("y", 40, 0), ("x", 6, 1), ("E", 40, 2)], (40, 6, 40), "yxE", False),
        ([("x", 6, None), ("y", 6, None), ("E", 40, None)], (6, 6, 40), "xyE", False),
    ],
)
def test_sizes_settle_which_axis_is_which_and_then_the_list(axes, shape, names, is_choice):
    axes = listed(*axes)
    if axes[0]["index_in_array"] is None:
        axes = [{key: axis[key] for key in ("name", "size")} for axis in axes]
    found, choice = ordered_axes(axes, shape, PATH)
    assert "".join(axis["name"] for axis in found) == names
    assert choice is is_choice


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("shape", [(7, 5, 41), (7, 5), (7, 5, 40, 2), (7, 7, 40)])
def test_axes_that_fit_in_no_order_are_refused(shape):
    axes = listed(("y", 7, 0), ("x", 5, 1), ("E", 40, 2))
    with pytest.raises(InputError, match=r"a\.dm3: axes of sizes \[7, 5, 40\] do not fit data of shape"):
        ordered_axes(axes, shape, PATH)


def test_listed_energies_are_kept():
    energies = 100.0 + np.arange(40) ** 1.1
    found = find_layout(signal(Y, X, FileAxis(size=40, units="eV", values=energies)), AxesOptions(), PATH)
    np.testing.assert_allclose(found.coords["energy_loss"], energies)


@pytest.mark.guarantee(5)
@pytest.mark.parametrize(
    ("axes", "message"),
    [
        (
            [Y, X, FileAxis(size=40, units="eV", values=np.r_[np.arange(40.0, 1.0, -1.0), 5.0])],
            r"step after index 0 is -1 eV",
        ),
        (
            [Y, X, FileAxis(size=40, units="keV", offset=350.0, scale=40.0)],
            r"reach 1\.91e\+06 eV, more than any",
        ),
        ([Y, X, FileAxis(size=40, units="eV", offset=9.0, scale=0.0)], r"must increase"),
        (
            [Y, X, FileAxis(size=40, units="eV", offset=np.nan, scale=1.0)],
            r"no offset of the energy axis|is nan",
        ),
        ([Y, X, FileAxis(size=40, units="eV", offset=0.0, scale=np.inf)], r"no offset|is inf|is nan"),
        ([Y, X, FileAxis(size=40, units="eV")], r"has no offset of the energy axis"),
        (
            [Y, X, FileAxis(size=40, units="eV", values=np.r_[np.arange(39.0), 5.0])],
            r"step after index 38 is -33 eV",
        ),
        (
            [Y, X, FileAxis(size=40, units="eV", offset=0.0, scale=1e-38)],
            r"channels are 1e-38 eV wide, less than any spectrometer",
        ),
        ([Y, ENERGY, ENERGY], r"2 axes in eV or keV"),
        ([Y, X, FileAxis(size=40, units="1/nm")], r"0 axes in eV or keV"),
        (
            [Y, FileAxis(size=5, units="µo", offset=0.0, scale=1.0), ENERGY],
            r"unit 'µo' of the axis x is not a length",
        ),
        ([Y, FileAxis(size=5, units="nm", offset=0.0, scale=-1.0), ENERGY], r"x must increase.*pixel_nm"),
    ],
)
def test_implausible_axes_are_refused(axes, message):
    with pytest.raises(InputError, match=message) as caught:
        find_layout(signal(*axes), AxesOptions(), PATH)
    assert str(caught.value).startswith("a.dm3: ")
    assert "write" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AxesOptions(dims=("y", "x")), "one of energy_loss or energy"),
        (lambda: AxesOptions(dims=("y", "y", "energy")), "each once"),
        (
            lambda: AxesOptions(dims=("row", "energy")),
            r"dims\[0\] needs frame, .* found 'row'",
        ),
        (lambda: AxesOptions(pixel_nm=0), "pixel_nm needs a number from 1e-6 to 1e6"),
        (lambda: AxesOptions(pixel_nm=1e-320), "pixel_nm needs a number from 1e-6 to 1e6"),
        (lambda: AxesOptions(pixel_nm=1e7), "pixel_nm needs a number from 1e-6 to 1e6"),
        (lambda: EnergyAxis(dispersion_eV=-1), "dispersion_eV needs a number above 0"),
        (lambda: EnergyAxis(offset_eV=float("nan")), "offset_eV needs a finite number"),
        (
            lambda: EnergyAxis(dispersion_eV=1e308),
            r"dispersion_eV is 1e\+308: no electron microscope reaches",
        ),
        (
            lambda: EnergyAxis(dispersion_keV=1e-38),
            "dispersion_keV is 1e-38: no spectrometer has channels so",
        ),
        (lambda: EnergyAxis(offset_keV=-1e4), "offset_keV is -10000: no electron microscope reaches"),
        (lambda: EnergyAxis(offset_eV=1, offset_keV=1), "not both"),
    ],
)
def test_options_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_choice_of_a_signal():
    image, first = signal(Y, X, title="HAADF"), signal(Y, X, ENERGY, title="core")
    second = signal(Y, X, ENERGY, title="low")
    assert choose_signal([image, first], None, PATH) is first
    assert choose_signal([image, first, second], "low", PATH) is second
    assert choose_signal([image, first, second], 1, PATH) is first
    assert choose_signal([image, first], "eels", PATH) is first
    for signals, wanted in [
        ([image, first, second], None),
        ([first, second], "EELS"),
        ([first], 7),
        ([first], -1),
    ]:
        with pytest.raises(InputError, match=r"a\.dm3: .*0: '.*write signal:"):
            choose_signal(signals, wanted, PATH)
    with pytest.raises(InputError, match="holds no data array"):
        choose_signal([], None, PATH)
