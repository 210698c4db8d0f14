from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import (
    Status,  # pyright: ignore[reportAttributeAccessIssue]
)

from platform.results import tensorboard
from platform.results.events import EndState, Event, SearchEnded, TrialEnded
from platform.results.parameters import ParameterValue
from platform.results.pictures import overlay
from platform.results.tensorboard import TensorBoardSink
from platform.results.tensorboard_runs import MOST_POINTS, SEARCH_SECONDS
from tests.results.streams import (
    SteppedClock,
    fold_all,
    progressed,
    scored,
    search_started,
    trial_started,
)


def write(directory: Path, *events: Event) -> None:
    sink = TensorBoardSink(directory)
    for event in (search_started(), *events, SearchEnded()):
        sink.handle(event)


def wait_for_next_second() -> None:
    """Let the files of a second session sort behind those of the first, as in earnest."""
    time.sleep(1.0 - time.time() % 1.0)


def run(directory: Path, number: int) -> EventAccumulator:
    accumulator = EventAccumulator(str(directory / f"tensorboard/trial-{number:04d}"))
    return accumulator.Reload()


def scalars(directory: Path, number: int, tag: str) -> list[tuple[int, float]]:
    """Return (step, value) pairs, without what a resumed trial has replaced."""
    return [
        (event.step, round(float(event.tensor_proto.float_val[0]), 6))
        for event in run(directory, number).Tensors(tag)
    ]


def column_names(directory: Path) -> dict[str, bool]:
    """Return the parameters in the table and whether trials differ in them.

    They are looked for in all runs, as TensorBoard does, which takes those of the first.
    """
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(directory / "tensorboard")).Reload()
    found = [
        multiplexer.SummaryMetadata(run, metadata.EXPERIMENT_TAG).plugin_data.content
        for run, tags in multiplexer.Runs().items()
        if metadata.EXPERIMENT_TAG in tags["tensors"]
    ]
    (content,) = found
    experiment = metadata.parse_experiment_plugin_data(content)
    assert next(info.name.tag for info in experiment.metric_infos) == "cam/miou"
    return {info.name: info.differs for info in experiment.hparam_infos}


def table_row(directory: Path, number: int) -> dict[str, float | str]:
    content = run(directory, number).SummaryMetadata(metadata.SESSION_START_INFO_TAG)
    start = metadata.parse_session_start_info_plugin_data(content.plugin_data.content)
    return {
        name: value.string_value if value.HasField("string_value") else value.number_value
        for name, value in start.hparams.items()
    }


def test_a_score_is_one_event_of_the_file(tmp_path: Path) -> None:
    """Each event opens the file anew, which a network file system makes wait for."""

    def events(*more: Event) -> int:
        directory = tmp_path / str(len(more))
        write(directory, trial_started(3), *more)
        files = sorted((directory / "tensorboard/trial-0003").glob("events*"))
        return sum(1 for file in files for _ in EventFileLoader(str(file)).Load())

    assert events(progressed(3, 120, loss=0.75), scored(3, 120, 0.25)) == events() + 2


def test_progress_and_scores_are_scalars_of_the_trials_own_run(tmp_path: Path) -> None:
    write(tmp_path, trial_started(3), progressed(3, 120, loss=0.75), scored(3, 120, 0.25))
    assert scalars(tmp_path, 3, "loss/cls") == [(120, 0.75)]
    assert scalars(tmp_path, 3, "cost/step_seconds") == [(120, 0.1)]
    assert scalars(tmp_path, 3, "cam/miou") == [(120, 0.25)]
    assert scalars(tmp_path, 3, "cam/miou_aux") == [(120, 0.2)]
    assert scalars(tmp_path, 3, "cam/class_f1") == [(120, 0.9)]
    assert scalars(tmp_path, 3, "cam/bkg") == [(120, 0.43)]
    assert scalars(tmp_path, 3, "token_similarity/block_01") == [(120, 0.7)]
    assert scalars(tmp_path, 3, "cost/training_seconds") == [(120, 30.0)]


def test_pictures_are_there_at_each_score(tmp_path: Path) -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    picture = overlay(image, np.ones((1, 8, 8)), None, [(0, 0, 0), (255, 0, 0)])
    write(tmp_path, trial_started(0), scored(0, 120, 0.2, pictures=[picture]))
    (event,) = run(tmp_path, 0).Tensors("images/00")
    assert event.step == 120
    assert event.tensor_proto.string_val[:2] == [b"454", b"224"]  # two panels, width and height


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("complete", "STATUS_SUCCESS"),
        ("pruned", "STATUS_SUCCESS"),
        ("failed", "STATUS_FAILURE"),
    ],
)
def test_every_trial_is_a_row_of_the_table_however_it_ends(
    tmp_path: Path, state: EndState, status: str
) -> None:
    params: dict[str, ParameterValue] = {"weights.ptc": 0.2, "data.flip": True, "a.kind": "cosine"}
    write(tmp_path, trial_started(0, params=params), TrialEnded(number=0, state=state, score=None))
    assert table_row(tmp_path, 0) == {
        "weights.ptc": 0.2,
        "data.flip": "true",
        "a.kind": "cosine",
        "state": state,
    }
    content = run(tmp_path, 0).SummaryMetadata(metadata.SESSION_END_INFO_TAG)
    end = metadata.parse_session_end_info_plugin_data(content.plugin_data.content)
    assert Status.Name(end.status) == status


