from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import SGD

from tests.toco_core.golden_files import GOLDEN
from toco_core.schedule import PolyWarmup, make_optimiser
from toco_core.settings import Optimiser

FILE: dict[str, Any] = json.loads((GOLDEN / "schedule.json").read_text())


def schedule(iterations: int = FILE["max_iters"], warmup: int = FILE["warmup_iters"]) -> PolyWarmup:
    parameters = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    groups = [
        {"params": [p], "lr": FILE["base_lr"] * f} for p, f in zip(parameters, (1, 10), strict=True)
    ]
    return PolyWarmup(SGD(groups, lr=1.0), iterations, warmup, FILE["warmup_ratio"], FILE["power"])


def advance(scheduler: PolyWarmup, steps: int) -> list[list[float]]:
    rates = []
    for _ in range(steps):
        rates.append([float(rate) for rate in scheduler.get_last_lr()])
        scheduler.optimizer.step()
        scheduler.step()
    return rates


def test_rates_match_the_authors_in_every_group() -> None:
    rates = advance(schedule(), 200)
    assert [first for first, _ in rates] == pytest.approx(FILE["lr_used_at_step"], rel=1e-6)
    assert [second / 10 for _, second in rates] == pytest.approx(FILE["lr_used_at_step"], rel=1e-6)


def test_a_restored_schedule_goes_on_where_it_stopped() -> None:
    whole, first, second = schedule(), schedule(), schedule()
    expected = advance(whole, 50)
    done = advance(first, 23)
    second.load_state_dict(first.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    assert done + advance(second, 27) == expected


def test_no_warmup_starts_at_the_base_rate_and_ends_at_zero() -> None:
    scheduler = schedule(iterations=10, warmup=0)
    assert scheduler.factor(0) == 1
    assert scheduler.factor(10) == scheduler.factor(11) == 0


@pytest.mark.parametrize("warmup", [-1, 10, 11])
def test_a_warmup_that_does_not_end_before_the_training_is_refused(warmup: int) -> None:
    with pytest.raises(ValueError, match=r"warmup .* must be in 0\.\.9"):
        schedule(iterations=10, warmup=warmup)


def test_each_part_has_its_rate_and_frozen_parameters_are_left_out() -> None:
    frozen = nn.Parameter(torch.ones(1), requires_grad=False)
    parts = [
        ([nn.Parameter(torch.ones(1)), frozen], 6e-5),
        (nn.Linear(2, 2).parameters(), 6e-4),
    ]
    optimiser = make_optimiser(parts, Optimiser.model_validate({}))
    encoder, rest = optimiser.param_groups
    assert (encoder["lr"], rest["lr"]) == (6e-5, 6e-4)
    assert (len(encoder["params"]), len(rest["params"])) == (1, 2)
    assert encoder["weight_decay"] == rest["weight_decay"] == 0.01
