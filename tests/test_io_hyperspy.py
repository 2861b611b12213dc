"""Files of HyperSpy: which counts belong to which signal, and axes of other kinds."""

import h5py
import numpy as np
import pytest

from eelsunmix import io
from eelsunmix.errors import InputError
from test_io_vendor import write_hspy

SHAPE = (7, 5, 40)
COUNTS = {
    name: np.random.default_rng(seed).poisson(50, SHAPE).astype("u2") for seed, name in enumerate("abc")
}


def soft_link(file):
    file.move("Experiments/a", "elsewhere")
    file["Experiments/a"] = h5py.SoftLink("/elsewhere")


def soft_link_to_the_data(file):
    file.move("Experiments/a/data", "elsewhere")
    file["Experiments/a/data"] = h5py.SoftLink("/elsewhere")


def hard_link(file):
    file["Experiments/aa"] = file["Experiments/a"]


def own_order(file):
    file.move("Experiments", "sorted")
    kept = file.create_group("Experiments", track_order=True)
    for name in ("c", "a", "b"):
        file.copy(f"sorted/{name}", kept)
    del file["sorted"]


@pytest.mark.parametrize(
    ("change", "order"),
    [(soft_link, "abc"), (soft_link_to_the_data, "abc"), (hard_link, "aabc"), (own_order, "cab")],
)
def test_each_signal_has_its_own_counts(tmp_path, change, order):
    path = write_hspy(tmp_path / "a.hspy", COUNTS["a"], chunks=(3, 5, 16))
    with h5py.File(path, "r+") as file:
        for name in "bc":
            file.copy("Experiments/a", f"Experiments/{name}")
            file[f"Experiments/{name}/data"][:] = COUNTS[name]
        for name in "abc":
            file[f"Experiments/{name}/metadata/General"].attrs["title"] = name
        change(file)
    for number, name in enumerate(order):
        image = io.open_image(path, signal=number)
        assert image.attrs["title"] == name
        np.testing.assert_array_equal(image, COUNTS[name])


@pytest.mark.parametrize(("number", "name"), [(2, "Energy loss"), (1, "x")])
@pytest.mark.parametrize("parameters", [("offset", "scale"), ("a", "b")])
def test_an_axis_given_by_a_formula_is_refused(tmp_path, number, name, parameters):
    path = write_hspy(tmp_path / "a.hspy", COUNTS["a"])
    first, second = parameters
    with h5py.File(path, "r+") as file:
        axis = file[f"Experiments/a/axis-{number}"]
        for key in ("offset", "scale"):
            del axis.attrs[key]
        axis.attrs.update(
            {
                "_type": "FunctionalDataAxis",
                "expression": f"{first}+{second}*x**2",
                first: 370.0,
                second: 0.01,
            }
        )
        axis.create_group("x").attrs.update({"size": SHAPE[number], "offset": 0.0, "scale": 1.0})
    said = rf"a\.hspy: the axis '{name}' is given by a formula.*convert_to_non_uniform_axis\(\)"
    with pytest.raises(InputError, match=said):
        io.open_image(path)


@pytest.mark.parametrize(("number", "name"), [(2, "Energy loss"), (0, "y")])
@pytest.mark.parametrize("width", [1, 2])
def test_an_axis_of_two_dimensions_is_refused(tmp_path, number, name, width):
    path = write_hspy(tmp_path / "a.hspy", COUNTS["a"])
    size = SHAPE[number]
    with h5py.File(path, "r+") as file:
        file[f"Experiments/a/axis-{number}/axis"] = np.arange(float(size * width)).reshape(size, width)
    said = rf"a\.hspy: the axis '{name}' has values of shape \({size}, {width}\), not one for each point"
    with pytest.raises(InputError, match=said):
        io.open_image(path)