def test_the_table_has_the_parameters_of_all_trials_and_knows_which_differ(tmp_path: Path) -> None:
    write(
        tmp_path,
        trial_started(0, params={"a.same": 1, "b.other": 1}),
        trial_started(1, params={"a.same": 1, "b.other": 2, "c.conditional": 0.5}),
    )
    assert column_names(tmp_path) == {
        "state": True,
        "a.same": False,
        "b.other": True,
        "c.conditional": True,
    }


def test_a_resumed_search_keeps_the_columns_of_the_trials_before(tmp_path: Path) -> None:
    first = trial_started(0, params={"a.x": 1, "c.conditional": 0.5})
    write(tmp_path, first)
    sink = TensorBoardSink(tmp_path, earlier=fold_all([search_started(), first]).trials)
    for event in (search_started(resumed=1), trial_started(1, params={"a.x": 1}), SearchEnded()):
        sink.handle(event)
    assert column_names(tmp_path) == {"state": True, "a.x": False, "c.conditional": True}


def test_a_resumed_trial_replaces_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    steps = [progressed(0, step, loss=1.0) for step in (60, 120, 180)]
    write(tmp_path, trial_started(0), *steps)
    wait_for_next_second()
    write(
        tmp_path,
        trial_started(0, iteration=120),
        progressed(0, 180, loss=0.5),
        TrialEnded(number=0, state="complete", score=None),
    )
    assert scalars(tmp_path, 0, "loss/cls") == [(60, 1.0), (120, 1.0), (180, 0.5)]
    assert scalars(tmp_path, 0, "cost/step_seconds")[-1] == (180, 0.2)
    assert table_row(tmp_path, 0)["state"] == "complete"


def test_a_trial_that_starts_over_replaces_everything(tmp_path: Path) -> None:
    write(tmp_path, trial_started(0), progressed(0, 60, loss=1.0))
    wait_for_next_second()
    write(tmp_path, trial_started(0), progressed(0, 30, loss=0.5))
    assert scalars(tmp_path, 0, "loss/cls") == [(30, 0.5)]


def test_a_score_is_on_disk_at_once(tmp_path: Path) -> None:
    sink = TensorBoardSink(tmp_path)
    for event in (search_started(), trial_started(0), scored(0, 120, 0.25)):
        sink.handle(event)
    assert scalars(tmp_path, 0, "cam/miou") == [(120, 0.25)]
    sink.handle(SearchEnded())


def test_a_score_after_the_end_of_its_trial_is_written_too(tmp_path: Path) -> None:
    ended = TrialEnded(number=0, state="pruned", score=0.2)
    write(tmp_path, trial_started(0), scored(0, 120, 0.25), ended, scored(0, 240, 0.5))
    assert scalars(tmp_path, 0, "cam/miou") == [(120, 0.25), (240, 0.5)]


def test_a_long_trial_has_as_many_points_as_can_be_told_apart(tmp_path: Path) -> None:
    events = [progressed(0, step, loss=float(step)) for step in range(1, 601)]
    write(tmp_path, trial_started(0), *events)
    points = scalars(tmp_path, 0, "loss/cls")
    assert len(points) == MOST_POINTS
    assert points[0] == (3, 2.0)  # the mean of three
    assert scalars(tmp_path, 0, "cost/step_seconds")[-1] == (600, 12.0)


def test_once_the_room_for_pictures_is_taken_only_those_of_the_best_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = overlay(
        np.zeros((8, 8, 3), np.uint8), np.ones((1, 8, 8)), None, [(0, 0, 0), (255, 0, 0)]
    )
    monkeypatch.setattr(tensorboard, "PICTURE_BYTES", 2 * len(picture))
    steps, scores = (100, 200, 300, 400), (0.5, 0.4, 0.3, 0.6)
    events = [
        scored(0, step, score, pictures=[picture])
        for step, score in zip(steps, scores, strict=True)
    ]
    write(tmp_path, trial_started(0), *events)
    assert [event.step for event in run(tmp_path, 0).Tensors("images/00")] == [100, 200, 400]


def test_the_search_itself_is_a_run(tmp_path: Path) -> None:
    clock = SteppedClock()
    sink = TensorBoardSink(tmp_path, clock=clock)
    start = search_started(score_points=(300, 600))
    for event in (start, trial_started(0), progressed(0, 300), trial_started(1, waiting=True)):
        clock.now += SEARCH_SECONDS
        sink.handle(event)
    for event in (scored(0, 300, 0.5), SearchEnded()):
        sink.handle(event)
    events = EventAccumulator(str(tmp_path / "tensorboard/search")).Reload()

    def values(name: str) -> list[tuple[int, float]]:
        points = events.Tensors(f"search/{name}")
        return [(point.step, float(point.tensor_proto.float_val[0])) for point in points]

    assert values("running") == [(10, 0.0), (20, 1.0), (30, 1.0), (40, 1.0), (40, 0.0)]
    assert values("queue") == [(10, 0.0), (20, 0.0), (30, 0.0), (40, 1.0), (40, 0.0)]
    assert values("scores_in_flight")[2:4] == [(30, 1.0), (40, 1.0)]
    assert values("utilisation")[3] == (40, 0.5)
    assert values("best") == [(40, 0.5)]


def test_a_run_by_itself_is_no_search(tmp_path: Path) -> None:
    sink = TensorBoardSink(tmp_path)
    for event in (search_started(trials=1), trial_started(0), SearchEnded()):
        sink.handle(event)
    assert not (tmp_path / "tensorboard/search").exists()
