"""Nothing is learnt from a loss that is not finite, whether the host has read it yet or not."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.optim import AdamW

from toco_core.losses.finite import check_finite
from toco_core.settings.recipe import ConcretePrecision


class StepLosses(NamedTuple):
    """The losses of a step, which are finite."""

    iteration: int  # steps done, this one included
    losses: dict[str, float]


class LossCheck(Protocol):
    """Stands between the losses of a step and its update."""

    def before_update(self, losses: Mapping[str, Tensor], iteration: int) -> None:
        """Let the update that follows change no weight if one of the losses is not finite."""
        ...

    def settle(self, unread: int = 0) -> None:
        """Check the losses of all steps but the latest few.

        Raises:
            NonFiniteLossError: names the first step and loss; the weights are those before it.
        """
        ...

    def take(self) -> list[StepLosses]:
        """Return the losses that were checked since the last call."""
        ...


class CheckAtOnce:
    """Reads the losses of a step before its update: the host waits for the device."""

    def __init__(self) -> None:
        self._checked: list[StepLosses] = []

    def before_update(self, losses: Mapping[str, Tensor], iteration: int) -> None:
        """Raise, if one of the losses is not finite."""
        self._checked.append(StepLosses(iteration + 1, check_finite(losses, iteration)))

    def settle(self, unread: int = 0) -> None:
        """Do nothing."""

    def take(self) -> list[StepLosses]:
        """Return the losses that were checked since the last call."""
        checked, self._checked = self._checked, []
        return checked


class CheckLate(CheckAtOnce):
    """Makes each update conditional on the device, which need not wait until the host has read.

    From the first loss that is not finite on no update is made, so that the weights stay those
    before it until the host knows.

    Args:
        optimiser: fused, without a scaler, which would set the condition itself.
        device: of the losses.
    """

    def __init__(self, optimiser: AdamW, device: torch.device) -> None:
        super().__init__()
        self._is_broken = torch.zeros((), device=device)  # 1 from the first such loss on
        # Its kernel changes nothing where this is 1: weights, moments, or counts of steps.
        setattr(optimiser, "found_inf", self._is_broken)  # noqa: B010  # not in its stub
        self._sent: deque[_Sent] = deque()

    def before_update(self, losses: Mapping[str, Tensor], iteration: int) -> None:
        """Send the losses to the host, and let the device decide meanwhile."""
        values = torch.stack([loss.detach().float() for loss in losses.values()])
        self._is_broken.masked_fill_(~values.isfinite().all(), 1.0)
        self._sent.append(_Sent.now(values, tuple(losses), iteration))

    def settle(self, unread: int = 0) -> None:
        """Check the losses of all steps but the latest few."""
        while len(self._sent) > unread:
            self._checked.append(self._sent[0].read())  # raises again, should one try to go on
            self._sent.popleft()


class _Sent(NamedTuple):
    """Losses on their way to the host."""

    values: Tensor  # (n,) on the host, once it `has_arrived`
    names: tuple[str, ...]
    iteration: int
    has_arrived: torch.cuda.Event | None  # None: at once

    @classmethod
    def now(cls, values: Tensor, names: tuple[str, ...], iteration: int) -> _Sent:
        if not values.is_cuda:
            return cls(values, names, iteration, None)
        on_host = torch.empty(values.shape, pin_memory=True)
        on_host.copy_(values, non_blocking=True)
        has_arrived = torch.cuda.Event(blocking=True)  # leaves the core to those who load
        has_arrived.record()
        return cls(on_host, names, iteration, has_arrived)

    def read(self) -> StepLosses:
        if self.has_arrived is not None:
            self.has_arrived.synchronize()
        losses = dict(zip(self.names, self.values, strict=True))
        return StepLosses(self.iteration + 1, check_finite(losses, self.iteration))


def make_check(optimiser: AdamW, device: torch.device, precision: ConcretePrecision) -> LossCheck:
    """Check late on a GPU; float16, whose scaler waits for the gradients, at once like a CPU."""
    if device.type == "cuda" and precision != "float16":
        return CheckLate(optimiser, device)
    return CheckAtOnce()
