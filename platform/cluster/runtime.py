"""Starts Ray on this machine, or connects to a cluster, so that its workers find our code.

Ray workers have loaded the standard `platform` before Ray tells them where our code is. On this
machine PYTHONPATH reaches them in time; on a cluster the `working_dir` of the runtime environment.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from platform.cluster.address import knock_at
from platform.cluster.lost_ray import ending_with_ray
from platform.cluster.native_stderr import native_stderr_to
from platform.cluster.ray_internals import (
    LOOPBACK_ONLY,
    SUBMITTED_JOB,
    is_start_timeout,
    keep_messages_off_the_terminal,
    lacks_extras,
    listen_on_loopback_only,
    show_token,
    sigterm_left_alone,
)
from platform.cluster.session_directory import bounded, log_rotation
from platform.interruption import held_back

ROOT = Path(__file__).resolve().parents[2]  # the checkout, or site-packages
IS_CHECKOUT = (ROOT / "pyproject.toml").is_file()
LOG_HANDLER = "toco-platform"
_OF_STORES = ("AWS_", "AZURE_", "GOOGLE_", "GCS_")


def worker_environment() -> dict[str, str]:
    """Return the environment variables with which Ray workers on this machine find our code.

    Threads are left to Ray, which sets OMP_NUM_THREADS to the CPUs that a worker has asked for.
    """
    variables = {"RAY_USAGE_STATS_ENABLED": "0"}
    if IS_CHECKOUT:  # an installed package has its .pth file; site-packages must not come first
        inherited = os.environ.get("PYTHONPATH")
        path = [str(ROOT), inherited] if inherited else [str(ROOT)]
        variables["PYTHONPATH"] = os.pathsep.join(path)
    return variables


def runtime_env(address: str | None = None) -> dict[str, Any]:
    """Return the Ray runtime environment that carries our code to the workers.

    Args:
        address: of a cluster; None for a Ray on this machine.

    Returns:
        For `ray.init(runtime_env=...)`. Empty where the workers have the code anyway: in a job
        that was submitted with it, and where the package is installed rather than checked out; but
        for the credentials of object stores, which only this process may have.
    """
    if address is None:
        return {"env_vars": worker_environment()}
    if SUBMITTED_JOB in os.environ:
        return {}
    variables = {"env_vars": store_variables()} if store_variables() else {}
    if not IS_CHECKOUT:
        return variables
    # Ray leaves out what .gitignore names, and .git itself.
    code = {"working_dir": str(ROOT), "excludes": ["/tests/golden", "/reports", "/.ci"]}
    return {**code, **variables}


def store_variables() -> dict[str, str]:
    """Return the variables by which clients of object stores find endpoints and credentials."""
    variables = {name: value for name, value in os.environ.items() if name.startswith(_OF_STORES)}
    variables.pop("AWS_CA_BUNDLE", None)  # a file of this machine's system
    return variables


@contextmanager
def start_ray(
    log_file: Path,
    *,
    address: str | None = None,
    num_cpus: int | None = None,
    dashboard: bool = True,
) -> Iterator[Any]:
    """Start Ray on 127.0.0.1, or connect to the cluster at an address.

    Args:
        log_file: takes what Ray has to say.
        address: of a running cluster (`host:port`, `auto`, `ray://...`); by default what the
            variable RAY_ADDRESS says. Without either a Ray of our own is started.
        num_cpus: logical CPUs of a Ray of our own; by default all there are.
        dashboard: of a Ray of our own. Its API is what frees the resources of a group of training
            workers that was stopped; where there are none, its ten processes can be spared.

    Yields:
        Ray's context; at its end this process disconnects, and a Ray of our own ends.

    Raises:
        ValueError: CPUs are asked of a cluster, which has those it has; or the address is none.
        KeyboardInterrupt: asked for meanwhile; Ray was up, and has ended.
        ConnectionError: no cluster answers at the address, or it does not know us; or a Ray of
            our own does not come up on a machine that is busy.
    """
    address = address or os.environ.get("RAY_ADDRESS") or None
    if address == "local":
        address = None
    if address is not None and num_cpus is not None:
        raise ValueError(
            f"num_cpus={num_cpus} cannot be given for the running cluster at {address}: "
            "leave out one of the two"
        )
    _log_to(log_file)
    with ExitStack() as stack:
        stack.enter_context(native_stderr_to(log_file))
        # Ray crashes where it is broken off half-way.
        with held_back(_say_that_it_was_heard), sigterm_left_alone():
            start = _start_local(num_cpus, dashboard) if address is None else _connect(address)
            context = stack.enter_context(start)
        if address is None:
            stack.enter_context(bounded(session_directory(context)))
        stack.enter_context(ending_with_ray())
        yield context


def session_directory(context: Any) -> Path:
    """Return where a Ray keeps its files, from what `start_ray` yields."""
    return Path(context.address_info["session_dir"])


def _say_that_it_was_heard() -> None:
    print("stopping as soon as Ray is up; Ctrl-C again breaks off at once", file=sys.stderr)


def _start_local(num_cpus: int | None, dashboard: bool) -> AbstractContextManager[Any]:
    # Through the environment, and not runtime_env(): Ray throws away the workers it has started
    # ahead when a job asks for other variables, which costs a second or two.
    with _environment(worker_environment() | LOOPBACK_ONLY | log_rotation()):
        import ray

        listen_on_loopback_only()
        try:
            return ray.init(
                "local", num_cpus=num_cpus, include_dashboard=dashboard, log_to_driver=False
            )
        except Exception as error:
            if lacks_extras(error):
                raise ConnectionError(
                    "Ray was installed without its dashboard, whose API frees what groups of "
                    "training workers held: pip install 'ray[default]', or leave out --workers"
                ) from error
            if not is_start_timeout(error):
                raise
            raise ConnectionError(
                "Ray did not start within half a minute: too much else runs on this machine; try "
                "again, or use a running cluster (--address)"
            ) from error


def _connect(address: str) -> AbstractContextManager[Any]:
    import ray

    show_token()
    try:
        knock_at(address)
        return ray.init(address, runtime_env=runtime_env(address), log_to_driver=False)
    except ConnectionError as error:
        raise ConnectionError(
            f"the Ray cluster at {address} cannot be joined ({_cause(error)}): see that it runs "
            "(ray up cluster.yaml) and, where it asks for a token, that ~/.ray/auth_token is that "
            "of the cluster; or leave the address out (--address, RAY_ADDRESS) to use this machine"
        ) from error


def _cause(error: ConnectionError) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _LogFile(logging.FileHandler):
    """A log that is no reason to stop: where its disk is full, what needs the disk says so."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's
        if not isinstance(sys.exc_info()[1], OSError):  # printed with its traceback
            super().handleError(record)


def _log_to(log_file: Path) -> None:
    """Send what Ray logs in this process to a file; the terminal belongs to our own lines."""
    importlib.import_module("ray")  # which hangs a handler for the terminal on its logger

    logger = logging.getLogger("ray")
    for handler in list(logger.handlers):
        if handler.get_name() == LOG_HANDLER:  # an earlier start in this process
            logger.removeHandler(handler)
            handler.close()
        else:
            handler.setLevel(logging.CRITICAL)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    file_handler = _LogFile(log_file, encoding="utf-8")
    file_handler.set_name(LOG_HANDLER)
    file_handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger.addHandler(file_handler)
    keep_messages_off_the_terminal()
