"""The benchmark of searches, on a made-up task in place of the surrogate's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks.search_quality.__main__ import compare, parser
from benchmarks.search_quality.comparison import half_interval, summarise
from benchmarks.search_quality.conditions import parse_condition
from benchmarks.search_quality.methods import LEARNT, make_method
from benchmarks.search_quality.searches import MARKS, Lead, Outcome, Training, play, search
from benchmarks.search_quality.surrogate import (
    EPOCHS,
    PARAMETERS,
    PUBLISHED,
    Surrogate,
)
from benchmarks.search_quality.world import Array, measure_scale
from platform.search.earlier import learn
from platform.search.space.parameters import Value


class Hill(Surrogate):
    """One task whose accuracy has its top at a learning rate of 0.01 and no dropout."""

    def __init__(self) -> None:
        self._codes = {"hill": 1}

    def accuracy(
        self, task: str, configurations: Sequence[Mapping[str, Value]], iterations: Sequence[int]
    ) -> Array:
        rise = (np.array(iterations) / EPOCHS) ** 0.2
        rate = np.log10([float(one["learning_rate"]) for one in configurations])
        dropout = np.array([float(one["max_dropout"]) for one in configurations])
        return (0.9 - 0.1 * (rate + 2) ** 2 - 0.2 * dropout**2)[:, None] * rise


HILL = Hill()
SCALE = measure_scale(HILL, "hill", blocks=2)


def found(method: str, condition: str, seed: int = 0) -> Outcome:
    return search(make_method(method), HILL, "hill", SCALE, parse_condition(condition), seed)


def test_the_scale_is_that_of_random_search() -> None:
    assert SCALE.regret(SCALE.best) == 0
    assert SCALE.regret(SCALE.median) == 1
    assert SCALE.median < SCALE.best <= 0.9


@pytest.mark.skipif(find_spec("smac") is not None, reason="SMAC3 is installed")
def test_without_smac_its_method_says_how_to_get_it() -> None:
    with pytest.raises(ValueError, match="the method smac needs SMAC3: pip install smac"):
        found("smac", "n0c1s5")


@pytest.mark.skipif(find_spec("smac") is None, reason="SMAC3 is not installed")
@pytest.mark.parametrize(("method", "repeats"), [("smac", True), ("smac-once", False)])
def test_smac_is_asked_and_told(method: str, repeats: bool) -> None:
    args = HILL, "hill", SCALE, parse_condition("n1c4s5@pub"), 0
    study, outcome = play(make_method(method), *args)
    tried = {tuple(trial.params.values()) for trial in study.trials}
    assert (len(tried) < len(study.trials)) == repeats
    assert outcome.complete >= 16
    assert outcome.regret == found(method, "n1c4s5@pub").regret


@pytest.mark.parametrize("condition", ["n0c1s5", "n1c4s5@pub"])
def test_a_search_repeats_itself_and_ends_with_its_budget(condition: str) -> None:
    first, again = found("default", condition), found("default", condition)
    assert first.regret == again.regret
    assert list(first.regret) == list(MARKS)
    assert first.complete >= 5
    assert first.trials > 20  # some were stopped early


def test_the_default_finds_more_than_random_search() -> None:
    def regret(method: str) -> float:
        return float(np.mean([found(method, "n0c1s5", seed).regret[20] for seed in range(2)]))

    assert regret("default") < regret("optuna-random") - 0.01


def test_what_is_published_is_a_configuration_of_the_space() -> None:
    assert all(one.contains(PUBLISHED[one.key]) for one in PARAMETERS)


@pytest.mark.parametrize(
    ("name", "parts"),
    [("n0c1", (0.0, 1, 26, False)), ("n1c4s5@pub", (0.25, 4, 5, True))],
)
def test_a_condition_is_read(name: str, parts: tuple[float, int, int, bool]) -> None:
    one = parse_condition(name)
    assert (one.noise, one.concurrent, one.scores, one.published) == parts


def outcome(regret: float) -> Outcome:
    return Outcome(regret=dict.fromkeys(MARKS, regret), trials=9, complete=3, proposal_ms=1.0)


def test_searches_are_compared_by_task() -> None:
    ours = {(f"t{t}", s): outcome(0.1 * t + 0.01 * s) for t in range(8) for s in range(2)}
    theirs = {key: outcome(one.regret[20] + 0.2) for key, one in ours.items()}
    line = summarise(theirs, ours)
    assert (line["tasks"], line["over"]) == (8, "tasks")
    assert line["regret"][20] == pytest.approx(0.555)
    assert (line["to_first"], line["to_first_interval"]) == (0.2, 0.0)
    assert line["wilcoxon_p"] == pytest.approx(2 / 2**8, abs=1e-4)
    assert summarise(ours, ours)["wilcoxon_p"] is None
    assert half_interval(np.array([0.0, 1.0])) == pytest.approx(12.706 * 0.5, rel=1e-3)


def test_of_one_task_intervals_are_over_seeds() -> None:
    ours = {("t", s): outcome(0.1 * s) for s in range(8)}
    line = summarise({key: outcome(one.regret[20] + 0.2) for key, one in ours.items()}, ours)
    assert (line["tasks"], line["over"], line["regret"][20]) == (1, "seeds", pytest.approx(0.55))
    assert line["interval"] == pytest.approx(0.2048, abs=1e-3)
    assert (line["to_first"], line["wilcoxon_p"]) == (0.2, pytest.approx(2 / 2**8, abs=1e-4))


def test_tasks_have_luck_of_their_own() -> None:
    condition, world = parse_condition("n1c1s5"), HILL
    one, other = (
        Training(world, task, SCALE, condition, seed=0).curve(3, dict(PUBLISHED)) for task in "ab"
    )
    assert one != other


def test_what_a_search_says_of_its_lead_is_held_against_the_truth() -> None:
    leads = [
        Lead(said=0.3, half=0.2, true=0.2),  # told apart, and so it is
        Lead(said=0.3, half=0.2, true=-0.1),  # told apart, wrongly
        Lead(said=0.1, half=0.2, true=-0.05),  # not told apart; its interval holds
        Lead(said=0.1, half=0.2, true=0.4),
    ]
    ours = {("t", s): replace(outcome(0.1), lead=lead) for s, lead in enumerate(leads)}
    line = summarise(ours, ours)
    assert line["leads"] == 4
    assert (line["holding"], line["told_apart"], line["wrongly"]) == (0.5, 0.5, 0.25)
    assert "leads" not in summarise({("t", 0): outcome(0.1)}, {("t", 0): outcome(0.1)})


def test_a_winner_leads_trial_0_by_about_what_the_search_says() -> None:
    lead = found("default", "n0c1").lead
    assert lead is not None
    assert lead.true > 0
    assert lead.said == pytest.approx(lead.true, rel=0.3)
    assert found("optuna-random", "n0c1").lead is None


def test_a_search_that_learns_from_the_same_task_is_sooner_there() -> None:
    condition = parse_condition("n0c1s5")
    study, _ = play(make_method("default"), HILL, "hill", SCALE, condition, 5)
    earlier = learn("hill", study.get_trials(deepcopy=False), EPOCHS, HILL.space(published=False))
    helped = search(make_method(LEARNT), HILL, "hill", SCALE, condition, 0, [earlier])
    assert helped.regret[5] < found("default", "n0c1s5").regret[5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "/nowhere"], "--data /nowhere: there is no model.onnx in it"),
        (["--data", "."], "there is no model.onnx"),
    ],
)
def test_missing_data_is_named(arguments: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare(parser().parse_args(arguments))


def test_an_unknown_condition_or_method_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="condition 'fast' is not of the form"):
        parse_condition("fast")
    with pytest.raises(
        ValueError, match=r"method 'luck' is not one of default, default\+learnt, optuna-random"
    ):
        make_method("luck")
