from __future__ import annotations

import math

import pytest
import torch

from toco_core.losses.finite import NonFiniteLossError, check_finite


def test_finite_losses_come_back_as_numbers() -> None:
    losses = {"cls": torch.tensor(0.5, requires_grad=True), "total": torch.tensor(2.0)}
    assert check_finite(losses, 7) == {"cls": 0.5, "total": 2.0}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_non_finite_loss_is_named_with_its_iteration(value: float) -> None:
    losses = {"cls": torch.tensor(1.0), "ctc": torch.tensor(value), "total": torch.tensor(value)}
    with pytest.raises(NonFiniteLossError, match=f"iteration 12: ctc = {value}, total = {value}"):
        check_finite(losses, 12)
