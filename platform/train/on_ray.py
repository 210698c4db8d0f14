"""A training run inside Ray Train: in this process, or in a group of DDP workers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ray
import torch
from ray import train
from ray.exceptions import RayError
from ray.train.torch import TorchConfig, TorchTrainer
from ray.train.v2.api.exceptions import TrainingFailedError, WorkerGroupError

from platform.train.lead import Report, RunStopped, StopRequested
from platform.train.loop import Place, never, run
from platform.train.messages import Mailbox
from platform.train.plan import RunPlan
from platform.workers.pool import PoolClient
from platform.workers.scorers import PoolScorer
from toco_core.losses.finite import NonFiniteLossError

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
    client: PoolClient | None,
    report: Report,
    name: str,
    *,
    workers: int,
    resources: Mapping[str, float],
    stop_requested: StopRequested = never,
) -> None:
    """Train in a group of DDP workers.

    Args:
        plan: what to train.
        client: of the evaluation workers; None where `plan` has no split to score on.
        report: is called with each event, in this thread.
        name: of the Ray Train run.
        workers: of the group.
        resources: of each worker.
        stop_requested: is asked, in this thread, a few times a second.

    Raises:
        RunStopped: after `stop_requested`.
        NonFiniteLossError, ValueError, ...: the hopeless error of a worker, as it was raised there.
        TrainingFailedError: a worker died, or the group could not be placed.
    """
    mailbox = Mailbox()
    on_gpu = resources.get("GPU", 0) > 0
    trainer = TorchTrainer(
        _train_rank,
        train_loop_config={
            "plan": plan,
            "client": client,
            "report": mailbox.report,
            "stop_requested": mailbox.stop_requested,
        },
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
        mailbox.attend(trainer.fit, report, stop_requested)
    except TrainingFailedError as error:
        raise _cause(error) from error
    finally:
        mailbox.close()


def is_worth_retrying(error: BaseException) -> bool:
    """Return whether a process or a machine was lost, so that the last checkpoint leads further."""
    return isinstance(error, TrainingFailedError | RayError) and not isinstance(error, HOPELESS)


def _cause(error: TrainingFailedError) -> BaseException:
    """Return what a worker raised on purpose, if one did, else the error itself."""
    failures = error.worker_failures.values() if isinstance(error, WorkerGroupError) else ()
    for failure in failures:
        cause = getattr(failure, "cause", failure)
        if isinstance(cause, (RunStopped, *HOPELESS)):
            return cause
    return error


def _train_alone(config: Mapping[str, Any]) -> None:
    run(config["plan"], Place(device=_device()), PoolScorer(config["client"]), config["report"])


def _train_rank(config: Mapping[str, Any]) -> None:
    context = train.get_context()
    rank, world_size = context.get_world_rank(), context.get_world_size()
    place = Place(device=_device(), rank=rank, world_size=world_size)
    client = config["client"]
    scorer = PoolScorer(client) if rank == 0 and client is not None else None
    run(config["plan"], place, scorer, config["report"], config["stop_requested"])


def _device() -> str:
    return "cuda" if ray.get_gpu_ids() and torch.cuda.is_available() else "cpu"
