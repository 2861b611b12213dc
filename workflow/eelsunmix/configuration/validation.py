"""One value of the configuration -> one validated option; pydantic decides, the messages are ours."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from eelsunmix.configuration.nodes import Node, node_of
from eelsunmix.configuration.problems import ConfigurationError, Problem, shown, unknown_key
from eelsunmix.configuration.words import found, hint
from eelsunmix.errors import suggestion
from eelsunmix.mistakes import Keys, Mistake, Schema, below, mistakes_of
from eelsunmix.options import Options

Kind = TypeVar("Kind")


def from_params(kind: type[Kind], params: Any) -> Kind:
    """Turn the values of `as_params` back into the options of a type.

    Parameters
    ----------
    kind : type
        Options, or any type that pydantic knows, such as ``dict[str, Edge]``.
    params : dict
        Result of `as_params`.
    """
    value, problems = validate(node_of(params, "params"), kind, ())
    if problems:
        raise ConfigurationError(problems)
    return value


def validate(node: Node, kind: Any, path: Keys, *, beside: Sequence[str] = ()) -> tuple[Any, list[Problem]]:
    """Turn a value of the configuration into an object of a type, strictly.

    Parameters
    ----------
    node : Node
        The value as written.
    kind : type
        Options or any type that pydantic knows.
    path : tuple
        Keys that lead to the value, for messages.
    beside : sequence of str
        Further keys that may stand there and are read by others, for suggestions.

    Returns
    -------
    value : object or None
        None if anything is wrong.
    problems : list of Problem
    """
    try:
        return _adapter(kind).validate_python(node.plain()), []
    except ValidationError as error:
        schema = _schema(kind)
        return None, [_problem(one, node, schema, path, beside) for one in mistakes_of(error, schema)]


def kind_of(options: type[Options], key: str) -> Any:
    """Type of a field of options, its bounds included."""
    field = options.model_fields[key]
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
    return TypeAdapter(kind, config=None if is_model else Options.model_config)


@cache
def _schema(kind: Any) -> Schema:
    return TypeAdapter(kind).json_schema()


def _problem(mistake: Mistake, root: Node, schema: Schema, path: Keys, beside: Sequence[str] = ()) -> Problem:
    node, exists = _deepest(root, mistake.place)
    message = mistake.text
    if mistake.kind == "unknown":
        key = str(mistake.place[-1])
        keys = [*mistake.keys, *(beside if len(mistake.place) == 1 else ())]
        message = unknown_key(key, suggestion(key, keys), has_value=node.has_value)
    elif mistake.kind == "missing" and not exists:
        message = f"is missing; {message}"
    elif mistake.kind == "bound":
        message = f"{message}, found {shown(node.text)}"
    elif mistake.kind in ("type", "missing"):
        message = f"{message}, found {found(node)}{hint(node, below(schema, mistake.place))}"
    return Problem(node.file, message, node.line, path + mistake.place)


def _deepest(node: Node, place: Keys) -> tuple[Node, bool]:
    """Node at a place, or the last one on the way there; and whether the place exists."""
    for step in place:
        child = node.child(step)
        if child is None:
            return node, False
        node = child
    return node, True
