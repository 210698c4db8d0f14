"""What a search learns of trials that ran out of memory: as large a step is not proposed again."""

from __future__ import annotations

import optuna
from optuna.trial import TrialState

from platform.search.live_trials import reason_of
from platform.search.space.checked import CheckedSpace
from toco_core.settings import Recipe

# Of the errors that trials failed with, now and in older studies; their modules import torch.
_ERRORS = ("GpuMemoryError", "MemoryError")
# The settings that memory depends on; where none of them is searched, there is nothing to learn.
DECIDING = {
    "backbone.name",
    "cam.scales",
    "compute.parts",
    "compute.precision",
    "compute.recompute_blocks",
    "ctc.local_crops",
    "ctc.local_size",
    "data.crop_size",
    "data.images_per_step",
}


def too_large(study: optuna.Study, space: CheckedSpace) -> list[Recipe]:
    """Return the recipes of the trials that ran out of memory."""
    if not DECIDING & space.space.by_key.keys():
        return []
    failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    trials = [trial for trial in failed if reason_of(trial).startswith(_ERRORS)]
    return [space.recipe_for(trial.params) for trial in trials]


def needs_as_much(recipe: Recipe, other: Recipe) -> bool:
    """Whether a step of a recipe takes, in every respect, at least the memory of the other's."""
    same = recipe.backbone.name == other.backbone.name
    pairs = zip(_amounts(recipe), _amounts(other), strict=True)
    return same and all(one >= its for one, its in pairs)


def _amounts(recipe: Recipe) -> tuple[float, ...]:
    """Return what memory grows with."""
    compute, data = recipe.compute, recipe.data
    return (
        data.images_per_step / compute.parts,
        data.crop_size,
        max(recipe.cam.scales),
        recipe.ctc.local_crops,
        recipe.ctc.local_size,
        float(not compute.recompute_blocks),
        float(compute.precision == "float32"),
    )
