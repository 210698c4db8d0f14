"""What a GPU does, on a CPU: the update is conditional, and the losses are read one step late."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.optim import AdamW

from tests.toco_core.fake_gpu import WaitingCopies
from tests.toco_core.small_run import small_dataset, small_recipe
from tests.train.short_run import same_state
from toco_core.data.reader import ParquetDataset
from toco_core.losses.finite import NonFiniteLossError
from toco_core.trainer import Trainer
from toco_core.training.feed import Fed
from toco_core.training.loss_checks import CheckAtOnce, CheckLate, StepLosses, make_check

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def dataset(tmp_path: Path) -> ParquetDataset:
    return small_dataset(tmp_path / "noise")


def reads_late(trainer: Trainer) -> Trainer:
    trainer._check = CheckLate(trainer.optimiser, CPU)
    return trainer


def state(trainer: Trainer) -> object:
    """Everything that a step learns, in tensors of its own."""
    moments = trainer.optimiser.state_dict()["state"]
    copies = {key: {k: v.clone() for k, v in moment.items()} for key, moment in moments.items()}
    return {name: w.clone() for name, w in trainer.model.named_parameters()}, copies


def break_the_losses_of(trainer: Trainer, iteration: int) -> None:
    """Let CTC be NaN in one step, whose gradients are numbers."""
    compute = trainer._compute

    def broken(fed: Fed, at: int) -> dict[str, Tensor]:
        losses = compute(fed, at)
        return losses | ({"ctc": losses["ctc"] * math.nan} if at == iteration else {})

    trainer._compute = broken


def test_a_late_run_is_the_same_to_the_bit_and_tells_of_each_step_once(
    dataset: ParquetDataset,
) -> None:
    recipe = small_recipe(iterations=4, stages__segmentation=2)
    plain, late = Trainer(recipe, dataset), reads_late(Trainer(recipe, dataset))
    expected = [StepLosses(index + 1, plain.step()) for index in range(4)]
    told = [late.advance() for _ in range(4)]
    assert told == [[], *([step] for step in expected[:3])]
    assert late.settle() == expected[3:]
    assert late.settle() == []
    assert same_state(state(late), state(plain))


def test_nothing_is_learnt_from_a_broken_loss_nor_from_what_was_asked_after_it(
    dataset: ParquetDataset, tmp_path: Path
) -> None:
    trainer = reads_late(Trainer(small_recipe(stages__segmentation=0), dataset))
    break_the_losses_of(trainer, 1)
    trainer.step()
    frozen = [w for w in trainer.model.parameters() if not w.requires_grad]  # the teacher moves on
    before = state(trainer)
    trainer.advance()
    with pytest.raises(NonFiniteLossError, match=r"at iteration 1: ctc = nan$"):
        trainer.advance()  # whose own losses are numbers
    with torch.no_grad():
        for weight, old in zip(frozen, _frozen(before, trainer), strict=True):
            weight.copy_(old)
    assert same_state(state(trainer), before)
    with pytest.raises(NonFiniteLossError, match="iteration 1"):
        trainer.save(tmp_path / "run.pt")
    assert not (tmp_path / "run.pt").exists()


def _frozen(before: object, trainer: Trainer) -> Iterator[Tensor]:
    assert isinstance(before, tuple)
    return (before[0][n] for n, w in trainer.model.named_parameters() if not w.requires_grad)


def test_no_checkpoint_is_written_of_a_step_whose_losses_are_not_read_yet(
    dataset: ParquetDataset, tmp_path: Path
) -> None:
    trainer = reads_late(Trainer(small_recipe(stages__segmentation=0), dataset))
    break_the_losses_of(trainer, 0)
    assert trainer.advance() == []
    with pytest.raises(NonFiniteLossError, match="iteration 0"):
        trainer.save(tmp_path / "run.pt")
    assert not (tmp_path / "run.pt").exists()


def test_saving_keeps_the_losses_that_it_has_read(dataset: ParquetDataset, tmp_path: Path) -> None:
    trainer = reads_late(Trainer(small_recipe(), dataset))
    trainer.advance()
    trainer.save(tmp_path / "run.pt")
    assert [step.iteration for step in trainer.settle()] == [1]


def test_the_last_step_is_checked_too(dataset: ParquetDataset) -> None:
    trainer = reads_late(Trainer(small_recipe(iterations=3), dataset))
    break_the_losses_of(trainer, 2)
    while not trainer.finished:
        trainer.advance()
    with pytest.raises(NonFiniteLossError, match="iteration 2"):
        trainer.settle()


class RecordedEvent:
    """Stands for an event of a GPU, which needs one."""

    def __init__(self, *, blocking: bool) -> None:
        self.is_blocking = blocking

    def record(self) -> None:
        self.is_recorded = True


def test_between_two_steps_the_host_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "Event", RecordedEvent)
    with FakeTensorMode(), WaitingCopies() as copies:
        losses = {name: torch.empty((), device=GPU) for name in ("cls", "total")}
        weight = torch.empty(3, device=GPU, requires_grad=True)
        weight.grad = torch.empty_like(weight)
        optimiser = AdamW([weight], fused=True)
        check = CheckLate(optimiser, GPU)
        check.before_update(losses, 0)
        optimiser.step()
        check.settle(unread=1)
        assert copies.found == []
        with pytest.raises(DataDependentOutputException):  # to read a number is to wait for it
            CheckAtOnce().before_update(losses, 0)


def test_float16_and_cpus_check_at_once() -> None:
    optimiser = AdamW([torch.zeros(1, requires_grad=True)], fused=True)
    assert type(make_check(optimiser, CPU, "bfloat16")) is CheckAtOnce
    assert type(make_check(optimiser, GPU, "float16")) is CheckAtOnce
    assert not hasattr(optimiser, "found_inf")
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert type(make_check(optimiser, GPU, "bfloat16")) is CheckLate
