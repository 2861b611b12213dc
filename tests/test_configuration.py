"""The configuration: what a user writes, what the stages get, and what is said of mistakes."""

import json
import re
import subprocess
import sys
import textwrap

import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from eelsunmix.background import BackgroundOptions
from eelsunmix.configuration import (
    ConfigurationError,
    SampleSettings,
    as_params,
    from_params,
    read_configuration,
)
from eelsunmix.configuration.nodes import node_of
from eelsunmix.configuration.reading import read_tree
from eelsunmix.configuration.schema import all_kinds, definitions, schema
from eelsunmix.configuration.strict_yaml import parse_yaml
from eelsunmix.configuration.summary import summarise
from eelsunmix.edges import EdgeRequest
from eelsunmix.errors import InputError
from eelsunmix.execution.clusters import Execution
from eelsunmix.methods import method_names
from eelsunmix.options import Options
from eelsunmix.profiles import Profile, Region
from eelsunmix.storage import Manifest
from eelsunmix.synthetic import MultilayerOptions

GOOD = """
samples:
  SI1:
    simulate: {scene: multilayer, shape: [9, 31], seed: 4}
    components: {n: 2}
  SI2: {simulate: {scene: chequerboard}, fit_on: SI1, seed: 7}
edges:
  Ru_M23: {element: Ru, onset_eV: 461, fit_eV: [400, 455], integrate_eV: [458, 500]}
profiles: {P1: {along: x, start_nm: 0.0, width_nm: 0.36}}
regions: {off: {x_nm: [0, 2], without: [Ru]}}
components: {n: 5, max: 6}
background: {exponent: global}
methods:
  vca: {n_draws: 3, seed: 11}
  mine: {method: nmf, input: pca, loss: kullback-leibler}
  ica:
seed: 3
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a configuration into an empty folder and go there."""
    monkeypatch.chdir(tmp_path)

    def write(text, name="c.yaml"):
        (tmp_path / name).write_text(textwrap.dedent(text), encoding="utf-8")
        return [name]

    return write


@pytest.fixture
def mistakes(write):
    """Lines of error of a configuration."""

    def mistakes(text, **options):
        with pytest.raises(ConfigurationError) as raised:
            read_configuration(write(text), **options)
        assert isinstance(raised.value, InputError)
        return str(raised.value).splitlines()

    return mistakes


def simulated(rest):
    return "samples: {S: {simulate: {scene: multilayer}}}\n" + rest


def test_every_stage_gets_its_options(write):
    configuration = read_configuration(write(GOOD))
    first = configuration.samples["SI1"]
    assert list(configuration.samples) == ["SI1", "SI2"]
    assert first.scene == "multilayer"
    assert first.simulate == MultilayerOptions(shape=(9, 31), seed=4)
    assert first.edges == {
        "Ru_M23": EdgeRequest(element="Ru", onset_eV=461, fit_eV=(400, 455), integrate_eV=(458, 500))
    }
    assert first.profiles == {"P1": Profile(along="x", start_nm=0.0, width_nm=0.36)}
    assert first.regions == {"off": Region(x_nm=(0, 2), without=("Ru",))}
    assert first.background == BackgroundOptions(exponent="global")
    assert first.invalid_pixels == "refuse"
    assert configuration.dask == Execution()
    assert configuration.files == ("c.yaml",)


def test_files_are_named_as_seen_from_here(write, tmp_path):
    write("seed: x\n")
    with pytest.raises(ConfigurationError, match=r"\Ac\.yaml: samples: is missing"):
        read_configuration([tmp_path / "c.yaml"])


def test_methods_are_labels_methods_inputs_and_options(write):
    sample = read_configuration(write(GOOD)).samples["SI1"]
    assert list(sample.methods) == ["vca", "mine", "ica"]
    assert [one.method for one in sample.methods.values()] == ["vca", "nmf", "ica"]
    assert [one.input for one in sample.methods.values()] == ["corrected", "pca", "corrected"]
    assert sample.methods["vca"].options.n_draws == 3
    assert sample.methods["mine"].options.loss == "kullback-leibler"
    assert [sample.seed_of(label) for label in sample.methods] == [11, 3, 3]


@pytest.mark.parametrize("brightness", ["auto", "constant", "variable"])
def test_the_brightness_is_a_key_of_a_method(write, brightness):
    text = simulated(f"methods: {{vca: {{brightness: {brightness}}}}}\n")
    assert read_configuration(write(text)).samples["S"].methods["vca"].brightness == brightness
    assert jsonschema.Draft202012Validator(schema()).is_valid(parse_yaml(text, "c.yaml").plain())


@pytest.mark.parametrize(
    "entry", ["nmf: {brightness: variable}", "vca: {setting: published, brightness: variable}"]
)
def test_a_method_that_cannot_even_out_the_brightness_is_refused_it(mistakes, entry):
    label = entry.split(":")[0]
    assert mistakes(simulated(f"methods: {{{entry}}}\n")) == [
        f"c.yaml:2: methods.{label}.brightness: variable is for methods whose abundances sum to one, "
        "in the setting eels; leave it out"
    ]


