from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import optuna
import pyarrow.parquet as pq
import pytest
from optuna.trial import TrialState
from rich.console import Console

from platform.results.objectives import OBJECTIVES
from platform.search.confirmation.chosen import Configuration
from platform.search.confirmation.confirmed import CONFIRM_FILE, RUNS_FILE, read_confirmation
from platform.search.confirmation.outcome import Outcome, is_scored, read_outcome
from platform.search.confirmation.runs import add_runs, open_runs, setup_runs
from platform.search.confirmation.tables import finish, score_table
from platform.search.confirmation.words import sentences
from platform.search.live_trials import LiveTrials
from platform.search.report_file import ReportScore, read_report, write_report
from platform.search.setup import SearchSetup
from tests.search.worlds import ITERATIONS, small_space
from toco_core.data.reader import open_dataset

SPACE = small_space()
RECIPE = SPACE.starting_points()[0]
OTHERS = [
    Configuration(trial=number, params={**RECIPE, "weights.ptc": ptc})
    for number, ptc in ((4, 0.5), (7, 0.7))
]
# Scores on `report` of the recipe, a better one, and one of whom nothing can be said; by seed.
SCORES = [[0.60, 0.61, 0.59, 0.60], [0.65, 0.66, 0.65, 0.64], [0.60, 0.64, 0.58, 0.62]]


class Runs:
    """The runs of a confirmation that were made up."""

    def __init__(self, setup: SearchSetup, scores: Sequence[Sequence[float | None]]) -> None:
        self.setup = setup_runs(setup, "confirm")
        self.setup.directory.mkdir()
        self.study: optuna.Study = open_runs(self.setup)
        self.chosen = add_runs(self.study, self.setup, OTHERS, len(scores[0]))
        report: dict[int, ReportScore] = {}
        count = sum(map(len, scores))
        live = LiveTrials(self.study, self.setup.space, budget=count, iterations=ITERATIONS)
        while assignment := live.next():
            which = [one.params for one in self.chosen].index(assignment.params)
            score = scores[which][assignment.repeat]
            if score is None:
                live.fail(assignment.number, "NonFiniteLossError: ptc")
                continue
            live.record(assignment.number, score + 0.01, ITERATIONS)
            live.finish(assignment.number)
            report[assignment.number] = ReportScore(
                number=assignment.number,
                bkg=0.4,
                aux_bkg=0.5,
                miou=score,
                aux_miou=score - 0.02,
                masks_opened=16,
            )
        write_report(self.setup.directory, report)

    def outcome(self) -> Outcome:
        return read_outcome(self.setup, self.study, self.chosen)


@pytest.fixture
def setup(scenes: Path, tmp_path: Path) -> SearchSetup:
    info = open_dataset(scenes).info
    return SearchSetup(
        name="made-up", directory=tmp_path, space=SPACE, dataset=str(scenes), info=info
    )


def test_one_is_better_and_of_the_other_nothing_can_be_told(setup: SearchSetup) -> None:
    said = sentences(Runs(setup, SCORES).outcome())
    assert said[0].startswith("Trial 4 is better than the recipe: +5.0 ±")
    assert said[1].startswith("Trial 7 cannot be told apart from the recipe: +1.0 ±")
    assert "; 4 seeds tell " in said[1]
    assert "a difference of this size takes" in said[1]
    assert "Holm" in said[-1]


def test_the_verdict_is_on_what_the_search_maximised(setup: SearchSetup) -> None:
    runs = Runs(replace(setup, objective=OBJECTIVES["f1"]), SCORES)
    known = read_report(runs.setup.directory)
    report = {n: replace(one, objective=1 - (one.miou or 0.0)) for n, one in known.items()}
    write_report(runs.setup.directory, report)
    outcome = runs.outcome()
    assert outcome.verdicts["trial 4"].interval.mean == pytest.approx(0.35)
    assert score_table(outcome, "F1").title == "F1 on report in %, 4 seeds each"
    finish(runs.setup, outcome, Console(quiet=True))
    assert json.loads((runs.setup.directory / CONFIRM_FILE).read_text())["objective"] == "f1"
    row = pq.read_table(runs.setup.directory / RUNS_FILE).to_pylist()[0]
    assert (row["report"], row["report_miou"]) == (pytest.approx(0.40), pytest.approx(0.60))


