"""What the files of the user hold now, as against what they held when they were read."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eelsunmix.configuration import SampleSettings
from eelsunmix.plain import digest_of
from eelsunmix.recipes.records import remember, remembered
from eelsunmix.sources import checksum, file_fingerprint, file_state

_MANIFEST = "manifest.json"
_KNOWN = Path(".snakemake/eelsunmix-sources")
"""One digest a line: a file in this state has been read whole and has this SHA-256.

Beside Snakemake's own records, and no loss either: without its line a file is read once more.
"""


@dataclass(frozen=True)
class OfFiles:
    """A parameter of a rule that stands for what files of the user hold.

    Parameters
    ----------
    files : callable
        From the settings of a sample to paths.
    single : bool
        Whether it is one file, and the value no list.
    """

    files: Callable[[SampleSettings], Sequence[str]]
    single: bool = False


class Contents:
    """Fingerprints of the user's files, each looked at once.

    The store that was made of a file says with which state, SHA-256 and fingerprint. As long as the state is
    that one, nothing is read; if it is another, every byte is, once: that the bytes are the same is
    remembered by the new state. A file that cannot be read says nothing against what was made of it: its
    store stands, and `unread` has a line about it.
    """

    def __init__(self) -> None:
        self.unread: list[str] = []
        self._found: dict[tuple[str, ...], list[str]] = {}

    def of(self, files: Sequence[str], store: str, name: str) -> list[str]:
        """Fingerprint of each file; `name` is the setting of `store` that had them when it was made."""
        key = (store, name, *files)
        if key not in self._found:
            made = _manifest(Path(store))
            before = made.get("settings", {}).get(name)
            before = [before] if isinstance(before, str) else before or []
            if len(before) != len(files) or not set(files) <= set(made.get("sources", {})):
                before, made = [""] * len(files), {}
            self._found[key] = [
                self._now(file, made.get("sources", {}).get(file), old)
                for file, old in zip(files, before, strict=True)
            ]
        return self._found[key]

    def _now(self, file: str, read: Mapping[str, str] | None, before: str) -> str:
        if read is None:
            return file_fingerprint(file)
        try:
            state = file_state(file)
            if state == read["state"] or digest_of([file, state, read["sha256"]]) in remembered(_KNOWN):
                return before
            sha256 = checksum(Path(file))[0]
            same = sha256 == read["sha256"] and file_state(file) == state
        except OSError as error:
            self.unread.append(f"{file}: cannot be read ({error.strerror}); nothing is made again for that")
            return before
        if same:
            remember(_KNOWN, digest_of([file, state, sha256]))
        if sha256 == read["sha256"]:
            return before
        now = file_fingerprint(file)
        # The samples of the fingerprint may have missed what every byte shows.
        return now if now != before.partition("+")[0] else f"{now}+{sha256[:16]}"


def _manifest(store: Path) -> Mapping[str, Any]:
    """Manifest of a store, or of the one that is kept while it is made again; empty where there is none.

    Read by hand: jobs, which compare recipes too, need not load what reads stores.
    """
    for place in (store, store.with_name(f".{store.name}.kept")):  # as in `eelsunmix.storage.kept`
        with suppress(OSError, ValueError, RecursionError):
            if not (place / _MANIFEST).is_file():
                continue  # reading a pipe or a device might never end
            found = json.loads((place / _MANIFEST).read_bytes())
            if isinstance(found, dict) and found.get("checksum") == digest_of({**found, "checksum": ""}):
                return found
    return {}
