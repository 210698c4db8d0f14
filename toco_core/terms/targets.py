"""What the CAMs teach in one step: each target is a function of them, made once for all terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Self, TypeVar

import torch
from torch import Tensor

from toco_core.cam.present_classes import PresentClasses
from toco_core.cam.refine import PixelAdaptiveRefinement
from toco_core.data.batch import TrainBatch
from toco_core.settings import Recipe

T = TypeVar("T")


class StepCams(NamedTuple):
    """The CAMs of B images, and what else targets are made from."""

    batch: TrainBatch
    recipe: Recipe
    iteration: int  # steps done so far
    final: Tensor  # (B, K, H, W) in 0..1, of the classes present
    auxiliary: Tensor  # (B, K, H, W) in 0..1
    present: PresentClasses
    grid: tuple[int, int]  # of the patch tokens, (h, w)
    refiner: PixelAdaptiveRefinement

    @property
    def thresholds(self) -> tuple[float, float]:
        """Background at most at the first, foreground from the second on."""
        return self.recipe.thresholds.low, self.recipe.thresholds.high


Target = Callable[[StepCams], T]


class Targets:
    """The targets of one batch, without gradient; the CAMs that they were made from are gone."""

    def __init__(self, made: Mapping[Target[Any], Any]) -> None:
        self._made = dict(made)

    @classmethod
    @torch.no_grad()
    def of(
        cls,
        cams: StepCams,
        wanted: Iterable[Target[Any]],
        known: Mapping[Target[Any], Any] | None = None,
    ) -> Self:
        """Make the targets that are wanted, each once; take those known instead of making them."""
        known = known or {}
        return cls({w: known[w] if w in known else w(cams) for w in dict.fromkeys(wanted)})

    def __getitem__(self, target: Target[T]) -> T:
        return self._made[target]
