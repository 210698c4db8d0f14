"""A trial that ran out of memory is failed, and nothing as large is proposed after it."""

from __future__ import annotations

import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState

from platform.search.live_trials import LiveTrials
from platform.search.memory_limit import needs_as_much, too_large
from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.study import open_study
from tests.search.worlds import ITERATIONS, opener, small_space

SPACE = """
description: of memory
parameters:
  data.images_per_step: {type: category, choices: [4, 8, 16]}
  data.crop_size: {type: category, choices: [224, 448]}
  compute.parts: {type: category, choices: [1, 2, 4]}
  weights.ptc: {type: float, low: 0.05, high: 1.0}
"""


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_nothing_as_large_as_what_ran_out_is_proposed(sampler: str) -> None:
    space = small_space(SPACE)
    study = open_study(
        InMemoryStorage(),
        "test",
        space,
        sampler=make_sampler(sampler, space, 0),
        pruner=make_pruner("none", ITERATIONS),
    )
    live = LiveTrials(study, space, budget=40, iterations=ITERATIONS)
    first = live.next()
    assert first is not None
    live.fail(first.number, "MemoryError: the GPU's memory ran out")  # 4 images at 448 px
    assert study.trials[0].state is TrialState.FAIL
    limits = too_large(study, space)
    assert limits == [space.recipe]
    sizes: set[float] = set()
    while assignment := live.next():
        recipe = space.recipe_for(assignment.params)
        assert not needs_as_much(recipe, limits[0]), assignment.params
        sizes.add(recipe.data.images_per_step / recipe.compute.parts * recipe.data.crop_size**2)
        live.record(assignment.number, 0.5, ITERATIONS)
        live.finish(assignment.number)
    assert len(sizes) > 3  # what fits is still searched


def test_where_memory_is_not_searched_nothing_is_learnt() -> None:
    live = opener(InMemoryStorage(), budget=2)()
    first = live.next()
    assert first is not None
    live.fail(first.number, "MemoryError: the GPU's memory ran out")
    assert too_large(live.study, small_space()) == []
