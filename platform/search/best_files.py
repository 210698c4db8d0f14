"""`best.yaml` and `best.pt`: the winner's recipe and checkpoint, both with its threshold."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from platform.search.kept import last_checkpoint
from platform.search.retries import repeat_of
from platform.search.scores import value_of
from platform.search.setup import SearchSetup
from toco_core.files import replacing
from toco_core.settings.overrides import apply_overrides, dump_recipe

BEST_RECIPE, BEST_CHECKPOINT = "best.yaml", "best.pt"

_TITLE = "# Trial {number} of {search}: {scores} on tune\n"
_NUMBER = re.compile(r"# Trial (\d+) of ")  # in the title


def write_best(setup: SearchSetup, study: optuna.Study, winner: FrozenTrial, bkg: float) -> None:
    """Write the winner's recipe, and its checkpoint with that recipe: both know the threshold.

    Raises:
        ValueError: its checkpoint is gone.
    """
    from toco_core.checkpoint import load_checkpoint, save_checkpoint  # torch: not for a summary

    repeat = repeat_of(study, winner.number, winner.params)
    trained = setup.space.recipe_for(winner.params, repeat)
    recipe = apply_overrides(trained, {"thresholds.bkg": round(bkg, 4)})
    last = last_checkpoint(setup.trials_directory, winner.number)
    checkpoint = replace(load_checkpoint(last), recipe=recipe)
    with replacing(setup.directory / BEST_RECIPE) as unfinished:
        unfinished.write_text(_title(setup, winner) + dump_recipe(recipe))
    save_checkpoint(setup.directory / BEST_CHECKPOINT, checkpoint)


def _title(setup: SearchSetup, winner: FrozenTrial) -> str:
    scores = [
        f"{one.heading} {100 * (value_of(winner, place) or 0.0):.1f}"
        for place, one in enumerate(setup.objective.parts)
    ]
    return _TITLE.format(number=winner.number, search=setup.name, scores=", ".join(scores))


def winner_of(directory: Path) -> int | None:
    """Return the trial that `best.yaml` is of, a picked one too; None where there is none yet.

    Whoever has the study asks it (`best_complete`). This is for a search that is over and read by
    its files: of two trials on a front they do not say which one was picked.

    Raises:
        ValueError: the first line no longer says it.
    """
    path = directory / BEST_RECIPE
    if not path.is_file():
        return None
    found = _NUMBER.match(path.read_text("utf-8"))
    if found is None:
        raise ValueError(
            f"the first line of {path} no longer says which trial it is of: remove the file, and "
            "the command of its search writes it again"
        )
    return int(found[1])
