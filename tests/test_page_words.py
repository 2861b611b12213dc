"""What a page says in short, on the terminal and beside exports: if it is whole, and of the same results."""

import os

import pytest

from eelsunmix.recipes.page_words import PageWords, page_words
from eelsunmix.storage.records import sealed_record

CONTENT = {
    "sentences": [
        {"kind": "doubt", "title": "Do not believe", "text": "counts of Mn."},
        {"kind": "next", "title": "Next", "text": "export."},
    ],
    "warnings": [{"place": "Corrections", "text": "a pattern."}],
}


@pytest.fixture
def verdict(tmp_path):
    path = tmp_path / "verdict.json"
    seals = {str(tmp_path / "comparison.zarr"): "5ea1"}
    path.write_text(sealed_record(CONTENT, path, seals=seals), encoding="utf-8")
    return path


def test_all_but_the_next_step_is_told(verdict):
    found = page_words(verdict, comparison="5ea1")
    assert found.said == [("Do not believe", "counts of Mn.")]
    assert found.warnings == [("Corrections", "a pattern.")]


def test_a_page_of_other_results_or_none_says_nothing(verdict, tmp_path):
    assert page_words(verdict, comparison="0ther") == PageWords()
    assert page_words(tmp_path / "none.json", comparison="5ea1") == PageWords()


def test_an_edited_or_damaged_verdict_says_nothing(verdict):
    whole = verdict.read_text(encoding="utf-8")
    for text in (whole.replace("Mn", "Ti"), whole[:-9], "", "[" * 200_000):
        verdict.write_text(text, encoding="utf-8")
        assert page_words(verdict, comparison="5ea1") == PageWords()


@pytest.mark.timeout(20)
def test_a_pipe_in_the_place_of_a_verdict_is_not_waited_for(verdict):
    verdict.unlink()
    os.mkfifo(verdict)
    assert page_words(verdict, comparison="5ea1") == PageWords()
