"""Options: frozen objects whose types and bounds are declared once, where the fields stand.

Code, configuration, schema and reference all take them from there.  Only rules across fields are code.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from eelsunmix.errors import InputError, in_brief
from eelsunmix.mistakes import Mistake, mistakes_of

_NOTHING = object()
Item = TypeVar("Item")

Presets = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Field that chooses a preset -> its value -> values of other fields."""


if TYPE_CHECKING:  # which needs the name of what is private
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _OneLineErrors(ModelMetaclass):
    """Says in one line what is wrong with arguments; nested options keep pydantic's list of mistakes."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        try:
            return super().__call__(*args, **options)
        except ValidationError as error:
            mistakes = mistakes_of(error, self.model_json_schema())  # type: ignore[attr-defined]
            raise InputError(f"{self.__name__}: {'; '.join(map(_in_words, mistakes))}") from None


class Options(BaseModel, metaclass=_OneLineErrors):
    """Base of all options; unknown names, wrong types and values out of bounds are refused.

    Raises
    ------
    InputError
        With every mistake of the arguments, in one line.

    Examples
    --------
    >>> from pydantic import Field
    >>> class Search(Options):
    ...     n_draws: int = Field(30, ge=1)
    >>> Search(n_draws=0)
    Traceback (most recent call last):
    ...
    eelsunmix.errors.InputError: Search: n_draws needs a whole number of at least 1, found 0
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    presets: ClassVar[Presets] = {}
    """Values of fields that are not given.

    Every choice has a preset, be it empty; fields of which every preset has a value need no default.
    """

    @model_validator(mode="before")
    @classmethod
    def _merge_presets(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        plain = as_python(given)
        return {**cls._preset(plain), **plain}

    @classmethod
    def _preset(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for field, choices in cls.presets.items():
            default = cls.model_fields[field].default
            chosen = given.get(field, default)
            # A choice that does not exist is refused later; then nothing else must seem to be missing.
            known = isinstance(chosen, str) and chosen in choices
            merged |= choices.get(chosen if known else default, {})
        return merged

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Require no field that the presets fill."""
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        filled = {name for choices in cls.presets.values() for preset in choices.values() for name in preset}
        needed = [name for name in schema.pop("required", []) if name not in filled]
        schema |= {"required": needed} if needed else {}
        return reference

    def replaced(self, **changes: Any) -> Self:
        """Return the same options with some changed, checked again.

        Presets are merged anew: a value that equals that of the old preset counts as not given.
        """
        preset = self._preset(self.model_dump())
        own = {name: getattr(self, name) for name in self.model_fields_set}
        chosen = {name: value for name, value in own.items() if preset.get(name, _NOTHING) != value}
        return type(self)(**chosen | changes)


class BrokenRuleError(ValueError):
    """A rule across fields is broken; raised by the validators of options.

    Parameters
    ----------
    key : str
        Field to blame.
    message : str
        What it needs and what was found, without its name.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def as_python(value: Any) -> Any:
    """Numbers and arrays of NumPy as those of Python, also within lists and mappings; all else as it is.

    Examples
    --------
    >>> as_python({"fit_eV": np.array([405.0, 450.0]), "onset_eV": np.float32(456)})
    {'fit_eV': [405.0, 450.0], 'onset_eV': 456.0}
    """
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (list, tuple):
        return type(value)(map(as_python, value))
    if isinstance(value, dict | MappingProxyType):
        return {
            key: one.tolist() if isinstance(one, np.ndarray) else as_python(one) for key, one in value.items()
        }
    return value


def _in_words(mistake: Mistake) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in mistake.place)
    place = "".join(steps).removeprefix(".")
    if mistake.kind == "unknown":
        return f"{place} is not an option"
    if mistake.kind == "missing":
        return f"{place} is missing; {mistake.text}"
    found = "" if mistake.kind == "rule" else f", found {in_brief(mistake.value)}"
    return f"{place} {mistake.text}{found}".strip()


def _increasing(pair: tuple[Any, Any]) -> tuple[Any, Any]:
    if pair[0] >= pair[1]:
        raise ValueError(f"needs two increasing numbers [low, high], not [{pair[0]:g}, {pair[1]:g}]")
    return pair


def _odd(number: int) -> int:
    if number % 2 == 0:
        raise ValueError(f"needs an odd number, found {number}")
    return number


def _each_once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values or len(set(values)) != len(values):
        raise ValueError(f"needs at least one entry, each once, not {list(values)}")
    return values


LISTED = Strict(False)
"""Annotation of tuples, which YAML and Snakemake write as lists: ``Annotated[tuple[int, ...], LISTED]``."""

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class _OddNumber:
    """Annotation that refuses even numbers and says so in the schema."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(_odd, handler(source))

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(core_schema) | {"not": {"multipleOf": 2}}


ODD = _OddNumber()
"""Annotation of odd numbers: ``Annotated[int, Field(ge=5), ODD]``."""

Interval = Annotated[tuple[float, float], LISTED, AfterValidator(_increasing)]
"""Two increasing numbers ``[low, high]``."""

PositiveInterval = Annotated[tuple[Positive, Positive], LISTED, AfterValidator(_increasing)]
"""Two increasing numbers above 0."""

PixelRange = Annotated[
    tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=1)]], LISTED, AfterValidator(_increasing)
]
"""First pixel, and the one after the last."""

_EACH_ONCE = {"uniqueItems": True, "minItems": 1}
EachOnce = Annotated[
    tuple[Item, ...],
    LISTED,
    AfterValidator(_each_once),
    Field(json_schema_extra=_EACH_ONCE),
]
"""At least one item, each once."""
