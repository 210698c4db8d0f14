from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import create_trial
from pyarrow import parquet
from rich.console import Console

from platform.results.curves import CURVES_FILE, CURVES_SCHEMA, curves_table
from platform.results.objectives import OBJECTIVES, find_objective
from platform.search.best_files import winner_of
from platform.search.report_file import read_report
from platform.search.setup import SearchSetup
from platform.search.space.checks import check_space
from platform.search.space.spaces import parse_space
from platform.search.winner import find_winner, is_reported, report_winner, restore_best
from platform.search.worth import record_pick
from platform.train.run_checkpoints import checkpoint_path, list_checkpoints
from platform.workers.executor import Finished, Progress
from platform.workers.requests import ScoreRequest
from platform.workers.results import EvaluationResult
from tests.toco_core.small_run import small_recipe
from toco_core.checkpoint import load_checkpoint
from toco_core.data.reader import open_dataset
from toco_core.scoring.cam_score import Score
from toco_core.scoring.thresholds import ThresholdCurve
from toco_core.settings.overrides import load_recipe
from toco_core.trainer import Trainer

SPACE = "parameters: {weights.ptc: {type: float, low: 0.0, high: 1.0}}"
SMALL = check_space(parse_space(SPACE, "made_up"), small_recipe(), depth=10)
QUIET = Console(quiet=True)
LOW, HIGH = 0.2, 0.6  # thresholds; the made-up mIoU on `report` is the threshold itself


@dataclass
class Evaluation:
    """Answers requests with a score that was made up, and counts them."""

    requests: list[ScoreRequest] = field(default_factory=list)

    def submit(self, request: Any, progress: Progress | None = None) -> Finished[Any]:
        self.requests.append(request)
        thresholds = np.linspace(0, 1, 11)
        right, truth = np.tile(np.arange(11), (2, 1)).T, np.array([10, 10])
        curve = ThresholdCurve(thresholds, thresholds, right, right, truth)
        score = Score(
            images=5,
            masks_opened=5,
            final=curve,
            auxiliary=curve,
            f1=0.5,
            token_similarity=(0.1,),
            agreement=0.6,
        )
        return Finished(EvaluationResult(score=score, pictures=[], seconds=1.0))


def study_of(*ends: float | str) -> optuna.Study:
    """Return a study of trials that reached a score, or ended otherwise."""
    study = optuna.create_study(storage=InMemoryStorage(), direction="maximize")
    for end in ends:
        values: dict[str, Any] = {"state": optuna.trial.TrialState.COMPLETE, "value": end}
        if isinstance(end, str):
            values = {"state": optuna.trial.TrialState[end]}
        distribution = optuna.distributions.FloatDistribution(0.0, 1.0)
        params = {"weights.ptc": 0.5}
        study.add_trial(
            create_trial(params=params, distributions={"weights.ptc": distribution}, **values)
        )
    return study


