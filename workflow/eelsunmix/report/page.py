"""Assemble the page: sections, styles, scripts and data in one file."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import xarray as xr
from markupsafe import Markup

from eelsunmix.errors import InputError
from eelsunmix.report.content import Figure, Section
from eelsunmix.report.figures.encoding import ArrayBank, script_hash, script_json
from eelsunmix.report.inputs import Inputs
from eelsunmix.report.sections import checks as sections_checks
from eelsunmix.report.sections import data as sections_data
from eelsunmix.report.sections import endmembers as sections_endmembers
from eelsunmix.report.sections import maps as sections_maps
from eelsunmix.report.sections import model as sections_model
from eelsunmix.report.sections import profiles as sections_profiles
from eelsunmix.report.sections import run as sections_run
from eelsunmix.report.sections import verdict as sections_verdict

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
    title: str | None = None,
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
    title : str, optional
        Heading of the page; the title of the image by default.

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
        title=title or str(stores["raw"]["counts"].attrs.get("title") or sample),
        fits=fits,
        maps=maps,
        benchmarks=benchmarks,
        settings=settings or {},
        seals=seals or {},
        versions=versions or {},
        **{name: stores[name] for name in STORES},
    )
    return write_page(Path(path), render(inputs, sections_of(inputs)))


def sections_of(inputs: Inputs) -> list[Section]:
    """Return the sections of the page in reading order."""
    found = (
        sections_verdict.verdict(inputs),
        sections_data.data(inputs),
        sections_data.corrections(inputs),
        sections_model.background(inputs),
        sections_model.components(inputs),
        sections_endmembers.endmembers(inputs),
        sections_maps.maps(inputs),
        sections_profiles.profiles(inputs),
        sections_checks.residuals(inputs),
        sections_checks.truth(inputs),
        sections_run.cost(inputs),
        sections_run.caveats(inputs),
        sections_run.provenance(inputs),
    )
    return [section for section in found if section is not None]


def render(inputs: Inputs, sections: Sequence[Section]) -> str:
    """Return the page of a sample as text."""
    return page_text(
        sections,
        title=inputs.title,
        name=inputs.sample,
        facts=sections_verdict.key_facts(inputs),
        methods=[(method, inputs.styles[method]) for method in inputs.working],
    )


def page_text(
    sections: Sequence[Section],
    *,
    title: str,
    name: str,
    facts: Sequence[tuple[str, str]],
    methods: Sequence[tuple[str, Mapping[str, Any]]] = (),
) -> str:
    """Return a page as text.

    Parameters
    ----------
    sections : sequence of Section
    title, name : str
        Heading; what stands above the contents.
    facts : sequence of (str, str)
        Names and values below the heading.
    methods : sequence of (str, mapping)
        Labels that the reader can hide, with their line styles.
    """
    bank = ArrayBank()
    figures = {
        block.name: encode_figure(block, bank)
        for section in sections
        for block in section.blocks
        if isinstance(block, Figure)
    }
    scripts = [_plotly(), _asset("report.js")]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    # Only our own files and JSON without a single "<" are marked as safe; all else is escaped.
    return environment.from_string(_asset("template.html")).render(
        title=title,
        sample=name,
        facts=facts,
        sections=sections,
        methods=methods,
        policy=f"default-src 'none'; script-src {' '.join(map(script_hash, scripts))}; "
        "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'",
        css=Markup(_asset("report.css")),  # noqa: S704
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        figures=Markup(script_json(figures)),  # noqa: S704
        arrays=Markup(script_json(bank.entries)),  # noqa: S704
    )


def encode_figure(figure: Figure, bank: ArrayBank) -> dict[str, Any]:
    """Return the variants of a figure by the options that choose them, arrays replaced by references."""
    variants = {".".join(map(str, key)): bank.strip(variant) for key, variant in figure.variants.items()}
    return {"variants": variants}


def _asset(name: str) -> str:
    return files("eelsunmix.report").joinpath(name).read_text(encoding="utf-8")


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def write_page(path: Path, text: str) -> Path:
    """Replace a file as a whole: readers see the old page or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
    except OSError as error:  # of a full disk, which does not say of which file
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
