"""A training run inside Ray Train: in this process, or in a group of DDP workers."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from platform.scoring.pool import PoolClient
from platform.training.loop import Place, Report, run
from platform.training.plan import RunPlan
from platform.training.scorers import PoolScorer
from typing import Any

import ray
import torch
from ray import train
from ray.train.torch import TorchConfig, TorchTrainer
from ray.exceptions import RayError
from ray.train.v2.api.exceptions import TrainingFailedError, WorkerGroupError
from ray.util.queue import Queue

from toco_core.terms import NonFiniteLossError

DRAIN_SECONDS = 0.5
# What would happen again at the next try.
HOPELESS = (NonFiniteLossError, FloatingPointError, ValueError, torch.OutOfMemoryError)


def fit_in_process(plan: RunPlan, client: PoolClient, report: Report, name: str) -> None:
    """Train in this process; a worker group would spend longer on its start than on a short run.

    Args:
        plan: what to train.
        client: of the evaluation workers.
        report: is called with each event.
        name: of the Ray Train run.
    """
    trainer = TorchTrainer(
        _train_alone,
        train_loop_config={"plan": plan, "client": client, "report": report},
        scaling_config=train.ScalingConfig(num_workers=0),
        run_config=train.RunConfig(name=name),
    )
    trainer.fit()


def fit_in_workers(
    plan: RunPlan,
    client: PoolClient,
    report: Report,
    name: str,
    *,
    workers: int,
    resources: Mapping[str, float],
) -> None:
    """Train in a group of DDP workers, each with `resources`; arguments as `fit_in_process`.

    Raises:
        NonFiniteLossError, ValueError, ...: the hopeless error of a worker, as it was raised there.
        TrainingFailedError: a worker died, or the group could not be placed.
    """
    events = Queue(actor_options={"num_cpus": 0})
    on_gpu = resources.get("GPU", 0) > 0
    trainer = TorchTrainer(
        _train_rank,
        train_loop_config={"plan": plan, "client": client, "report": events.put},
        scaling_config=train.ScalingConfig(
            num_workers=workers, use_gpu=on_gpu, resources_per_worker=dict(resources)
        ),
        torch_config=TorchConfig(backend="nccl" if on_gpu else "gloo"),
        run_config=train.RunConfig(
            name=name,
            storage_path=plan.directory,
            # Without a limit, a controller that cannot place its workers tries for ever.
            failure_config=train.FailureConfig(max_failures=0, controller_failure_limit=2),
        ),
    )
    try:
        _hand_on(_Background(trainer.fit), events, report)
    except TrainingFailedError as error:
        raise _cause(error) from error
    finally:
        events.shutdown()


class _Background:
    """A call in a daemon thread: a trial that Tune stops must not wait for it at its exit."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._call()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            self._error = error

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error


def _hand_on(fit: _Background, events: Queue, report: Report) -> None:
    """Report, in this thread, what rank 0 puts into the queue, until the run is over."""
    while True:
        over = fit.is_over  # asked before the queue: the last event could come between the two
        try:
            while True:
                report(events.get(block=not over, timeout=DRAIN_SECONDS))
        except queue.Empty:
            if over:
                break
    fit.result()


def is_worth_retrying(error: BaseException) -> bool:
    """Return whether a process or a machine was lost, so that the last checkpoint leads further."""
    return isinstance(error, TrainingFailedError | RayError) and not isinstance(error, HOPELESS)


def _cause(error: TrainingFailedError) -> BaseException:
    """Return the hopeless error of a worker, if there is one, else the error itself."""
    failures = error.worker_failures.values() if isinstance(error, WorkerGroupError) else ()
    for failure in failures:
        cause = getattr(failure, "cause", failure)
        if isinstance(cause, HOPELESS):
            return cause
    return error


def _train_alone(config: Mapping[str, Any]) -> None:
    run(config["plan"], Place(device=_device()), PoolScorer(config["client"]), config["report"])


def _train_rank(config: Mapping[str, Any]) -> None:
    context = train.get_context()
    rank, world_size = context.get_world_rank(), context.get_world_size()
    place = Place(device=_device(), rank=rank, world_size=world_size)
    scorer = PoolScorer(config["client"]) if rank == 0 else None
    run(config["plan"], place, scorer, config["report"])


def _device() -> str:
    return "cuda" if ray.get_gpu_ids() and torch.cuda.is_available() else "cpu"
