"""How good a search is after 5, 10 and 20 trainings, on learning curves of LCBench.

    python -m benchmarks.search_quality --data DIR --tasks 3945,7593 --conditions n0c1,n1c4s5@pub

It runs the platform's searcher, scheduler, study and winner in simulated time, and others by name
in their place. Regret 0 is the expected best of 1,000 random configurations, 1 the median of random
ones; below 0 is better than a thousand. A JSON line for each condition and method.

DIR holds `model.onnx` and `encoding.json`, the folder `lcbench` of github.com/slds-lmu/yahpo_data;
onnxruntime must be installed. With `--data benchmarks/toco_table.parquet` the task is ToCo itself
on the embedded data, and nothing else is needed; its trainings have five scores.

Conditions: n0 or n1 without or with noise, c1 or c4 trials at once, s5 for five scores a training
in place of 26, @pub for a good published configuration as trial 0.

The method default+learnt learns from whole searches of the tasks of --learn-from, each by the
default under the same condition, but never from one of the task itself.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna

from benchmarks.search_quality.comparison import Searches, summarise
from benchmarks.search_quality.conditions import Condition, parse_condition
from benchmarks.search_quality.methods import LEARNT, Method, make_method
from benchmarks.search_quality.searches import play
from benchmarks.search_quality.surrogate import Surrogate
from benchmarks.search_quality.toco import ToCoTable
from benchmarks.search_quality.world import TaskScale, World, measure_scale
from platform.command_line import run_command
from platform.search.earlier import EarlierSearch, learn

_OTHER_LUCK = 1000  # added to the seed of a search that others learn from


def main() -> None:
    """Read the command line, search, print."""
    run_command(lambda: compare(parser().parse_args()))


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--data", type=Path, required=True, metavar="DIR")
    made.add_argument("--tasks", default="all", metavar="ID,ID", help="default: all")
    made.add_argument("--conditions", default="n0c1", metavar="NAME,NAME")
    made.add_argument("--methods", default="default,optuna-random,optuna-tpe", metavar="NAME,NAME")
    made.add_argument("--learn-from", default="", metavar="ID,ID", help="for default+learnt")
    made.add_argument("--seeds", type=int, default=6, help="searches of each task")
    return made


def compare(options: argparse.Namespace) -> int:
    """Run every method under every condition; print a JSON line for each.

    Raises:
        ValueError: a task, condition or method that there is not.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("ray").setLevel(logging.ERROR)
    data: Path = options.data
    world = ToCoTable(data) if data.suffix == ".parquet" else Surrogate(data)
    tasks = _tasks(options.tasks, world)
    conditions = [parse_condition(name) for name in options.conditions.split(",")]
    methods = {name: make_method(name) for name in options.methods.split(",")}
    if options.seeds < 1:
        raise ValueError(f"--seeds {options.seeds} must be at least 1")
    teachers = _tasks(options.learn_from, world) if options.learn_from else ()
    if bool(teachers) != any(method.learns for method in methods.values()):
        raise ValueError(f"--learn-from and the method {LEARNT} go together")
    scales = {task: measure_scale(world, task) for task in {*tasks, *teachers}}
    for condition in conditions:
        reference: Searches | None = None
        bench = _Bench(world, scales, condition, options.seeds)
        for name, method in methods.items():
            searches = bench.searches(method, tasks, teachers if method.learns else ())
            reference = reference or searches
            line = {"condition": condition.name, "method": name, "seeds": options.seeds}
            print(json.dumps({**line, **summarise(searches, reference)}), flush=True)
    return 0


def _tasks(text: str, world: World) -> Sequence[str]:
    tasks = world.tasks if text == "all" else text.split(",")
    for task in tasks:
        if task not in world.tasks:
            raise ValueError(f"task {task!r} is not one of {', '.join(world.tasks)}")
    return tasks


@dataclass(frozen=True)
class _Bench:
    """All searches under one condition."""

    world: World
    scales: Mapping[str, TaskScale]
    condition: Condition
    seeds: int

    def searches(self, method: Method, tasks: Sequence[str], teachers: Sequence[str]) -> Searches:
        """Search every task with every seed."""
        return {
            (task, seed): play(*self._one(method, task, seed), earlier)[1]
            for seed in range(self.seeds)
            for earlier_of in [self._lessons(teachers, seed)]
            for task in tasks
            for earlier in [[one for one in earlier_of if one.name != task]]
        }

    def _lessons(self, teachers: Sequence[str], seed: int) -> list[EarlierSearch]:
        """Search the tasks to learn from by the default, with luck of their own."""
        default = make_method("default")
        space = self.world.space(published=self.condition.published)
        studies = {one: play(*self._one(default, one, _OTHER_LUCK + seed))[0] for one in teachers}
        return [
            learn(name, study.get_trials(deepcopy=False), self.world.iterations, space)
            for name, study in studies.items()
        ]

    def _one(
        self, method: Method, task: str, seed: int
    ) -> tuple[Method, World, str, TaskScale, Condition, int]:
        return method, self.world, task, self.scales[task], self.condition, seed


if __name__ == "__main__":
    main()
