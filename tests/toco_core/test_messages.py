"""What a message shows is one line, however much there is to show."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from toco_core.messages import first_line, first_refusal, shortened, shown
from toco_core.settings import Recipe


def test_an_error_is_shown_by_its_first_line_without_places_in_memory() -> None:
    assert first_line(ValueError(f"bad {object()}, and {object}")) == "bad, and <class 'object'>"
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(ValueError()) == "ValueError"


def test_a_value_that_a_few_bytes_of_yaml_can_say_is_shown_by_its_beginning() -> None:
    lists: list[object] = ["x" * 10_000]
    for _ in range(30):
        lists = [lists] * 10
    assert len(shown(lists)) < 500
    assert shown("a\nb") == "'a\\nb'"
    assert shown(10**5000) == "a number of 16610 bits"
    assert len(shown("x" * 10_000)) == 120


def test_a_long_text_is_cut_and_a_short_one_is_put_in_one_line() -> None:
    assert shortened("expected a\n  key", 20) == "expected a key"
    assert shortened("abcdef", 3) == "abc..."


@pytest.mark.parametrize(
    ("tree", "key", "reason"),
    [
        ({"cam": {"par_iterations": -1}}, "cam.par_iterations", "greater than or equal to 0"),
        ({"thresholds": {"low": 0.9}}, "thresholds", "thresholds.low 0.9 must be below"),
        ({"name": "a\nb"}, "name", "a text without line breaks"),
    ],
)
def test_what_pydantic_refuses_is_named_by_its_key(
    tree: dict[str, object], key: str, reason: str
) -> None:
    with pytest.raises(ValidationError) as error:
        Recipe.model_validate(tree)
    found, why = first_refusal(error.value)
    assert found == key
    assert reason in why
    assert not why.startswith("Value error")
