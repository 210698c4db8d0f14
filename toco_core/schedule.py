"""AdamW with a rate for each part of the network; polynomial schedule with linear warm-up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler

from toco_core.settings import Optimiser
from toco_core.settings.warmup import require_warmup


def make_optimiser(
    parts: Iterable[tuple[Iterable[nn.Parameter], float]], settings: Optimiser
) -> AdamW:
    """Build AdamW, with a group for each part.

    Parameters without gradient (the position embedding, the teacher's head) are left out, so that
    weight decay cannot move them.

    Args:
        parts: weights, and their base rate.
        settings: everything else.
    """
    groups = [{"params": [p for p in part if p.requires_grad], "lr": lr} for part, lr in parts]
    return AdamW(
        groups,
        lr=settings.lr,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        fused=True,  # one kernel for all weights
    )


class PolyWarmup(LRScheduler):
    """Warm up linearly, then decay as (1 - t / iterations) ** power, both from the base rate.

    Step it once after each optimiser step. The decay counts from iteration 0, not from the end of
    the warm-up; from `iterations` on the rate is 0.

    Args:
        optimizer: its groups' rates are the base rates.
        iterations: length of the training.
        warmup: iterations of the warm-up, less than `iterations`; 0 for none.
        warmup_ratio: factor of the very first iteration.
        power: exponent of the decay.
        last_epoch: iterations already done, less one; for resuming use `load_state_dict`.

    Raises:
        ValueError: the warm-up is not shorter than the training.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        iterations: int,
        warmup: int,
        warmup_ratio: float = 1e-6,
        power: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        require_warmup(warmup, iterations)
        self.iterations = iterations
        self.warmup = warmup
        self.warmup_ratio = warmup_ratio
        self.power = power
        super().__init__(optimizer, last_epoch)

    def factor(self, iteration: int) -> float:
        """Return the share of the base rate in force at an iteration, counted from 0."""
        if iteration < self.warmup:
            return 1 - (1 - iteration / self.warmup) * (1 - self.warmup_ratio)
        return max(0.0, 1 - iteration / self.iterations) ** self.power

    def get_lr(self) -> list[float | Tensor]:
        """Return the rate of each parameter group now."""
        factor = self.factor(self.last_epoch)
        return [base * factor for base in self.base_lrs]


def take_up(
    optimiser: Optimizer,
    schedule: PolyWarmup,
    optimiser_state: Mapping[str, Any],
    schedule_state: Mapping[str, Any],
) -> None:
    """Go on from the states of a checkpoint, at the rates of this run.

    They may not be those of the checkpoint: a run that forks off has other rates for the heads that
    had not learnt by then. How its weights are grouped does not matter, as long as their order is
    the same.

    Args:
        optimiser: as built.
        schedule: of `optimiser`, as built.
        optimiser_state: what the optimiser has gathered.
        schedule_state: how far the schedule was.
    """
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": optimiser_state["state"], "param_groups": groups})
    factor = schedule.factor(schedule_state["last_epoch"])
    rates = [base * factor for base in schedule.base_lrs]
    own = {"base_lrs": schedule.base_lrs, "_last_lr": rates}
    schedule.load_state_dict({**schedule_state, **own})
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        group["lr"] = rate
