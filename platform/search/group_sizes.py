"""With how many workers a trial begins, or goes on: as many as there is room for. No Ray in here.

A group keeps its size until its trial ends or breaks. What is trained does not depend on it but
for the order in which sums are rounded: the images of a step stay the recipe's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from platform.cluster.placement import Placement, Resources, largest_group
from platform.resource_ranges import Between
from platform.train.image_shares import even_sizes
from toco_core.settings import Recipe


class GroupSizes:
    """Chooses the number of workers of each trial, and knows those of the trials in work.

    Args:
        workers: as it was asked for.
        placement: of the search.
        machines_up: returns the resources of each machine that is up, the head first.
        possible: resources of each machine that could join.
    """

    def __init__(
        self,
        workers: Between,
        placement: Placement,
        machines_up: Callable[[], Sequence[Resources]],
        possible: Sequence[Resources] = (),
    ) -> None:
        self._workers, self._placement = workers, placement
        self._machines_up, self._possible = machines_up, possible
        self._taken: dict[int, int] = {}

    def choose(self, number: int, recipe: Recipe, in_work: Collection[int]) -> int:
        """Return how many workers a trial gets.

        As many as fit beside the others on the machines that are up; where not even the fewest do,
        as many as would with those that could join, which then come; else the fewest, which wait.

        Args:
            number: of the trial.
            recipe: of it: another number of images is shared among others.
            in_work: numbers of the trials that are trained now.
        """
        sizes = even_sizes(self._workers, recipe) or (self._workers.least,)  # which it refuses
        others = {other: self._taken[other] for other in in_work if other in self._taken}
        others.pop(number, None)
        up = self._machines_up()
        taken, placement = list(others.values()), self._placement
        size = (
            largest_group(up, placement, sizes, taken)
            or largest_group([*up, *self._possible], placement, sizes, taken)
            or sizes[-1]
        )
        self._taken = {**others, number: size}
        return size
