"""What can be said of a second stage from its options alone, in a moment and without torch."""

from __future__ import annotations

from collections.abc import Mapping

from platform.command_line import check_name, recipe_to_train, require_local
from platform.evaluate.checks import check_scales
from platform.option_ranges import check_at_least
from platform.resource_ranges import check_resources
from platform.second_stage.options import SecondStageOptions
from platform.train.image_shares import check_shares
from toco_core.settings import Recipe

RECIPE = "second_stage"  # of the package


def check_options(options: SecondStageOptions) -> Mapping[int, Recipe]:
    """Return the recipe of each run by its seed.

    Raises:
        ValueError: what does not fit, in one line with the way out.
    """
    if options.masks == (options.labels is not None):
        raise ValueError(
            "name one thing to train on: LABELS, which python -m platform.export has written, or "
            "--masks"
        )
    check_at_least(1, seeds=options.seeds)
    check_scales(options.scales)
    check_resources(options.resources)
    require_local(reports=options.reports, LABELS=options.labels)
    recipe = recipe_to_train(options)
    check_name(options.name or default_name(recipe))
    check_shares(1, recipe)
    seeds = range(recipe.seed, recipe.seed + options.seeds)
    return {seed: recipe.model_copy(update={"seed": seed}) for seed in seeds}


def default_name(recipe: Recipe) -> str:
    """Return the name of the directory, where none is given."""
    return "second-stage" if recipe.name == RECIPE else f"second-stage-{recipe.name}"
