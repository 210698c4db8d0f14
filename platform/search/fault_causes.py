"""What an error says: which fault it was, of what, and on which machine; in one line."""

from __future__ import annotations

import re

from ray.exceptions import (
    ActorUnavailableError,
    NodeDiedError,
    OutOfMemoryError,
    RayActorError,
    RayError,
    RayTaskError,
)

from platform.cluster.whereabouts import Whereabouts, raised_on
from platform.search.faults import Fault
from platform.search.trial_protocol import BrokenTrialError
from platform.train.stops import Preempted

# As Ray words it, in errors whose classes do not tell.
_NODE_IS_GONE = re.compile(r"node has died|node it was running on is dead")
_MEMORY = re.compile(r"was ([\d.]+GB) used / ([\d.]+GB) limit")
_ADDRESS = re.compile(r"\bip: (\S+)|\bIP: ([^\s,)]+)")
_PID = re.compile(r"\bpid: (\d+)")
_CLASS = re.compile(r"class_name: (\w+)")
_TRIAL_CLASSES = {"ImplicitFunc", "RayTrainWorker"}  # of Tune's and of Train's processes


def fault_of(error: BaseException, here: Whereabouts | None = None) -> Fault:
    """Return the fault that an error stands for.

    Args:
        error: which broke a trial, as it was raised there or as Ray handed it on.
        here: the machine where it was caught; the one that raised it may have told of another.
    """
    cause = innermost(error)
    if isinstance(cause, BrokenTrialError):
        return Fault(kind=cause.kind, cause=cause.cause, machine=cause.machine, node=cause.node)
    if isinstance(cause, RayError):
        return _lost(cause)
    if isinstance(cause, Preempted):
        place = raised_on(cause) or here or Whereabouts()
        kind, why = "preempted", str(cause)
        return Fault(kind=kind, cause=why, machine=place.address, node=place.node)
    # What Ray Train raises by itself, where a group finds no place, is of no one machine.
    at_fault = None if type(cause).__module__.startswith("ray.") else here
    place = raised_on(cause) or at_fault or Whereabouts()
    return Fault(kind="error", cause=one_line(cause), machine=place.address, node=place.node)


def innermost(error: BaseException) -> BaseException:
    """Return what was raised, out of the errors in which Ray hands it from process to process."""
    while isinstance(error, RayTaskError) and isinstance(error.cause, BaseException):
        error = error.cause
    return error


def one_line(error: BaseException) -> str:
    """Return the class of an error and the last line of its message."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[-1]}"


def _lost(error: RayError) -> Fault:
    text = str(error)
    found = _ADDRESS.search(text)
    address = next(filter(None, found.groups()), "") if found else ""
    if isinstance(error, RayActorError) and error.preempted:
        return Fault(kind="preempted", cause="its machine was taken away", machine=address)
    if isinstance(error, ActorUnavailableError | NodeDiedError) or _NODE_IS_GONE.search(text):
        return Fault(kind="machine", cause="the machine was lost", machine=address)
    return Fault(kind="process", cause=_how_lost(error, text), machine=address)


def _how_lost(error: RayError, text: str) -> str:
    memory = _MEMORY.search(text)
    if isinstance(error, OutOfMemoryError) or memory:
        used = f": {memory[1]} of {memory[2]} were in use" if memory else ""
        return f"killed by Ray, because the machine ran out of memory{used}"
    pid, kind = _PID.search(text), _CLASS.search(text)
    if kind is None:
        return f"{type(error).__name__}: {text.strip().splitlines()[0] if text.strip() else ''}"
    whose = "its process" if kind[1] in _TRIAL_CLASSES else f"the process of the {kind[1]}"
    which = f" {pid[1]}" if pid else ""
    return f"{whose}{which} was killed, or crashed"
