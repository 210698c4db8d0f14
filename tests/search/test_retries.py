"""Failed trials that are tried again."""

from __future__ import annotations

from collections.abc import Callable

from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from platform.search.live_trials import LiveTrials
from platform.search.observed import observe
from platform.search.retries import enqueue_failed
from platform.search.space.cube import Cube
from platform.search.study import is_over
from tests.search.worlds import ITERATIONS, opener, small_space

BUDGET = 3


def finished_search() -> Callable[[], LiveTrials]:
    """Return what opens a search that is over, and whose trial 1 has failed."""
    start = opener(InMemoryStorage(), budget=BUDGET)
    live = start()
    for number in range(BUDGET):
        live.next()
        if number == 1:
            live.fail(1, "the trial raised an error")
        else:
            live.record(number, 0.4, ITERATIONS)
            live.finish(number)
    assert is_over(live.study, BUDGET)
    return start


def test_a_failed_trial_is_tried_again_with_its_parameters_and_its_seed() -> None:
    start = finished_search()
    study = start().study
    assert enqueue_failed(study) == [1]
    assert not is_over(study, BUDGET)
    live = start()
    assert live.remaining() == 1
    again = live.next()
    assert again is not None
    assert (again.number, again.params, again.repeat) == (3, study.trials[1].params, 0)
    assert live.next() is None
    live.record(3, 0.5, ITERATIONS)
    live.finish(3)
    assert is_over(study, BUDGET)
    assert study.trials[1].state is TrialState.FAIL


def test_what_fails_again_can_be_tried_again_and_nothing_twice_at_once() -> None:
    start = finished_search()
    study = start().study
    enqueue_failed(study)
    assert enqueue_failed(study) == []
    live = start()
    live.next()
    live.fail(3, "loss is nan")
    assert enqueue_failed(study) == [3]
    again = start().next()
    assert again is not None
    assert (again.number, again.repeat) == (4, 0)


def test_the_sampler_learns_from_the_retry_alone() -> None:
    study = finished_search()().study
    enqueue_failed(study)
    seen = observe(study.trials, Cube(small_space()), ITERATIONS)
    assert [(one.number, one.failed) for one in seen] == [(0, False), (2, False)]
