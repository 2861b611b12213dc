"""A text for the Methods section, written from what the stores say of themselves."""

import re
from collections.abc import Iterator
from typing import Any

from eelsunmix.background.words import backgrounds_in_words, lines_of
from eelsunmix.export.axes import axis_of
from eelsunmix.export.package import Package
from eelsunmix.export.sample import Sample
from eelsunmix.report.texts import value
from eelsunmix.storage.versions import mixed_versions

_NAMED = ("python", "numpy", "scipy", "scikit-learn", "torch", "numba", "rosettasciio")
_MARKUP = re.compile(r"[\\`*\[\]<&~]|(?<![^\W_])_|_(?![^\W_])")
"""What has a meaning in Markdown; an underscore has none between letters and digits."""
_EXPONENT = {
    "pixel": "fitted in each pixel",
    "local": "fitted on a Gaussian average of each pixel's neighbourhood (sigma {sigma:g} px)",
    "global": "fitted once for the image",
}


def methods_text(package: Package) -> str:
    """Return the text as Markdown, warnings at its end."""
    sample = package.sample
    parts = (_software, _image, _counts, _corrections, _vacuum, _components, _background, _unmixing)
    paragraphs = [f"# Methods: {sample.name}", *(" ".join(part(sample)) for part in parts)]
    paragraphs.insert(3, _microscope(package))
    if sample.warnings:
        paragraphs += ["## What the software warns of", "\n".join(f"- {text}" for text in sample.warnings)]
    return "\n\n".join(filter(None, paragraphs)) + "\n"


def _software(sample: Sample) -> Iterator[str]:
    found: dict[str, str] = {}
    for versions in sample.versions.values():
        found |= versions
    others = ", ".join(f"{name} {found[name]}" for name in _NAMED if name in found)
    yield f"The spectrum image was analysed with eelsunmix {found.get('eelsunmix', '')} ({others})."
    if mix := mixed_versions(
        {f"results/{sample.name}/{name}.zarr": one for name, one in sample.versions.items()}
    ):
        yield mix


def _image(sample: Sample) -> Iterator[str]:
    source, image = sample.source, sample.stores["raw"]["counts"]
    axis = axis_of(image, str(image.dims[-1]))
    size = " x ".join(f"{image.sizes[dim]} ({dim})" for dim in image.dims[:-1])
    what = (
        f"{size} pixels, {axis.size} channels of {axis.scale:g} {axis.unit} from {axis.offset:g} {axis.unit}"
    )
    if "file" in source:
        reader = str(source.get("reader", ""))
        reader = f"{reader} {dict(source.get('versions', {})).get(reader.lower(), '')}".strip()
        name = _plain(str(source["file"]).rpartition("/")[2])
        yield f"The image, {name} (SHA-256 {source['sha256']}; {what}), was read with {reader}."
    else:
        yield f"The image ({what}) was simulated: scene {source.get('scene')}, seed {source.get('seed')}."
    pixel = axis_of(image, "x")
    if pixel.unit == "nm":
        yield f"A pixel measures {pixel.scale:g} nm."
    origins = dict(sample.stores["raw"].attrs.get("origin_of_axes") or {})
    for origin, words in (("configuration", "Set by the user"), ("assumed", "Not in the file, and assumed")):
        if names := [name for name, one in origins.items() if one == origin]:
            yield f"{words}: {', '.join(names)}."


def _microscope(package: Package) -> str:
    said = {name: item for name, item in package.about["microscope"].items() if name != "time"}
    items = ", ".join(f"{name} {_plain(value(item))}" for name, item in said.items())
    return f"The file says: {items}." if said else ""


def _counts(sample: Sample) -> Iterator[str]:
    factor = sample.image.attrs.get("counts_per_electron")
    origin = {"measured": "as measured in the image", "configuration": "as given"}
    said = origin.get(str(sample.image.attrs.get("counts_per_electron_from")), "as assumed")
    if factor is not None:
        yield f"Standard deviations are of counts whose variance is {factor:.4g} times their mean, {said}."


def _corrections(sample: Sample) -> Iterator[str]:
    log = list(sample.stores["corrected"].attrs.get("corrections") or [])
    applied = [one for one in log if one["applied"]]
    yield "Corrections, in this order:" if applied else "No correction changed the counts."
    yield from (
        f"({number}) {one['step'].replace('_', ' ')}: {one['summary']}"
        for number, one in enumerate(applied, 1)
    )
    if left := [one["step"].replace("_", " ") for one in log if not one["applied"]]:
        yield f"Not applied: {', '.join(left)}."


