"""What breaks a trial and says nothing of its configuration: counted, and what follows from it.

A fault leaves its trial unfinished. Budgets are apart: what a trial breaks by itself, what a
machine breaks, and machines that are lost, which count nothing. No Ray in here.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias

# A trial goes on from its checkpoint so many times without a new score in between.
RETRIES = 2
# So many faults on a machine, without a score from there, and no trial is sent to it any more.
STRIKES = 2
# So many equal faults in a row, without a score from anywhere: the next one would be the same.
MOST_EQUAL = 3

Kind: TypeAlias = Literal["error", "stalled", "process", "machine", "preempted"]
# Whether a trial still finds room where these machines, by Ray's ids, are avoided.
HasRoom: TypeAlias = Callable[[Collection[str]], bool]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What ended an attempt at a trial.

    Attributes:
        kind: an error was raised; nothing moved any more; the process was lost; the machine was;
            either was to end, and the trial has saved.
        cause: one line.
        machine: its name for people; empty where it is not known.
        node: its id in Ray; empty where it is not known.
    """

    kind: Kind
    cause: str
    machine: str = ""
    node: str = ""

    @property
    def is_of_its_machine(self) -> bool:
        """Whether it may be the machine's own fault: a disk, a mount, a driver."""
        return self.kind in ("error", "stalled") and bool(self.node)

    def equals(self, other: Fault) -> bool:
        """Whether it is the same fault again, of another trial or on another machine perhaps."""
        return self.kind == other.kind and _anonymous(self.cause) == _anonymous(other.cause)

    def __str__(self) -> str:
        return f"{self.cause} (on {self.machine})" if self.machine else self.cause


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What follows from a fault.

    Attributes:
        goes_on: the trial is tried again in this session.
        retry: the number of the retry, from 1; 0 where it counts nothing.
        struck: the machine is struck off with this fault.
    """

    goes_on: bool
    retry: int = 0
    struck: bool = False


def nowhere_else(_avoided: Collection[str]) -> bool:
    """Know of one machine only."""
    return False


class Faults:
    """The faults of a session, and its budgets for them.

    Attributes:
        struck: machines that get no trials any more, with the fault that decided it.
        set_aside: trials that are left to the next session, with their last fault.
        machines_lost: how often a machine was lost with a trial on it.
        cause: why the session ends; None while it goes on.
    """

    def __init__(self, has_room: HasRoom = nowhere_else) -> None:
        self.struck: dict[str, Fault] = {}
        self.set_aside: dict[int, Fault] = {}
        self.machines_lost = 0
        self.cause: Fault | None = None
        self._has_room = has_room
        self._row: list[Fault] = []  # equal ones since the last score
        self._of_trial: defaultdict[int, list[Fault]] = defaultdict(list)  # since its last score
        self._of_node: defaultdict[str, list[Fault]] = defaultdict(
            list
        )  # since the last from there

    def take(self, number: int, fault: Fault) -> Outcome:
        """Count a fault of a trial, and decide what follows."""
        if fault.kind in ("machine", "preempted"):
            self.machines_lost += fault.kind == "machine"
            return Outcome(goes_on=True)
        if fault.node in self.struck:
            return Outcome(goes_on=True)
        self._count(number, fault)
        struck = self._must_strike(fault)
        if struck:
            self.struck[fault.node] = fault
        elif len(self._row) >= MOST_EQUAL:
            self.cause = fault
        retry = self._retries(number)
        if retry > RETRIES:
            self.set_aside[number] = fault
        goes_on = retry <= RETRIES and self.cause is None
        return Outcome(goes_on=goes_on, retry=retry if goes_on else 0, struck=struck)

    def succeeded(self, number: int, node: str) -> None:
        """Note that a trial has a new score, from a machine that is at work."""
        self._row = []
        self._of_trial.pop(number, None)
        self._of_node.pop(node, None)

    def avoided(self, number: int) -> tuple[str, ...]:
        """Return the machines on which a trial shall not be tried next."""
        own = {fault.node for fault in self._of_trial.get(number, ()) if fault.is_of_its_machine}
        wanted = self.struck.keys() | own
        return tuple(sorted(wanted if own and self._has_room(wanted) else self.struck))

    def _count(self, number: int, fault: Fault) -> None:
        is_same = bool(self._row) and fault.equals(self._row[-1])
        self._row = [*self._row, fault] if is_same else [fault]
        self._of_trial[number].append(fault)
        if fault.is_of_its_machine:
            self._of_node[fault.node].append(fault)

    def _must_strike(self, fault: Fault) -> bool:
        # What happens elsewhere too is nothing of this machine's own.
        is_only_here = {one.node for one in self._row} == {fault.node}
        has_failed = len(self._of_node.get(fault.node, ())) >= STRIKES
        return has_failed and is_only_here and self._has_room(self.struck.keys() | {fault.node})

    def _retries(self, number: int) -> int:
        """Return how many faults count against a trial: not those of a machine that was struck."""
        return sum(fault.node not in self.struck for fault in self._of_trial[number])


def _anonymous(cause: str) -> str:
    """Return a cause without what differs from trial to trial: numbers, ids, names of files."""
    return re.sub(r"'[^']*'|\S*/\S+|[0-9a-f]{16,}|\d+", "#", cause)
