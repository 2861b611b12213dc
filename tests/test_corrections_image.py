"""The whole correction stage: lazy, in any chunks, any dims, any unit, on real data."""

import tracemalloc

import numpy as np
import pytest
import xarray as xr

from eelsunmix.corrections import (
    AlignOptions,
    BinOptions,
    Corrections,
    CropOptions,
    GainOptions,
    MaskOptions,
    correct_image,
)
from eelsunmix.corrections.channels import BadChannelOptions
from eelsunmix.corrections.detector import measure_detector
from eelsunmix.corrections.spikes import SpikeOptions
from eelsunmix.corrections.statistics import gather_statistics, spectral_groups
from eelsunmix.errors import InputError
from eelsunmix.execution import blocks
from eelsunmix.image import with_valid_pixel

STEPS = ["dark", "gain", "bad_channels", "spikes", "align", "crop", "bin", "mask"]


def scene(shape=(9, 7, 60), seed=1, gain_sd=0.0):
    """Two phases with spikes, `shape` ending in the channels."""
    rng = np.random.default_rng(seed)
    channel = np.arange(shape[-1])
    ends = np.stack([1500 * np.exp(-channel / 40), 1200 * np.exp(-channel / 70) + 500 * (channel > 35)])
    share = rng.random(shape[:-1])[..., None]
    gain = 1 + gain_sd * rng.standard_normal(shape[-1])
    counts = rng.poisson((share * ends[0] + (1 - share) * ends[1]) * gain).astype("u4")
    pixels = rng.permutation(counts[..., 0].size)[:5]
    where = (*np.unravel_index(pixels, shape[:-1]), rng.permutation(shape[-1])[:5])
    counts[where] = 10**6
    dims = ("frame", "y", "x", "energy_loss")[-len(shape) :]
    image = xr.DataArray(
        counts,
        dims=dims,
        coords={
            "energy_loss": ("energy_loss", 200 + 2.0 * channel, {"units": "eV"}),
            "y": ("y", np.arange(float(shape[-3])), {"units": "nm"}),
            "x": ("x", np.arange(float(shape[-2])), {"units": "nm"}),
        },
        attrs={"counts_per_electron": 1.0},
    )
    return image, sorted(zip(*(axis.tolist() for axis in where), strict=True))


@pytest.mark.parametrize("gain_sd", [0.0, 0.02])
@pytest.mark.parametrize("bad", ["none", [0, 7, 8]])
def test_totals_are_those_of_the_corrected_counts(gain_sd, bad):
    image, _ = scene(gain_sd=gain_sd)
    valid = np.ones(image.shape[:-1], bool)
    valid[2, 3] = False
    image = image.assign_coords(valid_pixel=(("y", "x"), valid))
    options = BadChannelOptions(channels=bad)
    for raw in (image, image.chunk(y=2).assign_coords(image.coords)):
        found = measure_detector(raw, GainOptions(), options, SpikeOptions(), {})
        expected = found.apply(raw).sum("energy_loss", dtype=float).where(image.valid_pixel, 0)
        assert found.gain.changes == (gain_sd > 0)
        np.testing.assert_allclose(found.totals(raw), expected, rtol=1e-6)


@pytest.mark.parametrize("bad", ["none", [0, 255, 256, 4096]])
def test_totals_of_many_channels_need_no_matrix_of_channels_squared(bad):
    raw = with_valid_pixel(scene((3, 4, 4097), seed=2)[0])
    found = measure_detector(
        raw, GainOptions(method="none"), BadChannelOptions(channels=bad), SpikeOptions(), {}
    )
    tracemalloc.start()
    try:
        totals, peak = found.totals(raw), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.bad_channels.changes == (bad != "none")
    np.testing.assert_allclose(totals, found.apply(raw).sum("energy_loss", dtype=float), rtol=1e-6)
    assert peak < (4 * 256 if found.bad_channels.changes else 3 * raw.shape[0] * raw.shape[1]) * 8 * 4097


