from __future__ import annotations

import json

import pytest

from platform.protocol.card import ProtocolCard, Threshold, card_table, different_lines
from tests.protocol.cards import make_card


def test_a_card_comes_back_from_json() -> None:
    card = make_card(crf={"iterations": 10.0}, aux_threshold=None)
    assert ProtocolCard.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_a_line_of_a_later_version_is_left_out_and_one_that_is_missing_is_named() -> None:
    content = make_card().to_json()
    assert ProtocolCard.from_json({**content, "later": 1}) == make_card()
    del content["split"]
    with pytest.raises(ValueError, match="split"):
        ProtocolCard.from_json(content)


def test_only_lines_that_differ_are_named() -> None:
    assert different_lines([make_card(), make_card()]) == {}
    other = make_card(scales=[1.0], threshold=Threshold(value=0.43, source="best on report"))
    assert different_lines([make_card(), other]) == {
        "scales": ["1, 0.5, 1.5", "1"],
        "threshold_from": ["--bkg", "best on report"],
    }


def rows(card: ProtocolCard) -> dict[str, str]:
    return {row[0]: row[1] for row in card_table(card).rows}


def test_the_table_leaves_out_what_does_not_apply() -> None:
    shown = rows(make_card())
    assert "CRF" not in shown
    assert shown["mirror"] == "yes"
    assert shown["masks opened"] == "report, evaluation: 16"
    assert shown["threshold from"] == "--bkg"
    assert rows(make_card(crf={"iterations": 10.0}))["CRF"] == "iterations 10"
