"""The unmixing methods: one file each, with one class of options that is the method, found by file name.

A method named ``abc`` is the class ``ABC`` in ``methods/abc.py``, a `Method`: from a `LearningSet` it fits a
model, a `PixelModel` or a `FrameModel`.  Files that begin with an underscore are helpers.  Nothing is
registered.
"""

from eelsunmix.methods._brightness import (
    brightness_spread,
    equalised_learning_set,
    suits_variable_brightness,
    with_true_totals,
)
from eelsunmix.methods._equalised import equalised
from eelsunmix.methods._extras import missing_extra
from eelsunmix.methods._learning_set import LearningSet, Resources
from eelsunmix.methods._linear import LinearModel
from eelsunmix.methods._loading import has_failed, load_model, stored_class
from eelsunmix.methods._lookup import build_method, method_class, method_names
from eelsunmix.methods._method import Method, Need
from eelsunmix.methods._models import Abundances, FrameModel, Model, PixelModel, StoredModel, array

__all__ = [
    "Abundances",
    "FrameModel",
    "LearningSet",
    "LinearModel",
    "Method",
    "Model",
    "Need",
    "PixelModel",
    "Resources",
    "StoredModel",
    "array",
    "brightness_spread",
    "build_method",
    "equalised",
    "equalised_learning_set",
    "has_failed",
    "load_model",
    "method_class",
    "method_names",
    "missing_extra",
    "stored_class",
    "suits_variable_brightness",
    "with_true_totals",
]
