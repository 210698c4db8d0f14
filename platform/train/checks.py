"""What can be said of a run from its options alone, in a moment and without torch."""

from __future__ import annotations

from platform.command_line import check_name, recipe_to_train, require_local
from platform.option_ranges import check_at_least
from platform.resource_ranges import check_resources
from platform.train.image_shares import check_shares
from platform.train.loss_log import LOSSES_FILE
from platform.train.options import TrainOptions
from toco_core.remote_path import RemotePath
from toco_core.settings import Recipe


def check_options(options: TrainOptions) -> dict[str, Recipe]:
    """Return the recipe of each run by the run's name.

    Raises:
        ValueError: what does not fit, in one line with the way out.
    """
    check_at_least(1, seeds=options.seeds)
    check_resources(options.workers)
    require_local(compare_with=options.compare_with)
    if isinstance(options.reports, RemotePath):
        options.reports.require_writable()
    recipe = recipe_to_train(options)
    name = check_name(options.name or f"train-{recipe.name}")
    _check_comparison(options)
    check_shares(options.workers.workers, recipe)
    if options.seeds == 1:
        return {name: recipe}
    seeds = range(recipe.seed, recipe.seed + options.seeds)
    return {f"{name}-seed{seed}": recipe.model_copy(update={"seed": seed}) for seed in seeds}


def _check_comparison(options: TrainOptions) -> None:
    other = options.compare_with
    if other is None:
        return
    if options.seeds > 1:
        raise ValueError("--compare-with compares one run: leave out --seeds")
    if not (other / LOSSES_FILE).is_file():
        raise ValueError(
            f"--compare-with {other}: there is no {LOSSES_FILE}: name the directory of a run of "
            "python -m platform.train"
        )
