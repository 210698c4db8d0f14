"""The command `python -m platform.confirm` on a search that is over, but was never trained."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from platform.command_line import write_recipe
from platform.results.parquet_files import write_table
from platform.results.trial_columns import rows_to_table
from platform.search.live_trials import LiveTrials
from platform.search.opened import write_space
from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.setup import SearchSetup
from platform.search.space.checks import check_space
from platform.search.space.spaces import parse_space
from platform.search.study import default_storage, open_storage, open_study
from platform.search.winner import read_report
from platform.train.run_checkpoints import list_checkpoints
from tests.integration.search_command import Session
from tests.toco_core.small_run import small_recipe
from toco_core.data.reader import open_dataset

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.cluster]

SPACE = "parameters: {weights.ptc: {type: float, low: 0.0, high: 1.0}}"
FRESH = [10_000, 10_001]


@pytest.fixture(scope="module")
def search(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a search of three trials leaves, of which the last has the highest score."""
    recipe = small_recipe(data__source=str(scenes), iterations=4, scoring__scores=2)
    space = check_space(parse_space(SPACE, "made_up"), recipe, depth=10)
    directory = tmp_path_factory.mktemp("reports") / "made-up"
    directory.mkdir()
    info = open_dataset(scenes).info
    setup = SearchSetup(
        name="made-up", directory=directory, space=space, dataset=str(scenes), info=info
    )
    study = open_study(
        open_storage(default_storage(directory)),
        setup.name,
        space,
        sampler=make_sampler("random", space, 0),
        pruner=make_pruner("none", recipe.iterations),
        extra=setup.fingerprint(),
    )
    live = LiveTrials(study, space, budget=3, iterations=recipe.iterations)
    for score in (0.5, 0.4, 0.6):
        assignment = live.next()
        assert assignment
        live.record(assignment.number, score, recipe.iterations)
        live.finish(assignment.number)
    write_recipe(directory, setup.name, recipe, "search")
    write_space(setup)
    write_table(rows_to_table([]), directory / "trials.parquet")
    return directory


def confirm(search: Path, *more: str) -> Session:
    """Run the command to its end."""
    command = [sys.executable, "-m", "platform.confirm", str(search), "--top", "1", "--seeds", "2"]
    session = Session([*command, *more], search.parent, str(uuid.uuid4()))
    session.wait()
    return session


def test_a_confirmation_goes_on_where_it_stopped_and_ends_with_a_verdict(search: Path) -> None:
    stopped = confirm(search, "--hours", "1e-6")
    assert stopped.wait() == 0, stopped.output + stopped.errors
    assert "no number of report was looked at, and the same command" in stopped.output
    assert read_report(search / "confirm") == {}

    whole = confirm(search)
    assert whole.wait() == 0, whole.output + whole.errors
    assert "confirming recipe, trial 2 of" in whole.output
    content = json.loads((search / "confirm/confirm.json").read_text())
    assert content["seeds"] == FRESH
    assert [one["name"] for one in content["configurations"]] == ["recipe", "trial 2"]
    assert content["findings"][0] in whole.output
    assert content["card"]["split"] == "report"
    assert "seed" not in content["card"]  # in which the runs differ

    report = read_report(search / "confirm")
    rows = pq.read_table(search / "confirm/confirm.parquet").to_pylist()
    assert [row["report"] for row in rows] == [report[row["number"]].miou for row in rows]
    cards = [report[row["number"]].card for row in rows]
    assert [card.seed for card in cards if card] == [row["seed"] for row in rows] == FRESH * 2
    trials = (search / "confirm/trials").iterdir()
    assert [path for trial in trials for path in list_checkpoints(trial)] == []

    again = confirm(search)
    assert again.wait() == 0
    assert "starting Ray" not in again.output
    assert content["findings"][0] in again.output
    assert read_report(search / "confirm") == report
