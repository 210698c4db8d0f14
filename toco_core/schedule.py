"""AdamW with two rates, and the polynomial schedule with linear warm-up."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LRScheduler

from toco_core.settings import Optimiser
from toco_core.settings.warmup import require_warmup


def make_optimiser(
    encoder: Iterable[nn.Parameter], rest: Iterable[nn.Parameter], settings: Optimiser
) -> AdamW:
    """Build AdamW: the encoder at `lr`, everything else at `head_lr_factor` times that.

    Frozen parameters (the position embedding, the teacher's head) are left out, so that weight
    decay cannot move them.
    """
    groups = [
        {"params": [p for p in encoder if p.requires_grad], "lr": settings.lr},
        {
            "params": [p for p in rest if p.requires_grad],
            "lr": settings.lr * settings.head_lr_factor,
        },
    ]
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
