"""Sealed stores: complete and verified, or absent; and what each kind of them holds.

``python -m eelsunmix.storage results`` verifies all stores below a folder.
"""

from eelsunmix.storage.checks import check_layout
from eelsunmix.storage.layout import Attribute, Layout, Variable
from eelsunmix.storage.layouts import LAYOUTS
from eelsunmix.storage.manifest import MANIFEST, Manifest, installed_versions, read_manifest, verify
from eelsunmix.storage.store import open_store, open_stores, publish, seals

__all__ = [
    "LAYOUTS",
    "MANIFEST",
    "Attribute",
    "Layout",
    "Manifest",
    "Variable",
    "check_layout",
    "installed_versions",
    "open_store",
    "open_stores",
    "publish",
    "read_manifest",
    "seals",
    "verify",
]
