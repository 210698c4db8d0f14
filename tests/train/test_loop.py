from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from platform.results.events import Progressed, Scored, WentBack
from platform.train import lead
from platform.train.lead import RunStopped
from platform.train.plan import RunPlan
from platform.train.run_checkpoints import find_resume_point, list_checkpoints
from tests.train.short_run import Listener, final_checkpoint, same_state, short_plan
from tests.train.test_damage import flip
from toco_core.remote_files import StoreError
from toco_core.remote_path import RemotePath
from toco_core.settings.overrides import apply_overrides


@pytest.fixture(scope="module")
def uninterrupted(
    scenes: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[RunPlan, Listener]:
    plan, listener = short_plan(scenes, tmp_path_factory.mktemp("whole")), Listener()
    listener.train(plan)
    return plan, listener


def names(plan: RunPlan) -> list[str]:
    return [path.name for path in list_checkpoints(plan.checkpoints)]


def same_scores(first: dict[int, Scored], second: dict[int, Scored]) -> None:
    assert first.keys() == second.keys()
    for iteration, score in first.items():
        for name, value in vars(score).items():
            np.testing.assert_array_equal(value, getattr(second[iteration], name), name)


def test_a_run_is_scored_evenly_and_keeps_its_last_checkpoint(
    uninterrupted: tuple[RunPlan, Listener],
) -> None:
    plan, listener = uninterrupted
    assert list(listener.scores) == [4, 8]
    assert all(score.mask_reads == 16 for score in listener.scores.values())
    assert all(len(score.pictures) == 1 for score in listener.scores.values())
    assert names(plan) == ["iteration-000008.pt"]


def test_progress_is_reported_before_each_score(uninterrupted: tuple[RunPlan, Listener]) -> None:
    _, listener = uninterrupted
    assert {4, 8} <= set(listener.progress)
    iterations = [getattr(event, "iteration", None) for event in listener.events]
    assert iterations == sorted(iterations)  # type: ignore[type-var]


def test_the_last_score_alone_brings_counts_by_image_where_they_are_wanted(
    uninterrupted: tuple[RunPlan, Listener], scenes: Path, tmp_path: Path
) -> None:
    plan, listener = short_plan(scenes, tmp_path), Listener()
    listener.train(replace(plan, count_images=16))
    first, last = listener.scores.values()
    assert first.counts is None
    assert last.counts is not None
    np.testing.assert_allclose(last.counts.curves(np.ones((1, 16)))[0], last.curve, atol=1e-12)
    without = {number: replace(one, counts=None) for number, one in listener.scores.items()}
    same_scores(without, uninterrupted[1].scores)


# Stopped before the first score, together with it, and after it.
@pytest.mark.parametrize("stop", [2, 4, 5])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    uninterrupted: tuple[RunPlan, Listener], scenes: Path, tmp_path: Path, stop: int
) -> None:
    plan, stopped, resumed = short_plan(scenes, tmp_path), Listener(stop_after=stop), Listener()
    with pytest.raises(RunStopped, match=f"stopped at iteration {stop}"):
        stopped.train(plan)
    assert final_checkpoint(plan).iteration == stop
    resumed.train(replace(plan, scored=frozenset(stopped.scores)))
    assert resumed.progress[0] > stop
    same_scores(stopped.scores | resumed.scores, uninterrupted[1].scores)
    assert not stopped.scores.keys() & resumed.scores.keys()
    whole, pieced = final_checkpoint(uninterrupted[0]), final_checkpoint(plan)
    for part in ("model", "optimiser", "schedule"):
        assert same_state(getattr(whole, part), getattr(pieced, part)), part


