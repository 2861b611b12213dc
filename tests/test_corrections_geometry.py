"""Crop, bin, mask: against plain NumPy, and every window outside the axis refused."""

import numpy as np
import pytest
import xarray as xr

from eelsunmix.corrections import (
    BinOptions,
    Corrections,
    CropOptions,
    GainOptions,
    MaskOptions,
    correct_image,
)
from eelsunmix.errors import InputError

QUIET = GainOptions(method="none")


@pytest.fixture(params=["eager", "lazy"])
def image(request):
    counts = np.random.default_rng(1).poisson(50, (7, 5, 40)).astype("u2")
    valid = np.ones((7, 5), bool)
    valid[2, 3] = False
    counts[2, 3] = 0
    image = xr.DataArray(
        counts,
        dims=("y", "x", "energy_loss"),
        coords={
            "y": ("y", 0.5 * np.arange(7), {"units": "nm"}),
            "x": ("x", 0.25 * np.arange(5), {"units": "nm"}),
            "energy_loss": ("energy_loss", 300 + 2.0 * np.arange(40), {"units": "eV"}),
            "valid_pixel": (("y", "x"), valid),
        },
        attrs={"counts_per_electron": 1.0, "title": "a scene"},
    )
    return image.chunk({"y": 3, "x": 2}) if request.param == "lazy" else image


def correct(image, **options):
    return correct_image(image, Corrections(gain=QUIET, **options))


def summary(corrected, step):
    return next(entry for entry in corrected.attrs["corrections"] if entry["step"] == step)


def test_crop_by_units(image):
    options = CropOptions(energy_eV=(310, 331), x_nm=(0.25, 0.8), y_nm=(0.9, 3.0))
    corrected = correct(image, crop=options)
    np.testing.assert_array_equal(corrected.counts, image.to_numpy()[2:7, 1:4, 5:16])
    np.testing.assert_array_equal(corrected.energy_loss, 300 + 2.0 * np.arange(5, 16))
    assert corrected.counts.dtype == np.uint16
    assert not corrected.valid_pixel[0, 2]
    assert corrected.sizes["raw_energy"] == 40
    assert "from 7 x 5 x 40 to 5 x 3 x 11" in summary(corrected, "crop")["summary"]


def test_bin_sums(image):
    corrected = correct(image, bin=BinOptions(x=2, y=3, energy=4))
    expected = image.to_numpy()[:6, :4].reshape(2, 3, 2, 2, 10, 4).sum((1, 3, 5))
    valid = np.array([[True, False], [True, True]])
    np.testing.assert_array_equal(corrected.counts, expected * valid[..., None])
    np.testing.assert_array_equal(corrected.valid_pixel, valid)
    assert corrected.counts.dtype == np.uint32
    np.testing.assert_allclose(corrected.energy_loss, 303 + 8.0 * np.arange(10))
    np.testing.assert_allclose(corrected.y, [0.5, 2.0])
    assert {dim: corrected[dim].attrs["units"] for dim in corrected.counts.dims} == {
        "y": "nm",
        "x": "nm",
        "energy_loss": "eV",
    }
    assert corrected.counts.attrs["counts_per_electron"] == 1.0
    assert summary(corrected, "bin")["dropped"] == {"x": 1, "y": 1, "energy_loss": 0}


