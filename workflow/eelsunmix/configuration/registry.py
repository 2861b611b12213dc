"""What can be chosen by name: scenes, methods, example files."""

from typing import Any

from eelsunmix import methods
from eelsunmix.examples import registry
from eelsunmix.synthetic import SCENES

EXAMPLE_PREFIX = "example:"


def scene_names() -> tuple[str, ...]:
    """Names of the scenes that can be simulated."""
    return tuple(SCENES)


def scene_options(name: str) -> Any:
    """Dataclass of the options of a scene."""
    return SCENES[name]


def method_names() -> list[str]:
    """Names of the unmixing methods."""
    return methods.method_names()


def method_options(name: str) -> Any:
    """Dataclass of the options of a method."""
    return methods.method_class(name)


def suits_variable_brightness(options: Any) -> bool:
    """Whether `brightness: variable` may stand beside the options of a method."""
    return methods.suits_variable_brightness(options)


def example_names() -> tuple[str, ...]:
    """Names of the example files that can be fetched."""
    return tuple(registry())