@pytest.mark.parametrize("shape", [(9, 7, 60), (3, 5, 4, 60)])
@pytest.mark.parametrize("chunk", [1, 2, 4])
def test_lazy_equals_eager_bit_for_bit(shape, chunk):
    image, spikes = scene(shape)
    eager = correct_image(image)
    lazy = correct_image(image.chunk({"y": chunk, "x": chunk + 1}))
    assert lazy.counts.chunks is not None
    assert eager.counts.chunks is None
    assert lazy.counts.dtype == eager.counts.dtype == np.uint32
    xr.testing.assert_identical(lazy.compute(), eager)
    assert [tuple(p) for p in eager.spike_position.to_numpy().tolist()] == spikes
    assert (eager.counts < 10**5).all()


@pytest.mark.parametrize("elements", [60, 500, 2000, 10**6])
def test_statistics_do_not_depend_on_blocks(elements):
    image = with_valid_pixel(scene()[0])
    groups = spectral_groups(image)
    whole, cut = (gather_statistics(image, groups, 8.0, n) for n in (10**9, elements))
    for name in ("n_pixels", "sums", "lowest", "highest"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name))
    np.testing.assert_array_equal(cut.spikes.position, whole.spikes.position)
    np.testing.assert_array_equal(cut.spikes.replaced, whole.spikes.replaced)
    assert whole.n_pixels.sum() == 63
    assert whole.n_pixels.min() == 21


@pytest.mark.parametrize("elements", [60, 500, 10**6])
def test_gain_correction_does_not_depend_on_blocks(monkeypatch, elements):
    image = scene(gain_sd=0.1)[0]
    whole = correct_image(image)
    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", elements)
    cut = correct_image(image.chunk({"y": 3})).compute()
    assert whole.counts.dtype == np.float32
    assert not (whole.gain == 1).all()
    # integers are summed without rounding, so even the estimated gain has the same bits
    xr.testing.assert_identical(cut, whole)


def test_every_step_is_logged_in_order():
    corrected = correct_image(scene()[0])
    log = corrected.attrs["corrections"]
    assert [entry["step"] for entry in log] == STEPS
    assert [entry["step"] for entry in log if entry["applied"]] == ["spikes"]
    assert all(entry["summary"].endswith(".") for entry in log)
    for key in ("roughness_before", "roughness_after", "roughness_expected_from_noise", "correlation"):
        assert np.isfinite(log[1][key])


def test_totals_and_mean_are_those_of_the_valid_pixels():
    image = scene()[0]
    valid = np.ones((9, 7), bool)
    valid[:2] = False
    image = (image * xr.DataArray(valid, dims=("y", "x"))).astype("u4").assign_attrs(image.attrs)
    corrected = correct_image(image.assign_coords(valid_pixel=(("y", "x"), valid)))
    counts = corrected.counts.to_numpy()
    np.testing.assert_array_equal(corrected.total_counts, counts.sum(-1))
    np.testing.assert_allclose(corrected.mean_spectrum, counts[valid].mean(0))
    assert (counts[:2] == 0).all()


def test_invalid_pixels_stay_zero_under_gain_and_dark(tmp_path):
    image = scene()[0]
    valid = np.arange(63).reshape(9, 7) != 20
    image[2, 6] = 0
    np.save(tmp_path / "dark.npy", np.full(60, 5.0))
    options = Corrections(gain=GainOptions(dark=str(tmp_path / "dark.npy"), method="none"))
    corrected = correct_image(image.assign_coords(valid_pixel=(("y", "x"), valid)), options)
    assert (corrected.counts[2, 6] == 0).all()
    assert corrected.counts.dtype == np.float32


def test_input_is_not_changed():
    image = scene()[0]
    before = image.copy(deep=True)
    correct_image(image, Corrections(mask=MaskOptions(min_counts=30000.0), bin=BinOptions(x=2)))
    xr.testing.assert_identical(image, before)


