"""A search that opens no mask, from its options to its summary."""

from __future__ import annotations

from pathlib import Path

import pytest

from platform.results.curves import read_curves
from platform.results.tables import read_trials
from tests.integration.search_command import Search

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.cluster]


ARGUMENTS = ("--concurrent", "2", "--objective", "unsupervised", "--space", "thresholds")
ARGUMENTS += ("--pruner", "none")


@pytest.fixture(scope="module")
def blind(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Search:
    """A search of three trials that opened no mask."""
    directory = tmp_path_factory.mktemp("blind")
    search = Search(data=scenes, directory=directory, arguments=(*ARGUMENTS, "--trials", "3"))
    session = search.run()
    assert session.wait() == 0, session.output + session.errors
    return search


def test_an_unsupervised_search_opens_no_mask(blind: Search) -> None:
    assert sum(row.totals["mask_reads"] for row in read_trials(blind.results)) == 0
    told = {trial.number: trial.value for trial in blind.trials()}
    last = {row["number"]: row["unsupervised"] for row in read_curves(blind.results)}
    assert told == last
    summary = (blind.results / "summary.md").read_text()
    assert "No mask was opened." in summary
    assert "mIoU" not in summary
    assert "Masks opened" not in summary


def test_a_search_learns_from_an_earlier_one(blind: Search, scenes: Path, tmp_path: Path) -> None:
    learning = ("--learn-from", str(blind.results), "--trials", "4")
    search = Search(data=scenes, directory=tmp_path, arguments=(*ARGUMENTS, *learning))
    session = search.run()
    assert session.wait() == 0, session.output + session.errors
    assert "learning from" in session.output
    assert ", 3 trials: thresholds.low, thresholds.high" in session.output
    tried = [trial.params for trial in search.trials()]
    best = max(blind.trials(), key=lambda trial: trial.value or 0.0).params
    assert best in tried  # among the first, if it is not a known one
