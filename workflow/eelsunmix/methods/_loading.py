"""Fitted models from their stores, by the name that the store gives."""

import importlib
import re

import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.methods._equalised import equalised
from eelsunmix.methods._models import COUNTS_ATTRIBUTE, FrameModel, PixelModel, StoredModel

_NAME = re.compile(r"(?P<module>[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*)\.(?P<kind>[A-Za-z]\w*)")


def load_model(dataset: xr.Dataset) -> PixelModel | FrameModel:
    """Rebuild a fitted model from its dataset.

    Parameters
    ----------
    dataset : Dataset
        Result of `eelsunmix.fit`, or of `to_dataset` of a model. The attribute ``model`` names its class and
        the module of the methods that the class is in; nothing outside the methods is ever imported.

    Raises
    ------
    InputError
        The dataset does not hold a model of this version.
    """
    try:
        model = stored_class(dataset).from_dataset(dataset)
    except (KeyError, TypeError) as error:  # fields of another version
        name = dataset.attrs["model"]
        raise InputError(f"the fit store holds a {name} of another version ({error}); fit it again") from None
    counts = dataset.attrs.get(COUNTS_ATTRIBUTE)
    return model if counts is None else equalised(model, float(counts))  # type: ignore[return-value]


def stored_class(dataset: xr.Dataset) -> type[StoredModel]:
    """Class of a stored model; of a wrapped one that of the model inside. Parameters as `load_model`."""
    name = str(dataset.attrs.get("model"))
    kind = _class_of(name)
    if kind is None:
        method = dataset.attrs.get("method")
        raise InputError(
            f"the fit store of method {method!r} holds no known model, but {name!r}; fit it again"
        )
    return kind


def _class_of(name: str) -> type[StoredModel] | None:
    parts = _NAME.fullmatch(name)
    if parts is None:
        return None
    full_name = f"eelsunmix.methods.{parts['module']}"
    try:
        module = importlib.import_module(full_name)
    except ModuleNotFoundError as error:
        if not full_name.startswith(error.name or ""):
            raise  # something that the module needs is missing: not the fault of the name
        return None
    kind = vars(module).get(parts["kind"])
    is_model = isinstance(kind, type) and issubclass(kind, StoredModel) and kind.__module__ == full_name
    return kind if is_model else None
