"""What a card says of components that show the same elements."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.report.unlike import unlike

RAMP = np.arange(15.0).reshape(3, 5)


@pytest.fixture
def at():
    dims = ("endmember", "edge")
    return xr.Dataset(
        {
            "endmember_name": ("endmember", ["1 · Ti+O", "2 · O with weak Ti", "3 · Mn+O", "4 · background"]),
            "cross_talk": (dims, [[1.0, 1.0, 0.0], [0.4, 0.9, 0.0], [0.0, 0.8, 1.0], [0.0, 0.0, 0.0]]),
            "endmember_exponent": (dims, [[np.nan, 3.0, 3.0], [3.0, 2.5, 3.0], [3.0] * 3, [3.0] * 3]),
        },
        coords={"edge": ["Ti_L23", "O_K", "Mn_L23"]},
    )


@pytest.mark.parametrize(
    ("other", "place"),
    [
        (2 * RAMP, "in the same places"),
        (-RAMP, "elsewhere"),
        (RAMP % 5 * (-1) ** (RAMP // 5), "partly together"),
    ],
)
def test_components_of_the_same_elements_are_told_apart(at, other, place):
    images = [RAMP, other, RAMP, RAMP]
    abundance = xr.DataArray(np.stack(images, axis=-1), dims=("y", "x", "endmember"))
    ((name, text),) = unlike(at, abundance, 0)
    assert name == "2 · O with weak Ti"
    assert "2.5 times as much Ti L23, at equal total counts" in text
    assert "O K, at" not in text  # 1.1 times as much is no difference
    assert "its background falls more steeply (exponent 3.00, not 2.50, before O K)" in text
    assert place in text
    assert [name for name, _ in unlike(at, abundance, 1)] == ["1 · Ti+O"]
    assert unlike(at, abundance, 2) == unlike(at, abundance, 3) == []


def test_of_an_image_without_edges_nothing_is_said(at):
    abundance = xr.DataArray(np.ones((3, 5, 4)), dims=("y", "x", "endmember"))
    assert unlike(at.isel(edge=[]), abundance, 0) == []