def test_axis_in_kilo_electronvolts():
    image = scene()[0]
    kilo = image.rename(energy_loss="energy").assign_coords(
        energy=("energy", image.energy_loss.to_numpy() / 1000, {"units": "keV"})
    )
    options = Corrections(crop=CropOptions(energy_eV=(240, 280)))
    one, other = correct_image(image, options), correct_image(kilo, options)
    np.testing.assert_array_equal(one.counts, other.counts)
    np.testing.assert_allclose(other.energy, one.energy_loss / 1000)
    assert other.raw_energy.attrs["units"] == other.energy.attrs["units"] == "keV"
    edges = {"X": {"onset_eV": 260}}
    assert one.gain.equals(correct_image(kilo, options, edges=edges).gain.assign_coords(one.gain.coords))


@pytest.mark.parametrize("peak", [0.0, 900.0])
def test_the_noise_peak_of_a_detector_of_x_rays_is_named_where_it_is_large(peak):
    energy = np.linspace(-0.2, 3.0, 161)
    expected = 2.0 + peak * np.exp(-((energy / 0.04) ** 2)) + 60.0 * np.exp(-(((energy - 1.74) / 0.06) ** 2))
    counts = np.random.default_rng(5).poisson(expected, size=(4, 6, energy.size))
    image = xr.DataArray(
        counts, dims=("y", "x", "energy"), coords={"energy": ("energy", energy, {"units": "keV"})}
    )
    none = Corrections(gain=GainOptions(method="none"))
    found = [text for text in correct_image(image, none).attrs["warnings"] if "noise peak" in text]
    assert len(found) == (peak > 0)
    cropped = none.model_copy(update={"crop": CropOptions(energy_eV=(100.0, 3000.0))})
    if peak:
        share = counts[..., energy < 0.1].sum() / counts.sum()
        assert found[0].startswith(f"{100 * share:.0f} % of the counts lie below 100 eV")
        assert "energy_eV: [100, 3000]" in found[0]
        assert not any("noise peak" in text for text in correct_image(image, cropped).attrs["warnings"])
    losses = image.rename(energy="energy_loss")
    assert not any("noise peak" in text for text in correct_image(losses, none).attrs["warnings"])


def test_not_a_number_names_its_voxel():
    image = scene()[0].astype("f4")
    image[5, 3, 17] = np.nan
    for each in (image, image.chunk({"y": 2})):
        with pytest.raises(InputError, match=r"the pixel at y = 5 nm, x = 3 nm holds nan in channel 17"):
            correct_image(each)


@pytest.mark.guarantee(9)
@pytest.mark.parametrize("dtype", [">u2", "f2", "f4", "i4"])
def test_number_types_agree(dtype):
    counts = np.random.default_rng(3).poisson(200, (6, 5, 50))
    coords = {"energy_loss": np.arange(50.0)}
    images = [
        xr.DataArray(counts.astype(t), dims=("y", "x", "energy_loss"), coords=coords) for t in ("f8", dtype)
    ]
    whole, other = (correct_image(image) for image in images)
    np.testing.assert_array_equal(whole.counts, other.counts)


@pytest.mark.guarantee(10)
@pytest.mark.parametrize("shape", [(1, 1, 30), (1, 4, 30), (3, 1, 7), (2, 2, 1)])
def test_tiny_images(shape):
    counts = np.random.default_rng(4).poisson(100, shape)
    image = xr.DataArray(
        counts, dims=("y", "x", "energy_loss"), coords={"energy_loss": np.arange(float(shape[-1]))}
    )
    np.testing.assert_array_equal(correct_image(image).counts, counts)


@pytest.mark.parametrize("value", [0, 7])
def test_constant_images(value):
    image = xr.DataArray(
        np.full((4, 5, 40), value), dims=("y", "x", "energy_loss"), coords={"energy_loss": np.arange(40.0)}
    )
    corrected = correct_image(image)
    assert (corrected.counts == value).all()
    assert not corrected.bad_channel.any()