def test_a_section_in_a_sample_replaces_that_of_the_top_level(write):
    samples = read_configuration(write(GOOD)).samples
    assert (samples["SI1"].components.n, samples["SI2"].components.n) == (2, 5)
    assert samples["SI1"].components.max != 6
    assert samples["SI2"].components.max == 6
    assert (samples["SI1"].seed, samples["SI2"].seed) == (3, 7)


def test_settings_are_frozen(write):
    sample = read_configuration(write(GOOD)).samples["SI1"]
    with pytest.raises(ValidationError, match="frozen"):
        sample.seed = 5


def test_a_sample_takes_the_methods_of_the_one_whose_models_it_applies(write):
    text = """
    samples:
      A: {simulate: {scene: multilayer}, methods: {vca: {n_draws: 3}}}
      B: {simulate: {scene: multilayer}, fit_on: A}
    methods: {nmf: {}}
    """
    samples = read_configuration(write(text)).samples
    assert samples["B"].methods == samples["A"].methods
    assert list(samples["B"].methods) == ["vca"]


def test_files_and_the_command_line_are_laid_over_each_other(write):
    write("components: {n: 4}\nmethods: {ica: {}}\n", "over.yaml")
    write(
        simulated("components: {n: 2, max: 7}\nmethods: {vca: {}}"),
        "a.yaml",
    )
    configuration = read_configuration(
        ["a.yaml", "over.yaml"], {"seed": 9, "samples": {"S": {"simulate": {"seed": 5}}}}
    )
    sample = configuration.samples["S"]
    assert (sample.components.n, sample.components.max, sample.seed) == (4, 7, 9)
    assert list(sample.methods) == ["vca", "ica"]
    assert sample.simulate.seed == 5
    assert configuration.files == ("a.yaml", "over.yaml")


def test_a_mistake_of_the_command_line_is_said_to_be_one(write):
    with pytest.raises(
        ConfigurationError, match=r"^--config: seed: needs a whole number of at least 0, found the text x$"
    ):
        read_configuration(write(simulated("")), {"seed": "x"})


def test_the_hint_for_a_method_knows_the_keys_of_the_workflow_too(mistakes):
    found = mistakes(simulated("methods: {vca: {brightnes: constant, n_draw: 3}}"))
    assert any("brightnes: unknown key; did you mean brightness?" in line for line in found)
    assert any("n_draw: unknown key; did you mean n_draws?" in line for line in found)


def test_mistakes_of_several_files_come_together(write):
    write("a: 1\na: 2\n", "one.yaml")
    write("b: [\n", "two.yaml")
    with pytest.raises(
        ConfigurationError, match=r"(?s)one\.yaml:2: a: written twice.*\ntwo\.yaml:2:1: not valid"
    ):
        read_configuration(["one.yaml", "two.yaml", "three.yaml"])


@pytest.mark.guarantee(11)
def test_all_mistakes_come_at_once_in_the_order_of_lines(mistakes):
    text = """\
    samples:
      S1: {file: absent.dm4, simulate: {scene: multilayr}}
      S2: {simulate: {scene: multilayer, seeed: 1}, fit_on: S9, dask: {}}
    edges:
      Ti: {element: Ti, onset_eV: 456 eV, fit_eV: 405-450, integrate: [456, 486]}
    seed: 1e-3
    methodes: {}
    methods: {vca: {n_draws: 0}, bs: {}, nmf: {input: PCA}}
    components: {n: 0}
    """
    lines = mistakes(text)
    starts = [
        "c.yaml:2: samples.S1.simulate.scene: no such scene; did you mean multilayer?",
        "c.yaml:2: samples.S1.simulate: stands beside file; keep one of them",
        "c.yaml:2: samples.S1.file: no such file: absent.dm4, seen from ",
        "c.yaml:3: samples.S2.dask: unknown key; it stands at the top level only, not in a sample",
        "c.yaml:3: samples.S2.simulate.seeed: unknown key; did you mean seed?",
        "c.yaml:3: samples.S2.fit_on: no sample S9; possible: S1, S2",
        "c.yaml:5: edges.Ti.onset_eV: needs a number from 1 to 1e6 or null, found the text 456 eV; write 456",
        "c.yaml:5: edges.Ti.fit_eV: needs a list of 2 numbers or null, found the text 405-450; write",
        "c.yaml:5: edges.Ti.integrate: unknown key; did you mean integrate_eV?",
        "c.yaml:6: seed: needs a whole number of at least 0, found the number 1e-3",
        "c.yaml:7: methodes: unknown key; did you mean methods?",
        "c.yaml:8: methods.vca.n_draws: needs a whole number of at least 1, found 0",
        "c.yaml:8: methods.bs: this label is taken by background subtraction",
        "c.yaml:8: methods.nmf.input: needs corrected, pca or nlm, found the text PCA",
        "c.yaml:9: components.n: needs a whole number of at least 1 or auto, found 0",
    ]
    assert len(lines) == len(starts)
    for start in starts:
        assert sum(line.startswith(start) for line in lines) == 1, start
    numbers = [int(line.split(":")[1]) for line in lines]
    assert numbers == sorted(numbers)


