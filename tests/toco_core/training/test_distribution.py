"""Two ranks on this machine, over gloo."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import torch
import torch.distributed
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from tests.toco_core.small_run import small_dataset, small_recipe
from toco_core.data.reader import open_dataset
from toco_core.losses.finite import NonFiniteLossError
from toco_core.settings import Recipe
from toco_core.trainer import Trainer

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
        backbone__drop_path=0.2,
        data__images_per_step=4,
    )


def shared_recipe() -> Recipe:
    return small_recipe(iterations=3, stages__segmentation=0, data__images_per_step=4)


def train(rank: int, folder: Path, port: int) -> None:
    """Train two steps, save, resume, train two more, and then break one rank."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2
    )
    dataset = open_dataset(folder / "noise")
    whole = Trainer(staged_recipe(), dataset, rank=rank, world_size=2)
    losses = []
    for step in range(4):
        losses.append(whole.step())
        if step == 1 and rank == 0:
            whole.save(folder / "run.pt")
    torch.distributed.barrier()
    resumed = Trainer.resume(folder / "run.pt", dataset, rank=rank, world_size=2)
    resumed_losses = [resumed.step(), resumed.step()]
    broken = _stops_on_a_broken_rank(
        Trainer.resume(folder / "run.pt", dataset, rank=rank, world_size=2)
    )
    shared = Trainer(shared_recipe(), dataset, rank=rank, world_size=2)
    first_shared = shared.step()
    if rank == 0:
        shared.save(folder / "shared.pt")
    record = {
        "shared": [first_shared, shared.step(), shared.step()],
        "losses": losses,
        "resumed_losses": resumed_losses,
        "weights": whole.model.state_dict(),
        "resumed_weights": resumed.model.state_dict(),
        "stopped": broken,
    }
    torch.save(record, folder / f"rank{rank}.pt")
    torch.distributed.destroy_process_group()


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
    assert first["resumed_losses"] == first["losses"][2:]
    assert _equal(first["resumed_weights"], first["weights"])
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
