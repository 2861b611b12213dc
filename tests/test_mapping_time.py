"""The time of the mapping alone: what is timed, and what is not."""

import time
from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.mapping import timing
from eelsunmix.mapping.timing import mapping_time
from eelsunmix.methods import Abundances, LinearModel
from test_unmixing import known_model, scene

SLEEP = 0.03


@dataclass(frozen=True, kw_only=True)
class SlowModel(LinearModel):
    """Sleeps at each call, and for long at the first, as a model does that has to compile."""

    calls: list
    knows_sd = False

    def abundances(self, spectra):
        self.calls.append(spectra.shape)
        time.sleep(SLEEP if len(self.calls) > 1 else 20 * SLEEP)
        return Abundances(np.ones((*spectra.shape[:-1], len(self.endmembers))))


@pytest.fixture
def slow(monkeypatch):
    """A slow model in the place of the stored one."""
    image, spectra, _ = scene()
    model = SlowModel(endmembers=spectra, calls=[])
    monkeypatch.setattr(timing, "model_for", lambda stored, image: model)
    return model, known_model(spectra, image).assign_attrs(status="converged"), image


def test_the_kernel_is_timed_without_its_first_call(slow):
    _, stored, image = slow
    found = mapping_time(stored, image)
    assert SLEEP <= found["abundance_seconds"] < 10 * SLEEP
    assert found["abundance_pixels"] == 9 * 14


def test_reading_the_image_is_not_timed(slow):
    _, stored, image = slow

    def slowly(block):
        time.sleep(20 * SLEEP)
        return block

    lazy = image.chunk(y=3).copy(data=image.chunk(y=3).data.map_blocks(slowly, dtype=image.dtype))
    assert mapping_time(stored, lazy)["abundance_seconds"] < 10 * SLEEP


def test_no_more_than_the_stated_pixels_are_timed(slow, monkeypatch):
    model, stored, image = slow
    monkeypatch.setattr(timing, "TIMED_PIXELS", 40)
    assert mapping_time(stored, image)["abundance_pixels"] == 2 * 14
    assert model.calls == [(28, 30)] * (1 + timing.N_REPEATS)


def test_pixels_without_counts_are_not_counted(slow):
    _, stored, image = slow
    valid = image.valid_pixel.copy()
    valid[0, :5] = False
    assert mapping_time(stored, image.assign_coords(valid_pixel=valid))["abundance_pixels"] == 9 * 14 - 5


def test_a_failed_model_has_no_time():
    assert mapping_time(xr.Dataset(attrs={"status": "failed"}), scene()[0]) == {}


def test_an_image_beyond_the_model_is_refused():
    image, spectra, _ = scene()
    stored = known_model(spectra, image).assign_attrs(status="converged")
    with pytest.raises(InputError, match="the model covers energy_loss 200 to 780"):
        mapping_time(stored, image.assign_coords(energy_loss=image.energy_loss + 300.0))
