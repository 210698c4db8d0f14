"""What complete trials are worth, who wins, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna
from optuna.storages import InMemoryStorage
from pyarrow import parquet

from platform.search.findings import WORTH_FILE, findings, write_worth
from platform.search.space.checked import CheckedSpace
from platform.search.winner import find_winner
from platform.search.worth import Judgement, best_complete, judge
from tests.search.worlds import opener, quality, small_space

SPACE = small_space()
SHARES = np.linspace(0.2, 1, 5)


def searched(
    luck: dict[int, float], trials: int = 14, noise: float = 0.01, seed: int = 0
) -> optuna.Study:
    """Return a study of complete trials, to some of whose scores luck is added at the end."""
    live = opener(InMemoryStorage(), budget=trials, sampler="curve", pruner="none")()
    rng = np.random.default_rng(seed)
    while assignment := live.next():
        scores = quality(assignment.params) * SHARES**0.2 + noise * rng.normal(size=5)
        scores[-1] += luck.get(assignment.number, 0.0)
        for share, score in zip(SHARES, scores, strict=True):
            live.record(assignment.number, float(score), round(100 * share))
        live.finish(assignment.number)
    return live.study


def judged(study: optuna.Study, space: CheckedSpace = SPACE) -> Judgement:
    return judge(study, space)


def test_a_lucky_last_score_wins_no_search() -> None:
    study = searched({2: 0.1})
    judgement = judged(study)
    winner = best_complete(judgement, study)
    assert winner
    assert study.best_trial.number == 2
    assert winner.number != 2
    assert quality(winner.params) > quality(study.trials[2].params)
    assert find_winner(study, SPACE) == winner
    said = " ".join(findings(judgement, study, winner))
    assert "Trial 2 has the highest last score" in said
    assert f"trial {winner.number} is worth more" in said


def test_intervals_hold_what_configurations_are_worth() -> None:
    studies = [searched({}, trials=20, seed=seed) for seed in range(3)]
    inside = [
        abs(one.value - quality(study.trials[number].params)) < (one.half or 0.0)
        for study in studies
        for number, one in judged(study).worth.items()
    ]
    assert np.mean(inside) > 0.85


def test_the_luck_of_a_score_is_learnt() -> None:
    loud, quiet = (judged(searched({}, noise=noise)).luck for noise in (0.03, 0.003))
    assert loud
    assert quiet
    assert loud > 2 * quiet
    assert 0.02 < loud < 0.15


def test_a_lead_is_told_apart_or_not() -> None:
    study = searched({}, trials=20, noise=0.002)
    judgement = judged(study)
    winner = best_complete(judgement, study)
    assert winner
    said = findings(judgement, study, winner)
    recipe = quality(study.trials[0].params)
    inside = [
        abs(lead.value - (quality(study.trials[number].params) - recipe))
        <= (lead.half or 0.0) + 1e-9
        for number, lead in judgement.lead.items()
    ]
    assert np.mean(inside) > 0.8
    lead = judgement.lead[winner.number]
    assert lead.half is not None
    assert ("is told apart" in said[-1]) == (lead.value > lead.half)
    assert judgement.lead[0].value == 0


def test_too_few_trials_are_judged_by_their_last_score() -> None:
    study = searched({}, trials=2)
    judgement = judged(study)
    assert judgement.luck is None
    assert [one.value for one in judgement.worth.values()] == [one.value for one in study.trials]
    winner = find_winner(study, SPACE)
    assert winner == study.best_trial


def test_both_are_in_the_table(tmp_path: Path) -> None:
    study = searched({})
    judgement = judged(study)
    write_worth(tmp_path, judgement, study)
    rows = parquet.read_table(tmp_path / WORTH_FILE).to_pylist()
    assert [row["score"] for row in rows] == [trial.value for trial in study.trials]
    assert [row["worth"] for row in rows] == [one.value for one in judgement.worth.values()]
    assert rows[0]["lead"] == 0
