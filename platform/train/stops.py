"""How a run is stopped before its end, and what it ends with then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

StopRequested: TypeAlias = Callable[[], bool]
# Why the process of the run is to end soon; empty while nothing says so.
Notice: TypeAlias = Callable[[], str]


class RunStopped(Exception):  # noqa: N818 - no error, like KeyboardInterrupt
    """A run was asked to stop, and has saved a checkpoint from which it can go on."""

    def __init__(self, iteration: int) -> None:
        super().__init__(iteration)
        self.iteration = iteration

    def __str__(self) -> str:
        return f"stopped at iteration {self.iteration}"


class Preempted(RunStopped):
    """A run was told that its process is to end, and has saved a checkpoint before that."""

    def __init__(self, iteration: int, why: str) -> None:
        super().__init__(iteration)
        self.args = (iteration, why)  # as it is pickled
        self.why = why

    def __str__(self) -> str:
        return f"{self.why}; saved at iteration {self.iteration}"


def never() -> bool:
    """Ask no run to stop."""
    return False


def no_notice() -> str:
    """Know of no end that is near."""
    return ""
