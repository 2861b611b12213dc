"""Options: all mistakes in one line, presets merged as data, changes checked again."""

from typing import Literal

import numpy as np
import pytest
from pydantic import Field, TypeAdapter, ValidationError

from eelsunmix.errors import InputError
from eelsunmix.options import Interval, Options


class Window(Options):
    """A window."""

    n_channels: int = Field(3, ge=1)
    limits: Interval = (1.0, 2.0)


class Search(Options):
    """A search with presets."""

    presets = {"setting": {"eels": {"n_draws": 30, "weighted": True}, "published": {"n_draws": 1}}}  # noqa: RUF012

    setting: Literal["eels", "published"] = "eels"
    n_draws: int = Field(ge=1)
    weighted: bool = False
    window: Window = Window()


def test_all_mistakes_are_named_in_one_line():
    expected = (
        r"Search: n_draws needs a whole number of at least 1, found 0; "
        r"window\.n_channels needs a whole number of at least 1, found '3'; "
        r"window\.limits needs two increasing numbers \[low, high\], not \[3, 2\]; colour is not an option"
    )
    with pytest.raises(InputError, match=expected):
        Search(n_draws=0, window={"n_channels": "3", "limits": [3, 2]}, colour=1)


def test_mistakes_inside_keep_their_places():
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, Search]).validate_json('{"a": {"window": {"n_channels": 0}, "n_draws": 0}}')
    assert [mistake["loc"] for mistake in caught.value.errors()] == [
        ("a", "n_draws"),
        ("a", "window", "n_channels"),
    ]


@pytest.mark.parametrize(
    ("given", "n_draws", "weighted"),
    [
        ({}, 30, True),
        ({"setting": "published"}, 1, False),
        ({"setting": "published", "n_draws": 5}, 5, False),
        ({"weighted": False}, 30, False),
    ],
)
def test_a_preset_gives_what_is_not_given(given, n_draws, weighted):
    search = Search(**given)
    assert (search.n_draws, search.weighted) == (n_draws, weighted)


def test_options_are_frozen_and_changes_are_checked():
    search = Search()
    with pytest.raises(ValidationError, match="frozen"):
        search.n_draws = 3
    assert search.replaced(setting="published").n_draws == 1
    assert Search(n_draws=5).replaced(setting="published").n_draws == 5
    with pytest.raises(InputError, match="n_draws"):
        search.replaced(n_draws=0)


def test_a_choice_without_preset_is_the_only_mistake():
    with pytest.raises(InputError, match=r"^Search: setting needs eels or published, found 'fast'$"):
        Search(setting="fast")


def test_the_schema_requires_nothing_that_presets_fill():
    assert "required" not in Search.model_json_schema()


def test_numbers_of_numpy_are_numbers():
    search = Search(n_draws=np.int64(5), weighted=np.bool_(False))
    assert (type(search.n_draws), search.n_draws, search.weighted) == (int, 5, False)
    with pytest.raises(InputError, match=r"n_draws needs a whole number of at least 1, found 2\.5"):
        Search(n_draws=np.float32(2.5))
