"""Faults that say nothing of a configuration, in a real search: what they end, and what not."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from optuna.trial import TrialState

from platform.results.tables import read_trials
from tests.integration.search_command import Search

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.cluster,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc"),
]

TRIAL_PROCESS = "ray::ImplicitFunc"  # of Tune, with our function in it


def truncate_first_image(dataset: Path) -> None:
    """Cut the first picture of the training split in half."""
    shard = min(dataset.glob("train-*.parquet"))
    table = pq.read_table(shard)
    images = table.column("image").to_pylist()
    images[0] = images[0][: len(images[0]) // 2]
    place = table.column_names.index("image")
    field = table.schema.field("image")
    pq.write_table(table.set_column(place, field, pa.array(images, field.type)), shard)


def test_no_fault_is_a_verdict_and_the_same_command_goes_on_after_the_repair(
    scenes: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    shutil.copytree(scenes, data)
    truncate_first_image(data)
    search = Search(data=data, directory=tmp_path / "reports", arguments=("--trials", "1"))

    # scored at its end only: a score in between would give the trial its retries back
    corrupt = search.run("--set=scoring.scores=1")
    assert corrupt.wait() == 1, corrupt.output + corrupt.errors
    (row,) = read_trials(search.results)
    assert (row.state, row.retries) == ("unfinished", 2)
    assert "the image cannot be read" in row.reason
    says = "error: trials break again and again, whatever their parameters: "
    assert corrupt.errors == f"{says}{row.reason}\n"
    assert "Traceback" not in corrupt.output
    assert "(retry 2 of 2)" in corrupt.output
    assert "after the repair the same command goes on" in corrupt.output
    assert search.trials()[0].state is TrialState.RUNNING

    shutil.rmtree(data)
    shutil.copytree(scenes, data)
    refused = search.run("--set=scoring.scores=1")  # the images are others than those it began with
    assert refused.wait() == 2
    assert "content of the dataset" in refused.errors
    killed = search.start("--set=scoring.scores=1", "--force")
    (process,) = search.find(TRIAL_PROCESS, killed)
    os.kill(process, signal.SIGKILL)
    assert killed.wait() == 0, killed.output + killed.errors
    assert killed.errors == ""
    assert f"its process {process} was killed, or crashed; " in killed.output
    assert "(retry 1 of 2)" in killed.output
    assert search.trials()[0].state is TrialState.COMPLETE
    (row,) = read_trials(search.results)
    assert (row.state, row.retries, row.reason) == ("complete", 3, "")
