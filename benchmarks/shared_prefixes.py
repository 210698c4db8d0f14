"""Counts what a search trains once for several trials: `python -m benchmarks.shared_prefixes`.

The platform's own proposals, pruning and borders in simulated time, one trial after the other; the
scores are made up, the iterations those of the recipes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import optuna
from optuna.storages import InMemoryStorage

from platform.search.borders import Borders, borders
from platform.search.live_trials import LiveTrials
from platform.search.pruners import make_pruner
from platform.search.samplers import make_sampler
from platform.search.simulation.controller import Simulator
from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.checks import check_space
from platform.search.space.cube import Cube
from platform.search.space.spaces import load_space, parse_space
from platform.search.study import open_study
from platform.search.trial_protocol import Assignment
from toco_core.settings.effects import prefix_digest
from toco_core.settings.overrides import load_recipe

TRIALS, SEEDS, SCORES = 20, 3, 5
DEPTHS = {"partscenes": 10}  # blocks of the backbone
SEGMENTATION = """
description: The weights of both losses of the segmentation.
parameters:
  weights.seg: {type: float, low: 0.02, high: 0.5, log: true}
  weights.energy: {type: float, low: 0.01, high: 0.25, log: true}
"""
RECIPES = ("coco_vit_b", "voc_vit_b")
SPACES = ("full", "loss_weights", "thresholds", "ptc_layer", "segmentation")
CASES = [*((recipe, name) for recipe in RECIPES for name in SPACES), ("partscenes", "partscenes")]


class Count(NamedTuple):
    """Iterations of the trials of a search."""

    reached: int  # what is trained without sharing
    shared: int  # of them, those that another trial had trained
    forked: int  # trials with shared iterations
    saved: int  # prefixes


@dataclass
class SharedSearch:
    """A simulated search that notes which prefixes there are when a trial begins."""

    space: CheckedSpace
    trials: int = TRIALS
    seed: int = 0
    pruner: str = "halving"
    reached: dict[int, int] = field(default_factory=dict)
    _assigned: dict[int, Assignment] = field(default_factory=dict)
    _shared: dict[int, int] = field(default_factory=dict)

    def run(self) -> Count:
        """Search to the end, and count."""
        iterations = self.space.recipe.iterations
        simulator = Simulator(
            self._open, self._curve, iterations=iterations, concurrent=1, on_score=self._note
        )
        simulator.run()
        return Count(
            reached=sum(self.reached.values()),
            shared=sum(self._shared.values()),
            forked=sum(shared > 0 for shared in self._shared.values()),
            saved=len(self._stored(list(self._assigned))),
        )

    def _open(self) -> LiveTrials:
        iterations = self.space.recipe.iterations
        study = open_study(
            InMemoryStorage(),
            "prefixes",
            self.space,
            sampler=make_sampler("curve", self.space, self.seed),
            pruner=make_pruner(self.pruner, iterations),
        )
        watched = self

        class Watched(LiveTrials):
            def next(self) -> Assignment | None:
                assignment = super().next()
                if assignment is not None:
                    watched.begin(assignment)
                return assignment

        shared = Borders(self.space, study, self.trials)
        return Watched(study, self.space, budget=self.trials, iterations=iterations, borders=shared)

    def begin(self, assignment: Assignment) -> None:
        """Let a trial begin where the longest prefix of it ends."""
        stored = self._stored(list(self._assigned))
        own = {digest: i for i, digest in self._prefixes(assignment)}
        found = [own[digest] for digest in own.keys() & stored]
        self._shared[assignment.number] = max(found, default=0)
        self._assigned[assignment.number] = assignment

    def _prefixes(self, assignment: Assignment) -> Iterator[tuple[int, str]]:
        recipe = self.space.recipe_for(assignment.params, assignment.repeat)
        for iteration in borders(self.space, recipe):
            yield iteration, prefix_digest(recipe, iteration, {})

    def _stored(self, numbers: Sequence[int]) -> set[str]:
        return {
            digest
            for number in numbers
            for iteration, digest in self._prefixes(self._assigned[number])
            if iteration in self._assigned[number].borders
            and iteration <= self.reached.get(number, 0)
        }

    def _note(self, number: int, iteration: int, score: float) -> None:
        self.reached[number] = iteration

    def _curve(self, number: int, params: Params) -> list[float | None]:
        """Return made-up scores: best at a point of the space, and rising."""
        place = np.asarray(Cube(self.space).places([params]))[0]
        best = np.random.default_rng(self.seed).random(place.size)
        luck = np.random.default_rng([self.seed, number]).normal(0, 0.01, SCORES)
        height = 0.7 - 0.3 * float(np.mean((place - best) ** 2))
        return [float(height * (1 - 0.5 ** (k + 1)) + luck[k]) for k in range(SCORES)]


def space_of(recipe: str, name: str) -> CheckedSpace:
    """Return a space around a recipe."""
    is_here = name == "segmentation"
    space = parse_space(SEGMENTATION, name) if is_here else load_space(name)
    return check_space(space, load_recipe(recipe), depth=DEPTHS.get(recipe, 12))


def main() -> None:
    """Print a row for each recipe and space: the mean of some seeds."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print(f"{TRIALS} trials, {SEEDS} seeds, sampler curve, pruner halving")
    print(
        f"{'recipe':12}{'space':14}{'iterations':>12}{'shared':>9}{'':8}{'trials':>7}{'saved':>7}"
    )
    for recipe, name in CASES:
        space = space_of(recipe, name)
        counts = [SharedSearch(space, seed=seed).run() for seed in range(SEEDS)]
        reached, shared, forked, saved = np.mean(counts, axis=0)
        print(
            f"{recipe:12}{name:14}{reached:12,.0f}{shared:9,.0f}{shared / reached:8.1%}"
            f"{forked:7.1f}{saved:7.1f}"
        )


if __name__ == "__main__":
    main()
