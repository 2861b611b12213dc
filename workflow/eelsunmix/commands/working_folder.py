"""The folder in which a command works, which somebody may delete meanwhile."""

from pathlib import Path

from eelsunmix.errors import InputError


def check_working_folder() -> None:
    """Refuse to work, or to go on, in a folder that is gone.

    Raises
    ------
    InputError
        If it is.
    """
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise InputError("this folder no longer exists; go to another one") from error