@pytest.mark.guarantee(9)
def test_images_that_are_none():
    image = scene()[0]
    with pytest.raises(InputError, match="needs dims"):
        correct_image(image[0])
    with pytest.raises(InputError, match="has no coordinate"):
        correct_image(image.drop_vars("energy_loss"))
    with pytest.raises(InputError, match="must increase"):
        correct_image(image[..., ::-1])
    for empty in (image[..., :0], image[:0], image[:, :0]):
        with pytest.raises(InputError, match=r"has the shape .*: there are no counts"):
            correct_image(empty)
    for values in (image * 1j, image.astype(str), image > 3):
        with pytest.raises(InputError, match="counts need to be real numbers"):
            correct_image(values)
    with pytest.raises(InputError, match="no valid pixel"):
        correct_image(image.assign_coords(valid_pixel=(("y", "x"), np.zeros((9, 7), bool))))


def test_real_image(example_data):
    from eelsunmix.io import open_image

    image = open_image(example_data / "STO-LMO_EELS_SI.dm3")
    edges = {name: {"onset_eV": e} for name, e in [("Ti", 456), ("O", 532), ("Mn", 640), ("La", 832)]}
    corrected = correct_image(image, edges=edges)
    log = {entry["step"]: entry for entry in corrected.attrs["corrections"]}
    assert not corrected.bad_channel.any()
    assert corrected.sizes["spike"] == 0
    # the same 50 counts where there are 2900 and where there are 700: the noise of a dark reference
    assert log["dark"]["applied"]
    assert 40 < log["dark"]["sd"] < 60
    assert log["gain"]["roughness_before"] > 0.05
    assert log["gain"]["roughness_after"] < 0.012


@pytest.mark.parametrize("shape", [(9, 7, 60), (1, 1, 30)])
@pytest.mark.parametrize("elements", [500, 10**6])
def test_result_survives_its_store(tmp_path, monkeypatch, shape, elements):
    from eelsunmix.storage import open_store, publish

    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", elements)

    image = scene(shape)[0] if shape[0] > 1 else scene()[0][:1, :1, :30]
    for each in (image, image.chunk({"y": 2})):
        corrected = correct_image(each)
        path = tmp_path / f"{each.chunks is None}.zarr"
        publish(corrected, path)
        xr.testing.assert_equal(open_store(path).load(), corrected.compute())
        assert open_store(path).attrs["corrections"] == corrected.attrs["corrections"]


def test_masks_are_loaded_and_counts_are_not():
    image = scene(gain_sd=0.1)[0].chunk({"y": 2})
    window = {"window_eV": (220.0, 300.0), "max_shift_eV": 4.0}
    corrected = correct_image(
        image, Corrections(align=AlignOptions(enabled=True, **window), bin=BinOptions(x=2))
    )
    assert corrected.counts.chunks is not None
    assert corrected.valid_pixel.chunks is None
    assert corrected.energy_shift.chunks is None


def test_the_mean_of_the_corrected_counts_needs_no_pass_of_its_own(tmp_path):
    image, _ = scene((23, 17, 60), seed=8)
    rng = np.random.default_rng(8)
    np.save(tmp_path / "dark.npy", rng.uniform(2, 9, 60))
    np.save(tmp_path / "gain.npy", 1 + 0.02 * rng.standard_normal(60))
    valid = rng.random((23, 17)) < 0.9
    raw = with_valid_pixel(image.where(xr.DataArray(valid, dims=("y", "x")), 0).astype("u4"))
    raw = raw.assign_coords(valid_pixel=(("y", "x"), valid))
    gain = GainOptions(dark=str(tmp_path / "dark.npy"), reference=str(tmp_path / "gain.npy"), kind="divide")
    detector = measure_detector(raw, gain, BadChannelOptions(channels=(12, 40)), SpikeOptions(), {})
    expected = detector.apply(raw).to_numpy()[valid].mean(axis=0, dtype=float)
    np.testing.assert_allclose(detector.corrected_mean, expected, rtol=1e-6)
