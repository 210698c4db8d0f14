"""Losses that a run never reaches: a shortened training switches them off without a word."""

from __future__ import annotations

from toco_core.settings import LossWeights, Recipe
from toco_core.settings.effects import NEVER, first_iteration_of_term, stage_of_term


def late_losses(recipe: Recipe) -> list[str]:
    """Return a warning for each stage that begins no earlier than the training ends.

    It is no mistake: whoever shortens a run to try something may not care. Losses whose weight is 0
    are switched off on purpose, and say nothing.
    """
    late: dict[str, list[str]] = {}
    for term in LossWeights.model_fields:
        if recipe.iterations <= first_iteration_of_term(recipe, term) < NEVER:
            late.setdefault(stage_of_term(term), []).append(f"weights.{term}")
    return [_warning(recipe, stage, weights) for stage, weights in late.items()]


def _warning(recipe: Recipe, stage: str, weights: list[str]) -> str:
    begins, names = getattr(recipe.stages, stage), " and ".join(weights)
    return (
        f"warning: stages.{stage} {begins} is not below iterations {recipe.iterations}, so that "
        f"the losses of {names} never count: lower the one, raise the other, or set these weights "
        "to 0"
    )
