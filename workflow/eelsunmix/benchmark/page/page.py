"""The page of the benchmark: results of all methods in, one self-contained HTML page out."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eelsunmix.benchmark.page import scenes, sections
from eelsunmix.benchmark.page.figures import by_method, label_styles
from eelsunmix.benchmark.results import Results
from eelsunmix.errors import InputError
from eelsunmix.report.page import page_text
from eelsunmix.storage import sealed_page
from eelsunmix.storage.whole_files import write_page


def write_benchmark_report(
    path: str | os.PathLike[str],
    results: Results,
    *,
    settings: Mapping[str, Any] | None = None,
    seals: Mapping[str, str] | None = None,
    versions: Mapping[str, str] | None = None,
    command: str = "snakemake --cores all benchmark",
) -> Path:
    """Write the page of a benchmark.

    Parameters
    ----------
    path : path-like
        The page; replaced as a whole when the new one is complete.
    results : Results
        All runs (`eelsunmix.benchmark.collect`).
    settings : mapping, optional
        The effective section `benchmark` of the configuration.
    seals, versions : mapping of str to str, optional
        Seal of every store used; versions of the software.
    command : str
        What makes the page again.

    Raises
    ------
    InputError
        There is no run of any method.
    """
    if not results.labels:
        raise InputError("report of the benchmark: no method was run; name at least one in benchmark.methods")
    styles = label_styles(results)
    found = [
        sections.ranking(results),
        *(scenes.of_scene(results, scene) for scene in results.scenes),
        scenes.times(results),
        scenes.examples(results),
        sections.provenance(settings or {}, seals or {}, versions or {}, command),
    ]
    text = page_text(
        found,
        title="Synthetic benchmark",
        name="benchmark",
        facts=sections.key_facts(results),
        methods=[(label, styles[label]) for label in by_method(results)],
    )
    return write_page(Path(path), sealed_page(text, path, seals=seals or {}, settings=settings))
