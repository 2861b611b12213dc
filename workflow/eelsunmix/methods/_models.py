"""What a method gives back: endmembers, and how abundances follow from spectra; and how both are stored."""

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from eelsunmix.errors import MethodFailedError
from eelsunmix.typing import Floats
from eelsunmix.words import axes_in_words

COUNTS_ATTRIBUTE = "equalised_counts"
"""Attribute of a stored model with the total counts of the spectra that it knows; absent for all others."""
LEARNED_BRIGHTNESS = "learned_brightness"
"""Attribute of a stored model whose abundances sum to one: `mean_brightness` of what it has learned from."""

RECORD = ("status", "message")
"""Fields of a `StoredModel` that are attributes of its dataset under their own names."""


class Abundances(NamedTuple):
    """Abundances of pixels, and their standard deviations where the model knows them.

    Both have the shape (..., endmember). Where `Model.sd_of_counts` says so, the deviations are those of
    counts whose variance is their mean.
    """

    mean: Floats
    sd: Floats | None = None


class Model(ABC):
    """What is common to all fitted models; each is also a `PixelModel` or a `FrameModel`.

    Attributes
    ----------
    endmembers : ndarray, shape (endmember, channel)
        Counts of a pixel of abundance one: ``abundances @ endmembers`` are counts.
    """

    endmembers: Floats
    endmember_noise: float = 0.0
    """Counting noise of the endmembers: their variance, in units of that of one pixel of abundance one."""

    @property
    def knows_sd(self) -> bool:
        """Whether abundances come with standard deviations."""
        return False

    @property
    def sd_of_counts(self) -> bool:
        """Whether these are those of Poisson counts, so that `mapping` must scale them to the noise."""
        return False

    @property
    def signed(self) -> bool:
        """Whether abundances may be negative by design, so that the refit must allow it too."""
        return False

    @abstractmethod
    def resampled(self, energy: Floats, new_energy: Floats) -> Self:
        """Return the same model on another energy axis, within the range of its own.

        Raises
        ------
        MethodFailedError
            The model is bound to the channels that it has learned; other methods may not be.
        """

    @abstractmethod
    def to_dataset(self) -> xr.Dataset:
        """Return the model as arrays and attributes; `eelsunmix.methods.load_model` is the inverse."""


class PixelModel(Model):
    """A model that needs nothing but its spectrum to map a pixel."""

    @abstractmethod
    def abundances(self, spectra: Floats) -> Abundances:
        """Map spectra, shape (pixel, channel)."""


class FrameModel(Model):
    """A model that sees the neighbours of a pixel: it maps whole frames, from a few features of each."""

    @property
    @abstractmethod
    def n_features(self) -> int:
        """Number of features of a pixel."""

    @abstractmethod
    def features(self, spectra: Floats) -> NDArray[np.float32]:
        """Reduce spectra, shape (..., channel), to what is needed of them, shape (..., feature)."""

    @abstractmethod
    def abundances(self, features: NDArray[np.float32]) -> Abundances:
        """Map a frame of features, shape (y, x, feature)."""


def array(*dims: str, units: str = "1") -> dict[str, Any]:
    """Metadata of a field of a `StoredModel` that holds an array: its dims and its units in the store.

    Without dims the field is a dict of arrays of any shape.  The unit is ``"1"`` for plain numbers, also for
    counts that have been divided by the weight of their channel.

    Examples
    --------
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Encoder(StoredModel):
    ...     bias: Floats = field(metadata=array("endmember"))
    ...     weights: dict[str, Floats] = field(metadata=array())
    """
    return {"dims": dims, "units": units}


@dataclass(frozen=True, kw_only=True)
class StoredModel(Model):
    """Base of the models of this package: the record of the fit, and the way to a store and back.

    Subclasses add fields of arrays (marked by `array`) and plain fields (bool, int, float, str); both go
    through `to_dataset` and back without further code.  The marks are all that says what the model publishes.
    Use the dims ``endmember``, ``channel`` and ``iteration`` where they apply.

    Parameters
    ----------
    endmembers : ndarray, shape (endmember, channel)
        Counts of a pixel of abundance one: ``abundances @ endmembers`` are counts.
    loss : ndarray, shape (iteration,), optional
        Where the method iterates.
    status : {"converged", "not converged"}
        Outcome of the fit.
    message : str
        One line with the numbers behind the status, and what else a user should know.
    """

    endmembers: Floats = field(metadata=array("endmember", "channel", units="counts"))
    loss: Floats | None = field(metadata=array("iteration"), default=None)
    status: str = "converged"
    message: str = ""

    def scaled(self, factors: Floats) -> Self:
        """Return the same model with endmembers of that many times the counts."""
        return dataclasses.replace(self, endmembers=self.endmembers * factors[:, None])

    def normalised(self, counts: float) -> Self:
        """Return the same model with endmembers that all have these total counts."""
        return self.scaled(counts / self.endmembers.sum(axis=1))

    def resampled(self, energy: Floats, new_energy: Floats) -> Self:
        """Refuse: the model is bound to the channels that it has learned.

        Raises
        ------
        MethodFailedError
            Always; subclasses that can do better override this.
        """
        raise MethodFailedError(
            f"a {type(self).__name__} maps only images on its own energy axis, "
            f"{axes_in_words(energy, new_energy)}; fit again on the axis of the image"
        )

    def to_dataset(self) -> xr.Dataset:
        """Return the model as arrays and attributes; `from_dataset` is the inverse."""
        attrs = {"model": stored_name(type(self)), **{name: getattr(self, name) for name in RECORD}}
        dataset, settings = xr.Dataset(attrs=attrs), dict[str, Any]()
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            if "dims" in item.metadata:
                dataset = dataset.assign(_variables(item, value))
            elif item.name not in attrs:
                settings[item.name] = value
        return dataset.assign_attrs(model_settings=settings)

    @classmethod
    def from_dataset(cls, dataset: xr.Dataset) -> Self:
        """Rebuild a model from `to_dataset`, also after a round through a store."""
        parts: dict[str, Any] = dict(dataset.attrs["model_settings"])
        parts |= {name: dataset.attrs[name] for name in RECORD}
        for item in dataclasses.fields(cls):
            name, dims = variable_name(item.name), item.metadata.get("dims")
            if dims == ():
                start = f"{item.name}."
                names = [str(key) for key in dataset.data_vars if str(key).startswith(start)]
                parts[item.name] = {key.removeprefix(start): dataset[key].to_numpy() for key in names}
            elif dims is not None and name in dataset:
                parts[item.name] = dataset[name].to_numpy()
        return cls(**parts)


def stored_name(kind: type) -> str:
    """Name by which a store refers to a class of models: its module, seen from the methods, and its own."""
    return f"{kind.__module__.removeprefix('eelsunmix.methods.')}.{kind.__qualname__}"


def variable_name(field_name: str) -> str:
    """Name of the variable that holds the array of a field."""
    return "endmember_spectrum" if field_name == "endmembers" else field_name


def _variables(item: dataclasses.Field[Any], value: Any) -> dict[str, Any]:
    """Variables of a dataset that hold the value of a field."""
    dims, units = item.metadata["dims"], item.metadata["units"]
    if value is None:
        return {}
    if dims:
        return {variable_name(item.name): (dims, np.asarray(value), {"units": units})}
    return {
        f"{item.name}.{key}": (
            tuple(f"{item.name}.{key}_{axis}" for axis in range(np.ndim(array))),
            np.asarray(array),
            {"units": units},
        )
        for key, array in value.items()
    }
