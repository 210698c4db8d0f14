"""Two ranks on this machine, over gloo."""

from __future__ import annotations

import socket
import warnings
import weakref
from pathlib import Path

import pytest
import torch
import torch.distributed
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn
from torch.nn.parallel import DistributedDataParallel

from tests.toco_core.small_run import small_dataset, small_recipe
from toco_core.data.reader import ParquetDataset, open_dataset
from toco_core.losses.finite import NonFiniteLossError
from toco_core.settings import Recipe
from toco_core.trainer import Trainer
from toco_core.training.accumulation import GradientAccumulator
from toco_core.training.distribution import Distribution
from toco_core.training.loss_checks import CheckLate

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def staged_recipe() -> Recipe:
    # Every stage begins within the run, so that parameters are without gradient at first.
    return small_recipe(
        iterations=4,
        stages__contrast=1,
        stages__segmentation=2,
        optimiser__freeze=3,  # the resumed run goes over its end, too
        backbone__drop_path=0.2,
        data__images_per_step=4,
    )


def shared_recipe() -> Recipe:
    images = {"stages__segmentation": 0, "data__images_per_step": 4}
    return small_recipe(iterations=3, optimiser__freeze=1, **images)


def train(rank: int, folder: Path, port: int) -> None:
    """Train a step, save, resume, train over the borders of two stages, then break one rank."""
    torch.set_num_threads(1)
    warnings.simplefilter("error", FutureWarning)  # nothing that torch is about to remove
    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2
    )
    dataset = open_dataset(folder / "noise")
    whole = Trainer(staged_recipe(), dataset, rank=rank, world_size=2)
    losses = []
    for step in range(4):
        losses.append(whole.step())
        if step == 0 and rank == 0:
            whole.save(folder / "run.pt")
    torch.distributed.barrier()
    resumed = Trainer.resume(folder / "run.pt", dataset, rank=rank, world_size=2)
    resumed_losses = [resumed.step() for _ in range(3)]
    broken = _stops_on_a_broken_rank(
        Trainer.resume(folder / "run.pt", dataset, rank=rank, world_size=2)
    )
    shared = Trainer(shared_recipe(), dataset, rank=rank, world_size=2)
    reference = Trainer(staged_recipe(), dataset, rank=rank, world_size=2)
    reference._compute = GradientAccumulator(Searching(reference), reference._scaler)
    searched_losses = [reference.step() for _ in range(4)]
    first_shared = shared.step()
    if rank == 0:
        shared.save(folder / "shared.pt")
    record = {
        "searched_losses": searched_losses,
        "searched_weights": reference.model.state_dict(),
        "hooks_left": _wrappings_left(dataset, rank),
        "late": _late(dataset, rank),
        "late_stopped": _late_stops(dataset, rank),
        "shared": [first_shared, shared.step(), shared.step()],
        "losses": losses,
        "resumed_losses": resumed_losses,
        "weights": whole.model.state_dict(),
        "resumed_weights": resumed.model.state_dict(),
        "stopped": broken,
    }
    torch.save(record, folder / f"rank{rank}.pt")
    torch.distributed.destroy_process_group()


class Searching(Distribution):
    """The way before: DDP is built once, and searches each step for weights without gradient."""

    def __init__(self, trainer: Trainer) -> None:
        super().__init__(trainer._distribution.losses)
        self._once = DistributedDataParallel(
            self.losses, find_unused_parameters=True, forward_sync_buffers=False
        )

    def at(self, iteration: int) -> nn.Module:
        return self._once


def _wrappings_left(dataset: ParquetDataset, rank: int) -> list[bool]:
    """Whether each wrapping but the last is gone with its hooks, over three stages."""
    trainer = Trainer(staged_recipe(), dataset, rank=rank, world_size=2)
    wrapped: list[weakref.ref[nn.Module]] = []
    for iteration in range(4):
        trainer.step()
        now = weakref.ref(trainer._distribution.at(iteration))
        wrapped += [now] if not wrapped or now() is not wrapped[-1]() else []
    return [one() is not None for one in wrapped]


def reads_late(trainer: Trainer) -> Trainer:
    trainer._check = CheckLate(trainer.optimiser, trainer.device)
    return trainer


def _late(dataset: ParquetDataset, rank: int) -> list[dict[str, float]]:
    trainer = reads_late(Trainer(staged_recipe(), dataset, rank=rank, world_size=2))
    told = [step for _ in range(4) for step in trainer.advance()] + trainer.settle()
    assert [step.iteration for step in told] == [1, 2, 3, 4]
    return [step.losses for step in told]


def _late_stops(dataset: ParquetDataset, rank: int) -> str:
    trainer = reads_late(Trainer(staged_recipe(), dataset, rank=rank, world_size=2))
    if rank == 1:
        with torch.no_grad():
            trainer.model.classifier.weight.fill_(torch.nan)
    assert trainer.advance() == []
    try:
        if rank == 0:
            trainer.settle()  # as before a checkpoint
        else:
            trainer.advance()  # a stage begins; one rank alone would wait there for ever
    except NonFiniteLossError as error:
        return str(error)
    return ""


def _stops_on_a_broken_rank(trainer: Trainer) -> bool:
    if trainer.rank == 1:
        with torch.no_grad():
            trainer.model.classifier.weight.fill_(torch.nan)
    try:
        trainer.step()
    except NonFiniteLossError:
        return True
    return False


def test_two_ranks_agree_resume_to_the_bit_and_stop_together(tmp_path: Path) -> None:
    small_dataset(tmp_path / "noise")
    spawn(train, (tmp_path, free_port()), nprocs=2)
    first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1))
    assert first["losses"] == second["losses"]
    assert [len(losses) for losses in first["losses"]] == [3, 5, 7, 7]
    assert _equal(first["weights"], second["weights"])
    assert first["resumed_losses"] == first["losses"][1:]
    assert _equal(first["resumed_weights"], first["weights"])
    assert first["searched_losses"] == first["losses"]
    assert _equal(first["searched_weights"], first["weights"])
    assert first["hooks_left"] == [False, False, False, True]
    assert first["late"] == first["losses"]
    assert "non-finite loss at iteration 0: cls = nan" in first["late_stopped"]
    assert second["late_stopped"] == first["late_stopped"]
    assert first["stopped"]
    assert second["stopped"]
    alone = Trainer(shared_recipe(), open_dataset(tmp_path / "noise"))
    for losses in first["shared"]:  # of two ranks with two images each, and of one with all four
        assert losses == pytest.approx(alone.step(), rel=1e-3)
    # A group that has lost a machine: the same images at each step, and sums in another order.
    left = Trainer.resume(tmp_path / "shared.pt", open_dataset(tmp_path / "noise"))
    for losses in first["shared"][1:]:
        assert losses == pytest.approx(left.step(), rel=1e-3)


def _equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)
