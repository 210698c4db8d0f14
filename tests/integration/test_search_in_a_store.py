"""`--reports s3://...`: a search that is gone on with on other machines, which share no files."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from platform.search.status import print_status
from platform.search.study import default_storage, open_storage
from tests.integration.search_command import NAME, TWO_TRIALS, Search
from tests.integration.test_search_command import ARGUMENTS, outcome
from tests.object_store import Cable, object_store, variables
from toco_core.remote_path import RemotePath

pytest.importorskip("moto", reason="moto is not installed: the extra object-store")
pytestmark = [pytest.mark.ray, pytest.mark.cluster]

OUTAGE = 30.0  # s
REPORTS = "s3://bucket/reports"


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with object_store(tmp_path / "moto.log") as endpoint:
        for name, value in variables(endpoint).items():
            monkeypatch.setenv(name, value)
        yield endpoint


def trials(directory: Path) -> list[FrozenTrial]:
    """Return the trials of the record in the store, which is copied into a directory."""
    (RemotePath(REPORTS) / NAME / "study.journal").download(directory / "study.journal")
    storage = open_storage(default_storage(directory))
    return optuna.load_study(study_name=NAME, storage=storage).trials


def test_three_machines_that_share_no_files_end_with_the_trials_of_one(
    scenes: Path,
    endpoint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    undisturbed = Search(data=scenes, directory=tmp_path / "local", arguments=ARGUMENTS)
    assert undisturbed.run().wait() == 0
    search = Search(data=scenes, directory=tmp_path / "out", arguments=ARGUMENTS, reports=REPORTS)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "first"))
    first = search.start()
    first.wait_for("trial 0  4/10")
    first.press_ctrl_c()
    assert first.wait() == 130, first.output + first.errors
    assert f"--name {NAME} --reports {REPORTS}" in " ".join(first.output.split())

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "second"))
    second = search.start()
    second.wait_for("trial 2  4/10")
    second.kill()
    assert "trial 0  resumed at" in second.output
    while search.processes():
        time.sleep(0.2)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "third"))
    last = search.run()
    assert last.wait() == 0, last.output + last.errors
    ended = trials(tmp_path)
    assert [outcome(t) for t in ended] == [outcome(t) for t in undisturbed.trials()]

    kept = RemotePath(REPORTS) / NAME
    mine = {path.name for path in undisturbed.results.iterdir() if not path.name.startswith(".")}
    assert {name.partition("/")[0] for name in kept.files()} - {".session.json"} == mine
    assert (kept / "best.yaml").read_bytes() == (undisturbed.results / "best.yaml").read_bytes()
    of_trials = [name for name in (kept / "trials").files() if name.endswith(".pt")]
    in_directory = sorted((undisturbed.results / "trials").glob("*/*.pt"))
    assert {name.partition("/")[0] for name in of_trials} == {
        path.parent.name for path in in_directory
    }

    assert print_status(NAME, RemotePath(REPORTS), as_json=True) == 0
    status = json.loads(capsys.readouterr().out)
    complete = sum(trial.state is TrialState.COMPLETE for trial in ended)
    assert (status["condition"], status["trials"]["complete"]) == ("over", complete)


def test_an_outage_of_half_a_minute_costs_time_and_no_number(
    undisturbed: Search, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cable = Cable(endpoint)
    for name, value in variables(cable.endpoint).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    search = Search(
        data=undisturbed.data, directory=tmp_path / "out", arguments=TWO_TRIALS, reports=REPORTS
    )
    session = search.start()
    session.wait_for("trial 0  8/20")
    cable.pull_out()
    time.sleep(OUTAGE)
    cable.plug_in()
    assert session.wait() == 0, session.output + session.errors
    print(session.output)
    assert "broken" not in session.output
    found = [outcome(trial) for trial in trials(tmp_path)]
    assert found == [outcome(trial) for trial in undisturbed.trials()]
