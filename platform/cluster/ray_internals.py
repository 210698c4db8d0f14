"""What is needed of Ray that it does not offer to users; nothing else touches its inside.

Ray is imported by the functions: who asks for the environment needs none of it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

# Ray's switch for laptops. Without it every service of a local Ray listens on all interfaces.
LOOPBACK_ONLY = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
# Set by `ray job submit` for the process that it starts, which has our code with it.
SUBMITTED_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
# The head has one of it, and no other machine any.
HEAD_RESOURCE = "node:__internal_head__"
_CONFIG_OPTION = "--autoscaling-config"
_RAYLET_OPTION = "--raylet_socket_name"
_NEEDED = ("raylet", "gcs_server")  # as Ray names its processes
_GROUP_TIMEOUT = "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S"
# A cloud takes minutes for a machine, and hours where it is short of them; Train waits for one.
_PATIENCE = 24 * 3600  # s
_START_TIMEOUT = "timed out during startup"
_NO_EXTRAS = "Cannot include dashboard with missing packages"


def listen_on_loopback_only() -> None:
    """Have a Ray that starts from here, and was imported before `LOOPBACK_ONLY` was set, heed it.

    Ray reads the variable when it is imported; its processes read it from their environment.
    """
    from ray._private import ray_constants

    ray_constants.ENABLE_RAY_CLUSTER = False


@contextlib.contextmanager
def sigterm_left_alone() -> Iterator[None]:
    """Keep a Ray that starts meanwhile from handling SIGTERM: it would exit half-way with 15."""
    from ray._private import utils

    ray_handles_it = utils.set_sigterm_handler
    utils.set_sigterm_handler = lambda _handler: None
    try:
        yield
    finally:
        utils.set_sigterm_handler = ray_handles_it


def uses_tls() -> bool:
    """Return whether Ray's processes talk by TLS, as `ray._common.tls_utils` reads it."""
    return os.environ.get("RAY_USE_TLS", "0").lower() in ("1", "true")


def show_token() -> None:
    """Have this process show Ray's token to the cluster that it joins, where the user has one.

    A local Ray leaves one in the user's home, and what `ray start` begins there from then on asks
    for it, but whoever joins by an address does not show it. Who asks for none ignores it.
    """
    from ray._private.authentication import authentication_token_setup

    authentication_token_setup.maybe_enable_token_auth_if_token_available(warn_if_disabled=False)


def is_start_timeout(error: Exception) -> bool:
    """Return whether Ray did not come up in time, for which it has no class of its own."""
    return _START_TIMEOUT in str(error)


def lacks_extras(error: Exception) -> bool:
    """Return whether Ray was installed without what its dashboard needs, and was asked for one."""
    return _NO_EXTRAS in str(error)


def when_up(actor: Any) -> Any:
    """Return a reference that is there once an actor has started, again or for the first time."""
    return actor.__ray_ready__.remote()


def is_head(resources: Mapping[str, float]) -> bool:
    """Return whether a machine is the head of its cluster, which Ray tells by a resource."""
    return HEAD_RESOURCE in resources


def autoscaler_file(gcs_address: str) -> str | None:
    """Return the file that the autoscaler on this machine follows, off its command line.

    Ray keeps it nowhere else: `ray up` writes it with what the cloud has filled in.

    Args:
        gcs_address: of the cluster: others may run on this machine.
    """
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            arguments = process.read_bytes().decode(errors="replace").split("\0")
            options = dict(
                one.split("=", 1) for one in arguments if one.startswith("--") and "=" in one
            )
            if options.get("--gcs-address") == gcs_address and _CONFIG_OPTION in options:
                return os.path.expanduser(options[_CONFIG_OPTION])
    return None


def needed_processes() -> dict[str, Callable[[], bool]]:
    """Return what this process's Ray cannot do without, and what tells that it has ended.

    A Ray of our own has its processes as children. Of a cluster's, which may bring back its GCS
    elsewhere, only the raylet of this machine counts, where its process can be seen.
    """
    from ray._private import worker

    node: Any = worker.global_worker.node
    if node is None:  # not connected, or through `ray://`
        return {}
    own = {
        f"its {kind} (process {one.process.pid})": lambda one=one: one.process.poll() is not None
        for kind in _NEEDED
        for one in node.all_processes.get(kind, ())
    }
    return own or {
        f"the raylet of this machine (process {process.name})": lambda process=process: (
            not process.exists()
        )
        for process in _processes_with(f"{_RAYLET_OPTION}={node.raylet_socket_name}")
    }


def _processes_with(argument: str) -> list[Path]:
    """Return the directories in /proc of the processes whose command line has an argument."""
    found: list[Path] = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if argument in line.read_bytes().decode(errors="replace").split("\0"):
                found.append(line.parent)
    return found


def be_patient() -> None:
    """Have Train, in this process, wait for machines that its workers fit on.

    What never fits was refused before. The variable, in the environment, has precedence.
    """
    os.environ.setdefault(_GROUP_TIMEOUT, str(_PATIENCE))


def memory_of_ray() -> tuple[float, float]:
    """Return the bytes of this machine, or of its container, and those in use, as Ray counts."""
    from ray._common.utils import get_system_memory
    from ray._private.utils import get_used_memory

    return float(get_system_memory()), float(get_used_memory())


def draining_nodes() -> Mapping[str, int]:
    """Return the machines that are to end soon, by Ray's ids, each with the time of that, ms.

    Empty where nobody can tell at the moment: the head may be away for a while.
    """
    from ray._private.state import state
    from ray.exceptions import RaySystemError

    try:
        return state.get_draining_nodes() or {}
    except (RaySystemError, RuntimeError):
        return {}


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