def test_a_run_in_an_object_store_goes_on_from_what_it_left_there(
    uninterrupted: tuple[RunPlan, Listener],
    scenes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plan = replace(short_plan(scenes, tmp_path), directory=f"file://{tmp_path}/store/trial")
    stopped, resumed = Listener(stop_after=5), Listener()
    with pytest.raises(RunStopped):
        stopped.train(plan)
    # The score of 4 may not be on record yet, were the driver to die now.
    assert names(plan) == ["iteration-000004.pt", "iteration-000005.pt"]
    flip(tmp_path / "store" / "trial" / "iteration-000005.pt")
    monkeypatch.setattr(lead, "RECORD_SECONDS", 0.0)
    resumed.train(plan)
    (back,) = [event for event in resumed.events if isinstance(event, WentBack)]
    assert (back.iteration, "store/trial/iteration-000005.pt" in back.damage) == (4, True)
    assert names(plan) == ["iteration-000008.pt"]
    same_scores(resumed.scores, uninterrupted[1].scores)
    whole, pieced = final_checkpoint(uninterrupted[0]), final_checkpoint(plan)
    for part in ("model", "optimiser", "schedule"):
        assert same_state(getattr(whole, part), getattr(pieced, part)), part


def test_a_store_that_does_not_answer_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that took it for that would go back to an earlier checkpoint, or to its start."""
    monkeypatch.setattr(RemotePath, "glob", lambda self, _: [self / "iteration-000004.pt"])
    with pytest.raises(StoreError):
        find_resume_point(RemotePath("s3://b/run?endpoint_override=127.0.0.1:9&region=r"))


def test_a_stop_in_the_last_step_is_too_late(scenes: Path, tmp_path: Path) -> None:
    plan, listener = short_plan(scenes, tmp_path), Listener(stop_after=8)
    listener.train(plan)
    assert list(listener.scores) == [4, 8]


def test_a_score_that_was_lost_with_its_session_is_asked_for_again(
    uninterrupted: tuple[RunPlan, Listener],
) -> None:
    plan, listener = uninterrupted
    again = Listener()
    again.train(plan)
    same_scores(again.scores, {8: listener.scores[8]})
    assert not again.progress


def test_a_checkpoint_now_and_then_limits_what_a_crash_costs(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead, "SAVE_SECONDS", 0.0)
    plan, listener, seen = short_plan(scenes, tmp_path), Listener(stop_after=99), []
    listener.stop_requested = lambda: bool(seen.append(names(plan)))  # type: ignore[method-assign]
    listener.train(plan)
    # One at a time beside that of the last score; before the step's own is written.
    assert [len(found) for found in seen] == [0, 1, 1, 1, 1, 2, 2, 2]
    assert names(plan) == ["iteration-000008.pt"]


def test_without_a_split_nothing_is_scored_and_no_mask_opened(scenes: Path, tmp_path: Path) -> None:
    plan, listener = replace(short_plan(scenes, tmp_path), split=None), Listener()
    listener.train(plan)
    assert not listener.scores
    assert names(plan) == ["iteration-000008.pt"]


def test_other_settings_than_the_checkpoint_s_are_refused_by_name(
    uninterrupted: tuple[RunPlan, Listener],
) -> None:
    plan, _ = uninterrupted
    other = plan.recipe.model_copy(update={"seed": 7})
    with pytest.raises(ValueError, match=r"other settings: seed \(was 0, now 7\); go back"):
        Listener().train(replace(plan, recipe=other))


def test_a_run_goes_on_with_settings_that_its_steps_do_not_depend_on(
    scenes: Path, tmp_path: Path
) -> None:
    plan, stopped, resumed = short_plan(scenes, tmp_path), Listener(stop_after=5), Listener()
    with pytest.raises(RunStopped):
        stopped.train(plan)
    changes = {"compute.parts": 2, "scoring.scores": 4, "thresholds.bkg": 0.4}
    recipe = apply_overrides(plan.recipe, changes)
    resumed.train(replace(plan, recipe=recipe, scored=frozenset(stopped.scores)))
    assert list(resumed.scores) == [6, 8]


def test_training_time_does_not_contain_the_scorer_s(
    uninterrupted: tuple[RunPlan, Listener],
) -> None:
    events = uninterrupted[1].events
    progress = sum(e.seconds for e in events if isinstance(e, Progressed))
    scored = sum(e.seconds_training for e in events if isinstance(e, Scored))
    assert 0 < scored == pytest.approx(progress)