def _vacuum(sample: Sample) -> Iterator[str]:
    corrected = sample.stores["corrected"]
    if "vacuum" in corrected and (number := int(corrected["vacuum"].sum())):
        yield f"{number} pixels without sample were left out of learning; their abundances are zero."


def _components(sample: Sample) -> Iterator[str]:
    pca, rank = sample.stores["pca"], sample.stores["rank"].attrs
    number = pca.sizes.get("component", 0)
    smoothed = (
        "; score maps were also smoothed by non-local means" if pca.attrs.get("spatial") == "nlm" else ""
    )
    yield "Principal components were weighted for Poisson noise (Keenan and Kotula, 2004);"
    yield f"{number} were kept{smoothed}."
    origin = (
        "set by the user"
        if rank.get("chosen") == "user"
        else f"chosen by {rank.get('chosen')}".replace("_", " ")
    )
    yield f"The number of endmembers is {rank['n_endmembers']}, {origin}: {rank.get('reason', '')}"


def _background(sample: Sample) -> Iterator[str]:
    bs = sample.stores["bs"].attrs
    edges = dict(bs.get("edges") or {})
    if not edges:
        yield "No edges were given, so there is no background subtraction."
        return
    exponent = _EXPONENT.get(str(bs.get("exponent_from")), "").format(sigma=bs.get("local_sigma_px", 0.0))
    lines = lines_of(edges)
    if lines:
        yield "Background subtraction: under each line of X-rays the straight line through the mean counts of"
        yield "the windows on both sides was subtracted."
    if len(lines) < len(edges):
        curves = {name: edge for name, edge in edges.items() if name not in lines}
        yield f"Background subtraction: before each edge {backgrounds_in_words(curves)},"
        yield f"and extrapolated below it, the shape {exponent}."
    yield f"Windows in eV: {'; '.join(map(_edge, edges, edges.values()))}."


def _edge(name: str, edge: dict[str, Any]) -> str:
    keys = [key for key in ("fit_eV", "integrate_eV", "fit_above_eV") if key in edge]
    fit, signal, *above = [f"{edge[key][0]:g} to {edge[key][1]:g}" for key in keys]
    if above:
        return f"{name} (at {edge['onset_eV']:g}) summed {signal}, background {fit} and {above[0]}"
    return f"{name} (onset {edge['onset_eV']:g}) fitted {fit}, summed {signal}"


def _unmixing(sample: Sample) -> Iterator[str]:
    yield "Unmixing, each with its settings:" if sample.fits else ""
    for label, store in sample.fits.items():
        one = store.attrs
        options = value(dict(one.get("options") or {})) or "no settings of its own"
        said = {key: one.get(key) for key in ("method", "n_endmembers", "input", "seed", "n_learning_pixels")}
        yield "{method} with {n_endmembers} endmembers on the {input} counts".format(**said)
        yield f"(label {label}, seed {said['seed']}, learned from {said['n_learning_pixels']} pixels):"
        yield f"{options}; {', '.join(filter(None, (one.get('status'), one.get('message'))))}."
        yield from _treated(one)


def _plain(text: str) -> str:
    r"""Keep what a file says one line of text: no paragraph, emphasis, picture or tag, no link with a text.

    An address stays as it is written; some programs make a link of it, which leads to what is read.

    Examples
    --------
    >>> print(_plain("Titan <b>\n\n# Results"), _plain("SI_1.dm4, _new_ at https://a.org"))
    Titan \<b> # Results SI_1.dm4, \_new\_ at https://a.org
    """
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return re.sub(_MARKUP, r"\\\g<0>", " ".join(printable.split()))


def _treated(fit: dict[str, Any]) -> Iterator[str]:
    """Say what was done to the spectra before the fit, and to the endmembers after it."""
    if fit.get("brightness") == "variable":
        yield "Pixels were brought to the same counts first."
    if number := fit.get("nuisance"):
        yield f"Directions of nuisance taken out of the spectra: {number}, {fit.get('nuisance_reason')}."
    if fit.get("anchored"):
        yield "The endmembers were mixed so that each holds its own edges alone."
