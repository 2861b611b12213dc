"""Sealed stores, pages and records: complete and verified, or absent; and what each kind of store holds.

``python -m eelsunmix.storage results`` verifies all stores below a folder.
"""

from eelsunmix.storage.checks import check_layout
from eelsunmix.storage.inputs import check_inputs, check_sources, manifest_at, seals, versions_of
from eelsunmix.storage.layout import Attribute, Layout, Variable
from eelsunmix.storage.layouts import LAYOUTS
from eelsunmix.storage.manifest import MANIFEST, Manifest, read_manifest, verify
from eelsunmix.storage.pages import is_a_page, read_page_manifest, sealed_page, verify_page
from eelsunmix.storage.records import read_record, sealed_record
from eelsunmix.storage.store import open_store, open_stores, publish, read_axes
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
    "check_sources",
    "installed_versions",
    "is_a_page",
    "manifest_at",
    "open_store",
    "open_stores",
    "publish",
    "read_axes",
    "read_manifest",
    "read_page_manifest",
    "read_record",
    "sealed_page",
    "sealed_record",
    "seals",
    "verify",
    "verify_page",
    "versions_of",
]
