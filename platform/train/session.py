"""One session of a training run: from where it stands to its end, with its tables and pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from platform.command_line import write_recipe
from platform.interruption import asked_to_stop
from platform.lock import only_one
from platform.results.curves import read_curves
from platform.results.events import (
    SearchEnded,
    SearchStarted,
    Sink,
    TrialEnded,
    TrialStarted,
    fan_out,
    trial_event,
)
from platform.results.run_progress import RunProgress
from platform.results.tables import TrialTables, read_trials
from platform.results.tensorboard import TensorBoardSink
from platform.train.fit import Fit
from platform.train.plan import score_points
from platform.train.run_checkpoints import delete_checkpoints, list_checkpoints
from platform.train.setup import RunSetup
from platform.train.stops import RunStopped, StopRequested
from toco_core.files import replacing

# Of the one row that a run has in tables of the same columns as those of a search.
_NUMBER = 0


def train_runs(runs: Iterable[RunSetup], fit: Fit, console: Console) -> None:
    """Train one run after the other; Ctrl-C ends the one in work after its step.

    Raises:
        RunStopped: after Ctrl-C, and as `train_run`.
    """

    def announce() -> None:
        console.print("stopping after this step; Ctrl-C again breaks off at once")

    with asked_to_stop(announce) as stop_requested:
        for run in runs:
            train_run(run, fit, console, stop_requested)


def train_run(setup: RunSetup, fit: Fit, console: Console, stop_requested: StopRequested) -> Path:
    """Train a run from its last checkpoint, or from the start, to its end.

    Returns:
        Its final checkpoint.

    Raises:
        RunStopped: after `stop_requested`.
        ArithmeticError: a loss or a CAM became infinite or NaN.
        MemoryError: the GPU's memory ran out.
        ValueError: recipe and dataset cannot be used.
    """
    checkpoint = setup.checkpoint()
    iteration = checkpoint.iteration if checkpoint else 0
    if setup.final_checkpoint.is_file():
        console.print(f"{setup.name}: finished earlier, after {iteration} iterations")
        return setup.final_checkpoint
    if isinstance(setup.checkpoints, Path):  # object stores have no directories
        setup.checkpoints.mkdir(parents=True, exist_ok=True)
    # Of one in a store, the command holds the directory for as long as it is open.
    with only_one(setup.directory) if setup.store is None else nullcontext():
        return _train(setup, iteration, fit, console, stop_requested)


def _train(
    setup: RunSetup, iteration: int, fit: Fit, console: Console, stop_requested: StopRequested
) -> Path:
    write_recipe(setup.directory, setup.name, setup.plan.recipe, "train")
    sink = fan_out(
        TrialTables(setup.directory), TensorBoardSink(setup.directory), RunProgress(console)
    )
    stopped = False
    try:
        sink.handle(_started(setup))
        sink.handle(TrialStarted(number=_NUMBER, params=setup.params, iteration=iteration))
        _fit(setup, fit, sink, stop_requested)
    except RunStopped:
        stopped = True
        raise
    finally:
        sink.handle(SearchEnded(interrupted=stopped))
    return _finish(setup)


def _started(setup: RunSetup) -> SearchStarted:
    return SearchStarted(
        name=setup.name,
        trials=1,
        iterations=setup.plan.recipe.iterations,
        directory=setup.directory,
        log_file=setup.log_file,
        # where one of the two tables was damaged, the other stays
        resumed=int(bool(read_trials(setup.directory) or read_curves(setup.directory))),
        score_points=score_points(setup.plan.recipe) if setup.plan.split else (),
    )


def _fit(setup: RunSetup, fit: Fit, sink: Sink, stop_requested: StopRequested) -> None:
    try:
        fit(setup.plan, lambda event: sink.handle(trial_event(event, _NUMBER)), stop_requested)
    except (ArithmeticError, ValueError, MemoryError) as error:
        reason = f"{type(error).__name__}: {error}"
        sink.handle(TrialEnded(number=_NUMBER, state="failed", score=None, reason=reason))
        raise
    curves = read_curves(setup.directory)
    score = curves[-1]["score"] if curves else None
    sink.handle(TrialEnded(number=_NUMBER, state="complete", score=score))


def _finish(setup: RunSetup) -> Path:
    """Keep the last checkpoint, and nothing of what was needed on the way to it."""
    last = list_checkpoints(setup.checkpoints)[-1]
    if isinstance(last, Path):
        last.replace(setup.final_checkpoint)
        shutil.rmtree(last.parent)
        return setup.final_checkpoint
    with replacing(setup.final_checkpoint) as unfinished:
        shutil.copyfile(last.local_copy(), unfinished)
    delete_checkpoints(last.parent)  # once the final one is in the store
    return setup.final_checkpoint
