"""The configuration: YAML files in, validated settings of every sample out, or all mistakes at once.

Examples
--------
>>> from eelsunmix.configuration import as_params
>>> from eelsunmix.profiles import Profile
>>> as_params(Profile(along="x", start_nm=0.0, width_nm=0.36))
{'along': 'x', 'start_nm': 0.0, 'width_nm': 0.36, 'pixels': None}
"""

from eelsunmix.configuration.availability import available_samples
from eelsunmix.configuration.places import check_folders, check_results, unwritable_folder
from eelsunmix.configuration.problems import ConfigurationError, Problem
from eelsunmix.configuration.reading import read_configuration, read_values
from eelsunmix.configuration.settings import Configuration, MethodSettings, ReportOptions, SampleSettings
from eelsunmix.configuration.validation import from_params
from eelsunmix.configuration.window_warnings import window_warnings
from eelsunmix.plain import plain_values as as_params

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
    "from_params",
    "read_configuration",
    "read_values",
    "unwritable_folder",
    "window_warnings",
]
