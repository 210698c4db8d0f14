"""What halving does under two objectives: a study in memory, scores by hand."""

from __future__ import annotations

import optuna
import pytest
from optuna.storages import InMemoryStorage

from platform.search.live_trials import LiveTrials
from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.scores import scores_of
from platform.search.study import open_study
from tests.search.worlds import ITERATIONS, small_space

SPACE = small_space()


def opened(objectives: int = 2) -> LiveTrials:
    """Return the trials of a new study."""
    study = open_study(
        InMemoryStorage(),
        "made-up",
        SPACE,
        sampler=make_sampler("random", SPACE, 0),
        pruner=make_pruner("halving", ITERATIONS, objectives),
        objectives=objectives,
    )
    return LiveTrials(study, SPACE, budget=20, iterations=ITERATIONS)


def verdicts(live: LiveTrials, rung: list[tuple[float, float]], step: int = 20) -> list[bool]:
    """Score one new trial after the other; return which go on."""
    goes_on: list[bool] = []
    for first, second in rung:
        assignment = live.next()
        assert assignment
        goes_on.append(live.record(assignment.number, first, step, others=(second,)))
    return goes_on


def test_what_nothing_is_better_than_goes_on() -> None:
    crowd = [(0.5, 0.5), (0.6, 0.6), (0.7, 0.7), (0.65, 0.65), (0.66, 0.66), (0.67, 0.67)]
    assert verdicts(opened(), [*crowd, (0.1, 0.71), (0.71, 0.1)])[-2:] == [True, True]


def test_what_is_in_no_better_half_stops() -> None:
    crowd = [(0.7, 0.7), (0.6, 0.6), (0.65, 0.65), (0.66, 0.66)]
    assert verdicts(opened(), [*crowd, (0.1, 0.1)])[-1] is False


def test_what_is_better_than_half_in_one_objective_alone_goes_on() -> None:
    crowd = [(0.7, 0.7), (0.6, 0.6), (0.65, 0.65), (0.5, 0.5)]
    # the best two of five by the first objective, and not on the front
    assert verdicts(opened(), [*crowd, (0.66, 0.1)])[-1] is True
    assert verdicts(opened(), [*crowd, (0.1, 0.66)])[-1] is True
    assert verdicts(opened(), [*crowd, (0.62, 0.1)])[-1] is False


@pytest.mark.parametrize("order", [[5, 4, 3, 2, 1, 0], [0, 5, 1, 4, 2, 3], [3, 1, 4, 0, 5, 2]])
def test_two_objectives_that_agree_are_halved_as_one_is(order: list[int]) -> None:
    scores = [0.4 + 0.05 * place for place in order]
    single = opened(1)
    alone: list[bool] = []
    for score in scores:
        assignment = single.next()
        assert assignment
        alone.append(single.record(assignment.number, score, 20))
    assert verdicts(opened(), [(score, 2 * score) for score in scores]) == alone


def test_a_trial_is_judged_once_on_each_rung() -> None:
    live = opened()
    # the second one comes before there is a jury, and falls behind afterwards
    assert verdicts(live, [(0.5, 0.5), (0.4, 0.4)]) == [True, True]
    verdicts(live, [(0.7, 0.7), (0.6, 0.6), (0.65, 0.65)])
    assert live.record(1, 0.1, 30, others=(0.1,))
    for number in (0, 2, 4):
        live.record(number, 0.7, 40, others=(0.7,))
    assert not live.record(1, 0.1, 40, others=(0.1,))


def test_the_study_keeps_every_score_of_every_objective() -> None:
    live = opened()
    assignment = live.next()
    assert assignment
    for step in (20, 40, 60, 80, 100):
        live.record(assignment.number, step / 100, step, others=(step / 200,))
    live.finish(assignment.number)
    trial = live.study.trials[0]
    assert scores_of(trial) == {s: (s / 100, s / 200) for s in (20, 40, 60, 80, 100)}
    assert trial.values == [1.0, 0.5]
    assert live.study.best_trials == [trial]


def test_a_score_of_another_objective_that_is_not_finite_fails_the_trial() -> None:
    live = opened()
    assignment = live.next()
    assert assignment
    assert not live.record(assignment.number, 0.5, 20, others=(float("nan"),))
    live.finish(assignment.number)
    assert live.study.trials[0].state is optuna.trial.TrialState.FAIL
