from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest

from platform.cluster.placement import Placement
from platform.results.events import Scored
from platform.search.trial import ResultSender, TrialPlan
from platform.search.trial_protocol import EVENT, SCORE, Assignment
from platform.train.plan import RunPlan
from platform.workers.pool import PoolExecutor
from tests.results.streams import scored
from tests.search.worlds import small_space


def plan_of(assignment: Assignment) -> RunPlan:
    recipe = small_space().recipe
    base = RunPlan(recipe=recipe, dataset="d", split="tune", directory="/trials")
    placement = Placement(
        max_concurrent_trials=1,
        driver={"CPU": 1.0},
        workers_per_trial=0,
        worker={"CPU": 1.0},
    )
    return TrialPlan(base=base, placement=placement, executor=PoolExecutor(None)).run_plan(
        assignment
    )


def test_a_trial_trains_with_its_parameters_in_a_directory_of_its_own() -> None:
    plan = plan_of(Assignment(3, {"weights.ptc": 0.4}, scored=(20,)))
    assert plan.recipe.weights.ptc == 0.4
    assert plan.directory == "/trials/trial-0003"
    assert plan.scored == {20}


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
