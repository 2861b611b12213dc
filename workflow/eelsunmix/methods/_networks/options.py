"""What the options of the autoencoders have in common."""

from typing import Any


def with_default(options: Any, name: str, *, eels: int, published: int) -> None:
    """Put the default of the setting where the user gave no value."""
    if getattr(options, name) is None:
        object.__setattr__(options, name, published if options.setting == "published" else eels)


def check_options(options: Any) -> None:
    """Refuse values out of range.

    Raises
    ------
    ValueError
        With the name of the option, its value and its range.
    """
    if options.setting not in ("eels", "published"):
        raise ValueError(f"setting must be 'eels' or 'published', not {options.setting!r}")
    for name in ("n_networks", "n_epochs"):
        value = getattr(options, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")
    if not 0 <= options.volume < float("inf"):
        raise ValueError(f"volume must be a number of at least 0, not {options.volume!r}")
