from __future__ import annotations

import optuna
import pytest
from optuna.trial import TrialState

from platform.search.optuna_internals import enqueued_params, take_up

CHANGED = "Optuna {} does not do this any more: see platform/search/optuna_internals.py"


def test_a_trial_of_another_process_is_taken_up_under_its_number() -> None:
    study = optuna.create_study(direction="maximize")
    study.ask()
    begun = study.ask()
    begun.suggest_float("x", 0.0, 1.0)
    begun.report(0.5, step=10)
    (_, frozen) = study.get_trials(states=(TrialState.RUNNING,))
    try:
        trial = take_up(study, frozen)
        assert (trial.number, trial.params) == (1, begun.params)
        trial.report(0.7, step=20)
        study.tell(trial, 0.7)
        assert study.trials[1].intermediate_values == {10: 0.5, 20: 0.7}
    except (AttributeError, TypeError, AssertionError) as error:
        pytest.fail(f"{CHANGED.format(optuna.__version__)} ({error})")


def test_the_parameters_of_an_enqueued_trial_are_known_to_its_sampler() -> None:
    study = optuna.create_study()
    study.enqueue_trial({"x": 0.25})
    trial = study.ask()
    frozen = study.get_trials()[trial.number]
    assert enqueued_params(frozen) == {"x": 0.25}, CHANGED.format(optuna.__version__)
    other = study.ask()
    assert enqueued_params(study.get_trials()[other.number]) == {}
