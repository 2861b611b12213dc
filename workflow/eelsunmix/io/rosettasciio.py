"""Files of microscope makers that RosettaSciIO reads; its axes are taken as they come.

Which axis is energy is settled later, by its unit; here, which axis of the list is which of the array.
"""

import copy
import importlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from eelsunmix.errors import InputError, in_brief
from eelsunmix.io.axis_order import AMBIGUOUS, ordered_axes
from eelsunmix.io.format import Format
from eelsunmix.io.metadata import plain
from eelsunmix.io.signals import FileAxis, Signal

logger = logging.getLogger(__name__)


class RosettaFormat(Format):
    """A format that a plugin of RosettaSciIO reads."""

    plugin: ClassVar[str]
    """Module of RosettaSciIO."""

    numbers_axes_wrongly: ClassVar[bool] = False
    """Whether the numbers of axes (`index_in_array`) are known to be wrong and not worth a word."""

    unheeded: ClassVar[tuple[str, ...]] = ()
    """Messages of the plugin that are not worth a word."""

    def read(self, path: Path) -> list[Signal]:
        """Return the signals of a file, unread where the plugin can leave them so."""
        self.check_file(path)
        # HyperSpy files may also hold models without data.
        found = [entry for entry in self.call_plugin(path) if "data" in entry]
        for entry in found:
            self.check_entry(entry, path)
        return [
            self._signal(entry, self.opener(path, number, entry["data"]), path)
            for number, entry in enumerate(found)
        ]

    def is_lazy(self, path: Path) -> bool:
        """Whether the plugin can leave the data in the file."""
        return True

    def check_file(self, path: Path) -> None:
        """Raise InputError for damage that the plugin overlooks."""

    def check_entry(self, entry: dict[str, Any], path: Path) -> None:
        """Raise InputError for damage that shows in what the plugin returns."""

    def notes_of(self, entry: dict[str, Any], path: Path) -> tuple[str, ...]:
        """Return sentences for the user about what the plugin returns; by default none."""
        return ()

    def opener(self, path: Path, number: int, data: Any) -> Callable[[tuple[int, ...]], Any]:
        """Return a function of a chunk shape that gives the data of a signal; by default as they came."""
        return lambda chunks: data

    def call_plugin(self, path: Path, **options: Any) -> list[dict[str, Any]]:
        """Return what the plugin reads of a file."""
        module = importlib.import_module(f"rsciio.{self.plugin}")
        if self.is_lazy(path):
            options["lazy"] = True
        with _messages_of_plugin(path, self.unheeded):
            found: list[dict[str, Any]] = module.file_reader(str(path), **options)
        return found

    def _signal(self, entry: dict[str, Any], opener: Callable[[tuple[int, ...]], Any], path: Path) -> Signal:
        data, metadata = entry["data"], _dict(entry.get("metadata"))
        general, signal = _dict(metadata.get("General")), _dict(metadata.get("Signal"))
        axes, is_choice = ordered_axes(entry["axes"], data.shape, path)
        ambiguous = (AMBIGUOUS,) if is_choice and not self.numbers_axes_wrongly else ()
        return Signal(
            open=opener,
            dtype=np.dtype(data.dtype),
            axes=tuple(_axis(axis, size, path) for axis, size in zip(axes, data.shape, strict=True)),
            title=str(general.get("title") or path.stem),
            kind=_kind(str(signal.get("signal_type", ""))),
            reader="RosettaSciIO",
            metadata=plain(_with_mapped(metadata, entry)),
            notes=(*ambiguous, *self.notes_of(entry, path)),
        )

    def errors(self) -> tuple[type[Exception], ...]:
        """Return the exceptions of RosettaSciIO and its helpers that derive from nothing more telling."""
        from box.exceptions import BoxError
        from rsciio import exceptions

        own = [error for error in vars(exceptions).values() if isinstance(error, type)]
        return (
            BoxError,
            *(error for error in own if issubclass(error, Exception) and not issubclass(error, Warning)),
        )


@contextmanager
def _messages_of_plugin(path: Path, unheeded: tuple[str, ...]) -> Iterator[None]:
    """Pass what the library logs on to our log: one line with the path, each once, without a traceback."""
    library, handler = logging.getLogger("rsciio"), logging.Handler(logging.WARNING)
    heard: dict[str, None] = {}
    handler.emit = lambda record: heard.setdefault(record.getMessage())  # type: ignore[method-assign]
    # The library prints to the standard output, and Python to the standard error where nobody listens.
    library.handlers[:], propagates = [handler], library.propagate
    library.propagate = False
    try:
        yield
    finally:
        library.handlers.clear()
        library.propagate = propagates
    for text in heard:
        if text not in unheeded:
            logger.warning("%s: %s", path, " ".join(text.split()))


def follow(tree: Any, dotted: str) -> Any:
    """Return the leaf of nested dictionaries that a dotted name leads to, or None."""
    for key in dotted.split("."):
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def _axis(axis: dict[str, Any], size: int, path: Path) -> FileAxis:
    values, units, name = axis.get("axis"), axis.get("units"), str(axis.get("name") or "")
    if values is None and "expression" in axis:
        # Its parameters may be called offset and scale, and mean something else.
        raise InputError(
            f"{path}: the axis {in_brief(name)} is given by a formula, not by values; convert it in "
            "HyperSpy, s.axes_manager[...].convert_to_non_uniform_axis(), and save the image again"
        )
    if values is not None:
        values = np.asarray(values, dtype=float)
        if values.ndim != 1:
            raise InputError(
                f"{path}: the axis {in_brief(name)} has values of shape {values.shape}, not one for each "
                "point; it is damaged: copy it again"
            )
    return FileAxis(
        size=size,
        name=name,
        units=units.strip() if isinstance(units, str) else "",
        offset=_number(axis.get("offset")),
        scale=_number(axis.get("scale")),
        values=values,
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _kind(signal_type: str) -> str:
    return next((kind for kind in ("EELS", "EDS") if signal_type.upper().startswith(kind)), "")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _with_mapped(metadata: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """Add what RosettaSciIO's own table extracts from the maker's tags (voltage, angles, exposure)."""
    result = copy.deepcopy(metadata)
    for source, (target, convert) in (entry.get("mapping") or {}).items():
        value = follow(entry.get("original_metadata"), source)
        if value is None:
            continue
        try:
            _put(result, target, convert(value) if convert else value)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            logger.debug("metadata %s: %s", source, error)
    return result


def _put(tree: dict[str, Any], dotted: str, value: Any) -> None:
    *branches, leaf = dotted.split(".")
    for branch in branches:
        tree = tree.setdefault(branch, {})
    tree.setdefault(leaf, value)
