"""What is needed of Ray that it does not offer to users; nothing else touches its inside.

Ray is imported by the functions: who asks for the environment needs none of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def sigterm_left_alone() -> Iterator[None]:
    """Keep a Ray that starts meanwhile from handling SIGTERM: it would exit half-way with 15."""
    from ray._private import utils

    ray_handles_it = utils.set_sigterm_handler
    utils.set_sigterm_handler = lambda _handler: None
    try:
        yield
    finally:
        utils.set_sigterm_handler = ray_handles_it


def is_start_timeout(error: Exception) -> bool:
    """Return whether Ray did not come up in time, for which it has no class of its own."""
    return _START_TIMEOUT in str(error)


def when_up(actor: Any) -> Any:
    """Return a reference that is there once an actor has started, again or for the first time."""
    return actor.__ray_ready__.remote()