@pytest.mark.guarantee(11)
@pytest.mark.parametrize(
    ("rest", "line"),
    [
        ("background: {mean_unbiased: yes}", "needs true or false, found the text yes; write true"),
        ("background: {mean_unbiased: NO}", "needs true or false, found the text NO; write false"),
        ("background: {mean_unbiased: 1}", "needs true or false, found the number 1"),
        ("background: {exponent: local_}", "needs pixel, local or global, found the text local_"),
        ("background: {local_sigma_px: true}", "needs a number above 0, found true"),
        ("background: {local_sigma_px: 0,5}", "unknown key; decimal numbers have a point, no comma"),
        ("background: {local_sigma_px: '0,5'}", "needs a number above 0, found the text '0,5'; write 0.5"),
        ("background: {local_sigma_px: .inf}", "needs a finite number above 0, found the number .inf"),
        ("background: {local_sigma_px: .nan}", "needs a finite number above 0, found the number .nan"),
        ("background: {local_sigma_px: -1}", "background.local_sigma_px: needs a number above 0, found -1"),
        (
            "background: {local_sigma_px:}",
            "needs a number above 0, found nothing; write a value, or leave the key out",
        ),
        ("background: [1]", "needs a mapping with keys like exponent, .* found the list \\[1\\]"),
        ("background:", "found nothing; write a value, or leave the key out"),
        ("seed: '5'", "needs a whole number of at least 0, found the text '5'; write 5"),
        ("seed: 1_000", "needs a whole number of at least 0, found the text 1_000; write 1000"),
        ("seed: 1.5", "needs a whole number of at least 0, found the number 1.5"),
        ("seed: -1", "seed: needs a whole number of at least 0, found -1"),
        ("n_learning_pixels: 0", "n_learning_pixels: needs a whole number of at least 1, found 0"),
        ("signal: 5", 'signal: needs text or null, found the number 5; write "5" in quotes'),
        (
            "edges: {Ti_L23: {fit_eV: [405, 450,5]}}",
            r"edges\.Ti_L23\.fit_eV: .*found the list \[405, 450,5\]; decimal numbers have a point, no comma",
        ),
        (
            "edges: {Ti_L23: {fit_eV: [405,5, 450,5]}}",
            r"found the list \[405,5, 450,5\]; decimal numbers have a point, no comma",
        ),
        ("edges: {Ti_L23: {fit_eV: [405, 450, 500]}}", r"found the list \[405, 450, 500\]$"),
        ("edges: {Ti_L23: {fit_eV: [405,450,500]}}", r"found the list \[405,450,500\]$"),
        ("report: {title: A, B}", r"report\.B: unknown key; possible: title \(a text that contains a comma"),
        (
            f"report: {{title: {'x' * 301}}}",
            "needs text of 300 characters at most or null, found the text xxx",
        ),
        (
            "report: {title: 2024}",
            'needs text of 300 characters at most or null, found the number 2024; write "2024" in quotes',
        ),
        (
            "edges: {T: {element: Ti, onset_eV: 1, fit_eV: [2], integrate_eV: [3, 4]}}",
            "needs a list of 2 numbers or null, found the list \\[2\\]",
        ),
        (
            "edges: {T: {element: Ti, onset_eV: 1, fit_eV: [2, 3, 4], integrate_eV: [5, 6]}}",
            "edges.T.fit_eV: needs a list of 2 numbers",
        ),
        (
            "edges: {T: {element: Ti, onset_eV: 1, fit_eV: [2, x], integrate_eV: [5, 6]}}",
            r"edges\.T\.fit_eV\[1\]: needs a number above 0, found the text x",
        ),
        (
            "edges: {T: {element: Ti, onset_eV: 9, fit_eV: [5, 2], integrate_eV: [9, 10]}}",
            r"edges\.T\.fit_eV: needs two increasing numbers \[low, high\], not \[5, 2\]",
        ),
        (
            "edges: {T: {element: Ti, onset_eV: 9, fit_eV: [5, 12], integrate_eV: [9, 10]}}",
            r"edges\.T\.fit_eV: must end before integrate_eV begins, but 12 > 9",
        ),
        ("edges: [Ti, 3]", r"edges: needs names as keys; .* because \[1\] of this list is no name"),
        ("edges: [Ti_L23, Ti L3]", r"edges\[1\]: Ti_L23 is named twice"),
        ("edges: [Ti_K]", r"edges\.Ti_K: Ti has no K edge between 30 and 3000 eV; its edges are Ti_L23"),
        ("edges: {Ti_Ka: {}}", r"edges\.Ti_Ka: Ti_Ka is a line of X-rays, and the image is of energy losses"),
        ("edges: [Ti_N]", r"edges\.Ti_N45: Ti has no N45 edge between 30 and 3000 eV; its edges are Ti_L23"),
        ("edges: {layer: {}}", r"edges\.layer: names no element; write element: Ti, or a name such as"),
        ("edges: {Mn_L23: {element: Fe}}", r"edges\.Mn_L23: the name says Mn, but the element is Fe"),
        ("edges:", r"edges: needs names as keys; write \{\} for none"),
        ("edges: {a-b: {}}", r"edges\.a-b: is no usable name"),
        ("methods: [nmf, ica]", r"methods: needs names as keys; write nmf: \{\}, ica: \{\}"),
        ("methods: {Vca: {}, vca: {}}", r"methods\.vca: differs from Vca by upper and lower case alone"),
        ("methods: {vcaa: {}}", r"methods\.vcaa: no such method; did you mean vca\?.*vcaa: \{method: NAME\}"),
        ("methods: {a: {method: 3}}", r"methods\.a\.method: needs text, found the number 3"),
        ("methods: {vca: 3}", r"methods\.vca: needs a mapping of options; \{\} for none"),
        ("methods: {nmf: {n_draws: 3}}", r"methods\.nmf\.n_draws: unknown key; possible: .*loss"),
        ("methods: {vca: {options: {}}}", r"methods\.vca\.options: unknown key"),
        ("methods: {BS: {method: vca}}", r"methods\.BS: this label is taken by background subtraction"),
        ("gain: {method: none}", "gain: unknown key; it belongs under corrections"),
        ("file: x.dm4", "file: unknown key; it stands in a sample only"),
        (
            "dask: {mode: address}",
            r"dask\.address: is needed for the mode address, for example tcp://",
        ),
        ("regions: {r: {without: [Fe]}}", r"regions\.r\.without\[0\]: S has no edge of the element Fe"),
        (
            "component_names: {Fe: steel}",
            r"component_names: S: without edges, components have numbers and no names",
        ),
        ("component_names: {background: ''}", r"component_names\.background: needs text"),
        (
            "corrections: {gain: {method: reference, reference: no.npy}}",
            r"corrections\.gain\.reference: no such file: no\.npy",
        ),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_write(mistakes, rest, line):
    lines = mistakes(simulated(rest))
    assert any(re.search(line, one) for one in lines), lines
    assert all(one.startswith("c.yaml:2: ") for one in lines), lines


def test_all_mistakes_of_a_section_come_at_once(mistakes):
    text = simulated(
        "denoise: {n_component: 3, spatial: nmf, nlm_patch_px: 4}\n"
        "corrections: {gain: {smooth_channels: 4, kind: add}, spikes: {sigma: 1}, "
        "mask: {outside_nm: {z: [0, 1]}}}\n"
    )
    assert sorted(mistakes(text)) == [
        "c.yaml:2: denoise.n_component: unknown key; did you mean n_components?",
        "c.yaml:2: denoise.nlm_patch_px: needs an odd number, found 4",
        "c.yaml:2: denoise.spatial: needs none or nlm, found the text nmf",
        "c.yaml:3: corrections.gain.kind: needs auto, divide or multiply, found the text add",
        "c.yaml:3: corrections.gain.smooth_channels: needs an odd whole number of at least 5, found 4",
        "c.yaml:3: corrections.mask.outside_nm.z: unknown key; possible: x, y",
        "c.yaml:3: corrections.spikes.sigma: needs a number of at least 3, found 1",
    ]


@pytest.mark.parametrize(
    ("rest", "blamed"),
    [
        ("corrections: {gain: {method: reference}}", "corrections.gain.method"),
        ("corrections: {gain: {method: none, reference: x.npy}}", "corrections.gain.reference"),
        ("corrections: {align: {enabled: true}}", "corrections.align.window_eV"),
        ("profiles: {P: {start_nm: 1}}", "profiles.P.start_nm"),
        ("profiles: {P: {pixels: [0, 3], width_nm: 1}}", "profiles.P.pixels"),
        ("axes: {energy: {offset_eV: 1, offset_keV: 1}}", "axes.energy.offset_keV"),
        ("dask: {mode: address}", "dask.address"),
        ("benchmark: {size: 8}", "benchmark.size"),
    ],
)
def test_a_rule_across_keys_names_the_key_to_blame_once(mistakes, rest, blamed):
    (line,) = mistakes(simulated(rest), must_exist=False)
    place, message = line.removeprefix("c.yaml:2: ").split(": ", maxsplit=1)
    assert place == blamed
    assert not message.startswith((blamed, place.rsplit(".", 1)[1]))


@pytest.mark.parametrize(
    ("samples", "line"),
    [
        ("{S: {}}", r"samples\.S: needs file: PATH, or simulate"),
        (
            "{S: {simulate: {}}}",
            r"samples\.S\.simulate: needs the key scene; possible: chequerboard, multilayer",
        ),
        ("{S: {simulate: {scene: [multilayer]}}}", r"samples\.S\.simulate\.scene: no such scene"),
        ("{S: {simulate: multilayer}}", r"samples\.S\.simulate: needs the key scene"),
        ("{S: {file: 5}}", r'samples\.S\.file: needs text, found the number 5; write "5" in quotes'),
        ("{S: {file: ''}}", r"samples\.S\.file: is empty"),
        ("{S: {file: ~/x.dm3}}", r"samples\.S\.file: .* ~ is not expanded; write the whole path"),
        ('{S: {file: "a\\0b"}}', r"samples\.S\.file: no such file"),
        (
            "{S: {file: 'example:STO-LMO_EELS_SI.dm4'}}",
            r"samples\.S\.file: no such example.*did you mean STO-LMO_EELS_SI\.dm3",
        ),
        ("{S: 5}", r"samples\.S: needs a mapping"),
        ("{}", "samples: has no sample"),
        ("5", "samples: needs a mapping"),
        ("[a]", "samples: needs a mapping"),
        ("absent.tsv", r"samples: absent\.tsv cannot be read: No such file"),
        ("{A: {simulate: {scene: multilayer}, fit_on: A}}", "A.fit_on: names the sample itself"),
        (
            "{A: &a {simulate: {scene: multilayer}}, B: {<<: *a, fit_on: A}, C: {<<: *a, fit_on: B}}",
            "C.fit_on: B takes its models from A; name a fitted sample",
        ),
        (
            "{A: {simulate: &s {scene: multilayer}, fit_on: B}, B: {simulate: *s, fit_on: A}}",
            "A.fit_on: B takes its models from A",
        ),
        (
            "{A: {simulate: &s {scene: multilayer}}, B: {simulate: *s, fit_on: A, methods: {vca: {}}}}",
            "B.methods: must be those of A",
        ),
    ],
)
def test_mistakes_in_samples(mistakes, samples, line):
    lines = mistakes(f"samples: {samples}\n")
    assert any(re.search(line, one) for one in lines), lines
    assert all(one.startswith("c.yaml:1: ") for one in lines), lines


def test_samples_must_be_there(mistakes):
    assert mistakes("seed: 1\n") == ["c.yaml: samples: is missing; write samples: {NAME: {file: ...}}"]


REST = "axes: {pixel_nm: 1}\nedges: [Ti]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"  A: {{file: a.npy}}\n{REST}",
            "c.yaml:2:1: not valid YAML: this line does not continue what stands",
        ),
        (f"# mine\n  A:\n    file: a.npy\n{REST}", "c.yaml:4:1: not valid YAML: this line does not continue"),
        (f"edges: [Ti]\n  A:\n    file: a.npy\n{REST}", "c.yaml:2:3: not valid YAML: this line is indented"),
        (
            f"seed: 1\n  A: {{file: a.npy}}\n{REST}",
            "c.yaml:2:4: not valid YAML: check indentation and braces",
        ),
    ],
)
def test_a_line_samples_that_was_deleted_is_named(mistakes, text, said):
    (line,) = mistakes(text)
    assert line.startswith(said)
    assert line.endswith("; above the samples, a line `samples:` is missing")
    (line,) = mistakes(f"samples:\n{text}:")
    assert "is missing" not in line


