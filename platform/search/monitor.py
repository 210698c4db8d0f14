"""From Ray Tune and the study to the events that are shown and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from ray.tune import Callback

from platform.results.events import (
    MachineStruckOff,
    Sink,
    TrialBroken,
    TrialEnded,
    TrialPlaced,
    TrialScored,
    TrialStarted,
)
from platform.results.trial_rows import TrialRow
from platform.search.faults import RETRIES, Fault, Outcome
from platform.search.live_trials import END_STATES, reason_of
from platform.search.scores import value_of
from platform.search.trial_protocol import EVENT, Assignment, trial_directory
from platform.train.run_checkpoints import delete_checkpoints, newest_iteration
from toco_core.remote_files import StoreError
from toco_core.remote_path import Place

MACHINE = "node_ip"  # in Tune's results; host names need not differ


class Unpickled:
    """Tune pickles whatever it is given; no one reads it, the study is the record."""

    def __getstate__(self) -> dict[str, Any]:
        return {}  # terminals and files do not survive a pickling


class EventForwarder(Unpickled, Callback):
    """Tune's callback: hands on the events of the trials, and says where each runs."""

    def __init__(self, sink: Sink, gpus_per_worker: float) -> None:
        self._sink = sink
        self._gpus = gpus_per_worker
        self.gpu_seconds = 0.0  # of training, in this session
        self._machines: dict[int, str] = {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._sink.handle(TrialPlaced(number=trial.config["number"]))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        # Taken out: Tune would keep the last one of each trial, pictures included, to the end.
        event = result.pop(EVENT, None)
        number, machine = trial.config["number"], result.get(MACHINE, "")
        if machine and self._machines.get(number) != machine:
            self._machines[number] = machine
            self._sink.handle(TrialPlaced(number=number, machine=machine))
        if event is not None:
            self._sink.handle(event)
        if isinstance(event, TrialScored):
            self.gpu_seconds += event.seconds_training * event.workers * self._gpus


class TrialObserver(Unpickled):
    """Hears from the study when a trial starts and ends, in the order in which it is recorded."""

    def __init__(
        self,
        sink: Sink,
        trials_directory: Place,
        after_complete: Callable[[], None] = lambda: None,
    ) -> None:
        self._sink = sink
        self._directory = trials_directory
        self._after_complete = after_complete

    def started(self, assignment: Assignment, *, waiting: bool = True) -> None:
        self._sink.handle(
            TrialStarted(
                number=assignment.number,
                params=assignment.params,
                iteration=self._reached(assignment.number),
                waiting=waiting,
                workers=assignment.workers,
            )
        )

    def _reached(self, number: int) -> int:
        """Return the iteration of a trial's last whole checkpoint, 0 without one.

        It is only shown: where a store does not answer, the search goes on without it.
        """
        try:
            return newest_iteration(trial_directory(self._directory, number))
        except StoreError:
            return 0

    def broken(self, number: int, fault: Fault, outcome: Outcome) -> None:
        self._sink.handle(
            TrialBroken(
                number=number,
                cause=fault.cause,
                machine=fault.machine,
                iteration=self._reached(number),
                goes_on=outcome.goes_on,
                retry=outcome.retry,
                retries=RETRIES,
                machine_lost=fault.kind == "machine",
                preempted=fault.kind == "preempted",
            )
        )
        if outcome.struck:
            self._sink.handle(MachineStruckOff(machine=fault.machine, cause=fault.cause))

    def catch_up(self, study: optuna.Study, rows: Iterable[TrialRow]) -> None:
        """Tell the end of trials that the study knows and `rows`, read from the table, do not.

        A crash in between the two leaves such trials.
        """
        known = {row.number: row.is_over for row in rows}
        for trial in study.get_trials(deepcopy=False):
            if trial.state.is_finished() and not known.get(trial.number):
                if trial.number not in known:
                    self.started(Assignment(trial.number, dict(trial.params)), waiting=False)
                self.ended(trial.number, trial.state, _score_of(trial), reason_of(trial))

    def ended(self, number: int, state: TrialState, score: float | None, reason: str) -> None:
        self._sink.handle(
            TrialEnded(number=number, state=END_STATES[state], score=score, reason=reason)
        )
        if state is TrialState.COMPLETE:
            self._after_complete()
        else:  # nobody goes on from it, and it cannot win
            delete_checkpoints(trial_directory(self._directory, number))


def _score_of(trial: FrozenTrial) -> float | None:
    """Return the score as Optuna tells it: of a pruned trial, its last one."""
    return value_of(trial) if trial.state is not TrialState.FAIL else None