@pytest.fixture(scope="module")
def checkpoint(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint") / "one.pt"
    Trainer(small_recipe(), open_dataset(scenes)).save(path)
    return path


@pytest.fixture
def setup(scenes: Path, checkpoint: Path, tmp_path: Path) -> SearchSetup:
    """A search whose trials 0 to 3 have a checkpoint and a score."""
    setup = SearchSetup(
        name="made-up",
        directory=tmp_path,
        space=SMALL,
        dataset=str(scenes),
        info=open_dataset(scenes).info,
    )
    for number in range(4):
        path = checkpoint_path(setup.directory / "trials" / f"trial-{number:04d}", 8)
        path.parent.mkdir(parents=True)
        path.hardlink_to(checkpoint)
    empty = {
        name: [] if "list" in str(CURVES_SCHEMA.field(name).type) else 0
        for name in CURVES_SCHEMA.names
    }
    rows = [
        empty | {"number": number, "iteration": iteration, "bkg": bkg, "aux_bkg": HIGH}
        for number in range(4)
        for iteration, bkg in ((4, HIGH), (8, LOW))
    ]
    parquet.write_table(curves_table(rows), tmp_path / CURVES_FILE)
    return setup


def checkpoints_of(setup: SearchSetup) -> list[int]:
    directories = sorted((setup.directory / "trials").iterdir())
    return [number for number, path in enumerate(directories) if list_checkpoints(path)]


@pytest.mark.parametrize(
    ("ends", "winner"),
    [
        ((0.2, 0.4, 0.3), 1),
        ((0.2, "PRUNED", "FAIL"), 0),
        (("FAIL", 0.1), 1),
        ((0.3, 0.3), 0),  # what is published stands until something is better
        ((0.0,), 0),
    ],
)
def test_the_winner_is_the_best_trial_that_reached_its_end(
    ends: tuple[float | str, ...], winner: int
) -> None:
    found = find_winner(study_of(*ends), SMALL)
    assert found
    assert found.number == winner


def test_without_a_complete_trial_there_is_nothing_to_report(setup: SearchSetup) -> None:
    study, evaluation = study_of("FAIL", "PRUNED"), Evaluation()
    assert find_winner(study, SMALL) is None
    assert is_reported(setup, study)
    report_winner(setup, study, evaluation, QUIET)
    assert evaluation.requests == []


def test_winner_and_published_configuration_are_scored_once_on_report(setup: SearchSetup) -> None:
    study, evaluation = study_of(0.2, 0.4, 0.3), Evaluation()
    assert not is_reported(setup, study)
    report_winner(setup, study, evaluation, QUIET)
    report_winner(setup, study, evaluation, QUIET)
    assert is_reported(setup, study)
    assert [request.split for request in evaluation.requests] == ["report", "report"]
    assert sorted(read_report(setup.directory)) == [0, 1]


def test_the_threshold_on_report_is_the_one_that_the_last_score_on_tune_chose(
    setup: SearchSetup,
) -> None:
    report_winner(setup, study_of(0.2, 0.4), Evaluation(), QUIET)
    winner = read_report(setup.directory)[1]
    assert (winner.bkg, winner.miou) == (LOW, pytest.approx(LOW))
    assert (winner.aux_bkg, winner.aux_miou) == (HIGH, pytest.approx(HIGH))


def test_a_better_trial_of_a_later_session_is_scored_beside_the_earlier_winner(
    setup: SearchSetup,
) -> None:
    evaluation = Evaluation()
    report_winner(setup, study_of(0.2, 0.4), evaluation, QUIET)
    report_winner(setup, study_of(0.2, 0.4, 0.5), evaluation, QUIET)
    assert len(evaluation.requests) == 3
    rows = json.loads((setup.directory / "report.json").read_text())
    assert [row["number"] for row in rows] == [0, 1, 2]


def test_the_winner_is_kept_with_its_threshold(setup: SearchSetup) -> None:
    report_winner(setup, study_of(0.2, 0.4), Evaluation(), QUIET)
    recipe = load_recipe(str(setup.directory / "best.yaml"))
    assert (recipe.weights.ptc, recipe.thresholds.bkg) == (0.5, LOW)
    assert recipe.seed == small_recipe().seed + 1  # a repeat of trial 0
    assert load_checkpoint(setup.directory / "best.pt").recipe == recipe


def test_a_search_without_masks_opens_none_for_its_report(setup: SearchSetup) -> None:
    blind = replace(setup, objective=OBJECTIVES["unsupervised"])
    evaluation = Evaluation()
    report_winner(blind, study_of(0.2, 0.4), evaluation, QUIET)
    assert [request.masks for request in evaluation.requests] == [False, False]
    winner = read_report(setup.directory)[1]
    assert winner.objective == pytest.approx((0.5 + 0.6 + 0.9) / 3)
    assert winner.bkg == small_recipe().thresholds.bkg  # none was chosen by masks
    assert winner.card is not None
    assert winner.card.measured == blind.objective.words
    assert winner.card.threshold is None
    assert winner.card.ignored == "nothing: no mask was opened"
    title = (setup.directory / "best.yaml").read_text().splitlines()[0]
    assert title == "# Trial 1 of made-up: unsupervised 40.0 on tune"


@pytest.mark.parametrize(("name", "value"), [("cam_miou", LOW), ("aux_miou", HIGH), ("f1", 0.5)])
def test_the_report_has_what_the_search_maximised(
    setup: SearchSetup, name: str, value: float
) -> None:
    chosen = replace(setup, objective=OBJECTIVES[name])
    report_winner(chosen, study_of(0.2, 0.4), Evaluation(), QUIET)
    assert read_report(setup.directory)[1].objective == pytest.approx(value)


def test_checkpoints_that_can_no_longer_win_are_deleted(setup: SearchSetup) -> None:
    report_winner(setup, study_of(0.2, 0.4, 0.3, 0.1), Evaluation(), QUIET)
    assert checkpoints_of(setup) == [0, 1]


def test_what_breaks_off_in_the_middle_is_done_again(setup: SearchSetup) -> None:
    class BreakOff(Evaluation):
        def submit(self, request: Any, progress: Progress | None = None) -> Finished[Any]:
            raise KeyboardInterrupt

    study = study_of(0.2, 0.4, 0.3)
    with pytest.raises(KeyboardInterrupt):
        report_winner(setup, study, BreakOff(), QUIET)
    assert not is_reported(setup, study)
    assert checkpoints_of(setup) == [0, 1, 2, 3]
    report_winner(setup, study, Evaluation(), QUIET)
    assert is_reported(setup, study)


def test_a_winner_whose_checkpoint_is_gone_is_named(setup: SearchSetup) -> None:
    for path in list_checkpoints(setup.directory / "trials" / "trial-0001"):
        path.unlink()
    with pytest.raises(ValueError, match="the checkpoint of trial 1 is gone"):
        report_winner(setup, study_of(0.2, 0.4), Evaluation(), QUIET)


def study_of_two(*ends: tuple[float, float]) -> optuna.Study:
    """Return a study of two objectives, of complete trials."""
    study = optuna.create_study(storage=InMemoryStorage(), directions=["maximize", "maximize"])
    distribution = optuna.distributions.FloatDistribution(0.0, 1.0)
    for end in ends:
        study.add_trial(
            create_trial(
                params={"weights.ptc": 0.5},
                distributions={"weights.ptc": distribution},
                values=end,
            )
        )
    return study


def test_of_two_objectives_the_front_is_kept_and_another_of_it_can_be_picked(
    setup: SearchSetup,
) -> None:
    both = replace(setup, objective=find_objective("cam_miou,f1"))
    study = study_of_two((0.2, 0.3), (0.4, 0.1), (0.1, 0.5), (0.05, 0.2))
    report_winner(both, study, Evaluation(), QUIET)
    assert checkpoints_of(setup) == [0, 1, 2]  # all but the one that others are better than
    assert best_title(setup) == "# Trial 1 of made-up: CAM mIoU 40.0, F1 10.0 on tune"
    report = read_report(setup.directory)
    assert list(report) == [0, 1]  # nobody chooses by `report`
    assert (report[1].objective, report[1].others) == (pytest.approx(LOW), [0.5])
    record_pick(study, 2)
    assert not is_reported(both, study)
    assert winner_of(setup.directory) == 1  # until it is written
    report_winner(both, study, Evaluation(), QUIET)
    assert winner_of(setup.directory) == 2
    assert best_title(setup) == "# Trial 2 of made-up: CAM mIoU 10.0, F1 50.0 on tune"
    assert checkpoints_of(setup) == [0, 1, 2]
    record_pick(study, 1)  # whose score on `report` is known
    assert is_reported(both, study)
    assert restore_best(both, study) == []
    (line,) = restore_best(both, study, anew=True)
    assert line.endswith("are made anew from trial 1")
    assert best_title(setup) == "# Trial 1 of made-up: CAM mIoU 40.0, F1 10.0 on tune"
    assert winner_of(setup.directory) == 1


def best_title(setup: SearchSetup) -> str:
    return (setup.directory / "best.yaml").read_text().splitlines()[0]