def test_samples_without_their_key_are_called_samples(mistakes):
    assert mistakes(f"A:\n  file: a.npy\n{REST}") == [
        "c.yaml: samples: is missing; write samples: {NAME: {file: ...}}",
        "c.yaml:1: A: unknown key; it looks like a sample, which stands below samples:",
    ]
    lines = mistakes("axes:\n  A:\n    file: a.npy\n")
    assert lines[1] == "c.yaml:2: axes.A: unknown key; possible: dims, energy, pixel_nm, frame"


def test_no_file_at_all():
    with pytest.raises(ConfigurationError, match="no file is given"):
        read_configuration([])


def test_a_file_may_be_absent_on_request(write):
    sample = read_configuration(write("samples: {S: {file: later.dm4}}"), must_exist=False).samples["S"]
    assert sample.file == "later.dm4"


@pytest.fixture
def imported(tmp_path):
    """Write the manifest of a store that was made from one file."""

    def imported(store, file):
        path = tmp_path / "results" / store / "manifest.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(Manifest(files={}, sources={file: {"sha256": "", "state": ""}}).sealed().to_json())
        return path

    return imported


def test_a_file_that_is_gone_since_its_import_stops_nothing(write, mistakes, imported, tmp_path):
    """Its store stands, and the run says so of this sample alone."""
    text = "samples: {A: {file: a.npy}, B: {file: b.npy}}\ncorrections: {gain: {reference: g.npy}}\n"
    for store, file in (("A/raw.zarr", "a.npy"), ("A/corrected.zarr", "g.npy"), ("B/raw.zarr", "b.npy")):
        imported(store, file)
    (line,) = mistakes(text)
    assert "no such file: g.npy" in line  # which B has still to be corrected with
    (tmp_path / "g.npy").touch()
    read_configuration(write(text))


