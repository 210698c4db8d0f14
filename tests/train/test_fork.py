"""Runs that begin alike: the first one leaves its prefix, the others go on from there."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from platform.results.events import Forked, RunEvent, Scored
from platform.train.fork import fork
from platform.train.plan import RunPlan, Sharing
from platform.train.prefix_store import PrefixStore
from platform.train.run_checkpoints import checkpoint_path, list_checkpoints
from tests.train.short_run import Listener, final_checkpoint, same_state, short_plan
from tests.train.test_loop import same_scores
from toco_core.settings.effects import prefix_digest

FORK = 5  # the segmentation begins; there is a score at 4 before it, and one at 8
HERE = {"device": "cpu"}


def plan_of(scenes: Path, directory: Path, prefixes: Path, seg: float) -> RunPlan:
    changes = {"stages__segmentation": FORK, "weights__seg": seg}
    sharing = Sharing(directory=str(prefixes), conditions=HERE, saved_at=frozenset({FORK}))
    return replace(short_plan(scenes, directory, **changes), sharing=sharing)


@pytest.fixture(scope="module")
def first(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunPlan, Listener]:
    """A run that has left its prefix."""
    root, listener = tmp_path_factory.mktemp("first"), Listener()
    plan = plan_of(scenes, root / "run", root / "prefixes", seg=0.1)
    listener.train(plan)
    return plan, listener


@pytest.fixture
def second(first: tuple[RunPlan, Listener], scenes: Path, tmp_path: Path) -> RunPlan:
    """A run that differs from the first one in the segmentation, and a copy of what that left."""
    sharing = first[0].sharing
    assert sharing is not None
    shutil.copytree(sharing.directory, tmp_path / "prefixes")
    return plan_of(scenes, tmp_path / "run", tmp_path / "prefixes", seg=0.7)


def folder(plan: RunPlan) -> Path:
    assert plan.sharing is not None
    return Path(plan.sharing.directory) / prefix_digest(plan.recipe, FORK, HERE)


def forked(plan: RunPlan) -> tuple[RunPlan, list[RunEvent]]:
    events: list[RunEvent] = []
    return fork(plan, events.append), events


def test_a_forked_run_trains_the_rest_and_equals_one_from_scratch(
    second: RunPlan, tmp_path: Path
) -> None:
    alone, scratch = Listener(), replace(second, directory=str(tmp_path / "alone"), sharing=None)
    Path(scratch.directory).mkdir()
    alone.train(scratch)
    listener = Listener()
    plan = fork(second, listener.events.append)
    listener.train(plan)
    assert min(listener.progress) > FORK
    opened = {iteration: score.mask_reads for iteration, score in listener.scores.items()}
    assert opened == {4: 0, 8: 16}  # the score that was taken over has opened no mask
    plain = {"mask_reads": 0, "pictures": ()}
    same_scores(
        {i: replace(score, **plain) for i, score in listener.scores.items()},
        {i: replace(score, **plain) for i, score in alone.scores.items()},
    )
    one, other = final_checkpoint(scratch), final_checkpoint(plan)
    for part in ("recipe", "model", "optimiser", "schedule"):
        assert same_state(getattr(one, part), getattr(other, part)), part


def test_what_is_taken_over_is_said_first_and_costs_nothing(second: RunPlan) -> None:
    plan, events = forked(second)
    assert events[0] == Forked(iteration=FORK)
    (score,) = (event for event in events if isinstance(event, Scored))
    assert (score.iteration, score.seconds_training, score.seconds_scoring) == (4, 0, 0)
    assert plan.scored == {4}
    assert final_checkpoint(plan).recipe == second.recipe


def test_a_run_that_knows_its_scores_is_told_none_twice(second: RunPlan) -> None:
    _, events = forked(replace(second, scored=frozenset({4})))
    assert events == [Forked(iteration=FORK)]


def test_a_run_with_a_checkpoint_goes_on_from_that(second: RunPlan) -> None:
    shutil.copy(
        checkpoint_path(folder(second), FORK), checkpoint_path(Path(second.directory), FORK)
    )
    assert forked(second) == (second, [])


def test_another_device_or_other_score_points_share_nothing(second: RunPlan) -> None:
    assert second.sharing is not None
    elsewhere = replace(second, sharing=replace(second.sharing, conditions={"device": "cuda"}))
    scoring = second.recipe.scoring.model_copy(update={"scores": 4})
    more = replace(second, recipe=second.recipe.model_copy(update={"scoring": scoring}))
    assert forked(elsewhere) == (elsewhere, [])
    assert forked(more) == (more, [])
    assert folder(second).is_dir()  # there is nothing wrong with it


@pytest.mark.parametrize("name", [f"iteration-{FORK:06d}.pt", "scores.parquet"])
def test_a_damaged_prefix_is_deleted_and_the_run_begins_anew(second: RunPlan, name: str) -> None:
    path = folder(second) / name
    content = path.read_bytes()
    path.unlink()  # it may be a link
    path.write_bytes(content[: len(content) // 2])
    assert forked(second) == (second, [])
    assert not folder(second).exists()


def test_a_prefix_without_its_scores_is_not_gone_on_from(second: RunPlan) -> None:
    (folder(second) / "scores.parquet").unlink()
    assert forked(second) == (second, [])


def test_a_prefix_that_is_there_is_not_saved_again(first: tuple[RunPlan, Listener]) -> None:
    plan, _ = first
    assert [path.name for path in list_checkpoints(plan.checkpoints)] == ["iteration-000008.pt"]
    assert list_checkpoints(folder(plan))[0].stat().st_nlink == 1  # and the run's own is gone


def test_the_prefixes_that_were_used_last_stay(tmp_path: Path) -> None:
    store = PrefixStore(tmp_path / "prefixes", keep=2)
    checkpoint = tmp_path / "iteration-000005.pt"
    checkpoint.write_bytes(b"weights")
    for age, digest in enumerate("abc"):
        store.hold(digest, checkpoint)
        store.publish(digest, [])
        if digest == "b":
            used = next(one for one in store.stored() if one.digest == "a")
            os.utime(tmp_path / "prefixes" / "b", (age, age))
            store.touch(used)
    assert {one.digest for one in store.stored()} == {"a", "c"}
