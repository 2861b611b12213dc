"""The page of a sample: its stores in, one self-contained HTML page out."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from eelsunmix.errors import InputError
from eelsunmix.report.facts import key_facts
from eelsunmix.report.first import first_screen
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.line_words import in_words_of_lines
from eelsunmix.report.page import page_text
from eelsunmix.report.record import verdict_of
from eelsunmix.report.sections import IN_ORDER
from eelsunmix.storage import sealed_page, sealed_record
from eelsunmix.storage.whole_files import write_page

STORES = ("raw", "corrected", "pca", "rank", "bs", "comparison")


def write_report(
    path: str | os.PathLike[str],
    *,
    sample: str,
    stores: Mapping[str, xr.Dataset],
    fits: Mapping[str, xr.Dataset],
    maps: Mapping[str, xr.Dataset],
    benchmarks: Sequence[Mapping[str, Any]] = (),
    settings: Mapping[str, Any] | None = None,
    seals: Mapping[str, str] | None = None,
    versions: Mapping[str, str] | None = None,
    versions_of_stores: Mapping[str, Mapping[str, str]] | None = None,
    made_with: Mapping[str, Any] | None = None,
    title: str | None = None,
    verdict: str | os.PathLike[str] | None = None,
) -> Path:
    """Write the report of a sample as one self-contained HTML page.

    The page works offline, holds its plots and their data, and allows no other script than its own.

    Parameters
    ----------
    path : path-like
        The page; replaced as a whole when the new one is complete.
    sample : str
        Name of the sample in the configuration.
    stores : mapping of str to Dataset
        ``raw``, ``corrected``, ``pca``, ``rank``, ``bs`` and ``comparison`` of docs/data-model.md.
    fits, maps : mapping of str to Dataset
        Stores of the methods by label; failed methods may be without arrays.
    benchmarks : sequence of mapping
        ``rule, seconds, max_rss_mb, cpu_seconds, threads`` of every rule.
    settings : mapping, optional
        The effective configuration of the sample.
    seals, versions : mapping of str to str, optional
        Seal of every store used; versions of the software.
    versions_of_stores : mapping of str to mapping, optional
        Versions of the software that made each store.
    made_with : mapping, optional
        Whole recipe of the page, for its seal.
    title : str, optional
        Heading of the page; the name of the sample by default.
    verdict : path-like, optional
        Where the verdict for machines is written, sealed as the page is.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If a store is missing.
    """
    missing = [name for name in STORES if name not in stores]
    if missing:
        raise InputError(
            f"report of {sample}: no store named {', '.join(missing)}; run the stages that make them"
        )
    inputs = Inputs(
        sample=sample,
        title=title or sample,
        fits=fits,
        maps=maps,
        benchmarks=benchmarks,
        settings=settings or {},
        seals=seals or {},
        versions=versions or {},
        versions_of_stores=versions_of_stores or {},
        **{name: stores[name] for name in STORES},
    )
    if verdict is not None:
        write_verdict(verdict, inputs, page=path, made_with=made_with)
    page = sealed_page(render(inputs), path, seals=inputs.seals, settings=made_with)
    return write_page(Path(path), page)


def write_verdict(
    path: str | os.PathLike[str],
    inputs: Inputs,
    *,
    page: str | os.PathLike[str],
    made_with: Mapping[str, Any] | None,
) -> Path:
    """Write the verdict of a sample as JSON; `page` and `made_with` as in `write_report`."""
    content = verdict_of(inputs, page=os.path.relpath(page, Path(path).parent))
    return write_page(Path(path), sealed_record(content, path, seals=inputs.seals, settings=made_with))


def render(inputs: Inputs) -> str:
    """Return the page of a sample as text."""
    sections = [found for one in IN_ORDER if (found := one.section(inputs)) is not None]
    return page_text(
        [in_words_of_lines(one) for one in sections] if inputs.has_lines else sections,
        title=inputs.title,
        name=inputs.sample,
        facts=key_facts(inputs),
        methods=[(method, inputs.styles[method]) for method in inputs.working],
        first_screen=first_screen(inputs),
    )