def test_a_mistyped_file_is_refused_though_its_sample_has_a_store(mistakes, imported):
    text = "samples:\n  A: {file: a.npj}\n"
    manifest = imported("A/raw.zarr", "a.npy")
    (line,) = mistakes(text)
    assert line.startswith("c.yaml:2: samples.A.file: no such file: a.npj, seen from ")
    manifest.write_text("{")
    (line,) = mistakes(text.replace("npj", "npy"))  # what is damaged has to be imported again
    assert "no such file: a.npy" in line


def test_a_file_that_exists_is_accepted(write):
    write("counts", "image.npy")
    assert read_configuration(write("samples: {S: {file: image.npy}}")).samples["S"].file == "image.npy"


def test_a_mistake_shared_by_samples_is_said_once(mistakes):
    text = """
    samples: {A: {simulate: {scene: multilayer}}, B: {simulate: {scene: multilayer}}}
    regions: {r: {without: [Fe]}}
    background: {exponent: 5}
    """
    assert len(mistakes(text)) == 2


def test_an_alias_is_blamed_where_it_was_written(mistakes):
    text = """\
    samples:
      A: {simulate: {scene: multilayer}, background: &b {exponent: wrong}}
      B: {simulate: {scene: multilayer}, background: *b}
    """
    assert [line.split(" ")[0] + line.split(" ")[1] for line in mistakes(text)] == [
        "c.yaml:2:samples.A.background.exponent:",
        "c.yaml:2:samples.B.background.exponent:",
    ]


