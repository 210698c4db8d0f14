from __future__ import annotations

import io
from pathlib import Path

import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import create_trial
from rich.console import Console

from platform.command_line import write_recipe
from platform.results.tables import write_trials
from platform.search.checks import check_options
from platform.search.confirmation.command import Confirmation, confirm
from platform.search.confirmation.runs import open_runs, setup_runs
from platform.search.live_trials import LiveTrials
from platform.search.opened import OpenedSearch, open_search, write_space
from platform.search.options import SearchOptions
from platform.search.reopen import open_search as begin_search
from platform.search.report_file import ReportScore, write_report
from platform.search.setup import SearchSetup, check_dataset
from platform.search.space.checks import check_space
from platform.search.space.spaces import parse_space
from tests.toco_core.small_run import small_recipe
from toco_core.data.reader import open_dataset

SPACE = "parameters: {weights.ptc: {type: float, low: 0.0, high: 1.0}}"
SMALL = check_space(parse_space(SPACE, "made_up"), small_recipe(), depth=10)


@pytest.fixture
def search(scenes: Path, tmp_path: Path) -> OpenedSearch:
    """A search of the recipe and one other configuration."""
    info = open_dataset(scenes).info
    setup = SearchSetup(
        name="made-up", directory=tmp_path, space=SMALL, dataset=str(scenes), info=info
    )
    study = optuna.create_study(storage=InMemoryStorage(), direction="maximize")
    for ptc, score in ((0.2, 0.5), (0.7, 0.6)):
        params = {"weights.ptc": ptc}
        study.add_trial(create_trial(params=params, distributions=SMALL.distributions, value=score))
    return OpenedSearch(setup=setup, study=study)


def said(search: OpenedSearch, asked: Confirmation) -> tuple[int, str]:
    """Confirm; return the exit status and what was printed."""
    screen = io.StringIO()
    status = confirm(search, asked, Console(file=screen, width=200))
    return status, screen.getvalue()


def test_a_search_that_has_spent_its_hours_is_confirmed_later(search: OpenedSearch) -> None:
    status, text = said(search, Confirmation(top=1, seeds=2, hours=-0.1))
    assert status == 0
    assert "the search has spent all its hours: python -m platform.confirm" in text
    assert "starting Ray" not in text


def test_fewer_configurations_than_wanted_are_named(search: OpenedSearch) -> None:
    _, text = said(search, Confirmation(top=3, seeds=2, hours=0))
    assert "--top 3: the search has 1 beside the recipe" in text


def test_a_confirmation_that_is_over_is_shown_without_ray(search: OpenedSearch) -> None:
    asked = Confirmation(top=1, seeds=2, hours=0)
    said(search, asked)
    runs = setup_runs(search.setup, asked.name)
    live = LiveTrials(open_runs(runs), runs.space, budget=4, iterations=SMALL.recipe.iterations)
    report: dict[int, ReportScore] = {}
    while one := live.next():
        live.record(one.number, 0.5, SMALL.recipe.iterations)
        live.finish(one.number)
        miou = 0.5 + 0.1 * (one.params["weights.ptc"] == 0.7) + 0.01 * one.repeat
        report[one.number] = ReportScore(
            number=one.number, bkg=0.4, aux_bkg=0.4, miou=miou, aux_miou=0.5, masks_opened=16
        )
    write_report(runs.directory, report)
    status, text = said(search, asked)
    assert status == 0
    assert "starting Ray" not in text
    assert "Trial 1 is better than the recipe: +10.0 ±0.0 points" in text
    assert (runs.directory / "confirm.json").is_file()


@pytest.mark.parametrize("objective", ["f1", "cam_miou,f1"])
def test_who_opens_a_search_knows_all_that_it_was_begun_with(
    objective: str, scenes: Path, tmp_path: Path
) -> None:
    options = SearchOptions(data=str(scenes), reports=tmp_path, objective=objective, name="a")
    setup = check_dataset(*check_options(options), options)
    setup.directory.mkdir()
    begin_search(setup, options, print)
    write_recipe(setup.directory, setup.name, setup.space.recipe, "search")
    write_space(setup)
    write_trials(setup.directory, [])
    opened = open_search(setup.directory)
    found = opened.setup
    assert found.objective.name == objective
    assert found.fingerprint() == setup.fingerprint()
    assert len(opened.study.directions) == len(found.objective.parts)
    if found.objective.others:
        with pytest.raises(ValueError, match="a maximised cam_miou,f1: a confirmation compares by"):
            said(opened, Confirmation(top=1, seeds=2))


def test_what_is_no_search_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no search: name its directory"):
        open_search(tmp_path)
    (tmp_path / "recipe.yaml").write_text("")
    (tmp_path / "trials.parquet").write_bytes(b"")
    with pytest.raises(ValueError, match=r"has no space.yaml: it is a run of platform.train"):
        open_search(tmp_path)
