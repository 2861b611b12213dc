"""The manifest of what lies in one file: a page, or a record."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eelsunmix.plain import plain_values
from eelsunmix.storage.digests import described
from eelsunmix.storage.manifest import Manifest
from eelsunmix.storage.versions import versions_used


def manifest_of(
    name: str,
    content: bytes,
    path: str | os.PathLike[str],
    *,
    seals: Mapping[str, str],
    settings: Mapping[str, Any] | None,
) -> Manifest:
    """Return the sealed manifest of a content; stores are named from where `path` lies."""
    folder = Path(path).parent
    return Manifest(
        files={name: described(content)},
        inputs={os.path.relpath(store, folder): seal for store, seal in seals.items()},
        settings=plain_values(dict(settings or {})),
        versions=versions_used(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    ).sealed()
