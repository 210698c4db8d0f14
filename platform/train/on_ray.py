"""A training run inside Ray Train: in this process, or in a group of DDP workers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import ray
import torch
from ray import train
from ray.exceptions import RayError, RayTaskError
from ray.train.torch import TorchTrainer
from ray.train.v2.api.exceptions import TrainingFailedError, WorkerGroupError

from platform.cluster.gpu_memory import GpuMemoryError
from platform.cluster.notice import END_NOTICE
from platform.cluster.ray_internals import be_patient
from platform.cluster.torch_group import GroupConfig
from platform.cluster.whereabouts import avoiding, telling_where
from platform.train.lead import Emit
from platform.train.loop import Rank, run
from platform.train.messages import Channel, Stops
from platform.train.plan import RunPlan
from platform.train.stops import RunStopped, StopRequested, never
from platform.workers.pool import PoolExecutor
from toco_core.losses.finite import NonFiniteLossError
from toco_core.remote_files import is_remote

# What says something of the configuration, and would happen again at the next try.
VERDICTS = (NonFiniteLossError, FloatingPointError, GpuMemoryError)


def fit_in_process(plan: RunPlan, executor: PoolExecutor, emit: Emit, name: str) -> None:
    """Train in this process; a worker group would spend longer on its start than on a short run.

    Args:
        plan: what to train.
        executor: the evaluation workers.
        emit: is called with each event.
        name: of the Ray Train run.

    Raises:
        Preempted: this process, or its machine, is to end; the run has saved.
    """
    trainer = TorchTrainer(
        _train_alone,
        train_loop_config={"plan": plan, "executor": executor, "emit": emit},
        scaling_config=train.ScalingConfig(num_workers=0),
        run_config=train.RunConfig(name=name),
    )
    trainer.fit()


def fit_in_workers(
    plan: RunPlan,
    executor: PoolExecutor | None,
    emit: Emit,
    name: str,
    *,
    workers: int,
    resources: Mapping[str, float],
    avoid: Collection[str] = (),
    stop_requested: StopRequested = never,
) -> None:
    """Train in a group of DDP workers.

    Args:
        plan: what to train.
        executor: the evaluation workers'; None where `plan` has no split to score on.
        emit: is called with each event, in this thread.
        name: of the Ray Train run.
        workers: of the group.
        resources: of each worker.
        avoid: machines, by Ray's ids, on which there shall be none.
        stop_requested: is asked, in this thread, a few times a second.

    Raises:
        RunStopped: after `stop_requested`.
        Preempted: a process of the group, or its machine, is to end; the run has saved.
        NonFiniteLossError, ValueError, ...: the error of a worker, as it was raised there.
        RayError: a worker died.
        TrainingFailedError: the group could not be placed.
    """
    be_patient()
    channel = Channel()
    scaling = _scaling(workers, resources, avoid)
    trainer = TorchTrainer(
        _train_rank,
        train_loop_config={
            "plan": plan,
            "executor": executor,
            "emit": channel.emit,
            "stops": channel.stops,
        },
        scaling_config=scaling,
        torch_config=GroupConfig(backend="nccl" if scaling.use_gpu else "gloo"),
        run_config=_tried_once(plan, name),
    )
    try:
        with END_NOTICE.heeded() as notice:
            channel.relay(trainer.fit, emit, stop_requested, notice)
    except TrainingFailedError as error:
        raise _cause(error) from error
    finally:
        channel.close()


def _scaling(
    workers: int, resources: Mapping[str, float], avoid: Collection[str]
) -> train.ScalingConfig:
    return train.ScalingConfig(
        num_workers=workers,
        use_gpu=resources.get("GPU", 0) > 0,
        resources_per_worker=dict(resources),
        label_selector=avoiding(avoid) or None,
    )


def _tried_once(plan: RunPlan, name: str) -> train.RunConfig:
    return train.RunConfig(
        name=name,
        # Train keeps nothing of ours there: beside an object store, its own place will do.
        storage_path=None if is_remote(plan.directory) else plan.directory,
        # Without a limit, a controller that cannot place its workers tries for ever.
        # What is lost goes on from here, or in the search, which count it: Train shall not.
        failure_config=train.FailureConfig(
            max_failures=0, max_preemption_failures=0, controller_failure_limit=2
        ),
    )


def is_verdict(error: BaseException) -> bool:
    """Return whether an error says that its configuration cannot be trained, anywhere."""
    return isinstance(error, VERDICTS)


def _cause(error: TrainingFailedError) -> BaseException:
    """Return the error of the worker that was first to fail, as far as errors tell, or `error`."""
    failures = error.worker_failures.values() if isinstance(error, WorkerGroupError) else ()
    return min(map(_own_error, failures), key=_rank, default=error)


def _own_error(failure: Exception) -> BaseException:
    cause = getattr(failure, "health_check_failure", failure)  # of a worker that does not respond
    return cause.cause if isinstance(cause, RayTaskError) else cause


def _rank(error: BaseException) -> int:
    """Return how likely an error is the first one: others lose their peers, as RuntimeErrors."""
    order = (RunStopped, VERDICTS, OSError, ValueError)
    for rank, kind in enumerate(order):
        if isinstance(error, kind):
            return rank
    if isinstance(error, RayError):
        return len(order)
    return len(order) + 1 + isinstance(error, RuntimeError)


def _train_alone(config: Mapping[str, Any]) -> None:
    rank = Rank(device=own_device())
    with END_NOTICE.heeded() as notice:
        run(config["plan"], rank, config["executor"], config["emit"], notice=notice)


def _train_rank(config: Mapping[str, Any]) -> None:
    context = train.get_context()
    index, world_size = context.get_world_rank(), context.get_world_size()
    rank = Rank(device=own_device(), index=index, world_size=world_size)
    executor = config["executor"] if index == 0 else None
    stops: Stops = config["stops"]
    with telling_where(), END_NOTICE.heeded(stops.tell if index else None) as own:
        run(
            config["plan"],
            rank,
            executor,
            config["emit"],
            stops.requested,
            notice=lambda: own() or stops.notice(),
        )


def own_device() -> str:
    """Return the kind of device that this process trains on."""
    return "cuda" if ray.get_gpu_ids() and torch.cuda.is_available() else "cpu"
