from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState, create_trial

from platform.search.confirmation.chosen import (
    Configuration,
    best_configurations,
    fresh_seed,
)
from platform.search.confirmation.runs import add_runs, configurations, open_runs, setup_runs
from platform.search.live_trials import LiveTrials
from platform.search.optuna_internals import enqueued_params
from platform.search.setup import SearchSetup
from platform.search.space.checked import CheckedSpace, Params
from platform.search.winner import find_winner
from platform.search.worth import record_forgotten
from tests.search.worlds import ITERATIONS, small_space
from toco_core.data.reader import open_dataset

SPACE = small_space()
RECIPE = SPACE.starting_points()[0]


def other(ptc: float) -> Params:
    return {**RECIPE, "weights.ptc": ptc}


def study_of(*ends: tuple[Params, float | None]) -> optuna.Study:
    """Return a search whose trials have parameters and a last score; None for one that failed."""
    study = optuna.create_study(storage=InMemoryStorage(), direction="maximize")
    for params, score in ends:
        end: dict[str, Any] = {"state": TrialState.FAIL}
        if score is not None:
            end = {"state": TrialState.COMPLETE, "value": score}
        study.add_trial(create_trial(params=params, distributions=SPACE.distributions, **end))
    return study


@pytest.fixture
def setup(scenes: Path, tmp_path: Path) -> SearchSetup:
    info = open_dataset(scenes).info
    return SearchSetup(
        name="made-up", directory=tmp_path, space=SPACE, dataset=str(scenes), info=info
    )


def waiting(study: optuna.Study) -> list[Params]:
    return [enqueued_params(trial) for trial in study.get_trials(deepcopy=False)]


def test_the_best_are_those_worth_most_without_the_recipe_and_each_once() -> None:
    study = study_of(
        (RECIPE, 0.9), (other(0.3), 0.4), (other(0.5), 0.6), (other(0.3), 0.5), (other(0.7), None)
    )
    chosen = best_configurations(study, SPACE, 5)
    assert [(one.trial, one.params["weights.ptc"]) for one in chosen] == [(2, 0.5), (3, 0.3)]
    assert best_configurations(study, SPACE, 1) == chosen[:1]


def test_the_winner_is_confirmed_first_though_one_whose_checkpoint_is_gone_is_worth_more() -> None:
    study = study_of((RECIPE, 0.4), (other(0.3), 0.4), (other(0.5), 0.6), (other(0.7), 0.5))
    record_forgotten(study, [2])
    winner = find_winner(study, SPACE)
    assert winner
    assert winner.number == 3
    assert [one.trial for one in best_configurations(study, SPACE, 5)] == [3, 2, 1]


def test_a_search_with_nothing_but_its_recipe_has_nothing_to_confirm() -> None:
    with pytest.raises(ValueError, match="nothing to confirm"):
        best_configurations(study_of((RECIPE, 0.5), (other(0.3), None)), SPACE, 2)


def test_seeds_are_fresh_and_the_same_for_all(setup: SearchSetup) -> None:
    runs = setup_runs(setup, "confirm")
    runs.directory.mkdir()
    study = open_runs(runs)
    add_runs(study, runs, [Configuration(trial=4, params=other(0.5))], 2)
    live = LiveTrials(study, runs.space, budget=4, iterations=ITERATIONS)
    handed = [live.next() for _ in range(4)]
    given = [(one.params["weights.ptc"], one.repeat) for one in handed if one]
    assert given == [(0.2, 0), (0.5, 0), (0.2, 1), (0.5, 1)]
    assert live.next() is None
    assert runs.space.recipe.seed == fresh_seed(SPACE.recipe.seed) == 10_000


@pytest.mark.parametrize("seed", [0, 7, 2**31 - 1, 2**31 - 15_000])
def test_no_fresh_seed_is_one_of_the_search(seed: int) -> None:
    fresh = range(fresh_seed(seed), fresh_seed(seed) + 20)
    assert not {*fresh} & {*range(seed, seed + 10_000)}
    assert fresh[0] >= 0
    assert fresh[-1] < 2**31


def test_more_seeds_and_configurations_are_added_to_what_is_there(setup: SearchSetup) -> None:
    runs = setup_runs(setup, "confirm")
    runs.directory.mkdir()
    one, two = (Configuration(trial=n, params=other(ptc)) for n, ptc in ((4, 0.5), (6, 0.7)))
    add_runs(open_runs(runs), runs, [one], 2)
    before = waiting(open_runs(runs))
    add_runs(open_runs(runs), runs, [one], 2)  # the same again
    assert waiting(open_runs(runs)) == before
    # the search has another leader by now: what was begun stays
    chosen = add_runs(open_runs(runs), runs, [two], 1)
    assert [each.trial for each in chosen] == [0, 4]
    chosen = add_runs(open_runs(runs), runs, [two, one], 3)
    assert [each.trial for each in chosen] == [0, 4, 6]
    assert configurations(open_runs(runs)) == [one, two]
    later = waiting(open_runs(runs))
    assert later[:4] == before
    assert [later.count(each.params) for each in chosen] == [3, 3, 3]


def test_the_runs_of_another_recipe_are_refused(setup: SearchSetup) -> None:
    runs = setup_runs(setup, "confirm")
    runs.directory.mkdir()
    open_runs(runs)
    changed = runs.space.recipe.model_copy(update={"iterations": 7})
    space = CheckedSpace(runs.space.space, changed, runs.space.depth)
    other_runs = SearchSetup(
        name=runs.name, directory=runs.directory, space=space, dataset=runs.dataset, info=runs.info
    )
    with pytest.raises(ValueError, match="iterations: 100 -> 7"):
        open_runs(other_runs)
