"""Whole searches through searcher and scheduler, in simulated time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from platform.search.faults import Fault, Faults, Outcome
from platform.search.live_trials import Assignment, LiveTrials
from platform.search.simulation.controller import SimulatedTrial, Simulator
from platform.search.space.checked import Params
from platform.search.study import default_storage, open_storage
from platform.search.trial_protocol import FAILED
from platform.search.tune_scheduler import StudyScheduler
from platform.search.tune_searcher import StudySearcher
from tests.search.worlds import learning_curve, opener, quality, small_space

ALL_STATES = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


def troubled_curve(number: int, params: Params) -> list[float | None]:
    """A learning curve that, for some trials, breaks or is no number from some score on."""
    curve = learning_curve(number, params)
    if number % 7 == 3:
        curve[number % 5] = None
    if number % 7 == 5:
        curve[number % 5] = math.nan
    return curve


def check_invariants(
    simulator: Simulator,
    live: LiveTrials,
    curve: Callable[[int, Params], list[float | None]],
    budget: int,
) -> None:
    """No trial is lost, the budget is exact, and every state says what happened."""
    trials = live.study.trials
    assert [trial.number for trial in trials] == list(range(budget))
    assert live.remaining() == 0
    params: dict[int, Params] = {}
    for number, given in simulator.handed_out:  # after a crash: the same again
        assert params.setdefault(number, given) == given
    assert params == {trial.number: trial.params for trial in trials}
    for trial in trials:
        check_trial(trial, curve(trial.number, trial.params))


def check_trial(trial: optuna.trial.FrozenTrial, curve: list[float | None]) -> None:
    """Compare what the study says of a trial with the curve that it had."""
    reported = list(trial.intermediate_values.values())
    assert reported == curve[: len(reported)]
    assert list(trial.intermediate_values) == [20, 40, 60, 80, 100][: len(reported)]
    match trial.state:
        case TrialState.COMPLETE:
            assert trial.value == curve[-1]
        case TrialState.PRUNED:
            assert trial.number > 0
            assert 0 < len(reported) < 5
            assert trial.user_attrs["verdict"]["reason"] == f"pruned at iteration {trial.last_step}"
        case state:
            assert state == TrialState.FAIL
            broken = curve[len(reported)]
            assert broken is None or math.isnan(broken)


@pytest.mark.parametrize("pruner", ["halving", "median", "hyperband", "none"])
@pytest.mark.parametrize("concurrent", [1, 2, 5])
def test_a_search_of_hundreds_of_trials_keeps_its_books(pruner: str, concurrent: int) -> None:
    start = opener(InMemoryStorage(), budget=200, pruner=pruner)
    simulator = Simulator(start, troubled_curve, concurrent=concurrent)
    simulator.run()
    live = start()
    check_invariants(simulator, live, troubled_curve, 200)
    states = Counter(trial.state for trial in live.study.trials)
    assert set(states) == {*ALL_STATES} - ({TrialState.PRUNED} if pruner == "none" else set())
    assert simulator.peak == concurrent


@pytest.mark.parametrize("call", range(1, 60))
def test_a_crash_at_any_moment_loses_nothing(call: int) -> None:
    start = opener(InMemoryStorage(), budget=8)
    simulator = Simulator(start, troubled_curve, crashes={call})
    simulator.run()
    assert simulator.runs == 2
    check_invariants(simulator, start(), troubled_curve, 8)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("lag", [0, 1, 5])
def test_many_crashes_lose_nothing(seed: int, lag: int) -> None:
    crashes = np.random.default_rng(seed).choice(400, size=40, replace=False) + 1
    start = opener(InMemoryStorage(), budget=40, pruner="median", seed=seed)
    simulator = Simulator(start, troubled_curve, concurrent=3, crashes={*crashes}, lag=lag)
    simulator.run()
    assert simulator.runs > 10
    check_invariants(simulator, start(), troubled_curve, 40)


def test_crashes_lose_nothing_in_a_journal_file(tmp_path: Path) -> None:
    def start() -> LiveTrials:
        return opener(open_storage(default_storage(tmp_path)), budget=6)()

    simulator = Simulator(start, troubled_curve, crashes={9, 18, 19, 30})
    simulator.run()
    check_invariants(simulator, start(), troubled_curve, 6)


@pytest.mark.parametrize("sampler", ["curve", "tpe", "random", "qmc", "nsga2"])
def test_the_same_seed_gives_the_same_search(sampler: str) -> None:
    def run(seed: int) -> list[tuple[int, Params]]:
        start = opener(InMemoryStorage(), budget=30, sampler=sampler, seed=seed)
        simulator = Simulator(start, troubled_curve, concurrent=3)
        simulator.run()
        return simulator.handed_out

    assert run(0) == run(0)
    assert run(0) != run(1)


def test_one_trial_at_a_time_a_crash_changes_nothing() -> None:
    def run(crashes: set[int]) -> list[tuple[Params, TrialState]]:
        start = opener(InMemoryStorage(), budget=20, sampler="curve")
        Simulator(start, troubled_curve, concurrent=1, crashes=crashes).run()
        return [(trial.params, trial.state) for trial in start().study.trials]

    assert run({5, 23, 24, 50, 77}) == run(set())


def test_unfinished_trials_come_first_and_under_their_number() -> None:
    start = opener(InMemoryStorage(), budget=5)
    before = start()
    handed = [before.next(), before.next(), before.next()]
    after = start()
    assert [after.next(), after.next(), after.next()] == handed
    new = after.next()
    assert new is not None
    assert new.number == 3


def test_a_larger_budget_goes_on_and_a_smaller_one_only_finishes() -> None:
    storage = InMemoryStorage()
    Simulator(opener(storage, budget=4), learning_curve).run()
    opener(storage, budget=6)().next()
    assert opener(storage, budget=6)().remaining() == 2
    assert opener(storage, budget=3)().remaining() == 1
    Simulator(opener(storage, budget=6), learning_curve).run()
    assert len(opener(storage, budget=6)().study.trials) == 6


def test_the_published_configuration_is_trial_0_and_never_pruned() -> None:
    def worst_first(number: int, params: Params) -> list[float | None]:
        return [0.001 * step if number == 0 else 0.5 for step in range(5)]

    start = opener(InMemoryStorage(), budget=12)
    Simulator(start, worst_first).run()
    baseline, *others = start().study.trials
    assert baseline.params == small_space().starting_points()[0]
    assert baseline.state == TrialState.COMPLETE
    rungs = [key for key in baseline.system_attrs if key.startswith("completed_rung")]
    assert len(rungs) == 3  # it is on every rung, for the others to beat
    assert others[0].state == TrialState.COMPLETE


def test_halving_stops_trials_at_20_40_and_80_percent() -> None:
    start = opener(InMemoryStorage(), budget=60)
    simulator = Simulator(start, learning_curve)
    simulator.run()
    pruned = start().study.get_trials(states=(TrialState.PRUNED,))
    assert {trial.last_step for trial in pruned} == {20, 40, 80}


def test_halving_halves_the_cost_and_keeps_the_best() -> None:
    losses, costs = [], []
    for seed in range(10):
        start = opener(InMemoryStorage(), budget=12, seed=seed)
        simulator = Simulator(start, learning_curve)
        simulator.run()
        study = start().study
        best = max(quality(trial.params) for trial in study.trials)
        losses.append(best - quality(study.best_trial.params))
        costs.append(simulator.scores / (12 * 5))
    assert np.mean(costs) < 0.55
    assert np.mean(losses) < 0.01


def test_late_and_repeated_scores_are_ignored() -> None:
    live = opener(InMemoryStorage(), budget=1)()
    live.next()
    for step, score in [(20, 0.1), (40, 0.2), (20, 0.9), (40, 0.9), (10, 0.9), (60, 0.3)]:
        assert live.record(0, score, step)
    assert live.study.trials[0].intermediate_values == {20: 0.1, 40: 0.2, 60: 0.3}


def test_a_finished_trial_takes_no_more_scores() -> None:
    live = opener(InMemoryStorage(), budget=1)()
    live.next()
    live.record(0, 0.4, 100)
    live.finish(0)
    assert not live.record(0, 0.9, 120)
    live.fail(0, "late")
    live.finish(0)
    assert live.study.best_value == 0.4


def test_a_trial_stopped_by_someone_else_is_taken_up_again() -> None:
    start = opener(InMemoryStorage(), budget=1)
    live = start()
    live.next()
    live.record(0, 0.4, 60)
    live.finish(0)
    assert live.next() is None
    assert live.study.trials[0].state == TrialState.RUNNING
    assert start().remaining() == 1


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_fails_the_trial(score: float) -> None:
    live = opener(InMemoryStorage(), budget=1, pruner="none")()
    live.next()
    assert live.record(0, 0.1, 20)
    assert not live.record(0, score, 40)
    live.finish(0)
    trial = live.study.trials[0]
    assert trial.state == TrialState.FAIL
    assert trial.user_attrs["verdict"]["reason"] == f"score {score} at iteration 40"


class Diary:
    """Writes down what an observer hears."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def started(self, assignment: Assignment) -> None:
        self.lines.append(f"{assignment.number} started")

    def broken(self, number: int, fault: Fault, outcome: Outcome) -> None:
        retry = f"retry {outcome.retry}" if outcome.goes_on else "left"
        self.lines.append(f"{number} broken: {fault.cause}, {retry}")

    def ended(self, number: int, state: TrialState, score: float | None, reason: str) -> None:
        self.lines.append(f"{number} {state.name} {score} {reason}".strip())


