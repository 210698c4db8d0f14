from __future__ import annotations

from typing import get_args

import optuna
import pytest

from platform.search.options import Pruner
from platform.search.pruners import make_pruner


@pytest.mark.parametrize("name", get_args(Pruner))
@pytest.mark.parametrize("iterations", [5, 100, 151, 20_000])
def test_the_first_of_a_study_is_not_pruned(name: str, iterations: int) -> None:
    study = optuna.create_study(direction="maximize", pruner=make_pruner(name, iterations))
    trial = study.ask()
    for score in range(1, 6):
        trial.report(0.1 * score, score * iterations // 5)
        assert not trial.should_prune()


@pytest.mark.parametrize("iterations", [5, 7, 151, 20_000])
def test_a_score_at_a_fifth_is_on_the_first_rung_of_halving(iterations: int) -> None:
    study = optuna.create_study(direction="maximize", pruner=make_pruner("halving", iterations))
    verdicts = []
    for score in (0.5, 0.4, 0.3, 0.1, 0.6, 0.2):
        trial = study.ask()
        trial.report(score, iterations // 5)
        verdicts.append(trial.should_prune())
    assert verdicts == [False, False, True, True, False, True]


def test_every_rung_of_halving_waits_for_three_scores() -> None:
    study = optuna.create_study(direction="maximize", pruner=make_pruner("halving", 100))
    trials = [study.ask() for _ in range(5)]
    for step in (20, 40):
        verdicts = []
        for place, trial in enumerate(trials):
            trial.report(0.5 - 0.1 * place, step)
            verdicts.append(trial.should_prune())
        assert verdicts == [False, False, True, True, True]


def test_nothing_is_pruned_before_the_first_rung() -> None:
    study = optuna.create_study(direction="maximize", pruner=make_pruner("halving", 100))
    for score in (0.5, 0.4, 0.3, 0.2, 0.1):
        trial = study.ask()
        trial.report(score, 19)
        assert not trial.should_prune()


def test_an_unknown_pruner_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="pruner 'asha' is not one of halving, median, hyperband"):
        make_pruner("asha", 100)
