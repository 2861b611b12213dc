"""What reruns when: the modules behind each rule, pinned, and edits in a copy of the package.

``tests/modules_of_rules.txt`` lists the modules. To write it anew: ``python tests/test_reruns.py``.
"""

import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from eelsunmix import provenance
from eelsunmix.provenance import source_fingerprint
from eelsunmix.recipes import RECIPES

ROOT = Path(__file__).parents[1]
PINNED = Path(__file__).with_name("modules_of_rules.txt")
RULES = sorted((ROOT / "workflow").rglob("*.smk")) + sorted((ROOT / "workflow").rglob("Snakefile"))
# By hand: a method of a user needs no pin.
METHODS = ("vca", "nmf", "ica", "blu", "udas", "daeu", "mtaeu", "cnnaeu")


def rules():
    """Modules that each rule gives to its fingerprint: of fits by method, of imports by kind of file."""
    return dict(sorted((_rules_of_samples() | _rules_of_the_benchmark()).items()))


def _rules_of_samples():
    """Those that have a recipe."""
    found = {}
    for rule, recipe in RECIPES.items():
        for name, sample in _samples_of(rule):
            found[name] = list(recipe.modules(sample, "one"))
    return found


def _samples_of(rule):
    if rule == "fit":
        for method in METHODS:
            yield f"{rule} {method}", _fitted_with(method)
        yield ANCHORED, _fitted_with("vca", anchor="edges")
    elif rule == "import_image":
        for suffix in ("dm3", "emd", "npy", "ndata1"):
            yield f"{rule} {suffix}", SimpleNamespace(file=f"image.{suffix}")
    else:
        yield rule, SimpleNamespace(references=[])
    if rule == "correct_gain":
        yield f"{rule} with a reference npy", SimpleNamespace(references=["gain.npy"])


def _fitted_with(method, anchor="none"):
    return SimpleNamespace(methods={"one": SimpleNamespace(method=method, anchor=anchor, nuisance=0)})


def _rules_of_the_benchmark():
    found = {}
    for text in (path.read_text() for path in RULES):
        for rule in re.split(r"\n *rule\b", text)[1:]:
            script = re.search(r'script:\s*"[./]*scripts/(\w+)\.py"', rule)
            code = re.search(r"\bcode=(.*?)\n *(?:message|script):", rule, re.DOTALL)
            if script and code:
                named = re.findall(r'"(eelsunmix[\w.]*)"', code[1])
                found |= dict(_variants(script[1], code[1], named))
    return found


def _variants(name, code, modules):
    if "methods.{" in code:
        yield from ((f"{name} {method}", [*modules, f"eelsunmix.methods.{method}"]) for method in METHODS)
    else:
        yield name, modules


def closures():
    """Return the text that pins the modules behind each rule."""
    lines = []
    for rule, modules in rules().items():
        files = sorted(
            str(path.relative_to(provenance.PACKAGE)) for path in provenance._closure(tuple(modules))
        )
        lines += [rule, *(f"    {file}" for file in files), ""]
    return "\n".join(lines)


def test_every_rule_with_a_script_has_a_fingerprint():
    scripts = {path.stem for path in (ROOT / "workflow").rglob("scripts/*.py")}
    assert {rule.split()[0] for rule in rules()} == scripts


