from __future__ import annotations

from platform.results.run_tables import mask_table, score_table, seed_table
from toco_core.data.ledger import MaskLedger

SCORE = {
    "iteration": 40,
    "score": 0.412,
    "bkg": 0.431,
    "aux_score": 0.38,
    "aux_bkg": 0.4,
    "f1": 0.7,
    "agreement": 0.55,
    "seconds_training": 61.0,
    "seconds_scoring": 4.2,
}


def test_a_run_is_shown_score_by_score() -> None:
    table = score_table([SCORE], "tune")
    assert list(table.rows[0]) == [
        "40",
        "41.2",
        "38.0",
        "0.43",
        "0.40",
        "70.0",
        "55.0",
        "1 min 01 s",
        "4 s",
    ]


def test_runs_are_shown_with_their_mean_and_its_interval() -> None:
    table = seed_table({"seed0": SCORE, "seed1": {**SCORE, "score": 0.392}}, "tune")
    assert [list(row)[:2] for row in table.rows] == [
        ["seed0", "41.2"],
        ["seed1", "39.2"],
        ["mean", "40.2"],
        ["95 % interval", "± 12.7"],
    ]


def test_the_interval_of_a_single_run_is_unknown() -> None:
    assert list(seed_table({"seed0": SCORE}, "tune").rows[-1])[1:] == ["–"] * 4


def test_where_no_mask_was_opened_the_table_says_so() -> None:
    ledger = MaskLedger()
    assert list(mask_table(ledger).rows[0]) == ["–", "–", "0"]
    ledger.record("tune", "evaluation", 7)
    assert list(mask_table(ledger).rows[0]) == ["tune", "evaluation", "7"]
