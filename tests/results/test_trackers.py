"""Trackers, each with its real library where it is installed, read back from what it wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from platform.results.events import Event, SearchEnded, TrialEnded
from platform.results.tensorboard import TensorBoardSink
from platform.results.tracker_packages import check_trackers
from platform.results.trackers import TrackerSink, make_trackers
from tests.results.streams import progressed, scored, search_started, trial_started

EVENTS: list[Event] = [
    search_started(),
    trial_started(0),
    trial_started(1),
    progressed(0, 120, loss=0.75),
    scored(0, 300, 0.25),
    scored(0, 600, 0.5),
    TrialEnded(number=0, state="complete", score=0.5),
    scored(1, 300, 0.125),
    TrialEnded(number=1, state="pruned", score=0.125),
    trial_started(2),
    SearchEnded(interrupted=True),
]


def track(name: str, directory: Path, events: list[Event]) -> None:
    (sink,) = make_trackers([name], directory)
    assert isinstance(sink, TrackerSink)
    for event in events:
        sink.handle(event)


def test_tensorboard_is_the_default_and_no_tracker_is_there_twice(tmp_path: Path) -> None:
    (default,) = make_trackers([], tmp_path)
    assert isinstance(default, TensorBoardSink)
    assert len(make_trackers(["tensorboard", "tensorboard"], tmp_path)) == 1


def test_a_tracker_whose_package_is_missing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.results.tracker_packages.find_spec", lambda name: None)
    check_trackers(["tensorboard"])
    with pytest.raises(ValueError, match=r"--tracker mlflow needs .*pip install mlflow-skinny"):
        check_trackers(["mlflow"])


def test_mlflow_has_each_trial_as_a_run(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    track("mlflow", tmp_path, EVENTS)
    again = [search_started(resumed=3), trial_started(2, iteration=300), scored(2, 600, 0.375)]
    track("mlflow", tmp_path, [*again, TrialEnded(number=2, state="failed", score=None)])
    client = mlflow.MlflowClient(f"file:{tmp_path / 'mlflow'}")
    experiment = client.get_experiment_by_name("partscenes")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    states = {name: (run.data.tags["state"], run.info.status) for name, run in runs.items()}
    assert states == {
        "trial-0000": ("complete", "FINISHED"),
        "trial-0001": ("pruned", "KILLED"),
        "trial-0002": ("failed", "FAILED"),
    }
    assert runs["trial-0000"].data.params == {"thresholds.low": "0.25", "weights.ptc": "0.2"}
    history = client.get_metric_history(runs["trial-0000"].info.run_id, "cam/miou")
    assert [(one.step, one.value) for one in history] == [(300, 0.25), (600, 0.5)]
    assert runs["trial-0000"].data.metrics["loss/cls"] == 0.75


def test_wandb_writes_each_trial_without_network(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    track("wandb", tmp_path, EVENTS)
    files = sorted(path.name for path in (tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))
    assert files == [f"run-partscenes-trial-000{number}.wandb" for number in range(3)]
    (whole,) = (tmp_path / "wandb").glob("offline-run-*/run-partscenes-trial-0000.wandb")
    content = whole.read_bytes()
    assert b"cam/miou" in content
    assert b"thresholds.low" in content