def test_the_modules_behind_each_rule_are_the_pinned_ones():
    """A new import may rerun half-hour fits: look at the difference before you pin it."""
    assert closures() == PINNED.read_text(), "look at the difference; then: python tests/test_reruns.py"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    copy = tmp_path_factory.mktemp("package") / "eelsunmix"
    shutil.copytree(provenance.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


IMPORTS = {f"import_image {suffix}" for suffix in ("dm3", "emd", "npy", "ndata1")}
CORRECTIONS = {"correct_gain", "correct_gain with a reference npy"}
NETWORKS = ("daeu", "mtaeu", "cnnaeu")


SUBTRACTION = {"background", "peer_images", "peer_scores"}
RANDOM = {"method " + method for method in METHODS} | {"oracle"} | SUBTRACTION
"""Everything of the benchmark but its page."""
RECOMMENDED = {"fit_recommended", "map_recommended"}
ANCHORED = "fit vca anchored"
"""By edges, so that it depends on background subtraction."""


def _all_of(*methods):
    return {f"{rule} {method}" for rule in ("fit", "method") for method in methods}


EDITS = {
    "a new row of the edges of the scenes": (
        "synthetic/edges.py",
        '    "Ru_M45":',
        '    "Si_L23": _edge("Si", 99, (72, 96), (99, 129)),\n    "Ru_M45":',
        {"simulate_image", "page"} | RANDOM,  # the page of the benchmark knows the scenes
    ),
    "a word in an error text of profiles": (
        "profile_geometry.py",
        "the image has no pixel size in nm",
        "the pixels of the image have no size in nm",
        set(),
    ),
    "a constant of how blocks are mapped": (
        "mapping/pieces.py",
        "PIECE = 2**20",
        "PIECE = 2**19",
        {"map", "compare", "oracle"} | {f"method {method}" for method in METHODS} | SUBTRACTION | RECOMMENDED,
    ),
    "an error text of apply": (
        "mapping/application.py",
        "counts have sizes",
        "the counts have sizes",
        set(),
    ),
    "did you mean": ("errors.py", "n=1, cutoff", "n=2, cutoff", set()),
    "another suffix of one vendor": (
        "io/formats/velox.py",
        'suffixes = (".emd",)',
        'suffixes = (".emd", ".velox")',
        {"import_image emd"},
    ),
    "the spelling of a unit of energy": (
        "units.py",
        '"meV": 1e-3}',
        '"meV": 1e-3, "MeV": 1e6}',
        IMPORTS
        | CORRECTIONS
        | SUBTRACTION
        | RECOMMENDED
        | {"subtract_background", "compare", "report", ANCHORED},
    ),
    "the search for pure pixels": (
        "methods/_vertices.py",
        "bright = signal > 0.1",
        "bright = signal > 0.2",
        _all_of(*METHODS) | {"map", "compare", "oracle", ANCHORED} | SUBTRACTION | RECOMMENDED,
    ),
    "a method": ("methods/ica.py", "_PIECES = 16", "_PIECES = 8", _all_of("ica")),
    "the sampler of BLU": (
        "methods/blu/gibbs.py",
        "VERTEX_PASSES = 3",
        "VERTEX_PASSES = 4",
        _all_of("blu") | {"fit_recommended"},
    ),
    "the training of the networks": (
        "methods/_networks/torch_score_networks.py",
        "REACH = 4.0",
        "REACH = 5.0",
        _all_of(*NETWORKS),
    ),
    "what counts as a spike": ("corrections/spikes.py", "CONTRAST = 3.0", "CONTRAST = 4.0", CORRECTIONS),
    "which exponents are plausible": (
        "background/power_law.py",
        "PLAUSIBLE_EXPONENTS = (0.5, 7.0)",
        "PLAUSIBLE_EXPONENTS = (0.5, 6.0)",
        {"subtract_background", "compare", ANCHORED} | SUBTRACTION | RECOMMENDED,
    ),
    "a limit of the verdict": (
        "comparison/thresholds.py",
        "FLAT = 0.25",
        "FLAT = 0.3",
        {"compare", "report"},
    ),
    "a caption of the page": (
        "report/sections/residuals.py",
        "1 is noise alone",
        "one is noise alone",
        {"report"},
    ),
    "a word on the page of all samples": (
        "report/index/rows.py",
        "1 is counting noise",
        "one is counting noise",
        {"index"},
    ),
    "how stores are written": ("storage/store.py", "def publish(", "_UNUSED = 1\n\n\ndef publish(", set()),
    "a comment, and a docstring": (
        "fitting.py",
        '"""Learning endmembers from a labelled image: `fit`."""',
        '# why\n"""Learning."""',
        set(),
    ),
}
"""Edit -> file, what stands there, what stands there afterwards, and the rules that rerun by themselves.

What depends on their results reruns too, as Snakemake sees from the files.
"""


@pytest.mark.guarantee(16)
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_reruns_what_it_concerns_and_nothing_else(edit, package, monkeypatch):
    file, before, after, expected = EDITS[edit]
    monkeypatch.setattr(provenance, "PACKAGE", package)
    found = {rule: source_fingerprint(*modules) for rule, modules in rules().items()}
    path, text = package / file, (package / file).read_text()
    assert before in text
    try:
        path.write_text(text.replace(before, after))
        changed = {rule for rule, modules in rules().items() if source_fingerprint(*modules) != found[rule]}
    finally:
        path.write_text(text)
    assert changed == expected


if __name__ == "__main__":
    PINNED.write_text(closures())
    sys.stdout.write(f"wrote {PINNED}\n")
