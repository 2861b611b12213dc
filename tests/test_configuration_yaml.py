"""The strict reader of YAML: what it takes, what it refuses, and where it says so."""

import os
import re
import shlex
import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eelsunmix.configuration.documents import read_yaml
from eelsunmix.configuration.problems import ConfigurationError, Problem
from eelsunmix.configuration.strict_yaml import MAX_VALUES, parse_yaml, scalar


def lines_of(text):
    with pytest.raises(ConfigurationError) as raised:
        parse_yaml(text, "c.yaml")
    return str(raised.value).splitlines()


@pytest.mark.guarantee(12)
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E3", 1e3),
        (".5", 0.5),
        ("3.", 3.0),
        ("-7", -7),
        ("+7", 7),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        *[
            (word, word)
            for word in ("NO", "no", "on", "Yes", "y", "off", "1:30", "2024-05-01", "1_000", "nULL")
        ],
        *[
            (word, word)
            for word in ("0b11", "1e", "e3", "--1", "1.2.3", "0x", "=", "12 eV", "NaN", "inf", "١")
        ],
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    found = scalar(text)
    assert found == value
    assert type(found) is type(value)


@given(st.floats(allow_nan=False))
def test_every_number_is_read_back(number):
    assert scalar(repr(number)) == number or repr(number) in ("inf", "-inf")


def test_infinity_and_nan_are_numbers_so_that_they_can_be_refused_as_such():
    assert scalar(".inf") == float("inf")
    assert scalar("-.INF") == float("-inf")
    assert scalar(".nan") != scalar(".nan")


def test_a_very_long_number_stays_text():
    assert scalar("9" * 5000) == "9" * 5000


def test_keys_are_text_as_written():
    node = parse_yaml("{1: a, true: b, NO: c, null: d, 2024-05-01: e, 1.0: f}", "c.yaml")
    assert list(node.value) == ["1", "true", "NO", "null", "2024-05-01", "1.0"]


@pytest.mark.guarantee(12)
def test_quotes_make_text():
    assert parse_yaml("a: '12'\nb: \"true\"", "c.yaml").plain() == {"a": "12", "b": "true"}


def test_lines_are_those_of_the_keys():
    node = parse_yaml("a:\n  b:\n\n    - 1\n    - 2\n  c: >\n    x\n", "c.yaml")
    assert node.value["a"].line == 1
    assert node.value["a"].value["b"].line == 2
    assert [item.line for item in node.value["a"].value["b"].value] == [4, 5]
    assert node.value["a"].value["c"].line == 6


def test_values_keep_their_text():
    node = parse_yaml('a: [405,  450]\nb: 1e-3 # small\nc: "x"', "c.yaml")
    assert [node.value[key].text for key in "abc"] == ["[405,  450]", "1e-3", '"x"']


@pytest.mark.guarantee(13)
def test_all_duplicates_are_reported_with_both_lines():
    text = "a: 1\nb: {c: 1, d: 2,\n    c: 3}\na: 2\n"
    assert lines_of(text) == [
        "c.yaml:3: b.c: written twice, first in line 2; keep one",
        "c.yaml:4: a: written twice, first in line 1; keep one",
    ]


def test_keys_that_other_readers_take_for_equal_are_different():
    assert parse_yaml("1: a\n01: b\n", "c.yaml").plain() == {"1": "a", "01": "b"}


def test_anchors_and_merge_keys():
    text = """
    base: &base {x: 1, y: 2}
    one: {<<: *base, y: 3}
    two: *base
    three: {<<: [*base, {y: 7, z: 8}]}
    """
    node = parse_yaml(textwrap.dedent(text), "c.yaml")
    assert node.value["one"].plain() == {"x": 1, "y": 3}
    assert node.value["two"].plain() == {"x": 1, "y": 2}
    assert node.value["three"].plain() == {"x": 1, "y": 2, "z": 8}
    assert node.value["two"].line == 4


