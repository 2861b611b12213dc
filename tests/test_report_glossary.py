"""Terms are explained where they stand first in a section, and lead to the words at the end of the page."""

import pytest

from eelsunmix.report.glossary import MARKED, Marker, anchor, explanations, marked_terms


def test_every_marked_term_is_in_the_glossary():
    assert [term for _, term, _ in marked_terms()] == sorted(MARKED, key=str.lower)
    assert all(len(told) > 20 and "\n" not in told for told in explanations().values())


def test_a_term_is_linked_once_in_a_section_and_texts_are_escaped():
    marker = Marker()
    first = marker.mark("<b> & twins: a twin")
    assert first.startswith("&lt;b&gt; &amp; <a class=")
    assert first.count("<a ") == 1
    assert 'href="#term-twin" title="An image simulated' in first
    assert marker.mark("Twins") == "Twins"
    marker.begin()
    assert f"#{anchor('twin')}" in marker.mark("Twins")


@pytest.mark.parametrize(
    "text",
    [
        "nmf_kl",
        "fit/vca",
        "VCA/counts",
        "results/vca.zarr",
        "twinned",
        "sealed stores",
        "pre-refit",
        "bs",
        "corrections.nuisance",
    ],
)
def test_names_of_keys_files_and_other_words_are_no_terms(text):
    assert Marker().mark(text) == text


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("simplices", "simplex"),
        ("at its vertex:", "vertex"),
        ("vca", "VCA"),
        ("counts × E³", "E³"),
        ("BS", "BS"),
    ],
)
def test_other_forms_lead_to_their_term(text, term):
    assert f'href="#{anchor(term)}"' in Marker().mark(text)
