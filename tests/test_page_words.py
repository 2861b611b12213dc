"""What a page says in short: on the terminal and beside exported files, where it is of the same results."""

import json

import pytest

from eelsunmix.stage_warnings import PageWords, page_words

CONTENT = {
    "sentences": [
        {"kind": "doubt", "title": "Do not believe", "text": "counts of Mn."},
        {"kind": "next", "title": "Next", "text": "export."},
    ],
    "warnings": [{"place": "Corrections", "text": "a pattern."}],
    "manifest": {"inputs": {"comparison.zarr": "seal"}},
}


def written(folder, content):
    path = folder / "verdict.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_all_but_the_next_step_is_told(tmp_path):
    found = page_words(written(tmp_path, CONTENT), comparison="seal")
    assert found.said == [("Do not believe", "counts of Mn.")]
    assert found.warnings == [("Corrections", "a pattern.")]


@pytest.mark.parametrize(
    "content",
    ["", "[1]", '{"manifest": 3}', json.dumps(CONTENT)[:-9], CONTENT | {"sentences": [{}]}, "\u0000"],
)
def test_a_file_that_is_not_whole_says_nothing(content, tmp_path):
    assert page_words(written(tmp_path, content), comparison="seal") == PageWords()


def test_a_page_of_other_results_or_none_says_nothing(tmp_path):
    assert page_words(written(tmp_path, CONTENT), comparison="another") == PageWords()
    assert page_words(tmp_path / "none.json", comparison="seal") == PageWords()
