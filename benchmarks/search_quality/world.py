"""What searches are simulated on: any configuration's learning curve, at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from platform.search.space.checked import CheckedSpace, Params
from platform.search.space.parameters import Value

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class StartedSpace(CheckedSpace):
    """A space whose searches begin with given configurations, in place of the recipe's."""

    starts: tuple[Params, ...] = ()

    def starting_points(self) -> list[Params]:
        return list(self.starts)


class World(Protocol):
    """Learning curves of any configuration, of one or several tasks."""

    @property
    def iterations(self) -> int:
        """Of a whole training; its last score is there."""
        ...

    @property
    def tasks(self) -> Sequence[str]:
        """The tasks that it knows."""
        ...

    def space(self, *, published: bool) -> CheckedSpace:
        """Return what is searched; `published`: trial 0 is a good published configuration."""
        ...

    def accuracy(
        self, task: str, configurations: Sequence[Mapping[str, Value]], iterations: Sequence[int]
    ) -> Array:
        """Return what N configurations reach after S numbers of iterations, 0..1, (N, S)."""
        ...


@dataclass(frozen=True)
class TaskScale:
    """What random search reaches on a task, in accuracy.

    Attributes:
        best: expected best of 1,000 random configurations; regret 0.
        median: of random configurations; regret 1.
        spread: from the median to the 95th percentile, which noise is measured in.
    """

    best: float
    median: float
    spread: float

    def regret(self, accuracy: float) -> float:
        """Return how far an accuracy is from the best, in units of the median's distance."""
        return (self.best - accuracy) / (self.best - self.median)


def measure_scale(world: World, task: str, blocks: int = 20) -> TaskScale:
    """Measure a task on blocks of 1,000 random configurations."""
    drawn = random_configurations(world, 1000 * blocks)
    final = world.accuracy(task, drawn, [world.iterations])[:, 0]
    median, high = np.quantile(final, [0.5, 0.95])
    best = final.reshape(blocks, 1000).max(axis=1).mean()
    return TaskScale(float(best), float(median), float(high - median))


def random_configurations(world: World, count: int) -> list[Params]:
    """Draw configurations that the space allows; always the same."""
    rng, space = np.random.default_rng(1), world.space(published=False)
    drawn: list[Params] = []
    while len(drawn) < count:
        one = space.random(rng)
        if space.is_feasible(one):
            drawn.append(one)
    return drawn