def test_runs_that_failed_leave_the_seeds_that_all_have(setup: SearchSetup) -> None:
    scores: list[list[float | None]] = [list(row) for row in SCORES]
    scores[1][2] = None
    outcome = Runs(setup, scores).outcome()
    assert outcome.seeds == [10_000, 10_001, 10_003]
    failed = "Trial 4 with seed 10002 does not count: NonFiniteLossError: ptc."
    assert failed in sentences(outcome)


def test_one_that_always_failed_has_no_verdict_and_the_others_have(setup: SearchSetup) -> None:
    outcome = Runs(setup, [SCORES[0], [None] * 4, SCORES[2]]).outcome()
    assert [*outcome.verdicts] == ["recipe", "trial 7"]
    assert "Trial 4 has no run that reached its end." in sentences(outcome)


def test_without_the_recipe_nothing_is_told(setup: SearchSetup) -> None:
    runs = Runs(setup, [[None] * 4, SCORES[1], SCORES[2]])
    with Console(quiet=True) as console:
        assert finish(runs.setup, runs.outcome(), console) == 1
    assert "There is no seed on which the recipe" in sentences(runs.outcome())[0]


def test_the_files_hold_what_is_said(setup: SearchSetup) -> None:
    runs = Runs(setup, SCORES)
    assert is_scored(runs.setup, runs.study)
    assert finish(runs.setup, runs.outcome(), Console(quiet=True)) == 0
    content = json.loads((runs.setup.directory / CONFIRM_FILE).read_text())
    verdicts = [one.get("against_recipe", {}).get("verdict") for one in content["configurations"]]
    assert verdicts == [None, "better", "not told apart"]
    assert content["findings"] == sentences(runs.outcome())
    assert sum(one["probability_best"] for one in content["configurations"]) == pytest.approx(1)
    assert content["masks_opened"][-1]["masks"] == 12 * 16
    rows = pq.read_table(runs.setup.directory / RUNS_FILE).to_pylist()
    assert [row["report"] for row in rows] == [score for row in SCORES for score in row]
    assert {row["seed"] for row in rows} == {10_000, 10_001, 10_002, 10_003}


def test_a_run_that_is_not_over_is_not_scored(setup: SearchSetup) -> None:
    runs = Runs(setup, SCORES)
    add_runs(runs.study, runs.setup, OTHERS, 5)
    assert not is_scored(runs.setup, runs.study)
    states = [trial.state for trial in runs.study.get_trials(deepcopy=False)]
    assert states.count(TrialState.WAITING) == 3


def test_what_was_written_is_read_again(setup: SearchSetup) -> None:
    assert read_confirmation(setup.directory) is None
    runs = Runs(setup, SCORES)
    finish(runs.setup, runs.outcome(), Console(quiet=True))
    found = read_confirmation(setup.directory)
    assert found
    assert [one.name for one in found.configurations] == ["recipe", "trial 4", "trial 7"]
    assert found.seeds == [10_000, 10_001, 10_002, 10_003]
    recipe, better, other = found.configurations
    assert recipe.against is None
    assert list(recipe.scores.values()) == SCORES[0]
    assert (found.of(4), found.of(5)) == (better, None)
    assert better.against
    assert other.against
    assert (better.against.verdict, other.against.verdict) == ("better", "not told apart")
    assert better.against.mean == pytest.approx(0.05)
    assert better.mean == pytest.approx(0.65)


def test_a_damaged_verdict_is_named(setup: SearchSetup) -> None:
    file = setup.directory / "confirm" / CONFIRM_FILE
    file.parent.mkdir()
    file.write_text('{"objective": "cam_miou"')
    with pytest.raises(ValueError, match=r"confirm\.json is damaged .*platform\.confirm writes it"):
        read_confirmation(setup.directory)
