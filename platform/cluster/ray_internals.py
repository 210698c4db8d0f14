"""What is needed of Ray that it does not offer to users; nothing else touches its inside.

Ray is imported by the functions: who asks for the environment needs none of it.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

# Ray's switch for laptops. Without it every service of a local Ray listens on all interfaces.
LOOPBACK_ONLY = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
# Set by `ray job submit` for the process that it starts, which has our code with it.
SUBMITTED_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
_START_TIMEOUT = "timed out during startup"


def listen_on_loopback_only() -> None:
    """Have a Ray that starts from here, and was imported before `LOOPBACK_ONLY` was set, heed it.

    Ray reads the variable when it is imported; its processes read it from their environment.
    """
    from ray._private import ray_constants

    ray_constants.ENABLE_RAY_CLUSTER = False


def is_start_timeout(error: Exception) -> bool:
    """Return whether Ray did not come up in time, for which it has no class of its own."""
    return _START_TIMEOUT in str(error)


def when_up(actor: Any) -> Any:
    """Return a reference that is there once an actor has started, again or for the first time."""
    return actor.__ray_ready__.remote()


def error_of(trial: Any) -> Exception:
    """Return the error with which an attempt at a trial of Tune's has just ended.

    Tune tells nobody: it leaves it in a file of the trial's.
    """
    path = trial.pickled_error_file
    if path is None:
        return RuntimeError("Ray Tune gave the trial up, and says nothing of the reason")
    return pickle.loads(Path(path).read_bytes())


def survive_memory_kills() -> None:
    """Have Tune take a process that Ray's memory monitor killed for what it is: a dead actor.

    It knows `RayActorError` and `RayTaskError`. With any other error, such as `OutOfMemoryError`,
    which is a `RayError` and no more, it ends the whole search, or forgets it at an actor's start.
    """
    from ray.air.execution._internal.actor_manager import RayActorManager

    if not hasattr(RayActorManager._actor_task_failed, "__wrapped__"):  # once in a process
        RayActorManager._actor_task_failed = _told_of_dead_actors(
            RayActorManager._actor_task_failed
        )
        RayActorManager._actor_start_failed = _told_of_dead_actors(
            RayActorManager._actor_start_failed
        )


def _told_of_dead_actors(handle: Callable[..., None]) -> Callable[..., None]:
    from ray.exceptions import RayActorError, RayError, RayTaskError

    @wraps(handle)
    def handle_known(self: Any, *tracked: Any, exception: Exception, **more: Any) -> None:
        is_known = isinstance(exception, RayActorError | RayTaskError)
        if isinstance(exception, RayError) and not is_known:
            exception = RayActorError(error_msg=str(exception))
        handle(self, *tracked, exception=exception, **more)

    return handle_known


def keep_messages_off_the_terminal() -> None:
    """Send what the raylet says of lost processes to the log; `log_to_driver` leaves it out."""
    from ray._private import worker

    def log_lines(data: dict[str, Any], ignore_prefix: bool) -> None:
        for line in data["lines"]:
            logging.getLogger("ray").warning("(%s) %s", data.get("pid"), line)

    worker.print_to_stdstream = log_lines
