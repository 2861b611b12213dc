"""Options: frozen objects whose types and bounds are declared once, where the fields stand.

Code, configuration, schema and reference all take them from there.  Only rules between fields are code.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic._internal._model_construction import ModelMetaclass

from eelsunmix.errors import InputError

_NOTHING = object()


class _OneLineErrors(ModelMetaclass):
    """Says in one line what is wrong with arguments; nested options keep pydantic's list of mistakes."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        try:
            return super().__call__(*args, **options)
        except ValidationError as error:
            raise InputError(f"{self.__name__}: {mistakes_in_words(error)}") from None


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
    eelsunmix.errors.InputError: Search: n_draws should be greater than or equal to 1, found 0
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    presets: ClassVar[Mapping[str, Mapping[str, Mapping[str, Any]]]] = {}
    """Field that chooses a preset -> its value -> values of other fields, where these are not given.

    Fields of which every preset has a value need no default of their own.
    """

    @model_validator(mode="before")
    @classmethod
    def _merge_presets(cls, given: Any) -> Any:
        return {**cls._preset(given), **given} if isinstance(given, dict) else given

    @classmethod
    def _preset(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for field, choices in cls.presets.items():
            merged |= choices.get(given.get(field, cls.model_fields[field].default), {})
        return merged

    def replaced(self, **changes: Any) -> Self:
        """Return the same options with some changed; presets are merged anew, and all is checked again."""
        preset = self._preset(self.model_dump())
        own = {name: getattr(self, name) for name in self.model_fields_set}
        chosen = {name: value for name, value in own.items() if preset.get(name, _NOTHING) != value}
        return type(self)(**chosen | changes)


def mistakes_in_words(error: ValidationError) -> str:
    """Join all mistakes that pydantic has found in one line."""
    return "; ".join(_in_words(mistake) for mistake in error.errors(include_url=False))


def _in_words(mistake: Any) -> str:
    place = ".".join(map(str, mistake["loc"]))
    if mistake["type"] == "extra_forbidden":
        return f"{place} is no option"
    if mistake["type"] == "missing":
        return f"{place} is missing"
    if mistake["type"] == "value_error":
        return f"{place} {mistake['ctx']['error']}".strip()
    return f"{place} {str(mistake['msg']).removeprefix('Input ')}, found {mistake['input']!r}"


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _increasing(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] >= pair[1]:
        raise ValueError(f"needs two increasing numbers [low, high], not [{pair[0]:g}, {pair[1]:g}]")
    return pair


Interval = Annotated[tuple[float, float], BeforeValidator(_as_tuple), AfterValidator(_increasing)]
"""Two increasing numbers ``[low, high]``."""