TABLE = """# comment
sample\tfile\tsignal\tfit_on\tseed
SI1\ta.npy\t\t\t

# SI0\tb.npy
SI2\ta.npy\tEELS 2\tSI1\t12
"""


def test_samples_from_a_table(write):
    write("", "a.npy")
    write(TABLE, "samples.tsv")
    configuration = read_configuration(write("samples: samples.tsv\nmethods: {vca: {}}"))
    first, second = configuration.samples.values()
    assert (first.name, first.file, first.signal, first.fit_on, first.seed) == ("SI1", "a.npy", None, None, 0)
    assert (second.name, second.signal, second.fit_on, second.seed) == ("SI2", "EELS 2", "SI1", 12)
    assert list(second.methods) == ["vca"]
    assert configuration.files == ("c.yaml", "samples.tsv")


@pytest.mark.guarantee(13)
@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("sample,file\nS,a.npy\n", r"t\.tsv:1: columns must be separated by tabs"),
        ("sample\tfiel\nS\ta.npy\n", r"t\.tsv:1: unknown column fiel; did you mean file\?"),
        ("file\na.npy\n", r"t\.tsv:1: the column sample is missing"),
        ("sample\tfile\tfile\nS\ta.npy\ta.npy\n", r"t\.tsv:1: the column file stands twice"),
        ("sample\tfile\nS\ta.npy\tx\n", r"t\.tsv:2: 3 cells, but 2 columns"),
        ("sample\tfile\nS\tb.npy\n", r"t\.tsv:2: samples\.S\.file: no such file: b\.npy"),
        (
            "sample\tfile\tseed\nS\ta.npy\tx\n",
            r"t\.tsv:2: samples\.S\.seed: needs a whole number of at least 0, found the text x",
        ),
        ("sample\tfile\nS\ta.npy\nS\ta.npy\n", r"t\.tsv:3: samples\.S: written twice, first in line 2"),
        (
            "sample\tfile\nS\ta.npy\ns\ta.npy\n",
            r"t\.tsv:3: samples\.s: differs from S by upper and lower case",
        ),
        ("sample\tfile\na b\ta.npy\n", r"t\.tsv:2: samples: 'a b' is no name"),
        ("sample\tfile\n\ta.npy\n", r"t\.tsv:2: samples: '' is no name"),
        ("sample\tfile\n", r"c\.yaml:1: samples: has no sample"),
        ("", r"t\.tsv: has no line of column names"),
    ],
)
def test_mistakes_in_a_table(write, mistakes, table, line):
    write("", "a.npy")
    write(table, "t.tsv")
    lines = mistakes("samples: t.tsv\n")
    assert any(re.match(line, one) for one in lines), lines


