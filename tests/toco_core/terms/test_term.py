"""A loss of one's own is one class and one entry in the list of terms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.toco_core.small_run import random_batch, small_recipe
from toco_core.losses.halves import Halves
from toco_core.model.toco import build_model
from toco_core.parallel.precision import make_scaler
from toco_core.settings import Recipe
from toco_core.step import ToCoLosses
from toco_core.terms import objective
from toco_core.terms.targets import StepCams, Targets
from toco_core.terms.term import Term, TrainingPass
from toco_core.training.accumulation import GradientAccumulator
from toco_core.training.distribution import Distribution
from toco_core.training.feed import Fed

made: list[int] = []  # images of each call of the target


def wide_boxes(cams: StepCams) -> Tensor:
    """Tell which images are wider than 30 px: (B,) bool."""
    made.append(len(cams.batch.names))
    return cams.batch.boxes[:, 3] > 30


class TokenLength(Term):
    """The mean length of patch tokens, of wide and of narrow images apart."""

    name = "length"
    targets = (wide_boxes,)

    @property
    def first_iteration(self) -> float:
        return 0

    @property
    def weight(self) -> float:
        return 0.25

    def count(self, targets: Targets) -> Tensor:
        wide = targets[wide_boxes]
        return torch.stack([wide.sum(), (~wide).sum()])

    def __call__(self, given: TrainingPass) -> Tensor:
        length = given.output.tokens.square().mean(dim=(1, 2, 3))  # (B,)
        wide = given.targets[wide_boxes]
        sums = torch.stack([length[wide].sum(), length[~wide].sum()])
        halves = given.share_of(self.name, Halves(sums, self.count(given.targets)))
        return (halves.sums / halves.counts).mean()


def losses_of(recipe: Recipe) -> dict[str, Tensor]:
    model = build_model(recipe, num_classes=3)
    module = ToCoLosses(model, recipe, parts=recipe.compute.parts).train()
    batch = random_batch(recipe, images=4)
    batch.boxes[0, 3] = 32  # one wide image, three narrow ones: parts alone would weigh them wrong
    scaler = make_scaler("float32", torch.device("cpu"))
    accumulate = GradientAccumulator(Distribution(module), scaler)
    return accumulate(Fed(batch), 9)


def test_a_term_of_one_s_own_is_computed_counted_and_added_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = losses_of(small_recipe())
    monkeypatch.setattr(objective, "TERMS", (*objective.TERMS, TokenLength))
    whole = losses_of(small_recipe())
    assert whole.keys() - before.keys() == {"length"}
    expected = before["total"] + 0.25 * whole["length"]
    torch.testing.assert_close(whole["total"], expected, rtol=1e-6, atol=0)


def test_its_loss_of_parts_is_that_of_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objective, "TERMS", (TokenLength,))
    whole = losses_of(small_recipe())["length"]
    made.clear()
    parts = losses_of(small_recipe(compute__parts=2))["length"]
    torch.testing.assert_close(parts, whole, rtol=1e-5, atol=0)
    assert made == [2, 2]  # once for each part
