"""A run that has no checkpoint yet goes on from what an equal one has left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from platform.results.events import Forked, Scored
from platform.train.lead import Emit
from platform.train.plan import RunPlan, Sharing, score_points
from platform.train.prefix_store import PrefixStore
from platform.train.run_checkpoints import checkpoint_path, list_checkpoints
from toco_core.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from toco_core.settings.effects import prefix_digest


class Prefix(NamedTuple):
    """The first steps of a run, as another one has trained them."""

    checkpoint: Checkpoint  # of this run's recipe
    scores: Mapping[int, Scored]  # at all score points up to it


def fork(plan: RunPlan, emit: Emit) -> RunPlan:
    """Give a run the checkpoint of the longest prefix that is stored of it, and its scores.

    The checkpoint comes last: where this is broken off, the run has none yet, and begins again.

    Args:
        plan: of the run; nothing is done if it shares nothing, or has a checkpoint.
        emit: takes the events of the run.

    Returns:
        The plan, to which the scores up to the checkpoint are known.
    """
    if plan.sharing is None or list_checkpoints(plan.checkpoints):
        return plan
    prefix = find_prefix(plan, plan.sharing)
    if prefix is None:
        return plan
    iteration = prefix.checkpoint.iteration
    emit(Forked(iteration=iteration))
    for point in sorted(prefix.scores.keys() - plan.scored):
        # Another run has paid for it.
        free = {"seconds_training": 0.0, "seconds_scoring": 0.0, "mask_reads": 0}
        emit(replace(prefix.scores[point], **free))
    save_checkpoint(checkpoint_path(plan.checkpoints, iteration), prefix.checkpoint)
    return replace(plan, scored=plan.scored | prefix.scores.keys())


def find_prefix(plan: RunPlan, sharing: Sharing) -> Prefix | None:
    """Return the longest prefix of a run that is stored; one that is damaged is deleted."""
    store, recipe = PrefixStore(Path(sharing.directory)), plan.recipe
    points = score_points(recipe) if plan.split else ()
    for stored in store.stored():
        if stored.digest != prefix_digest(recipe, stored.iteration, sharing.conditions):
            continue
        due = [point for point in points if point <= stored.iteration]
        try:
            scores = store.scores(stored)
            if not scores.keys() >= set(due):  # it was scored at other points
                continue
            checkpoint = load_checkpoint(stored.checkpoint).forked(recipe)
        except ValueError:
            store.forget(stored)
            continue
        store.touch(stored)
        return Prefix(checkpoint, {point: scores[point] for point in due})
    return None
