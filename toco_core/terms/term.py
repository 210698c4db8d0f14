"""What a weighted term of the loss consists of, and what it is computed from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

import torch
from torch import Tensor

from toco_core.data.batch import TrainBatch
from toco_core.losses.halves import Halves
from toco_core.losses.permutohedral import PermutohedralLattice
from toco_core.model.toco import ToCo, ToCoOutput
from toco_core.settings import Recipe
from toco_core.settings.effects import first_iteration_of_term
from toco_core.terms.counts import Counts
from toco_core.terms.targets import Target, Targets

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingPass:
    """One pass over B images, as its terms read it."""

    model: ToCo
    batch: TrainBatch
    output: ToCoOutput
    targets: Targets
    counts: Counts  # of the whole step
    shares: int  # passes whose mean is the step: those of all parts and ranks
    is_first: bool  # of the parts
    lattice: PermutohedralLattice | None = None  # of the energy, if it has been built already
    autocast: Callable[[], torch.autocast]
    _made: dict[Callable[[TrainingPass], Any], Any] = field(default_factory=dict)

    def once(self, make: Callable[[TrainingPass], T]) -> T:
        """Return what several terms read; the first of them has it made."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]

    def share_of(self, term: str, halves: Halves) -> Halves:
        """Scale the sums so that the mean over all passes is the sum over the step's counts."""
        return Halves(halves.sums * self.shares, self.counts[term])


class Term(ABC):
    """A loss with a weight, a stage that it begins with, and targets that teach it.

    To add one: write a file beside this one, list its class in `toco_core.terms.objective`, and
    give it a weight in `LossWeights` of the settings.
    """

    name: ClassVar[str]  # of the loss, and of its weight in the settings
    head: ClassVar[Literal["decoder", "projection"] | None] = None  # which no other loss trains
    reads_second_view: ClassVar[bool] = False  # its class token
    targets: ClassVar[tuple[Target[Any], ...]] = ()  # made before the losses, of all parts

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    @property
    def weight(self) -> float:
        """The factor in the total; 0 switches the term off."""
        return getattr(self.recipe.weights, self.name)

    @property
    def first_iteration(self) -> float:
        """From which on the term counts: that of its stage, which the settings declare."""
        return first_iteration_of_term(self.recipe, self.name)

    def is_in_force(self, iteration: int) -> bool:
        """Whether the term counts after so many steps."""
        return iteration >= self.first_iteration

    def count(self, targets: Targets) -> Tensor | None:
        """Count what both halves of the loss are divided by: (2,) int64; None for other losses."""
        return None

    @abstractmethod
    def __call__(self, given: TrainingPass) -> Tensor:
        """Compute the loss, a scalar without its weight."""