def test_params_are_plain_and_come_back(write):
    sample = read_configuration(write(GOOD)).samples["SI1"]
    params = as_params(sample)
    assert json.loads(json.dumps(params)) == params
    assert list(params)[:3] == ["signal", "invalid_pixels", "axes"]
    assert from_params(dict[str, EdgeRequest], params["edges"]) == sample.edges
    assert from_params(dict[str, Profile], params["profiles"]) == sample.profiles
    assert from_params(MultilayerOptions, params["simulate"]) == sample.simulate
    for name in ("axes", "detector", "corrections", "denoise", "components", "background"):
        options = getattr(sample, name)
        assert from_params(type(options), params[name]) == options
    for method in sample.methods.values():
        assert from_params(type(method.options), as_params(method)["options"]) == method.options


def test_params_do_not_depend_on_how_the_same_thing_was_written(write):
    flow = read_configuration(write(simulated("background: {exponent: pixel, local_sigma_px: 2}")))
    block = read_configuration(write(simulated("background:\n  local_sigma_px: 2.0\n  exponent: pixel\n")))
    assert json.dumps(as_params(flow)) == json.dumps(as_params(block))


def test_what_is_no_plain_value_is_no_parameter():
    with pytest.raises(TypeError, match="object cannot be a parameter"):
        as_params({"a": [object()]})


def test_params_of_another_version_are_refused():
    with pytest.raises(ConfigurationError, match="params: exponents: unknown key; did you mean exponent"):
        from_params(BackgroundOptions, {"exponents": "local"})


@pytest.mark.parametrize("name", ["a", "STO-LMO", "2024.05.01_b", "x" * 64])
def test_names_of_samples(write, name):
    text = f"samples: {{{name}: {{simulate: {{scene: multilayer}}}}}}"
    assert list(read_configuration(write(text)).samples) == [name]


@pytest.mark.guarantee(14)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80)
@example("..")
@example("../x")
@example("a/b")
@example("a\nb")
@example("a\n")
@example("{x}")
@example("; touch y")
@example("$(id)")
@example("\u202e")
@example("ａ")
@example("x" * 65)
@example("<script>")
@example("SI-1.a")
@example("SI_1")
@given(st.text())
def test_hostile_names_are_refused_in_one_line(name):
    with pytest.raises(ConfigurationError) as raised:
        read_from_mapping(
            {"samples": {name: {"simulate": {"scene": "no"}}}, "methods": {name: {"method": "vca"}}}
        )
    lines = str(raised.value).splitlines()
    for line in lines:
        assert line.startswith("--config: ")
        assert line.isprintable()
        assert len(line) < 300
    # The unknown scene is refused in any case; the names are so if, and only if, they are hostile or taken.
    start, folder = r"[A-Za-z0-9]", name.lower() in ("benchmark", "benchmark_peers")
    as_sample = re.fullmatch(start + r"[A-Za-z0-9_.-]{,63}", name) and not folder
    as_label = re.fullmatch(start + r"[A-Za-z0-9_]{,39}", name) and name.lower() != "bs"
    for said, is_good in (
        (r"is no name for a sample|is the name of the benchmark's results", as_sample),
        (r"is no usable name|this label is taken", as_label),
    ):
        assert any(re.search(said, line) for line in lines) == (not is_good), name


def read_from_mapping(values):
    """Read a configuration given on the command line alone, on top of an empty one."""
    return read_tree(node_of(values, "--config"))


def lines_of_mapping(values):
    try:
        read_from_mapping(values)
    except ConfigurationError as error:
        return str(error).splitlines()
    return []


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["auto", "x", "vca"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["n", "method", "scene", "gain", "element", "fit_eV", "without", "a b"]), inner
        )
    ),
    max_leaves=6,
)
KEYS = [
    *(name for name in SampleSettings.model_fields if name != "name"),
    "dask",
    "samples",
]


@pytest.mark.guarantee(14)
@settings(max_examples=150)
@given(
    st.dictionaries(st.sampled_from(KEYS), json_values), st.dictionaries(st.sampled_from(KEYS), json_values)
)
@example({}, {"simulate": {"scene": {}}})
def test_any_values_are_read_or_refused_in_whole_lines(top, own):
    lines = lines_of_mapping({"samples": {"S": own}, **top})
    assert all(line.startswith("--config: ") and line.isprintable() for line in lines)


def kinds_of_options(kind=Options):
    inner = {one for below in kind.__subclasses__() for one in kinds_of_options(below)}
    return {one for one in {kind, *inner} if one.__module__.startswith("eelsunmix.") and one.model_fields}


ALL_OPTIONS = sorted({*kinds_of_options(), *all_kinds(method_names())}, key=lambda kind: kind.__name__)
EXTREMES = [
    *(None, True, "", "auto", "none", [], [1], [2, 1], [1, 2, 3], [1e308, -1e308], {}, {"x": 1}),
    *(0, -1, 2**31, 10**30, 0.0, -0.5, 1e-320, 1e308, float("inf"), float("nan"), [float("nan"), 1]),
]


