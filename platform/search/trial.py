"""A trial, as Ray Tune runs it: one Ray Train run of the ToCo trainer."""

from __future__ import annotations

import socket
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ray import tune

from platform.cluster.placement import Placement
from platform.cluster.places import Places
from platform.cluster.whereabouts import whereabouts
from platform.results.events import RunEvent, Scored, trial_event
from platform.search.fault_causes import fault_of, one_line
from platform.search.space.checked import trial_recipe
from platform.search.trial_protocol import (
    EVENT,
    FAILED,
    ITERATION,
    NODE,
    SCORE,
    TAKEN_OVER,
    Assignment,
    BrokenTrialError,
    trial_directory,
)
from platform.train.plan import RunPlan, Sharing
from platform.workers.pool import PoolExecutor
from toco_core.remote_path import PATIENCE_SECONDS, place


@dataclass(frozen=True, kw_only=True)
class TrialPlan:
    """What all trials of a search have in common."""

    base: RunPlan  # its recipe without the searched parameters; its directory that of all trials
    placement: Placement
    executor: PoolExecutor
    places: Places | None = None  # that a machine which has joined since must see too
    maximised: str = "score"  # field of a score
    sharing: Sharing | None = None  # of the first steps of trials that begin alike

    def run_plan(self, assignment: Assignment) -> RunPlan:
        """Return the plan of one trial, with a directory of its own."""
        saved_at, shared = frozenset(assignment.borders), self.sharing
        return replace(
            self.base,
            recipe=trial_recipe(self.base.recipe, assignment.params, assignment.repeat),
            directory=str(trial_directory(place(self.base.directory), assignment.number)),
            scored=frozenset(assignment.scored),
            sharing=replace(shared, saved_at=saved_at) if shared else None,
        )


def run_trial(config: Mapping[str, Any], plan: TrialPlan) -> None:
    """Run the trial of an assignment to its end: a function for `tune.Tuner`."""
    assignment = Assignment(**config)
    try:
        run_plan = plan.run_plan(assignment)
    except ValueError as error:  # the recipe refuses these parameters
        tune.report({FAILED: one_line(error)})
        return
    # torch takes seconds to import, and the search's driver, which only names this function, none
    from platform.train.on_ray import is_verdict

    here = whereabouts()
    try:
        if plan.places:  # before a directory is made where a mount is missing
            machine = f"{socket.gethostname()} ({here.address})"
            plan.places.check(machine, PATIENCE_SECONDS)
        if isinstance(run_plan.checkpoints, Path):  # object stores have no directories
            run_plan.checkpoints.mkdir(parents=True, exist_ok=True)
        sender = ResultSender(assignment.number, here.node, plan.maximised)
        _fit(run_plan, assignment, plan, sender)
    except Exception as error:  # whatever it is, it ends this trial, not the search
        if not is_verdict(error):
            fault = fault_of(error, here)
            raise BrokenTrialError(**asdict(fault)) from error
        traceback.print_exc()  # into the log of this Ray worker
        tune.report({FAILED: one_line(error)})


def _fit(run_plan: RunPlan, assignment: Assignment, plan: TrialPlan, emit: ResultSender) -> None:
    from platform.train.conditions import conditions_of
    from platform.train.fork import fork
    from platform.train.on_ray import fit_in_process, fit_in_workers, own_device

    name, placement = f"train-{tune.get_context().get_trial_id()}", plan.placement
    workers = placement.workers_per_trial
    if run_plan.sharing is not None:
        device = own_device() if workers == 0 else None
        conditions = conditions_of(run_plan.recipe, device, workers, placement.worker)
        run_plan = fork(run_plan.under(conditions), replace(emit, takes_over=True))
    if workers == 0:
        fit_in_process(run_plan, plan.executor, emit, name)
    else:
        fit_in_workers(
            run_plan,
            plan.executor,
            emit,
            name,
            workers=workers,
            resources=placement.worker,
            avoid=assignment.avoid,
        )


@dataclass(frozen=True)
class ResultSender:
    """Sends the events of a trial's run to Tune; one with a score is put to the pruner."""

    number: int
    node: str  # Ray's id of the machine
    maximised: str = "score"  # field of a score
    takes_over: bool = False  # what another trial has trained, and its scores

    def __call__(self, event: RunEvent) -> None:
        metrics: dict[str, Any] = {EVENT: trial_event(event, self.number), NODE: self.node}
        if isinstance(event, Scored):
            metrics |= {ITERATION: event.iteration, SCORE: getattr(event, self.maximised)}
            metrics |= {TAKEN_OVER: True} if self.takes_over else {}
        tune.report(metrics)
