from __future__ import annotations

import math

import pytest

from platform.results.events import (
    EndState,
    MachineStruckOff,
    SearchEnded,
    TrialBroken,
    TrialEnded,
    TrialForked,
    TrialWentBack,
)
from platform.results.plain_lines import plain_line
from platform.results.search_state import SearchState, fold, from_rows
from tests.results.streams import (
    NOON,
    fold_all,
    progressed,
    scored,
    search_started,
    trial_started,
)


def test_times_and_mask_reads_of_the_scores_add_up() -> None:
    row = fold_all(
        [search_started(), trial_started(0), scored(0, 120, 0.2), scored(0, 240, 0.3)]
    ).rows[0]
    assert row.totals == {"seconds_training": 60.0, "seconds_scoring": 10.0, "mask_reads": 80}


def test_a_score_of_an_older_checkpoint_may_be_the_best_but_is_not_the_latest() -> None:
    row = fold_all(
        [search_started(), trial_started(0), scored(0, 240, 0.3), scored(0, 120, 0.4)]
    ).rows[0]
    assert (row.score, row.best_score, row.scored_iteration, row.iteration) == (0.3, 0.4, 240, 240)


def test_a_trial_that_has_trained_all_its_iterations_waits_for_its_score() -> None:
    events = [search_started(), trial_started(0), progressed(0, 599)]
    assert fold_all(events).rows[0].state == "running"
    assert fold_all([*events, progressed(0, 600)]).rows[0].state == "scoring"


@pytest.mark.parametrize("state", ["complete", "pruned", "failed"])
def test_what_comes_after_the_end_of_a_trial_does_not_bring_it_back(state: EndState) -> None:
    ended = TrialEnded(number=0, state=state, score=0.3, reason="because")
    events = [search_started(), trial_started(0), ended, progressed(0, 600), scored(0, 120, 0.2)]
    row = fold_all(events).rows[0]
    assert (row.state, row.score, row.reason, row.ended) == (state, 0.3, "because", NOON)


def test_a_failed_trial_keeps_its_last_score_but_is_never_the_best() -> None:
    state = fold_all(
        [
            search_started(),
            trial_started(0),
            trial_started(1),
            scored(0, 120, 0.2),
            scored(1, 120, 0.9),
            TrialEnded(number=1, state="failed", score=None),
        ]
    )
    assert state.rows[1].score == 0.9
    assert state.best is state.rows[0]


def test_no_number_is_no_best_score_and_zero_is_one() -> None:
    events = [search_started(), trial_started(0), scored(0, 120, math.nan)]
    assert fold_all(events).best is None
    state = fold_all([*events, scored(0, 240, 0.0)])
    assert state.best is state.rows[0]


def test_slots_are_the_most_trials_that_ran_at_once() -> None:
    ended = TrialEnded(number=0, state="complete", score=0.3)
    events = [search_started(), trial_started(0), trial_started(1), ended, trial_started(2)]
    assert fold_all(events).slots == 2


def test_what_an_interrupted_search_leaves_is_unfinished_until_it_comes_back() -> None:
    events = [search_started(), trial_started(0), progressed(0, 120), SearchEnded(interrupted=True)]
    state = fold_all(events)
    assert [row.state for row in state.trials] == ["unfinished"]
    assert state.interrupted
    assert state.running == []
    resumed = fold(from_rows(state.trials), search_started(resumed=1), NOON + 50)
    resumed = fold(resumed, trial_started(0, iteration=60), NOON + 60)
    row = resumed.rows[0]
    assert (row.state, row.iteration, row.first_iteration) == ("running", 60, 60)
    assert row.started == NOON + 60
    assert row.lost_iterations == 60


def test_a_state_does_not_change_under_the_thread_that_draws_it() -> None:
    before = fold_all([search_started()])
    after = fold(before, trial_started(0), NOON)
    assert before.rows == {}
    assert list(after.rows) == [0]


def test_a_search_that_has_not_started_knows_nothing_of_trials() -> None:
    with pytest.raises(AssertionError, match="SearchStarted"):
        fold(SearchState(), trial_started(0), NOON)


def test_a_broken_trial_is_unfinished_with_its_reason_until_it_begins_again() -> None:
    broken = TrialBroken(number=0, cause="killed", machine="10.0.0.7", retry=1, retries=2)
    gone = TrialBroken(number=0, cause="the machine was lost", machine_lost=True)
    left = TrialBroken(number=0, cause="killed", goes_on=False)
    events = [search_started(), trial_started(0), broken]
    row = fold_all(events).rows[0]
    assert (row.state, row.reason, row.retries) == ("unfinished", "killed (on 10.0.0.7)", 1)
    assert not row.is_active
    events += [trial_started(0), gone, trial_started(0, iteration=150)]
    row = fold_all(events).rows[0]
    assert (row.state, row.reason, row.retries, row.machines_lost) == ("running", "", 2, 1)
    row = fold_all([*events, left]).rows[0]
    assert (row.state, row.reason, row.retries) == ("unfinished", "killed", 2)


def test_a_preemption_is_counted_and_is_no_retry() -> None:
    drained = TrialBroken(number=0, cause="drained; saved at iteration 150", preempted=True)
    row = fold_all([search_started(), trial_started(0), drained]).rows[0]
    assert (row.state, row.retries, row.preemptions) == ("unfinished", 0, 1)


def test_machines_that_were_struck_off_are_remembered() -> None:
    struck = MachineStruckOff(machine="10.0.0.7", cause="OSError: no mount")
    assert fold_all([search_started(), struck]).struck == (struck,)


def test_a_forked_trial_has_shared_what_it_has_not_trained_itself() -> None:
    forked = TrialForked(number=0, iteration=200)
    events = [search_started(), trial_started(0), forked]
    row = fold_all(events).rows[0]
    assert (row.iteration, row.first_iteration, row.shared_iterations) == (200, 200, 200)
    line = plain_line(forked, fold_all(events), NOON)
    assert line is not None
    assert line.endswith("trial 0  goes on from 200/600, where an equal trial was")
    events += [progressed(0, 400), trial_started(0, iteration=400)]
    assert fold_all(events).rows[0].shared_iterations == 200
    again = [*events, trial_started(0, iteration=0), forked]
    assert (
        fold_all(again).rows[0].lost_iterations == 200
    )  # not the first ones, which it forks again
    events += [TrialWentBack(number=0, iteration=0, damage="all files are damaged")]
    row = fold_all(events).rows[0]
    assert (row.shared_iterations, row.lost_iterations) == (0, 200)
