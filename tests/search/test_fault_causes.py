"""What errors say, in Ray's own classes and words."""

from __future__ import annotations

import pickle

import pytest
from ray import exceptions
from ray.exceptions import (
    ActorDiedError,
    ActorUnavailableError,
    OutOfMemoryError,
    RayActorError,
    RayTaskError,
)
from ray.train.v2._internal.exceptions import WorkerGroupStartupTimeoutError

from platform.cluster.whereabouts import Whereabouts
from platform.search.fault_causes import fault_of, innermost
from platform.search.faults import Fault, Faults, Outcome
from platform.search.trial_protocol import BrokenTrialError
from platform.train.stops import Preempted

HERE = Whereabouts("10.0.0.5", "node-5")
MEMORY = (
    "1 worker(s) were killed due to the node running low on memory. Memory on the node (IP: "
    "10.0.0.7, ID: a32b) was 9.71GB used / 23.59GB limit (0.411863)\nOOM kill reason: ..."
)


def died(message: str, name: str = "ImplicitFunc", pid: int = 77) -> ActorDiedError:
    context = exceptions.ActorDiedErrorContext(  # pyright: ignore[reportPrivateImportUsage]
        class_name=name,
        actor_id=bytes(16),
        pid=pid,
        node_ip_address="10.0.0.7",
        error_message=message,
    )
    return ActorDiedError(context)


def task_error(error: Exception) -> RayTaskError:
    """Wrap an error as Ray does for each process that it comes through."""
    return RayTaskError("run", "Traceback ...", error).as_instanceof_cause()


def test_what_was_raised_is_found_through_the_processes_it_came_through() -> None:
    error = OSError(28, "No space left on device", "/tmp/x")
    assert innermost(task_error(task_error(error))) is error


def test_an_error_is_of_the_machine_that_caught_it_or_of_the_one_it_tells_of() -> None:
    error = OSError(28, "No space left on device")
    assert fault_of(error, HERE) == Fault(
        kind="error",
        cause="OSError: [Errno 28] No space left on device",
        machine="10.0.0.5",
        node="node-5",
    )
    error.raised_on = Whereabouts("10.0.0.9", "node-9")  # pyright: ignore[reportAttributeAccessIssue]
    assert fault_of(task_error(pickle.loads(pickle.dumps(error))), HERE).node == "node-9"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            died("The actor is dead because its worker process has died. Worker exit type: ..."),
            Fault(
                kind="process",
                cause="its process 77 was killed, or crashed",
                machine="10.0.0.7",
            ),
        ),
        (
            died("The actor is dead because its worker process has died.", "Dispatcher", 8),
            Fault(
                kind="process",
                cause="the process of the Dispatcher 8 was killed, or crashed",
                machine="10.0.0.7",
            ),
        ),
        (
            died("The actor died because its node has died. Node Id: 5a5a"),
            Fault(kind="machine", cause="the machine was lost", machine="10.0.0.7"),
        ),
        (
            ActorUnavailableError("RPC error: Socket closed", bytes(16)),
            Fault(kind="machine", cause="the machine was lost"),
        ),
        *(
            (
                error,
                Fault(
                    kind="process",
                    cause="killed by Ray, because the machine ran out of memory: 9.71GB of 23.59GB "
                    "were in use",
                    machine="10.0.0.7",
                ),
            )
            # the latter as `survive_memory_kills` hands it to Tune
            for error in (OutOfMemoryError(MEMORY), RayActorError(error_msg=MEMORY))
        ),
    ],
)
def test_a_lost_process_and_a_lost_machine_are_told_apart(
    error: Exception, expected: Fault
) -> None:
    assert fault_of(error, HERE) == expected


def test_a_group_that_finds_no_place_is_the_fault_of_no_machine() -> None:
    fault = fault_of(WorkerGroupStartupTimeoutError(2), HERE)
    assert (fault.kind, fault.machine, fault.node) == ("error", "", "")


def test_the_fault_that_a_trial_raises_comes_back_as_it_was() -> None:
    error = BrokenTrialError("stalled", "no progress", "10.0.0.7", "node-7")
    fault = Fault(kind="stalled", cause="no progress", machine="10.0.0.7", node="node-7")
    assert fault_of(task_error(pickle.loads(pickle.dumps(error)))) == fault


def test_a_run_that_has_saved_before_its_end_was_preempted_wherever_it_was_told() -> None:
    why = "its machine is drained"
    fault = fault_of(Preempted(812, why), HERE)
    said = "its machine is drained; saved at iteration 812"
    assert fault == Fault(kind="preempted", cause=said, machine="10.0.0.5", node="node-5")
    told = Preempted(812, why)
    told.raised_on = Whereabouts("10.0.0.9", "node-9")  # pyright: ignore[reportAttributeAccessIssue]
    assert fault_of(task_error(pickle.loads(pickle.dumps(told))), HERE).node == "node-9"


def test_a_process_that_went_with_a_drained_machine_was_preempted_too() -> None:
    gone = RayActorError(error_msg="The actor died. ip: 10.0.0.7", preempted=True)
    assert fault_of(gone) == Fault(
        kind="preempted", cause="its machine was taken away", machine="10.0.0.7"
    )


def test_a_preemption_uses_up_no_budget() -> None:
    faults = Faults()
    preempted = Fault(kind="preempted", cause="saved", machine="10.0.0.5", node="node-5")
    for _ in range(20):
        assert faults.take(0, preempted) == Outcome(goes_on=True)
    assert (faults.machines_lost, faults.struck, faults.cause) == (0, {}, None)
    assert faults.avoided(0) == ()
