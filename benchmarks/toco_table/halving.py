"""What stopping early saves and costs: searches of the table's own trainings, replayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna import pruners, samplers
from optuna.storages import InMemoryStorage

from benchmarks.search_quality.world import StartedSpace
from benchmarks.toco_table.configurations import params_of, table_space
from benchmarks.toco_table.table import Row
from platform.search.live_trials import LiveTrials
from platform.search.pruners import PatientHalving
from platform.search.simulation.controller import Simulator
from platform.search.space.checked import Params
from platform.search.study import open_study
from platform.search.worth import complete_trials

Array: TypeAlias = NDArray[np.float64]
Pruning: TypeAlias = Callable[[int], pruners.BasePruner]  # iterations of a training -> its pruner

TRIALS, CONCURRENT, DRAWS = 20, 4, 60


class Replayed(NamedTuple):
    """What came of one replayed search.

    Attributes:
        trained: share of what training every trial to its end takes.
        worth: CAM mIoU of the winner's configuration at the end, mean over seeds.
    """

    trained: float
    worth: float


def _halving(share: float) -> Pruning:
    return lambda iterations: PatientHalving(
        min_resource=max(1, int(share * iterations)), reduction_factor=2, bootstrap_count=0
    )


RUNGS: Mapping[str, Pruning] = {
    "none": lambda _: pruners.NopPruner(),
    "20, 40, 80 %": _halving(0.2),
    "40, 80 %": _halving(0.4),
    "80 %": _halving(0.8),
}


def replay_all(rows: Sequence[Row], draws: int = DRAWS) -> dict[str, list[Replayed]]:
    """Replay the same random searches with every set of rungs.

    Args:
        rows: trainings of at least `TRIALS` configurations.
        draws: searches; each draws its configurations, and a seed for each.
    """
    worth = _worth(rows)
    drawn = [_draw(rows, np.random.default_rng(number)) for number in range(draws)]
    return {
        name: [_replay(trainings, worth, pruning) for trainings in drawn]
        for name, pruning in RUNGS.items()
    }


def _worth(rows: Sequence[Row]) -> dict[int, float]:
    numbers = {row["configuration"] for row in rows}
    return {
        number: float(np.mean([r["miou"][-1] for r in rows if r["configuration"] == number]))
        for number in numbers
    }


def _draw(rows: Sequence[Row], rng: np.random.Generator) -> list[Row]:
    """Draw trainings of different configurations."""
    shuffled = [rows[place] for place in rng.permutation(len(rows))]
    first = {row["configuration"]: row for row in reversed(shuffled)}
    return [first[number] for number in rng.permutation([*first])[:TRIALS]]


def _replay(trainings: Sequence[Row], worth: Mapping[int, float], pruning: Pruning) -> Replayed:
    iterations, scores = trainings[0]["iterations"][-1], len(trainings[0]["miou"])
    table = table_space()
    starts = tuple(map(params_of, trainings))
    space = StartedSpace(table.space, table.recipe, table.depth, starts)

    def curve(number: int, _: Params) -> list[float | None]:
        return [*trainings[number]["miou"]]

    study = open_study(
        InMemoryStorage(),
        "replay",
        space,
        sampler=samplers.RandomSampler(seed=0),  # proposes nothing: all is known
        pruner=pruning(iterations),
    )
    simulator = Simulator(
        lambda: LiveTrials(study, space, budget=len(trainings), iterations=iterations),
        curve,
        iterations=iterations,
        concurrent=CONCURRENT,
    )
    simulator.run()
    winner = max(complete_trials(study), key=lambda trial: trial.value or 0.0)
    return Replayed(
        trained=simulator.scores / (scores * len(trainings)),
        worth=worth[trainings[winner.number]["configuration"]],
    )
