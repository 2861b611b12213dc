"""The configuration: YAML files in, validated settings of every sample out, or all mistakes at once.

Examples
--------
>>> from eelsunmix.configuration import as_params
>>> from eelsunmix.profiles import Profile
>>> as_params(Profile(along="x", start_nm=0.0, width_nm=0.36))
{'along': 'x', 'start_nm': 0.0, 'width_nm': 0.36, 'pixels': None}

Everything is imported when it is first used: a job needs `from_params`, not the options of every stage.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eelsunmix.configuration.availability import available_samples, doubled_samples
    from eelsunmix.configuration.places import check_folders, check_results, refuse_storage, unwritable_folder
    from eelsunmix.configuration.problems import ConfigurationError, Problem
    from eelsunmix.configuration.reading import read_configuration, read_values
    from eelsunmix.configuration.settings import (
        Configuration,
        MethodSettings,
        ReportOptions,
        SampleSettings,
    )
    from eelsunmix.configuration.validation import from_params
    from eelsunmix.configuration.windows import window_warnings
    from eelsunmix.plain import plain_values as as_params

_HOMES = {
    "Configuration": "settings",
    "ConfigurationError": "problems",
    "MethodSettings": "settings",
    "Problem": "problems",
    "ReportOptions": "settings",
    "SampleSettings": "settings",
    "available_samples": "availability",
    "check_folders": "places",
    "check_results": "places",
    "doubled_samples": "availability",
    "from_params": "validation",
    "read_configuration": "reading",
    "read_values": "reading",
    "refuse_storage": "places",
    "unwritable_folder": "places",
    "window_warnings": "windows",
}

__all__ = [
    "Configuration",
    "ConfigurationError",
    "MethodSettings",
    "Problem",
    "ReportOptions",
    "SampleSettings",
    "as_params",
    "available_samples",
    "check_folders",
    "check_results",
    "doubled_samples",
    "from_params",
    "read_configuration",
    "read_values",
    "refuse_storage",
    "unwritable_folder",
    "window_warnings",
]


def __getattr__(name: str) -> Any:
    if name == "as_params":
        return importlib.import_module("eelsunmix.plain").plain_values
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
