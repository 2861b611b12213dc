"""Sealed stores: complete and verified, or absent; and what each kind of them holds.

``python -m eelsunmix.storage results`` verifies all stores below a folder.
"""

from eelsunmix.storage.checks import check_layout
from eelsunmix.storage.inputs import check_inputs, seals, versions_of
from eelsunmix.storage.layout import Attribute, Layout, Variable
from eelsunmix.storage.layouts import LAYOUTS
from eelsunmix.storage.manifest import MANIFEST, Manifest, read_manifest, verify
from eelsunmix.storage.pages import is_a_page, read_page_manifest, sealed_page, verify_page
from eelsunmix.storage.store import open_store, open_stores, publish
from eelsunmix.storage.versions import installed_versions

__all__ = [
    "LAYOUTS",
    "MANIFEST",
    "Attribute",
    "Layout",
    "Manifest",
    "Variable",
    "check_inputs",
    "check_layout",
    "installed_versions",
    "is_a_page",
    "open_store",
    "open_stores",
    "publish",
    "read_manifest",
    "read_page_manifest",
    "sealed_page",
    "seals",
    "verify",
    "verify_page",
    "versions_of",
]
