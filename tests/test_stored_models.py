"""Damaged and hostile datasets of models: each gets one line that says what is wrong."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.mapping import apply
from eelsunmix.methods import LinearModel, StoredModel, array, equalised, load_model
from eelsunmix.methods._stored import faults
from eelsunmix.model_arrays import model_arrays

ENERGY = xr.DataArray(np.arange(5.0), dims="energy_loss", attrs={"units": "eV"})
IMAGE = xr.DataArray(np.ones((3, 4, 5)), dims=("y", "x", "energy_loss"), coords={"energy_loss": ENERGY})


@pytest.fixture
def stored():
    spectra = np.array([[1.0, 2, 3, 2, 1], [5.0, 4, 3, 2, 1]])
    model = LinearModel(endmembers=spectra, sum_to_one=True, channel_weight=np.arange(1.0, 6))
    return model.to_dataset().rename(channel="energy_loss").assign_coords(energy_loss=ENERGY)


def refused(dataset):
    """The one line that mapping with such a model gives."""
    with pytest.raises(InputError) as caught:
        apply(dataset, IMAGE)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 300
    return message


def test_the_model_itself_is_taken(stored):
    assert apply(stored, IMAGE)["abundance"].shape == (3, 4, 2)
    assert apply(stored.assign_attrs(equalised_counts=np.float32(9)), IMAGE)["abundance"].shape == (3, 4, 2)


@pytest.mark.guarantee("G9")
@pytest.mark.parametrize(
    "name", ["a." * 5000 + "B", "a" * 5000 + ".B", "a.b.c.d.e.f.g.B", "_linear." + "B" * 5000, "ß.B", 3, None]
)
def test_a_name_that_is_none_is_refused_whatever_its_length(stored, name):
    assert "holds no known model" in refused(stored.assign_attrs(model=name))


@pytest.mark.parametrize("counts", ["many", "7", [3.0], None, True, -1.0, 0, float("nan"), float("inf"), {}])
def test_counts_that_are_no_number_above_zero_are_refused(stored, counts):
    assert "attribute equalised_counts is" in refused(stored.assign_attrs(equalised_counts=counts))


@pytest.mark.parametrize("settings", [None, ["ab", "cd"], ["abc"], "abc", 3])
def test_settings_that_are_no_mapping_are_refused(stored, settings):
    assert "model_settings is" in refused(stored.assign_attrs(model_settings=settings))


def test_every_setting_is_checked(stored):
    own = stored.attrs["model_settings"]
    changed = refused(stored.assign_attrs(model_settings=own | {"sum_to_one": "yes" * 999}))
    assert "sum_to_one of model_settings cannot be 'yesyes" in changed
    further = refused(stored.assign_attrs(model_settings=own | {"rank": 2}))
    assert "'rank', which a LinearModel does not have" in further
    assert load_model(stored.assign_attrs(model_settings={"sum_to_one": np.bool_(True)}))


@pytest.mark.parametrize(
    ("name", "said"), [("status", "says nothing of its status"), ("message", "message is None")]
)
def test_a_missing_or_strange_record_is_refused(stored, name, said):
    without = stored.copy()
    del without.attrs[name]
    assert said in refused(without)
    assert name in refused(stored.assign_attrs({name: ["failed"]}))
    with pytest.raises(InputError, match=f"{name} is None instead of text"):
        load_model(without)


def test_arrays_of_a_fit_without_status_are_refused(stored):
    del stored.attrs["status"]
    with pytest.raises(InputError, match="says nothing of its status"):
        model_arrays(stored)


@pytest.mark.parametrize(
    ("spectra", "said"),
    [
        (None, "endmember_spectrum is missing"),
        (("endmember", np.ones(2)), "instead of"),
        ((("energy_loss", "endmember"), np.ones((5, 2))), "instead of"),
        ((("endmember", "energy_loss"), np.full((2, 5), np.nan)), "not finite"),
        ((("endmember", "energy_loss"), np.full((2, 5), np.inf)), "not finite"),
        ((("endmember", "energy_loss"), np.full((2, 5), "a")), "no numbers"),
        ((("endmember", "energy_loss"), np.empty((0, 5))), "is empty"),
        (((), np.ones(())), "instead of"),
    ],
)
def test_endmembers_that_no_model_has_are_refused(stored, spectra, said):
    bare = stored.drop_vars("endmember_spectrum")
    damaged = bare if spectra is None else bare.assign(endmember_spectrum=spectra)
    assert said in refused(damaged)


def test_another_array_on_other_dims_is_refused(stored):
    damaged = stored.assign(channel_weight=("else", np.ones(5)))
    assert "channel_weight has the dims ('else',) instead of ('energy_loss',)" in refused(damaged)


@dataclass(frozen=True, kw_only=True)
class Needy(StoredModel):
    """A model with settings and arrays that it cannot do without."""

    width: float
    anything: Any = None
    weights: dict[str, Any] = field(metadata=array())


def test_what_a_class_cannot_do_without_is_missed():
    whole = Needy(endmembers=np.ones((2, 3)), width=1, weights={"a": np.ones(2)}).to_dataset()
    assert list(faults(whole, Needy)) == []
    found = list(faults(whole.drop_vars("weights.a").assign_attrs(model_settings={}), Needy))
    assert found == ["variables weights.* are missing", "model_settings lacks width"]


def test_every_array_of_a_model_has_the_unit_that_is_declared(stored):
    own = model_arrays(stored)
    assert {name: one.unit for name, one in own.items()} == {"loss": "1", "channel_weight": "counts"}
    assert stored["channel_weight"].attrs == {"units": "counts"}
    whole = Needy(endmembers=np.ones((2, 3)), width=1, weights={"a": np.ones(2)}).to_dataset()
    assert whole["weights.a"].attrs == {"units": "1"}


def test_a_model_of_neither_kind_cannot_be_wrapped():
    class Neither(StoredModel):
        pass

    with pytest.raises(TypeError, match="is neither a PixelModel nor a FrameModel"):
        equalised(Neither(endmembers=np.ones((2, 3))), 7.0)
