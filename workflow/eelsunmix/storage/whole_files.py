"""Pages and other texts, written as a whole or not at all."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from eelsunmix.errors import unwritable
from eelsunmix.storage.drafts import flush, make_folder
from eelsunmix.storage.handed_over import write_and_compare


def write_page(path: Path, text: str) -> Path:
    """Replace a file as a whole: readers see the old page or the new one, also after a power cut."""
    temporary = path
    try:
        make_folder(path.parent)
        temporary = _empty_file_beside(path)
        write_and_compare(temporary, text.encode(), path)
        temporary.chmod(0o666 & ~_umask())
        flush(path.parent)  # what stood here and was moved aside keeps its new name before this one is taken
        temporary.replace(path)
        flush(path.parent)
    except OSError as error:  # of a full disk, which does not say of which file
        raise unwritable(path, error) from error
    finally:
        if temporary != path:
            with suppress(OSError):
                temporary.unlink()
    return path


def _empty_file_beside(path: Path) -> Path:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(descriptor)
    return Path(name)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
