"""What is read of a search's directory, and what a report says of it in words."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from platform.report.health.all_cards import make_cards
from platform.report.health.edges import edge_card
from platform.report.health.effect import better_card
from platform.report.health.losses import failure_card
from platform.report.health.pruning import chances_of_stopped, pruning_card
from platform.report.health.scores import length_card, score_card
from platform.report.reading import read_search
from platform.report.searched import Searched
from platform.report.verdict import verdict
from platform.search.opened import SPACE_FILE
from platform.search.worth import Estimate, best_complete, judge
from tests.report.made_up import LATE_FAILURE
from tests.search.worlds import small_space


def led(searched: Searched, lead: float, half: float) -> Searched:
    """The search if its winner led by so much."""
    assert searched.winner
    leads = {**searched.judgement.lead, searched.winner: Estimate(lead, half)}
    return replace(searched, judgement=replace(searched.judgement, lead=leads))


def test_configurations_are_worth_what_the_search_itself_says(searched: Searched) -> None:
    judgement = judge(searched.study, small_space())
    assert judgement.luck == pytest.approx(searched.judgement.luck, abs=1e-6)
    for number, one in judgement.worth.items():
        assert searched.judgement.worth[number].value == pytest.approx(one.value, abs=1e-6)
        assert searched.judgement.worth[number].half == pytest.approx(one.half, abs=1e-6)
    best = best_complete(judgement, searched.study)
    assert best
    assert searched.winner == best.number


def test_stopped_trials_have_a_worth_too(searched: Searched) -> None:
    stopped = {row.number for row in searched.trials if row.state == "pruned"}
    assert stopped
    assert stopped <= searched.worth.keys()
    assert not stopped & searched.judgement.worth.keys()


@pytest.mark.parametrize(
    ("lead", "half", "is_apart", "answer"),
    [
        (0.03, 0.01, True, "Yes: trial"),
        (0.01, 0.03, False, "Not that it could be told apart"),
    ],
)
def test_the_answer_is_that_of_the_interval(
    searched: Searched, lead: float, half: float, is_apart: bool, answer: str
) -> None:
    found = verdict(led(searched, lead, half))
    assert found.is_apart is is_apart
    assert found.answer.startswith(answer)
    assert f"+{100 * lead:.1f} ±{100 * half:.1f} points" in found.answer
    assert better_card(led(searched, lead, half)).state == ("good" if is_apart else "look")


def test_a_search_that_the_recipe_wins_says_so(searched: Searched) -> None:
    assert verdict(replace(searched, winner=0)).answer.startswith("No: ")


def test_a_search_without_a_complete_trial_has_no_answer_yet(searched: Searched) -> None:
    judgement = replace(searched.judgement, worth={}, lead={}, luck=None)
    early = replace(searched, winner=None, judgement=judgement, fitted=None)
    assert verdict(early).answer.startswith("Not known yet")
    assert {card.state for card in make_cards(early)} >= {"unknown"}


def test_a_failure_is_told_with_its_reason(searched: Searched) -> None:
    card = failure_card(searched)
    assert card.state == "look"
    assert "1 failed: 1 × FloatingPointError: the loss cls is nan" in card.finding
    assert searched.rows[LATE_FAILURE].state == "failed"


def test_an_interruption_is_told_and_a_shared_prefix_is_none(searched: Searched) -> None:
    forked = [replace(row, first_iteration=20, shared_iterations=20) for row in searched.trials]
    assert "interruption" not in failure_card(replace(searched, trials=forked)).finding
    resumed = [*forked[1:], replace(forked[0], first_iteration=40)]
    finding = failure_card(replace(searched, trials=resumed)).finding
    assert "1 went on from a checkpoint after an interruption" in finding


def test_a_winner_at_the_end_of_a_range_is_told(searched: Searched) -> None:
    assert searched.winner
    row = searched.rows[searched.winner]

    def moved(ptc: float) -> Searched:
        params = {**row.params, "weights.ptc": ptc, "thresholds.low": 0.3, "thresholds.high": 0.6}
        changed = replace(row, params={**params, "backbone.aux_layer": -3})
        rows = [changed if one.number == row.number else one for one in searched.trials]
        return replace(searched, trials=rows)

    assert "weights.ptc = 1, the upper end" in edge_card(moved(1.0)).finding
    assert edge_card(moved(0.2)).state == "good"


def test_what_pruning_saved_is_counted(searched: Searched) -> None:
    stopped = [row for row in searched.trials if row.state == "pruned"]
    trained = sum(row.iteration for row in stopped)
    whole = searched.recipe.iterations
    saved = 100 * (whole * len(stopped) - trained) / (whole * len(searched.trials))
    assert f"saved {saved:.0f} %" in pruning_card(searched).finding
    chances = chances_of_stopped(searched)
    assert chances.keys() == {row.number for row in stopped}
    assert all(0 <= one <= 1 for one in chances.values())


def test_suspicious_scores_are_told_with_what_to_try(searched: Searched) -> None:
    assert score_card(searched).state == "good"
    assert searched.winner
    bad = {**searched.scores[searched.winner][-1], "f1": 0.0, "bkg": 1.0}
    rows = [*searched.scores[searched.winner][:-1], bad]
    card = score_card(replace(searched, scores={**searched.scores, searched.winner: rows}))
    assert card.state == "bad"
    assert "F1 of the image labels is 0.0" in card.finding
    assert "optimiser.lr" in card.advice


def test_a_training_that_was_still_rising_is_told(searched: Searched) -> None:
    assert searched.winner
    rows = list(searched.scores[searched.winner])
    rows[-1] = {**rows[-1], "score": rows[-2]["score"] + 0.2}
    risen = replace(searched, scores={**searched.scores, searched.winner: rows})
    assert "train longer" in length_card(risen).advice


def test_the_space_is_the_file_s_or_what_the_study_knows_of_it(
    directory: Path, searched: Searched, tmp_path: Path
) -> None:
    assert [one.text for one in searched.space.space.constraints] == [
        "thresholds.high - thresholds.low >= 0.1"
    ]
    shutil.copytree(directory, tmp_path / "earlier")
    (tmp_path / "earlier" / SPACE_FILE).unlink()
    earlier = read_search(tmp_path / "earlier").space.space
    assert not earlier.constraints
    assert {one.key: one.ends() for one in earlier.parameters} == {
        one.key: one.ends() for one in searched.space.space.parameters
    }


def test_a_directory_may_be_moved(directory: Path, searched: Searched, tmp_path: Path) -> None:
    moved = shutil.copytree(directory, tmp_path / "another name")
    assert read_search(moved).judgement == searched.judgement
