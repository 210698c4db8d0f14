"""Made-up searches for the tests: a small space, learning curves, a study in memory."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from optuna.storages import BaseStorage

from platform.search.group_sizes import GroupSizes
from platform.search.live_trials import LiveTrials
from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.checks import check_space
from platform.search.space.spaces import parse_space
from platform.search.study import open_study
from toco_core.settings.overrides import apply_overrides, load_recipe

ITERATIONS = 100
SPACE = """
description: made up
parameters:
  thresholds.low: {type: float, low: 0.05, high: 0.6, step: 0.05}
  thresholds.high: {type: float, low: 0.3, high: 0.9, step: 0.05}
  weights.ptc: {type: float, low: 0.05, high: 1.0, log: true}
  backbone.aux_layer: {type: int, low: -6, high: -1}
constraints: [thresholds.high - thresholds.low >= 0.1]
known: [{weights.ptc: 0.4}]
"""


def small_space(text: str = SPACE) -> CheckedSpace:
    """A space of four parameters around a recipe of 100 iterations."""
    recipe = apply_overrides(load_recipe("voc_vit_b"), {"iterations": ITERATIONS})
    return check_space(parse_space(text, "made_up"), recipe, depth=12)


def opener(
    storage: BaseStorage,
    *,
    budget: int,
    sampler: str = "random",
    pruner: str = "halving",
    seed: int = 0,
    space: CheckedSpace | None = None,
    sizes: GroupSizes | None = None,
) -> Callable[[], LiveTrials]:
    """Return what opens the search as a new process would."""
    space = space or small_space()

    def open_trials() -> LiveTrials:
        study = open_study(
            storage,
            "made-up",
            space,
            sampler=make_sampler(sampler, space, seed),
            pruner=make_pruner(pruner, ITERATIONS),
        )
        return LiveTrials(study, space, budget=budget, iterations=ITERATIONS, sizes=sizes)

    return open_trials


def quality(params: Params) -> float:
    """The score that a configuration converges to, at best 0.6; far from the recipe's 0.54."""
    low, high = float(params["thresholds.low"]), float(params["thresholds.high"])
    ptc, layer = float(params["weights.ptc"]), float(params["backbone.aux_layer"])
    loss = (low - 0.35) ** 2 + (high - 0.6) ** 2 + 0.05 * math.log(ptc / 0.5) ** 2
    return 0.6 - loss - 0.004 * (layer + 4) ** 2


def learning_curve(number: int, params: Params, *, noise: float = 0.01) -> list[float | None]:
    """Five scores that rise to `quality`, early ones less telling; the same for the same trial."""
    rng = np.random.default_rng([number, 7])
    speed = rng.uniform(2, 5)
    shares = np.linspace(0.2, 1, 5)
    rise = (1 - np.exp(-speed * shares)) / (1 - math.exp(-speed))
    scores = quality(params) * rise + noise * rng.normal(size=5)
    return [float(score) for score in scores]
