"""What is generated from the options, the examples, and the command that checks a configuration."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eelsunmix.benchmark.labels import IN_PAPER
from eelsunmix.configuration import ConfigurationError, as_params, read_configuration
from eelsunmix.configuration.__main__ import main
from eelsunmix.configuration.docstrings import parameters, summary
from eelsunmix.configuration.documents import read_yaml
from eelsunmix.configuration.nodes import node_of
from eelsunmix.configuration.reading import read_tree
from eelsunmix.configuration.reference import reference
from eelsunmix.configuration.schema import schema, schema_text
from eelsunmix.configuration.strict_yaml import parse_yaml
from eelsunmix.methods import method_names
from eelsunmix.profiles import Region
from eelsunmix.synthetic import MultilayerOptions

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "config").rglob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(schema())
HOW_TO = "run: python -m eelsunmix.configuration --reference --schema"


REFERENCE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
DOCUMENTED = re.findall(r"^### `method: (\w+)`$", REFERENCE, re.MULTILINE)


def test_the_committed_reference_is_that_of_the_options():
    assert reference(DOCUMENTED) == REFERENCE, HOW_TO


def test_the_committed_schema_is_that_of_the_options():
    assert (ROOT / "config" / "schema.json").read_text(encoding="utf-8") == schema_text(DOCUMENTED), HOW_TO


def test_every_committed_method_is_in_the_reference():
    """A file that is being tried may wait; what is committed may not."""
    folder = "workflow/eelsunmix/methods"
    command = ["git", "ls-files", "."]
    listed = subprocess.run(command, cwd=ROOT / folder, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a clone")
    committed = {path.split("/")[0].removesuffix(".py") for path in listed.stdout.split()}
    assert set(method_names()) & committed <= set(DOCUMENTED), HOW_TO


def test_every_default_configuration_is_there():
    assert {path.name for path in EXAMPLES} >= {
        "config.yaml",
        "demo.yaml",
        "multilayer.yaml",
        "sto_lmo.yaml",
        "k_edges.yaml",
        "eds_phase_map.yaml",
    }


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    configuration = read_configuration([path])
    assert configuration.samples or path.stem.startswith("benchmark")
    json.dumps(as_params(configuration.benchmark))
    for sample in configuration.samples.values():
        json.dumps(as_params(sample))
        assert sample.methods


def test_the_paper_s_experiment_has_every_level_and_every_method_in_both_settings(monkeypatch):
    monkeypatch.chdir(ROOT)
    samples = read_configuration([ROOT / "config" / "examples" / "multilayer.yaml"]).samples
    assert {sample.simulate.level for sample in samples.values()} == set(MultilayerOptions.presets["level"])
    runs = {(one.method, one.options.setting) for one in samples["realistic"].methods.values()}
    everything = {(method, setting) for method in IN_PAPER for setting in ("eels", "published")}
    assert everything - runs == {("cnnaeu", "published")}  # which takes three quarters of an hour


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_agrees_with_the_schema(path):
    VALIDATOR.validate(read_yaml(path).plain())
    first = path.read_text(encoding="utf-8").splitlines()[0]
    linked = re.fullmatch(r"# yaml-language-server: \$schema=(.+)", first)[1]
    assert (path.parent / linked).resolve() == ROOT / "config" / "schema.json"


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(schema())


S = {"samples": {"S": {"simulate": {"scene": "multilayer"}}}}
EDGE = {"element": "Ti", "onset_eV": 456, "fit_eV": [405, 450], "integrate_eV": [456, 486]}
REFUSED = [
    {},
    {"samples": {"a b": {}}},
    {"samples": {"benchmark": {"file": "x"}}},
    {"samples": {"S": {}}},
    {"samples": {"S": {"fiel": "x"}}},
    {"samples": {"S": {"file": "x", "simulate": {"scene": "multilayer"}}}},
    {"samples": {"S": {"file": "x", "dask": {}}}},
    {"samples": {"S": {"simulate": {"scene": "chequerboard", "shape": [3, 4]}}}},
    {"samples": {"S": {"simulate": {"scene": "chequerboard", "filter_size": 4}}}},
    {"samples": {"S": {"simulate": {"scene": "multilayer", "wedge": 2}}}},
    {"samples": {"S": {"simulate": {"scene": "multilayer", "shape": [9, 31, 2]}}}},
    S | {"methods": {"vca": {"loss": "frobenius"}}},
    S | {"methods": {"mine": {}}},
    S | {"methods": {"bs": {"method": "vca"}}},
    S | {"methods": {"a-b": {"method": "vca"}}},
    S | {"methods": {"vca": {"seed": -1}}},
    S | {"edges": [5]},
    S | {"edges": {"Ti": {"element": "Ti", "fit": [405, 450]}}},
    S | {"edges": {"Ti": EDGE | {"element": "titanium"}}},
    S | {"edges": {"Ti": EDGE | {"onset_eV": 0}}},
    S | {"edges": {"Ti": EDGE | {"fit_eV": [405]}}},
    S | {"edges": {"Ti": EDGE | {"fit_eV": [-405, 450]}}},
    S | {"edges": {"T i": EDGE}},
    S | {"profiles": {"P": {"pixels": [-1, 3]}}},
    S | {"denoise": {"n_components": 0}},
    S | {"denoise": {"nlm_window_px": 4}},
    S | {"denoise": {"guard_probability": 1}},
    S | {"components": {"n": 0}},
    S | {"components": {"n": "many"}},
    S | {"corrections": {"gain": {"smooth_channels": 3}}},
    S | {"corrections": {"bin": {"x": 1.5}}},
    S | {"corrections": {"mask": {"outside_nm": {"z": [0, 1]}}}},
    S | {"axes": {"dims": ["y", "z"]}},
    S | {"axes": {"pixel_nm": 0}},
    S | {"seed": -1},
    S | {"seed": True},
    S | {"dask": {"mode": "thread"}},
    S | {"device": "gpu"},
    {"benchmark": {"doses": []}},
    {"benchmark": {"scenes": ["ru3", "ru3"]}},
    {"benchmark": {"methods": {"oracle": {"method": "vca", "n_draw": 1}}}},
]
BEYOND_A_SCHEMA = {
    "a name that is of no edge": S | {"edges": {"layer": {}}},
    "two numbers in order": S | {"corrections": {"crop": {"energy_eV": [3, 2]}}},
    "one window after another": S | {"edges": {"Ti": EDGE | {"fit_eV": [405, 460]}}},
    "a key that needs another": S | {"corrections": {"gain": {"method": "reference"}}},
    "a key that excludes another": S | {"axes": {"energy": {"offset_eV": 1, "offset_keV": 1}}},
    "dims of which one is spectral": S | {"axes": {"dims": ["y", "x"]}},
    "names that differ by case alone": S | {"methods": {"vca": {}, "VCA": {"method": "vca"}}},
    "a name that stands elsewhere": S | {"regions": {"r": {"without": ["Fe"]}}},
    "what several numbers make together": {"benchmark": {"size": 8}},
    "a whole number written as 1.0": S | {"seed": 1.0},
}


@pytest.mark.parametrize("values", REFUSED, ids=json.dumps)
def test_code_and_schema_refuse_mistakes(values):
    assert not VALIDATOR.is_valid(values)
    with pytest.raises(ConfigurationError):
        read_tree(node_of(values, "--config"), must_exist=False)


@pytest.mark.parametrize("values", BEYOND_A_SCHEMA.values(), ids=BEYOND_A_SCHEMA)
def test_some_mistakes_are_beyond_a_schema(values):
    assert VALIDATOR.is_valid(values)
    with pytest.raises(ConfigurationError):
        read_tree(node_of(values, "--config"), must_exist=False)


def test_what_presets_fill_is_not_required_and_their_values_are_shown():
    wedge = schema()["$defs"]["MultilayerOptions"]["properties"]["wedge"]
    assert (wedge["default"], wedge["x-presets"]) == (0.0, {"thickness": 0.4, "realistic": 0.4})
    assert "at least 0 and below 2 | `0.0`; realistic `0.4`; thickness `0.4` |" in REFERENCE
    assert schema()["$defs"]["MultilayerOptions"]["required"] == ["scene"]


@pytest.mark.parametrize(
    "text", re.findall(r"```yaml\n(.*?)```", (ROOT / "config" / "README.md").read_text(), re.DOTALL)
)
def test_the_snippets_of_the_guide_are_valid(text, tmp_path):
    (tmp_path / "c.yaml").write_text(text)
    assert read_configuration([tmp_path / "c.yaml"], must_exist=False).samples


def test_the_errors_shown_in_the_guide_are_real(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (
        "\n" * 4
        + "samples: {S: {simulate: {scene: multilayer}}}\nedges: {Ti_L23: {element: Ti, onset_eV: 456,\n"
    )
    Path("my.yaml").write_text(
        text + "  fit_eV: 405-450, integrate_eV: [456, 486]}}\n\nmethodes: {vca: {}}\n"
    )
    assert main(["my.yaml"]) == 1
    shown = re.findall(r"^my\.yaml.*$", (ROOT / "config" / "README.md").read_text(), re.MULTILINE)
    assert capsys.readouterr().err.splitlines() == shown


def test_the_commented_table_is_a_valid_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = (ROOT / "config" / "samples.tsv").read_text()
    Path("t.tsv").write_text(re.sub(r"^# (?=SI\d)", "", table, flags=re.MULTILINE))
    Path("c.yaml").write_text("samples: t.tsv\n")
    samples = read_configuration([Path("c.yaml")], must_exist=False).samples
    assert [sample.fit_on for sample in samples.values()] == [None, "SI1", None]


def test_the_command_says_in_words_what_is_asked_for(capsys):
    assert main([str(ROOT / "config" / "examples" / "demo.yaml")]) == 0
    said = capsys.readouterr().out
    assert "STO-LMO\n  image: example:STO-LMO_EELS_SI.dm3" in said
    assert "edge Ti_L23: Ti from 456 eV; background fitted 405 to 450 eV, signal summed 453 to 486 eV" in said
    assert "components: n 3" in said
    assert "nmf_kl (nmf, " in said


def test_the_command_fails_with_the_lines_alone(tmp_path):
    (tmp_path / "c.yaml").write_text("samples: {S: {file: absent.dm4}}\nseed: x\n")
    done = subprocess.run(
        [sys.executable, "-m", "eelsunmix.configuration", "c.yaml"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == ["samples.S.file", "seed"]


def test_the_command_writes_reference_and_schema(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for folder in ("docs", "config"):
        Path(folder).mkdir()
    assert main(["--reference", "--schema"]) == 0
    assert Path("docs/configuration.md").read_text(encoding="utf-8") == reference()
    assert json.loads(Path("config/schema.json").read_text(encoding="utf-8")) == schema()
    assert "wrote docs/configuration.md" in capsys.readouterr().out


def test_docstrings_are_read():
    assert summary(Region).startswith("A rectangle of the image")
    entries = parameters(Region)
    assert entries["x_nm"] == entries["y_nm"] == "Limits on either axis; the whole axis by default."
    assert entries["without"] == "Elements whose net counts must vanish in the region."


def test_every_key_is_explained():
    rows = re.findall(r"^\| `(\w+)` \|.*\| *([^|]*) \|$", REFERENCE, re.MULTILINE)
    assert len(rows) > 60
    # These say it with their names.
    obvious = {"seed", "x", "y", "energy", "pixel_nm"}
    assert [key for key, meaning in rows if not meaning and key not in obvious] == []


@settings(max_examples=60)
@given(
    st.sampled_from(EXAMPLES),
    st.integers(0, 3000),
    st.integers(0, 30),
    st.sampled_from(["", "\t", "[", "*a", "null", "1e999"]),
)
def test_a_damaged_example_is_read_or_refused_in_whole_lines(path, start, length, instead):
    text = path.read_text(encoding="utf-8")
    lines = refusal(text[:start] + instead + text[start + length :])
    assert all(line.startswith("c.yaml") and line.isprintable() for line in lines)


def refusal(text):
    try:
        read_tree(parse_yaml(text, "c.yaml"), must_exist=False)
    except ConfigurationError as error:
        return str(error).splitlines()
    return []
