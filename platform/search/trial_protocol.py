"""What a trial and the driver of its search agree on: assignments, keys of results, files.

Imports nothing heavy, because both sides import it when they start.
"""

from __future__ import annotations

from dataclasses import dataclass

from platform.results.parameters import ParameterValue
from platform.search.faults import Kind
from toco_core.remote_path import PlaceT

EVENT = "event"  # one of platform.results.events
ITERATION = "iteration"
SCORE = "score"
OTHER_SCORES = "other scores"  # of the objectives but the first, where there are several
NODE = "node"  # Ray's id of the machine that a result comes from
TAKEN_OVER = "taken over"  # beside a score that another trial has earned
FAILED = "failed"  # in place of a score: why the configuration cannot be trained; a verdict


@dataclass(frozen=True)
class Assignment:
    """One configuration to train: the trial's number in the study, and its parameters.

    Attributes:
        scored: Iterations whose scores the study has from an earlier session.
        repeat: How many earlier trials have the same parameters: this one gets another seed.
        avoid: Machines, by Ray's ids, on which it shall not run.
        borders: Iterations after which it saves its checkpoint for others that begin alike.
        workers: Of its group; 0 for as many as every trial has.
    """

    number: int
    params: dict[str, ParameterValue]
    scored: tuple[int, ...] = ()
    repeat: int = 0
    avoid: tuple[str, ...] = ()
    borders: tuple[int, ...] = ()
    workers: int = 0


class BrokenTrialError(Exception):
    """Something broke a trial that says nothing of its configuration: the fields of a `Fault`.

    Raised, and not reported as a result: the process of the trial ends with it. What is wrong may
    be in there, such as a GPU that answers no more.
    """

    def __init__(self, kind: Kind, cause: str, machine: str, node: str) -> None:
        super().__init__(kind, cause, machine, node)  # as it is pickled
        self.kind: Kind = kind
        self.cause, self.machine, self.node = cause, machine, node

    def __str__(self) -> str:
        return self.cause


def trial_directory(trials: PlaceT, number: int) -> PlaceT:
    """Return where a trial keeps its checkpoints."""
    return trials / f"trial-{number:04d}"
