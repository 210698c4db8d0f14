from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from platform.results.events import WentBack
from platform.train.lead import RunStopped
from platform.train.plan import RunPlan
from platform.train.run_checkpoints import (
    checkpoint_path,
    find_resume_point,
    list_checkpoints,
    newest_iteration,
)
from tests.train.short_run import Listener, final_checkpoint, same_state, short_plan
from toco_core.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from toco_core.files import archive_problem


def flip(path: Path, position: int | None = None) -> None:
    """Turn over one bit, in the middle of the file if nothing else is said."""
    with path.open("r+b") as file:
        file.seek(os.path.getsize(path) // 2 if position is None else position)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 0x10]))


def cut(path: Path) -> None:
    os.truncate(path, os.path.getsize(path) * 2 // 3)


def empty(path: Path) -> None:
    os.truncate(path, 0)


@pytest.fixture(scope="module")
def whole(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """The end of a run that nothing happened to."""
    plan = short_plan(scenes, tmp_path_factory.mktemp("whole"))
    Listener().train(plan)
    return final_checkpoint(plan)


@pytest.fixture(scope="module")
def stopped_once(
    scenes: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunPlan, Listener]:
    plan = short_plan(scenes, tmp_path_factory.mktemp("stopped"))
    listener = Listener(stop_after=5)
    with pytest.raises(RunStopped):
        listener.train(plan)
    assert [path.name for path in list_checkpoints(plan.checkpoints)] == [
        "iteration-000004.pt",
        "iteration-000005.pt",
    ]
    return plan, listener


@pytest.fixture
def stopped(stopped_once: tuple[RunPlan, Listener], tmp_path: Path) -> tuple[RunPlan, Listener]:
    """A copy of a run that was stopped after its first score and a step more."""
    plan, listener = stopped_once
    shutil.copytree(plan.directory, tmp_path / "run")
    scored = frozenset(listener.scores)
    return replace(plan, directory=str(tmp_path / "run"), scored=scored), listener


@pytest.mark.parametrize("damage", [flip, cut])
def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one_and_says_so_once(
    damage: Callable[[Path], None], stopped: tuple[RunPlan, Listener], whole: Checkpoint
) -> None:
    plan, _ = stopped
    newest = checkpoint_path(Path(plan.directory), 5)
    damage(newest)
    listener = Listener()
    listener.train(plan)
    (said,) = [event for event in listener.events if isinstance(event, WentBack)]
    assert said.iteration == 4
    assert str(newest) in said.damage
    assert "\n" not in said.damage
    assert list(listener.scores) == [8]
    again = final_checkpoint(plan)
    for part in ("model", "optimiser", "schedule"):
        assert same_state(getattr(whole, part), getattr(again, part)), part


def test_a_damaged_checkpoint_whose_score_is_wanted_is_trained_again(
    stopped: tuple[RunPlan, Listener],
) -> None:
    plan, earlier = stopped
    flip(checkpoint_path(Path(plan.directory), 4))
    assert find_resume_point(plan.checkpoints, plan.unscored).iteration == 5
    listener = Listener()
    listener.train(replace(plan, scored=frozenset()))  # its score was lost too
    (said,) = [event for event in listener.events if isinstance(event, WentBack)]
    assert said.iteration == 0
    assert listener.scores[4].score == earlier.scores[4].score
    assert list(listener.scores) == [4, 8]


def test_a_checkpoint_that_was_cut_off_does_not_count_as_reached(
    stopped: tuple[RunPlan, Listener],
) -> None:
    directory = Path(stopped[0].directory)
    assert newest_iteration(directory) == 5
    cut(checkpoint_path(directory, 5))
    assert newest_iteration(directory) == 4
    empty(checkpoint_path(directory, 4))
    assert newest_iteration(directory) == 0


def test_a_flipped_bit_is_found_wherever_it_changes_what_is_read(
    whole: Checkpoint, tmp_path: Path
) -> None:
    small = replace(whole, model=dict(list(whole.model.items())[:3]), optimiser={})
    path = tmp_path / "c.pt"
    save_checkpoint(path, small)
    assert archive_problem(path) is None
    content, found = path.read_bytes(), 0
    for position in np.random.default_rng(0).integers(len(content), size=200):
        path.write_bytes(content)
        flip(path, int(position))
        try:
            read = load_checkpoint(path)
        except ValueError:
            found += 1
        else:  # in what no one reads, such as the padding between two tensors
            assert same_state(read.model, small.model)
            assert same_state(read.random, small.random)
            assert read.recipe == small.recipe
    assert found > 100


@contextmanager
def no_room_beyond(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, B, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_where_there_is_no_room_the_checkpoint_before_stays(
    whole: Checkpoint, tmp_path: Path
) -> None:
    path = tmp_path / "c.pt"
    save_checkpoint(path, whole)
    before = path.read_bytes()
    with no_room_beyond(len(before) // 2), pytest.raises(OSError, match=r"c\.pt") as caught:
        save_checkpoint(path, replace(whole, iteration=7))
    assert caught.value.errno is not None
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