def test_an_observer_hears_what_is_recorded_once() -> None:
    start = opener(InMemoryStorage(), budget=3, pruner="none")
    live = start()
    diary = Diary()
    live.observer = diary
    scheduler, searcher = StudyScheduler(live), StudySearcher(live)
    trials = [SimulatedTrial(f"t{n}", searcher.suggest(f"t{n}"), done=0) for n in range(3)]
    results = [{"score": 0.5, "iteration": 100}, {FAILED: "no memory"}, {"event": "saved"}]
    for trial, result in zip(trials, results, strict=True):
        scheduler.on_trial_result(None, cast(Trial, trial), result)
        searcher.on_trial_complete(trial.trial_id, result=result)
    assert diary.lines == [
        "0 started",
        "1 started",
        "2 started",
        "0 COMPLETE 0.5",
        "1 FAIL None no memory",
    ]


def test_a_trial_that_reports_its_failure_is_stopped() -> None:
    live = opener(InMemoryStorage(), budget=1)()
    scheduler, searcher = StudyScheduler(live), StudySearcher(live)
    trial = SimulatedTrial("t", searcher.suggest("t"), done=0)
    decision = scheduler.on_trial_result(None, cast(Trial, trial), {FAILED: "loss is nan"})
    assert decision == TrialScheduler.STOP
    assert live.study.trials[0].state == TrialState.FAIL
    assert live.study.trials[0].user_attrs["verdict"]["reason"] == "loss is nan"


