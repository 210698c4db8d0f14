from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.storages import InMemoryStorage
from optuna.trial import TrialState, create_trial

from platform.search.kept import disk_line, keep_best
from platform.search.monitor import TrialObserver
from platform.search.worth import Estimate, Judgement, best_complete
from platform.train.run_checkpoints import checkpoint_path, list_checkpoints
from tests.search.test_monitor import Notes

KEEP = 3


def add_complete(study: optuna.Study, trials: Path, score: float) -> None:
    number = len(study.trials)
    params = {"weights.ptc": 0.5}
    ranges: dict[str, BaseDistribution] = {"weights.ptc": FloatDistribution(0, 1)}
    study.add_trial(create_trial(params=params, distributions=ranges, value=score))
    path = checkpoint_path(trials / f"trial-{number:04d}", 8)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"of a complete trial")


def kept(trials: Path) -> list[int]:
    directories = sorted(trials.iterdir())
    return [number for number, path in enumerate(directories) if list_checkpoints(path)]


@pytest.mark.parametrize("seed", range(5))
def test_a_search_keeps_trial_0_and_the_best_in_whatever_order_trials_end(
    seed: int, tmp_path: Path
) -> None:
    study = optuna.create_study(storage=InMemoryStorage(), direction="maximize")
    scores = np.random.default_rng(seed).permutation(12) / 20
    observer = TrialObserver(Notes(), tmp_path, lambda: keep_best(study, tmp_path, KEEP))
    for number, score in enumerate(scores):
        add_complete(study, tmp_path, float(score))
        observer.ended(number, TrialState.COMPLETE, float(score), "")
        assert len(kept(tmp_path)) <= KEEP + 1
    best = {int(number) for number in np.argsort(scores)[-KEEP:]}
    assert set(kept(tmp_path)) == {0, *best}


def test_the_winner_is_a_trial_whose_checkpoint_was_kept(tmp_path: Path) -> None:
    study = optuna.create_study(storage=InMemoryStorage(), direction="maximize")
    for score in (0.1, 0.2, 0.5, 0.4, 0.3):
        add_complete(study, tmp_path, score)
    # by the model of all scores trial 1 is worth most, but it is not among the highest last scores
    worth = dict(enumerate([0.1, 0.9, 0.5, 0.6, 0.3]))
    judgement = Judgement(worth={number: Estimate(value) for number, value in worth.items()})
    assert getattr(best_complete(judgement, study), "number", None) == 1
    keep_best(study, tmp_path, 2)
    assert kept(tmp_path) == [0, 2, 3]
    assert getattr(best_complete(judgement, study), "number", None) == 3


def test_the_disk_is_told_beforehand_and_warned_of(tmp_path: Path) -> None:
    line = disk_line(tmp_path, 1e6, concurrent=2, keep=5)
    assert line.startswith("disk: a checkpoint takes about 1 MB; ")
    assert "all take 13 MB at most" in line
    line = disk_line(tmp_path, 1e6, concurrent=2, keep=5, prefixes=8)
    assert "and of 8 shared prefixes, all take 21 MB at most" in line
    assert disk_line(tmp_path, 1e15, concurrent=2, keep=5).startswith("warning: disk: ")