@pytest.mark.parametrize("options", [{"x": 2}, {"y": 2}, {"energy": 3}])
def test_bin_one_axis(image, options):
    corrected = correct(image, bin=BinOptions(**options))
    name, number = next(iter(options.items()))
    axis = ("y", "x", "energy").index(name)
    kept = np.moveaxis(image.to_numpy().astype(int), axis, 0)
    kept = kept[: len(kept) // number * number]
    expected = np.moveaxis(kept.reshape(-1, number, *kept.shape[1:]).sum(1), 0, axis)
    valid = corrected.valid_pixel.to_numpy()
    np.testing.assert_array_equal(corrected.counts.to_numpy()[valid], expected[valid])
    assert (corrected.counts.to_numpy()[~valid] == 0).all()


@pytest.mark.parametrize("dtype", ["u1", "i2", "i8", "f4"])
def test_bin_does_not_overflow(dtype):
    counts = np.full((4, 2, 6), 120, dtype)
    image = xr.DataArray(
        counts, dims=("y", "x", "energy"), coords={"energy": ("energy", np.arange(6.0), {"units": "eV"})}
    )
    corrected = correct(image, bin=BinOptions(x=2, y=4, energy=3))
    assert (corrected.counts == 24 * 120).all()
    assert corrected.counts.dtype.kind == np.dtype(dtype).kind


def test_mask_by_counts(image):
    totals = image.sum("energy_loss").to_numpy()
    limit = float(np.median(totals))
    corrected = correct(image, mask=MaskOptions(min_counts=limit))
    keep = totals >= limit
    np.testing.assert_array_equal(corrected.valid_pixel, keep)
    np.testing.assert_array_equal(corrected.counts, image.to_numpy() * keep[..., None])
    np.testing.assert_allclose(corrected.mean_spectrum, image.to_numpy()[keep].mean(0))
    assert corrected.counts.dtype == np.uint16
    assert summary(corrected, "mask")["masked"] == 34 - keep.sum()


def test_mask_outside_a_rectangle(image):
    corrected = correct(image, mask=MaskOptions(outside_nm={"x": (0.25, 0.75), "y": (1.0, 2.0)}))
    expected = np.zeros((7, 5), bool)
    expected[2:5, 1:4] = True
    expected[2, 3] = False
    np.testing.assert_array_equal(corrected.valid_pixel, expected)


def test_laziness_is_kept(image):
    options = {
        "crop": CropOptions(energy_eV=(310, 350)),
        "bin": BinOptions(x=2),
        "mask": MaskOptions(min_counts=1),
    }
    corrected = correct(image, **options)
    assert (corrected.counts.chunks is None) == (image.chunks is None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"crop": CropOptions(energy_eV=(500, 600))},
            r"corrections\.crop\.energy_eV: .*500 to 600 eV.*300 to 378",
        ),
        ({"crop": CropOptions(energy_eV=(310, 600))}, r"corrections\.crop\.energy_eV"),
        ({"crop": CropOptions(energy_eV=(310.5, 311.5))}, r"corrections\.crop\.energy_eV"),
        ({"crop": CropOptions(x_nm=(0, 50))}, r"corrections\.crop\.x_nm: .*0 to 1 nm"),
        ({"crop": CropOptions(y_nm=(-3, 1))}, r"corrections\.crop\.y_nm"),
        ({"bin": BinOptions(x=6)}, r"corrections\.bin: 6 along x is more than its 5"),
        ({"mask": MaskOptions(min_counts=1e9)}, r"corrections\.mask leaves no pixel"),
        ({"mask": MaskOptions(outside_nm={"x": (40, 50)})}, r"corrections\.mask\.outside_nm\.x"),
    ],
)
def test_windows_outside_the_axis(image, options, message):
    with pytest.raises(InputError, match=message) as caught:
        correct(image, **options)
    assert "\n" not in str(caught.value)


def test_nanometres_need_a_calibration(image):
    image["x"].attrs["units"] = "px"
    with pytest.raises(InputError, match=r"corrections\.crop\.x_nm: the axis x is in px"):
        correct(image, crop=CropOptions(x_nm=(0, 1)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (lambda: CropOptions(energy_eV=(3, 1)), "two increasing numbers"),
        (lambda: CropOptions(x_nm=(0, np.nan)), r"x_nm\[1\] needs a finite number, found nan"),
        (lambda: BinOptions(x=0), "x needs a whole number of at least 1, found 0"),
        (lambda: BinOptions(energy=1.5), "energy needs a whole number of at least 1, found 1.5"),
        (lambda: MaskOptions(min_counts=-1), "min_counts"),
        (lambda: MaskOptions(outside_nm={"z": (0, 1)}), "outside_nm.z is not an option"),
    ],
)
def test_options_refuse_nonsense(options, message):
    with pytest.raises(ValueError, match=message):
        options()


@pytest.mark.parametrize("number", [1, 2, 4, 8])
def test_noise_of_binned_channels_lies_between_one_channel_and_many(number):
    """Channels correlated as 0.4 to the power of their distance."""
    rng = np.random.default_rng(5)
    noise = np.zeros((20, 30, 400))
    for channel in range(1, 400):
        noise[..., channel] = 0.4 * noise[..., channel - 1] + rng.normal(0, 10, (20, 30))
    one = 100 / (1 - 0.16)
    attrs = {"channel_variance_to_mean": one / 500, "counts_per_electron": one / 500 * 1.4 / 0.6}
    image = xr.DataArray(
        500 + noise[..., 80:], dims=("y", "x", "energy_loss"), coords={"energy_loss": 2.0 * np.arange(320)}
    ).assign_attrs(attrs)
    corrected = correct(image, bin=BinOptions(energy=number, x=2))
    measured = float(corrected.counts.var() / corrected.counts.mean())
    # 320 x 300 / number values: 1 to 4 %
    assert corrected.counts.attrs["channel_variance_to_mean"] == pytest.approx(measured, rel=0.05)
    assert (
        "channel_variance_to_mean" not in correct(image.drop_attrs(), bin=BinOptions(energy=2)).counts.attrs
    )
