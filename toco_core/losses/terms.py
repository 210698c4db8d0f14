"""The terms of ToCo's loss: which are in force, what they add up to, whether they are finite."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from toco_core.settings import Recipe

WEIGHTED_TERMS = ("ptc", "ctc", "seg", "energy")


class NonFiniteLossError(ArithmeticError):
    """A loss became infinite or NaN."""


def terms_in_force(recipe: Recipe, iteration: int) -> frozenset[str]:
    """Return those of ptc, ctc, seg and energy whose stage has come and whose weight is not 0."""
    stages = recipe.stages
    start = {"ptc": stages.contrast, "ctc": stages.contrast}
    return frozenset(
        term
        for term in WEIGHTED_TERMS
        if iteration >= start.get(term, stages.segmentation) and getattr(recipe.weights, term) > 0
    )


def needs_decoder(terms: Collection[str]) -> bool:
    """Whether a term reads the segmentation."""
    return "seg" in terms or "energy" in terms


def leaves_parameters_unused(recipe: Recipe) -> bool:
    """Whether some step has no gradient for the decoder or for the projection head."""
    terms = terms_in_force(recipe, 0)  # they only ever become more
    return "ctc" not in terms or not needs_decoder(terms)


def total_loss(losses: Mapping[str, Tensor], recipe: Recipe) -> Tensor:
    """Add up the losses with the recipe's weights (paper, equation 8)."""
    total = losses["cls"] + losses["cls_aux"]
    for term in WEIGHTED_TERMS:
        if term in losses:
            total = total + getattr(recipe.weights, term) * losses[term]
    return total


def check_finite(losses: Mapping[str, Tensor], iteration: int) -> dict[str, float]:
    """Return the losses as numbers, with one wait for the device.

    Raises:
        NonFiniteLossError: names the iteration and every loss that is infinite or NaN.
    """
    values = torch.stack([loss.detach().float() for loss in losses.values()])
    numbers = dict(zip(losses, values.tolist(), strict=True))
    broken = [f"{name} = {number}" for name, number in numbers.items() if not math.isfinite(number)]
    if broken:
        raise NonFiniteLossError(f"non-finite loss at iteration {iteration}: {', '.join(broken)}")
    return numbers
