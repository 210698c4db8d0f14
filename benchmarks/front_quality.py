"""How much of the front of two objectives a search finds, on learning curves of LCBench.

    python -m benchmarks.front_quality --data DIR --seeds 3

The objectives are the accuracies of one configuration on two tasks. The platform's searcher,
scheduler, study and judgement run in simulated time, four trials at once, five scores a training,
under noise (see `benchmarks.search_quality`), for a budget of 20 trainings. What is measured is the
hypervolume between the median of random configurations and the front that was found, by what its
configurations are worth without luck, in units of that of 1,000 random configurations. A JSON line
for each method.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.storages import InMemoryStorage
from scipy.stats import wilcoxon

from benchmarks.search_quality.comparison import half_interval
from benchmarks.search_quality.conditions import parse_condition
from benchmarks.search_quality.searches import Training
from benchmarks.search_quality.surrogate import EPOCHS, Surrogate
from benchmarks.search_quality.world import TaskScale, measure_scale, random_configurations
from platform.command_line import run_command
from platform.search.front.judged import judge_front
from platform.search.front.weighting import Array, on_front
from platform.search.live_trials import LiveTrials
from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.simulation.controller import Score, Simulator
from platform.search.space.checked import Params
from platform.search.study import open_study

TRAININGS, RANDOM = 20, 1000
CONDITION = parse_condition("n1c4s5")
# sampler, pruner
METHODS = {
    "default": ("curve", "halving"),
    "curve, whole trainings": ("curve", "none"),
    "random, halving": ("random", "halving"),
    "random, whole trainings": ("random", "none"),
    "Optuna's TPE, whole trainings": ("tpe", "none"),
    "Optuna's NSGA-II, whole trainings": ("nsga2", "none"),
}
# each with the next one; those that choices of the single-objective search were made on
TASKS = (
    *("126029", "167149", "167168", "167185", "167201", "168331"),
    *("168908", "189862", "189873", "189908", "3945"),
)


def main() -> None:
    """Read the command line, search, print."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("--data", type=Path, required=True, metavar="DIR")
    made.add_argument("--seeds", type=int, default=3, help="searches of each pair")
    made.add_argument("--methods", default=";".join(METHODS), metavar="NAME;NAME")
    options = made.parse_args()
    run_command(lambda: compare(options.data, options.seeds, options.methods.split(";")))


def compare(data: Path, seeds: int, methods: Sequence[str]) -> int:
    """Run every method on every pair; print a JSON line for each."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    surrogate = Surrogate(data)
    following = [*TASKS[1:], TASKS[0]]
    pairs = [Pair.of(surrogate, both) for both in zip(TASKS, following, strict=True)]
    reference: Array | None = None
    for name in methods:
        began = time.process_time()
        shares = np.array([[search(pair, name, seed) for seed in range(seeds)] for pair in pairs])
        by_pair = shares.mean(axis=1)
        reference = by_pair if reference is None else reference
        behind = reference - by_pair
        line = {
            "method": name,
            "hypervolume": round(float(by_pair.mean()), 3),
            "interval": round(half_interval(by_pair) or 0.0, 3),
            "by_pair": [round(float(one), 3) for one in by_pair],
            "behind_first": round(float(behind.mean()), 3),
            "behind_interval": round(half_interval(behind) or 0.0, 3),
            "wilcoxon_p": _p(behind) if behind.any() else None,
            "seconds_a_search": round((time.process_time() - began) / shares.size, 2),
        }
        print(json.dumps(line), flush=True)
    return 0


def _p(differences: Array) -> float:
    test: Any = wilcoxon(differences)  # SciPy's annotations hide its fields
    return float(test.pvalue)


@dataclass(frozen=True)
class Pair:
    """Two tasks, whose accuracies are the objectives.

    Attributes:
        scales: of each task.
        whole: hypervolume of the front of 1,000 random configurations.
    """

    surrogate: Surrogate
    tasks: Sequence[str]
    scales: Sequence[TaskScale]
    whole: float = field(default=1.0)

    @classmethod
    def of(cls, surrogate: Surrogate, tasks: Sequence[str]) -> Pair:
        """Measure two tasks."""
        drawn = random_configurations(surrogate, RANDOM)
        ends = [surrogate.accuracy(task, drawn, [EPOCHS])[:, 0] for task in tasks]
        scales = [measure_scale(surrogate, task, blocks=1) for task in tasks]
        bare = cls(surrogate, tasks, scales)
        return cls(surrogate, tasks, scales, bare.volume(np.column_stack(ends)))

    def volume(self, accuracies: Array) -> float:
        """Return the hypervolume of configurations (N, 2) above the median of random ones."""
        leads = [
            1 - np.array([s.regret(a) for a in column])
            for s, column in zip(self.scales, accuracies.T, strict=True)
        ]
        return hypervolume(np.column_stack(leads))


def hypervolume(points: Array) -> float:
    """Return the area between the origin and points (N, 2), those below it left out."""
    above = points[(points > 0).all(axis=1)]
    front = above[on_front(above)] if len(above) else above
    area, reached = 0.0, 0.0
    for x, y in sorted(map(tuple, front), reverse=True):  # y rises as x falls
        area += x * max(y - reached, 0.0)
        reached = max(y, reached)
    return area


def search(pair: Pair, method: str, seed: int) -> float:
    """Search a pair of tasks until the budget is spent; return the share of the hypervolume."""
    sampler, pruner = METHODS[method]
    trainings = [
        Training(pair.surrogate, task, scale, CONDITION, 100 * place + seed)
        for place, (task, scale) in enumerate(zip(pair.tasks, pair.scales, strict=True))
    ]

    def curve(number: int, params: Params) -> list[Score]:
        both = zip(*(one.curve(number, params) for one in trainings), strict=True)
        return [(first or 0.0, second or 0.0) for first, second in both]

    space = pair.surrogate.space(published=CONDITION.published)
    study = open_study(
        InMemoryStorage(),
        "pair",
        space,
        sampler=make_sampler(sampler, space, seed),
        pruner=make_pruner(pruner, EPOCHS, 2),
        objectives=2,
    )
    live = LiveTrials(study, space, budget=1_000_000, iterations=EPOCHS)
    simulator = Simulator(lambda: live, curve, iterations=EPOCHS, concurrent=CONDITION.concurrent)
    for scores in simulator.play():
        if scores >= TRAININGS * CONDITION.scores:
            break
    found = judge_front(study, space).numbers
    true = np.array([[one.true[number] for one in trainings] for number in found])
    return pair.volume(true) / pair.whole


if __name__ == "__main__":
    main()
