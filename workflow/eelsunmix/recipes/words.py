"""In words: how a product was made, and how the configuration asks for it now."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from eelsunmix.errors import in_brief

OTHER_CODE = "made with another version of the code"
_FILES = {
    "content": "made from another content of the file than it has now",
    "references": "made with another gain or dark signal, or another content of their files, than now",
}
_ABSENT = object()


class Difference(NamedTuple):
    """Why a product is not as asked for; `first` if the cause lies in itself, not in what it is made of."""

    reason: str
    first: bool = True


def difference(made: Mapping[str, Any], asked: Mapping[str, Any]) -> Difference:
    """Say how the settings that made a product differ from those asked for, in one clause.

    Examples
    --------
    >>> difference({"denoise": {"n_components": 8}}, {"denoise": {"n_components": 5}}).reason
    'made with denoise.n_components 8, the configuration says 5'
    >>> difference({"code": "c0"}, {"code": "c1"}).reason
    'made with another version of the code'
    """
    derived = _of_inputs(made.get("made_of", {}), asked.get("made_of", {}))
    own = _of_settings(_own(made, derived), _own(asked, derived))
    # Only where both have it: versions of the code differ in what a name stands for, and who has it.
    both = made.keys() & asked.keys()
    own += [words for name, words in _FILES.items() if name in both and made[name] != asked[name]]
    own += [OTHER_CODE] if made.get("code") != asked.get("code") else []
    found = own + derived
    if not found:
        return Difference("made otherwise than the configuration asks for")
    return Difference(found[0] if len(found) == 1 else f"{found[0]} (and {len(found) - 1} more)", bool(own))


def _own(settings: Mapping[str, Any], derived: list[str]) -> dict[str, Any]:
    """Leave out what is said otherwise; of a page what it says of all stages too, where a stage differs."""
    left = {"code", "made_of", *_FILES, *(["settings", "literature"] if derived else [])}
    return {name: value for name, value in settings.items() if name not in left}


def _of_settings(made: Mapping[str, Any], asked: Mapping[str, Any]) -> list[str]:
    old, new = dict(_leaves(made)), dict(_leaves(asked))
    names = [*old, *(name for name in new if name not in old)]
    other = [name for name in names if old.get(name, _ABSENT) != new.get(name, _ABSENT)]
    return [_in_words(name, old, new) for name in other if not _is_filled(name, other)]


def _is_filled(name: str, others: list[str]) -> bool:
    """Whether a table is empty on one side only, so that its entries say it."""
    return any(other.startswith(f"{name}.") for other in others)


def _in_words(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if name not in old:
        return f"made without {name}, the configuration says {in_brief(new[name])}"
    said = f"says {in_brief(new[name])}" if name in new else "has none"
    return f"made with {name} {in_brief(old[name])}, the configuration {said}"


def _leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in tree.items():
        if isinstance(item, Mapping) and item:
            yield from _leaves(item, f"{above}{key}.")
        else:
            yield f"{above}{key}", item


def _of_inputs(made: Mapping[str, str], asked: Mapping[str, str]) -> list[str]:
    other = [path for path in asked if path in made and made[path] != asked[path]]
    return [
        *(f"made from another {path} than the configuration asks for" for path in other),
        *(f"made without {path}, which the configuration asks for" for path in asked if path not in made),
        *(f"made from {path} too, which is no longer asked for" for path in made if path not in asked),
    ]
