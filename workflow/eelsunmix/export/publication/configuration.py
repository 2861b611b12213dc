"""The configuration of a sample, with every default written out, as one file that runs."""

from collections.abc import Iterable, Mapping
from typing import Any

from eelsunmix.export.package import Package
from eelsunmix.report.texts import as_yaml, shown_path
from eelsunmix.words import RECOMMENDED

_OF_SAMPLE = ("file", "simulate", "fit_on")
_NOT_WRITTEN = ("name", "scene")


def configuration_text(package: Package, settings: Mapping[str, Any]) -> str:
    """Return the configuration.

    Parameters
    ----------
    package : Package
    settings : mapping
        All settings of the sample, as the page has them.
    """
    source = package.sample.source
    of_sample = {key: settings[key] for key in _OF_SAMPLE if settings.get(key) is not None}
    lines = ["# The configuration behind these results, every default written out: eelsunmix run THIS_FILE"]
    if "file" in of_sample:
        of_sample["file"] = shown_path(of_sample["file"])
        lines += [
            f"# The image is the file with SHA-256 {source.get('sha256', 'unknown')}; correct its path."
        ]
    if "fit_on" in of_sample:
        lines += [f"# The models come from the sample {of_sample['fit_on']}, which has to be added here."]
    if settings.get("scene"):
        of_sample["simulate"] = {"scene": settings["scene"], **dict(settings.get("simulate") or {})}
    kept = {k: v for k, v in settings.items() if k not in (*_OF_SAMPLE, *_NOT_WRITTEN, "methods")}
    # The seal of the page has keys in alphabetical order; pages and tables show them as the stores do.
    kept["edges"] = _in_order(dict(kept.get("edges") or {}), package.sample.stores["bs"].attrs.get("edges"))
    found = _in_order(dict(settings.get("methods") or {}), package.sample.fits)
    methods = {label: _method(one) for label, one in found.items()}
    written = {"samples": {package.sample.name: of_sample}, **_without_none(kept), "methods": methods}
    return "\n".join([*lines, "", as_yaml(written)])


def _in_order(found: dict[str, Any], order: Iterable[str] | None) -> dict[str, Any]:
    return {key: found[key] for key in [*(order or ()), *found] if key in found}


def _method(one: Mapping[str, Any]) -> dict[str, Any]:
    if one["method"] == RECOMMENDED:  # it takes nothing else
        return {"seed": one["seed"]}
    own = {key: item for key, item in one.items() if key != "options"}
    return dict(_without_none(own | dict(one.get("options") or {})))


def _without_none(tree: Any) -> Any:
    """Leave out what was not given."""
    if not isinstance(tree, Mapping):
        return tree
    return {key: _without_none(item) for key, item in tree.items() if item is not None}
