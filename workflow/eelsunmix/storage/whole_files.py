"""Pages and other texts, written as a whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from eelsunmix.errors import unwritable
from eelsunmix.storage.drafts import draft_of, flush, make_folder, remove_abandoned
from eelsunmix.storage.handed_over import write_and_compare


def write_page(path: Path, text: str, *, is_new: bool = False) -> Path:
    """Replace a file as a whole: readers see the old page or the new one, also after a power cut.

    Parameters
    ----------
    path : Path
    text : str
    is_new : bool
        Whether nothing may stand there yet: FileExistsError then, whenever it came.
    """
    temporary = path
    try:
        make_folder(path.parent)
        temporary = draft_of(path)
        temporary.touch(0o600, exist_ok=False)
        write_and_compare(temporary, text.encode(), path)
        temporary.chmod(0o666 & ~_umask())
        remove_abandoned(path, own=temporary)
        flush(path.parent)  # what stood here and was moved aside keeps its new name before this one is taken
        _take_name(temporary, path) if is_new else temporary.replace(path)
        flush(path.parent)
    except FileExistsError as error:
        if is_new and path.exists():
            raise
        raise unwritable(path, error) from error
    except OSError as error:  # of a full disk, which does not say of which file
        raise unwritable(path, error) from error
    finally:
        if temporary != path:
            with suppress(OSError):
                temporary.unlink()
    return path


def _take_name(draft: Path, path: Path) -> None:
    """Give a draft its name, which nobody may have taken: a rename would replace what is there."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # a disk without links, as many sticks are: a kill just here leaves an empty file
        path.touch(exist_ok=False)
        draft.replace(path)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