@pytest.mark.parametrize("kind", ALL_OPTIONS, ids=lambda kind: kind.__name__)
def test_every_option_takes_an_extreme_value_or_refuses_it_in_one_line(kind):
    example = {"element": "Ti", "onset_eV": 456, "fit_eV": [405, 450], "integrate_eV": [456, 486]}
    required = example if kind.__name__ == "Edge" else {}
    for name in definitions([kind])[kind.__name__]["properties"]:
        for value in EXTREMES:
            try:
                from_params(kind, {**required, name: value})
            except ConfigurationError as error:
                (line,) = str(error).splitlines()[:1]
                assert line.startswith("params: ")


def test_reading_a_configuration_loads_no_heavy_library(tmp_path):
    (tmp_path / "c.yaml").write_text(GOOD)
    code = (
        "import sys; from pathlib import Path; from eelsunmix.configuration import read_configuration;"
        "read_configuration([Path('c.yaml')]); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    heavy = {"torch", "sklearn", "numba", "rsciio", "plotly", "distributed", "skimage", "pooch", "h5py"}
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize("name", ["{x}.npy", "<log>.npy", "new\nline.npy"])
def test_paths_that_snakemake_would_take_for_something_else(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).touch()
    (tmp_path / "c.yaml").write_text(f"samples: {{S: {{file: {json.dumps(name)}}}}}")
    message = r"c\.yaml:1: samples\.S\.file: .*rename the file"
    with pytest.raises(ConfigurationError, match=message) as refused:
        read_configuration([tmp_path / "c.yaml"])
    assert "\n" not in str(refused.value)


def test_numbers_that_are_not_finite_are_called_so(mistakes):
    edge = "T: {element: Ti, onset_eV: .inf, fit_eV: [405, 450], integrate_eV: [456, .nan]}"
    found = mistakes(
        f"samples: {{A: {{simulate: {{scene: multilayer}}}}}}\nedges: {{{edge}}}\ncomponents: {{n: .inf}}\n"
    )
    assert [line.partition(": ")[2] for line in found] == [
        "edges.T.onset_eV: needs a finite number from 1 to 1e6 or null, found the number .inf",
        "edges.T.integrate_eV[1]: needs a finite number above 0, found the number .nan",
        "components.n: needs a whole number of at least 1 or auto, found the number .inf",
    ]


@pytest.mark.parametrize("source", ["simulate: {scene: multilayer}", "file: a.npy"])
def test_a_fit_window_above_its_onset_is_refused(write, mistakes, source):
    write("counts", "a.npy")
    text = """
    samples: {A: {%s}}
    edges:
      O_K:
        onset_eV: %s
        fit_eV: [530, 560]
        integrate_eV: [565, 600]
        %s
    """
    for onset in (525, 530):
        assert mistakes(text % (source, onset, "")) == [
            f"c.yaml:6: edges.O_K.fit_eV: the fit window 530-560 eV lies above the onset {onset} eV, on the "
            "edge itself; correct onset_eV, or end the window some eV before it"
        ]
    read_configuration(write(text % (source, 531, "")))  # holds it: a warning, as onsets are some eV off
    read_configuration(write(text % (source, 525, "fit_above_eV: [610, 640]")))


def test_elements_that_do_not_exist_are_refused(mistakes):
    windows = "onset_eV: 456, fit_eV: [405, 450], integrate_eV: [456, 486]"
    found = mistakes(
        f"""
        samples: {{A: {{simulate: {{scene: multilayer}}}}}}
        edges: {{Xx_L23: {{element: Xx, {windows}}}, ru: {{element: ru, {windows}}}}}
        """
    )
    assert "edges.Xx_L23.element: needs a chemical element, not 'Xx'; write its symbol" in found[0]
    assert "edges.ru.element: needs a chemical element, not 'ru'; did you mean Ru?" in found[1]


@pytest.mark.parametrize("key", ["file", "reference", "dark"])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.jpg", "unknown kind of file '.jpg'; save it as .hspy in HyperSpy; read are .bcf"),
        ("a.spc", ".spc files are not read; name the .spd of the map, or the .lsd of the line scan"),
    ],
)
def test_files_that_nobody_reads_are_refused_before_anything_runs(mistakes, tmp_path, key, name, reason):
    (tmp_path / name).touch()
    (tmp_path / "good.npy").touch()
    file, gain = (name, "{}") if key == "file" else ("good.npy", f"{{method: reference, {key}: {name}}}")
    found = mistakes(f"samples: {{A: {{file: {file}}}}}\ncorrections: {{gain: {gain}}}\n")
    assert any(f"{key}: {name}: {reason}" in line for line in found), found


def test_the_default_is_said_and_where_the_work_is_done(write):
    said = summarise(read_configuration(write(simulated(""))))
    assert "methods: recommended, the default where none are written" in said
    assert said.endswith("computed on this computer, by threads of each job (the default)")
    other = summarise(
        read_configuration(write(simulated("methods: {vca: {}}\ndask: {workers: 2, mode: processes}")))
    )
    assert "methods: vca\n" in other
    assert other.endswith("by worker processes (dask: mode processes, workers 2)")
