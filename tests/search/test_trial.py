from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest
from optuna.storages import InMemoryStorage

from platform.cluster.placement import Placement
from platform.results.events import Scored
from platform.search.faults import Fault
from platform.search.trial import ResultSender, TrialPlan
from platform.search.trial_protocol import EVENT, SCORE, TAKEN_OVER, Assignment
from platform.train.conditions import conditions_of
from platform.train.plan import RunPlan, Sharing
from platform.workers.pool import PoolExecutor
from tests.results.streams import scored
from tests.search.worlds import opener, small_space
from toco_core.settings.effects import prefix_digest


def plan_of(assignment: Assignment, sharing: Sharing | None = None) -> RunPlan:
    recipe = small_space().recipe
    base = RunPlan(recipe=recipe, dataset="d", split="tune", directory="/trials")
    placement = Placement(
        max_concurrent_trials=1,
        driver={"CPU": 1.0},
        workers_per_trial=0,
        worker={"CPU": 1.0},
    )
    plan = TrialPlan(base=base, placement=placement, executor=PoolExecutor(None), sharing=sharing)
    return plan.run_plan(assignment)


def test_a_trial_trains_with_its_parameters_in_a_directory_of_its_own() -> None:
    plan = plan_of(Assignment(3, {"weights.ptc": 0.4}, scored=(20,)))
    assert plan.recipe.weights.ptc == 0.4
    assert plan.directory == "/trials/trial-0003"
    assert plan.scored == {20}


def test_a_trial_saves_its_prefix_at_its_borders_for_trials_of_the_same_dataset() -> None:
    sharing = Sharing(directory="/prefixes", conditions={"dataset": "d"})
    plan = plan_of(Assignment(3, {}, borders=(20, 40)), sharing)
    assert plan.sharing == replace(sharing, saved_at=frozenset({20, 40}))
    assert plan_of(Assignment(3, {})).sharing is None
    conditions = conditions_of(plan.recipe, "cpu", 0, {})
    assert {"code", "torch", "device", "precision"} == conditions.keys()
    where = plan.under(conditions).sharing
    assert where is not None
    assert where.conditions == {"dataset": "d", **conditions}


def test_a_group_of_workers_shares_with_no_single_process() -> None:
    recipe = small_space().recipe
    alone = conditions_of(recipe, "cpu", 0, {})
    pair = conditions_of(recipe, None, 2, {"CPU": 1.0})
    four = conditions_of(recipe, None, 4, {"CPU": 1.0})
    assert len({prefix_digest(recipe, 5, one) for one in (alone, pair, four)}) == 3


def test_seeds_are_common_except_to_repeats_of_a_configuration() -> None:
    seed = small_space().recipe.seed
    seeds = [plan_of(Assignment(n, {}, repeat=n)).recipe.seed for n in range(3)]
    assert seeds == [seed, seed + 1, seed + 2]


@pytest.mark.parametrize("maximised", ["score", "f1"])
def test_the_search_is_told_what_it_maximises(
    maximised: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Mapping[str, Any]] = []
    monkeypatch.setattr("ray.tune.report", told.append)
    event = scored(3, 120, 0.4)
    values = {one.name: getattr(event, one.name) for one in fields(Scored)}
    ResultSender(3, "node", maximised)(Scored(**values))
    assert told[0][SCORE] == values[maximised]
    assert told[0][EVENT] == event


def test_a_score_that_is_taken_over_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Mapping[str, Any]] = []
    monkeypatch.setattr("platform.search.trial.tune.report", told.append)
    event = Scored(**{one.name: getattr(scored(0, 20, 0.3), one.name) for one in fields(Scored)})
    own = ResultSender(0, "node")
    for sender in (replace(own, takes_over=True), own):
        sender(event)
    assert [TAKEN_OVER in metrics for metrics in told] == [True, False]


def test_a_score_that_is_taken_over_does_not_speak_for_its_machine() -> None:
    live = opener(InMemoryStorage(), budget=9)()
    fault = Fault(kind="error", cause="OSError: no mount", machine="10.0.0.7", node="bad")
    for _ in range(3):  # each trial forks off, and breaks when it begins to train
        assignment = live.next()
        assert assignment is not None
        assert live.record(assignment.number, 0.5, 20, "bad", earned=False)
        live.interrupt(assignment.number, fault)
    assert live.faults.cause == fault
