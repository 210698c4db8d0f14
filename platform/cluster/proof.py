"""The proof, before anything is trained, that every machine sees the places of a search."""

from __future__ import annotations

from collections.abc import Sequence

import ray
from ray.exceptions import RayError, RayTaskError

from platform.cluster.machines import Machine
from platform.cluster.places import Places
from platform.cluster.remote import fetch, run_on

# A file system that is asleep, or a machine with a hundred processes to start, is as slow as that.
ANSWER_SECONDS = 120.0


def require_seen(machines: Sequence[Machine], places: Places) -> None:
    """Have each machine look at the places, all at once.

    One that dies meanwhile is none of the cluster any more.

    Raises:
        ValueError: a machine sees other places, or does not answer; one line that names it.
    """
    looks = {run_on(machine, _look, places, machine.name): machine for machine in machines}
    ready, silent = ray.wait(list(looks), num_returns=len(looks), timeout=ANSWER_SECONDS)
    for look in ready:
        _require_seen(look)
    if silent:
        raise ValueError(
            f"machine {looks[silent[0]].name} has not answered for {ANSWER_SECONDS:g} s whether it "
            f"sees {places.directory}: see that its network file system responds"
        )


def _look(places: Places, machine: str) -> None:
    places.check(machine)


def _require_seen(look: ray.ObjectRef[None]) -> None:
    try:
        fetch(look)
    except RayTaskError as error:
        cause = error.cause
        if not isinstance(cause, OSError):
            raise
        raise ValueError(str(cause)) from error
    except RayError:  # the machine is gone
        return
