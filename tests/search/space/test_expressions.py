from __future__ import annotations

import pytest

from platform.search.space.expressions import parse_condition

VALUES = {"a.low": 0.4, "a.high": 0.5, "n": 4, "name": "vit", "flag": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.low < a.high", True),
        ("a.high < a.low", False),
        ("0.1 < a.low < a.high <= 0.5", True),
        ("a.high - a.low >= 0.1", True),  # 0.09999999999999998 in binary
        ("a.high - a.low > 0.1", False),
        ("2 * n + 1 == 9", True),
        ("-n / 2 == -2", True),
        ("name == 'vit' and not n > 4", True),
        ("name != 'vit' or flag", True),
        ("name == 4", False),
    ],
)
def test_a_condition_compares_settings(text: str, expected: bool) -> None:
    assert parse_condition(text, "here").holds(VALUES.__getitem__) is expected


def test_a_condition_knows_the_keys_that_it_names() -> None:
    assert parse_condition("a.low < a.high - 2 * n", "here").names == ("a.low", "a.high", "n")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true') == 0",
        "a.low.__class__() == 1",
        "[1] == [1]",
        "(lambda: 1) == 1",
        "a.low ** 9 > 1",
        "n in name",
        "n if flag else 1 < 2",
        "a.low <",
        "a.low",
        "a.low + 1",
        "-a.low",
        "",
    ],
)
def test_anything_but_a_comparison_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^here: "):
        parse_condition(text, "here")
