"""Fingerprints of the code, remembered: to parse three hundred modules takes longer than to plan a run."""

import functools
import hashlib
import sys
from pathlib import Path

from eelsunmix.plain import digest_of
from eelsunmix.provenance import package_files, source_fingerprint
from eelsunmix.recipes.records import remember, remembered

KNOWN = Path(".snakemake/eelsunmix-code")
"""On each line a fingerprint, and a digest of it, of the modules, and of every byte of the package.

So neither code that was edited nor a damaged line makes another fingerprint pass.
"""


@functools.cache
def code_of(*modules: str) -> str:
    """Fingerprint of modules, as `source_fingerprint`, taken once: there are thousands of jobs."""
    package = _package()
    for line in _known():
        found, _, digest = line.partition(" ")
        if digest == digest_of([package, modules, found]):
            return found
    found = source_fingerprint(*modules)
    if _digest_of_package() == package:  # nobody has edited it meanwhile
        remember(KNOWN, f"{found} {digest_of([package, modules, found])}")
    return found


def _digest_of_package() -> str:
    """Digest of all files that fingerprints may be taken of, and of the Python that parses them."""
    digest = hashlib.blake2b(sys.version.encode(), digest_size=16)
    for name, path in package_files():
        content = path.read_bytes()
        digest.update(f"\n{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


_package = functools.cache(_digest_of_package)
_known = functools.cache(lambda: remembered(KNOWN))
