"""A search that opens no mask, from its options to its summary."""

from __future__ import annotations

from pathlib import Path

import pytest

from platform.results.curves import read_curves
from platform.results.tables import read_trials
from tests.integration.search_command import Search

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def test_an_unsupervised_search_opens_no_mask(scenes: Path, tmp_path: Path) -> None:
    arguments = (
        "--trials 2 --concurrent 2 --objective unsupervised --space thresholds --pruner none"
    )
    search = Search(data=scenes, directory=tmp_path, arguments=tuple(arguments.split()))
    session = search.run()
    assert session.wait() == 0, session.output + session.errors
    assert sum(row.totals["mask_reads"] for row in read_trials(search.results)) == 0
    told = {trial.number: trial.value for trial in search.trials()}
    last = {row["number"]: row["unsupervised"] for row in read_curves(search.results)}
    assert told == last
    summary = (search.results / "summary.md").read_text()
    assert "No mask was opened." in summary
    assert "mIoU" not in summary
    assert "Masks opened" not in summary
