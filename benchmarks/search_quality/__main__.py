"""How good a search is after 5, 10 and 20 trainings, on learning curves of LCBench.

    python -m benchmarks.search_quality --data DIR --tasks 3945,7593 --conditions n0c1,n1c4s5@pub

It runs the platform's searcher, scheduler, study and winner in simulated time, and others by name
in their place. Regret 0 is the expected best of 1,000 random configurations, 1 the median of random
ones; below 0 is better than a thousand. A JSON line for each condition and method.

DIR holds `model.onnx` and `encoding.json`, the folder `lcbench` of github.com/slds-lmu/yahpo_data;
onnxruntime must be installed. Conditions: n0 or n1 without or with noise, c1 or c4 trials at once,
s5 for five scores a training in place of 26, @pub for a good published configuration as trial 0.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import optuna

from benchmarks.search_quality.comparison import Searches, summarise
from benchmarks.search_quality.conditions import Condition, parse_condition
from benchmarks.search_quality.methods import Method, make_method
from benchmarks.search_quality.searches import search
from benchmarks.search_quality.surrogate import Surrogate, TaskScale, measure_scale
from platform.command_line import run_command


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
    made.add_argument("--seeds", type=int, default=6, help="searches of each task")
    return made


def compare(options: argparse.Namespace) -> int:
    """Run every method under every condition; print a JSON line for each.

    Raises:
        ValueError: a task, condition or method that there is not.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("ray").setLevel(logging.ERROR)
    surrogate = Surrogate(options.data)
    tasks = _tasks(options.tasks, surrogate)
    conditions = [parse_condition(name) for name in options.conditions.split(",")]
    methods = {name: make_method(name) for name in options.methods.split(",")}
    if options.seeds < 1:
        raise ValueError(f"--seeds {options.seeds} must be at least 1")
    scales = {task: measure_scale(surrogate, task) for task in tasks}
    for condition in conditions:
        reference: Searches | None = None
        for name, method in methods.items():
            searches = _searches(method, surrogate, scales, condition, options.seeds)
            reference = reference or searches
            line = {"condition": condition.name, "method": name, "seeds": options.seeds}
            print(json.dumps({**line, **summarise(searches, reference)}), flush=True)
    return 0


def _tasks(text: str, surrogate: Surrogate) -> Sequence[str]:
    tasks = surrogate.tasks if text == "all" else text.split(",")
    for task in tasks:
        if task not in surrogate.tasks:
            raise ValueError(f"task {task!r} is not one of {', '.join(surrogate.tasks)}")
    return tasks


def _searches(
    method: Method,
    surrogate: Surrogate,
    scales: dict[str, TaskScale],
    condition: Condition,
    seeds: int,
) -> Searches:
    return {
        (task, seed): search(method, surrogate, task, scale, condition, seed)
        for seed in range(seeds)
        for task, scale in scales.items()
    }


if __name__ == "__main__":
    main()