@pytest.mark.guarantee(12)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n\tb: 2\n", r"c\.yaml:2:1: not valid YAML: .*spaces, not tabs"),
        ("a: [1, 2\nb: 3\n", r"c\.yaml:2:2: not valid YAML: the bracket opened in line 1 is not closed"),
        ("a: b: c\n", r"c\.yaml:1:5: not valid YAML: .*needs quotes"),
        ("a: 1\n  b: 2\n", r"c\.yaml:2:4: not valid YAML: .*indentation"),
        ("a: 'x\nb: 1\n", r"c\.yaml:1:4: not valid YAML: this quote is not closed"),
        ("a: 'it's'\n", r"c\.yaml:1:8: not valid YAML: a text goes on behind its closing quote"),
        ("a: {b: 1}}\n", r"c\.yaml:1:10: not valid YAML: this } closes what was not opened by {"),
        ("a: 1\nb = 2\nc: 3\n", r"c\.yaml:2:1: not valid YAML: write key: value"),
        ("a: @x\n", r"c\.yaml:1:4: not valid YAML: .*in quotes"),
        ("a:\n  - b\n c: 1\n", r"c\.yaml:3:2: not valid YAML: this line is indented differently from"),
        ("seed:3\n", r"c\.yaml: holds no keys but seed:3; write key: value"),
        ("- a\n- b\n", r"c\.yaml: holds no keys but a list"),
        ("", r"c\.yaml: is empty"),
        ("# only a comment\n", r"c\.yaml: is empty"),
        ("a: 1\n---\nb: 2\n", r"c\.yaml:2: a second document"),
        ("a: !!python/object/apply:os.system [ls]\n", r"c\.yaml:1: a: the tag .*python.* is not allowed"),
        ("a: !!str 5\n", r"c\.yaml:1: a: the tag .* is not allowed"),
        ("!x a: 5\n", r"c\.yaml:1: .*the tag !x is not allowed"),
        ("a: *b\n", r"c\.yaml:1: \*b is used before &b is written"),
        ("a: &a [*a]\n", r"c\.yaml:1: \*a stands inside of what it names"),
        ("[1, 2]: a\n", r"c\.yaml:1: a key must be a word"),
        ("<<: 5\n", r"c\.yaml:1: <<: needs a mapping"),
        ("a: 1\nb: \x07\n", r"c\.yaml:2: the character .* must not stand"),
        ('a: "\\ud800"\n', r"c\.yaml:1: a: holds half of a surrogate pair"),
        ("a: " + "[" * 30 + "]" * 30, r"c\.yaml:1: nested deeper than 20 levels"),
    ],
)
def test_what_is_refused_is_one_line(text, message):
    (line,) = lines_of(text)
    assert re.match(message, line), line


def test_an_explosion_of_aliases_is_refused_without_being_written_out():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 15)]
    (line,) = lines_of("\n".join(rows))
    assert f"more than {MAX_VALUES} values" in line


