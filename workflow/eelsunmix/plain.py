"""Options, arrays and paths as plain values: for attributes of stores, Snakemake's params and JSON."""

import functools
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from eelsunmix.errors import in_brief
from eelsunmix.options import Options


def plain_values(value: Any, *, finite: bool = False) -> Any:
    """Reduce a value to what JSON can hold: dict, list, str, int, float, bool, None.

    Parameters
    ----------
    value : Options, mapping, sequence, set, array, path or scalar
        Keys keep their order: that of the fields, or that in which they were written.
    finite : bool
        Write None for numbers that are not finite; JSON has no word for them.

    Raises
    ------
    TypeError
        If something inside is none of these.

    Examples
    --------
    >>> plain_values({"window": (np.float32(0.5), 2), "mask": np.array([True])})
    {'window': [0.5, 2], 'mask': [True]}
    """
    each = functools.partial(plain_values, finite=finite)
    if isinstance(value, np.ndarray | np.generic):
        return each(value.tolist())
    if isinstance(value, Options):
        return {name: each(item) for name, item in field_values(value).items()}
    if isinstance(value, Mapping):
        return {str(key): each(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [each(item) for item in value]
    return _scalar(value, finite)


def digest_of(value: Any) -> str:
    """Digest of plain values, whatever the order of their keys."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()


def field_values(options: Options) -> dict[str, Any]:
    """Values of the fields of options, by name; not reduced."""
    return {name: getattr(options, name) for name in type(options).model_fields}


def _scalar(value: Any, finite: bool) -> Any:
    if isinstance(value, PurePath):
        return str(value)
    if value is not None and not isinstance(value, str | int | float):
        raise TypeError(f"{type(value).__name__} cannot be a parameter or an attribute: {in_brief(value)}")
    return None if finite and isinstance(value, float) and not math.isfinite(value) else value
