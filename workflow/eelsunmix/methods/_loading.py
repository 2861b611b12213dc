"""Fitted models from their stores, by the name that the store gives."""

import importlib
import re

import xarray as xr

from eelsunmix.errors import InputError, in_brief
from eelsunmix.methods._equalised import equalised
from eelsunmix.methods._models import COUNTS_ATTRIBUTE, FrameModel, PixelModel, StoredModel
from eelsunmix.methods._stored import faults

_PART = r"[a-z_][a-z0-9_]{0,99}"
_NAME = re.compile(rf"(?P<module>{_PART}(\.{_PART}){{0,4}})\.(?P<kind>[A-Za-z]\w{{0,99}})", re.ASCII)
"""Bounded, because the import of a module goes as deep as its name."""


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
        The dataset is damaged, or does not hold a model of this version.
    """
    kind = stored_class(dataset)
    for fault in faults(dataset, kind):
        raise InputError(
            f"the fit store of {_method_of(dataset)} is damaged or of another version ({fault}); fit it again"
        )
    model, counts = kind.from_dataset(dataset), dataset.attrs.get(COUNTS_ATTRIBUTE)
    return model if counts is None else equalised(model, float(counts))  # type: ignore[return-value]


def has_failed(dataset: xr.Dataset) -> bool:
    """Whether the method of a fit store gave no model. Parameters as `load_model`.

    Raises
    ------
    InputError
        The dataset does not say.
    """
    status = dataset.attrs.get("status")
    if not isinstance(status, str):
        raise InputError(
            "the model says nothing of its status; give a result of eelsunmix.fit, or the store "
            "of one, opened with eelsunmix.open_store"
        )
    return status == "failed"


def stored_class(dataset: xr.Dataset) -> type[StoredModel]:
    """Class of a stored model; of a wrapped one that of the model inside. Parameters as `load_model`."""
    name = str(dataset.attrs.get("model"))
    kind = _class_of(name)
    if kind is None:
        raise InputError(
            f"the fit store of {_method_of(dataset)} holds no known model, but {in_brief(name)}; fit it again"
        )
    return kind


def _method_of(dataset: xr.Dataset) -> str:
    return f"method {in_brief(dataset.attrs.get('method'))}"


def _class_of(name: str) -> type[StoredModel] | None:
    parts = _NAME.fullmatch(name)
    if parts is None:
        return None
    full_name = f"eelsunmix.methods.{parts['module']}"
    try:
        module = importlib.import_module(full_name)
    except ModuleNotFoundError as error:
        if not full_name.startswith(error.name or ""):
            raise InputError(
                f"the model {name!r} needs {error.name}, which is not installed here; install it"
            ) from error
        return None
    kind = vars(module).get(parts["kind"])
    is_model = isinstance(kind, type) and issubclass(kind, StoredModel) and kind.__module__ == full_name
    return kind if is_model else None