def test_a_big_file_is_refused_before_it_is_parsed(tmp_path):
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * 2_000_001)
    with pytest.raises(ConfigurationError, match="more than 2000000 bytes"):
        read_yaml(path)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigurationError, match=r"SI1: no such file; eelsunmix new writes one$"):
        read_yaml(tmp_path / "SI1")
    (tmp_path / "SI1.yaml").touch()
    with pytest.raises(ConfigurationError, match=r"SI1: no such file; did you mean SI1\.yaml\?"):
        read_yaml(tmp_path / "SI1")
    (tmp_path / "SI1.yaml").rename(tmp_path / "SI1.yml")
    with pytest.raises(ConfigurationError, match=r"SI1\.yaml: no such file; did you mean SI1\.yml\?"):
        read_yaml(tmp_path / "SI1.yaml")
    with pytest.raises(ConfigurationError, match=r"is a folder; name a configuration, a file that ends in"):
        read_yaml(tmp_path)
    (tmp_path / "raw.zarr").mkdir()
    (tmp_path / "raw.zarr" / "manifest.json").touch()
    with pytest.raises(
        ConfigurationError, match=r"raw\.zarr: is a result of eelsunmix; name a configuration"
    ):
        read_yaml(tmp_path / "raw.zarr")
    (tmp_path / "latin.yaml").write_bytes("a: 1\nb: Mönch\n".encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"latin\.yaml:2: byte 0xf6 is not UTF-8; save"):
        read_yaml(tmp_path / "latin.yaml")
    (tmp_path / "a.yaml").write_text("samples: {}", encoding="utf-16")  # as Windows PowerShell writes
    with pytest.raises(ConfigurationError, match=r"is not UTF-8; save the file as UTF-8"):
        read_yaml(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_bytes(b"\x89HDF\r\n\x1a\n\0\0")  # who saves an image as text spoils it
    with pytest.raises(ConfigurationError, match=r"byte 0x89 is not UTF-8; it is no text: an image stands"):
        read_yaml(tmp_path / "a.yaml")


@pytest.mark.parametrize("name", ["a b.dm3", "large.DM4", "folder.zspy"])
def test_an_image_in_the_place_of_a_configuration_is_called_one(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    path.mkdir() if name.startswith("folder") else path.write_bytes(b"\xd6")
    if name.startswith("large"):
        os.truncate(path, 10**8)
    with pytest.raises(ConfigurationError) as caught:
        read_yaml(path)
    typed = shlex.quote(name)
    assert (
        str(caught.value)
        == f"{name}: is an image; name a configuration, such as eelsunmix new {typed} writes"
    )


def _texts():
    good = "samples: {S: {simulate: {scene: multilayer}}}\n"
    aliases = "".join(f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 9)}]\n" for i in range(9))
    return {
        "latin-1": (good + "# Pr\xfcfung\n").encode("latin-1"),
        "utf-16": good.encode("utf-16"),
        "utf-16 without mark": good.encode("utf-16-le"),
        "a tab": b"samples:\n\tS: {}\n",
        "brackets": b"samples: " + b"[" * 100_000,
        "braces": b"samples: " + b"{a: " * 100_000,
        "aliases": f"a0: &a0 [x]\n{aliases}".encode(),
        "100 MB": None,
        "zeros": bytes(1000),
    }


@pytest.mark.parametrize("kind", _texts())
def test_whatever_is_given_as_a_configuration_is_refused_in_one_line(tmp_path, kind):
    """What `run` and `check` do before Snakemake sees the file."""
    path = tmp_path / "c.yaml"
    path.write_bytes(_texts()[kind] or b"")
    if kind == "100 MB":
        os.truncate(path, 10**8)
    with pytest.raises(ConfigurationError) as caught:
        read_yaml(path)
    (line,) = str(caught.value).splitlines()
    assert line.count("c.yaml") == 1
    assert len(line) < 500


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "c.yaml")
    for path in (tmp_path / "c.yaml", Path("/dev/zero")):
        with pytest.raises(ConfigurationError, match="is no plain file, and reading from it might never end"):
            read_yaml(path)


def test_thousands_of_mistakes_are_not_all_shown():
    error = ConfigurationError(Problem("c.yaml", "is wrong", number) for number in range(5000))
    assert len(error.problems) == 5000
    assert str(error).splitlines()[-1] == "and 4900 mistakes more"


def test_a_byte_order_mark_and_dos_line_ends_are_harmless(tmp_path):
    (tmp_path / "dos.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: [2, 3]\r\n")
    assert read_yaml(tmp_path / "dos.yaml").plain() == {"a": 1, "b": [2, 3]}


plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), plain_values, min_size=1))
def test_what_a_writer_writes_is_read_back(values):
    assert parse_yaml(yaml.safe_dump(values), "c.yaml").plain() == values


@settings(max_examples=300)
@example("\ufeff")
@example("a: &x\n- *x")
@example("? {a: b}\n: c")
@example("%TAG ! !!\n---\na: !b c")
@example("%YAML 2.0\n---\na: b")
@example('a: "\\ud800"\n"\\ud800": 1')
@given(
    st.text(alphabet=st.sampled_from("ab:-[]{}&*!|>'\"%@`#,? \n\t0.1~<\\u\ud83d\ufeff"), max_size=40)
    | st.text()
)
def test_any_text_is_read_or_refused_in_whole_lines(text):
    try:
        assert parse_yaml(text, "c.yaml").is_mapping
    except ConfigurationError as error:
        for line in str(error).splitlines():
            assert line.startswith("c.yaml")
            assert line.isprintable()