def killed() -> Fault:
    return Fault(kind="process", cause="killed")


def test_a_trial_that_breaks_is_handed_out_again_and_waited_for() -> None:
    live = opener(InMemoryStorage(), budget=1)()
    live.observer = diary = Diary()
    searcher = StudySearcher(live)
    first = searcher.suggest("t0")
    live.record(0, 0.3, 20)
    assert searcher.suggest("t1") is None  # the budget is spent, but the trial may come back
    live.interrupt(0, killed())
    searcher.on_trial_complete("t0", error=True)
    again = searcher.suggest("t1")
    assert again == {**first, "scored": (20,)}
    live.record(0, 0.5, 100)
    searcher.on_trial_complete("t1", result={})
    assert searcher.suggest("t2") == StudySearcher.FINISHED
    assert diary.lines == [
        "0 started",
        "0 broken: killed, retry 1",
        "0 started",
        "0 COMPLETE 0.5",
    ]


def test_a_trial_that_breaks_too_often_stays_unfinished_and_uses_up_no_other() -> None:
    start = opener(InMemoryStorage(), budget=2)
    live = start()
    for cause in ("killed", "crashed", "killed"):
        assert live.next() is not None
        live.interrupt(0, Fault(kind="process", cause=cause))
    other = live.next()
    assert other is not None
    assert other.number == 1
    live.record(1, 0.4, 100)
    live.finish(1)
    assert live.next() is None
    assert not live.may_come_back()
    assert [trial.state for trial in live.study.trials] == [TrialState.RUNNING, TrialState.COMPLETE]
    resumed = start().next()
    assert resumed is not None
    assert resumed.number == 0


def test_after_the_fault_that_breaks_every_trial_none_is_handed_out() -> None:
    live = opener(InMemoryStorage(), budget=9)()
    handed = [live.next() for _ in range(3)]
    for assignment in filter(None, handed):
        live.interrupt(assignment.number, killed())
    assert live.faults.cause == killed()
    assert StudySearcher(live).suggest("t") == StudySearcher.FINISHED
    assert {trial.state for trial in live.study.trials} <= {TrialState.RUNNING, TrialState.WAITING}


def test_a_trial_with_its_last_score_has_ended_whatever_breaks_it_then() -> None:
    live = opener(InMemoryStorage(), budget=1)()
    live.next()
    live.record(0, 0.4, 100)
    live.interrupt(0, killed())
    assert live.study.trials[0].state == TrialState.COMPLETE


def test_a_trial_is_handed_out_with_the_machines_to_avoid() -> None:
    storage = InMemoryStorage()
    live = opener(storage, budget=3)()
    live.faults = Faults(lambda avoided: "good" not in avoided)
    bad = Fault(kind="error", cause="OSError: no mount", machine="m", node="bad")
    for assignment in filter(None, [live.next(), live.next()]):
        assert assignment.avoid == ()
        live.interrupt(assignment.number, bad)
    again = filter(None, [live.next() for _ in range(3)])
    assert [(one.number, one.avoid) for one in again] == [(n, ("bad",)) for n in range(3)]


@pytest.mark.parametrize("seed", range(5))
def test_lost_processes_change_no_trial(seed: int) -> None:
    def run(breaks: set[int]) -> list[tuple[Params, TrialState, float | None]]:
        start = opener(InMemoryStorage(), budget=20, pruner="none")
        Simulator(start, troubled_curve, concurrent=1, breaks=breaks, lag=0).run()
        return [(trial.params, trial.state, trial.value) for trial in start().study.trials]

    breaks = np.random.default_rng(seed).choice(200, size=20, replace=False)
    assert run({*breaks.tolist()}) == run(set())


def test_a_search_without_trials_is_refused() -> None:
    with pytest.raises(ValueError, match="number of trials is 0"):
        opener(InMemoryStorage(), budget=0)()
