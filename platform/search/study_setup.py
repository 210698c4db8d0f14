"""What decides the scores of a study, and may not differ between its sessions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from platform.results.events import CAM_MIOU
from platform.results.objectives import OBJECTIVE_KEY
from platform.search.space.checked import CheckedSpace
from toco_core.settings import Recipe
from toco_core.settings.keys import may_change_on_resume

DATA, CODE = "content of the dataset", "code of toco_core"
RANGE_OF = "range of "  # and the key of a searched setting
_RECIPE = "recipe "
_SOURCE = f"{_RECIPE}data.source"  # a place, by any of its paths


def describe_setup(space: CheckedSpace, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Describe what decides the scores of a study, as flat JSON values under readable names."""
    setup = {f"{_RECIPE}{key}": value for key, value in _flat(space.recipe.model_dump(mode="json"))}
    setup |= range_texts(space)
    setup["constraints"] = [condition.text for condition in space.space.constraints]
    setup["known"] = [dict(values) for values in space.space.known]
    setup["backbone depth"] = space.depth
    return json.loads(json.dumps({**setup, **extra}))  # as it comes back from the storage


def range_texts(space: CheckedSpace) -> dict[str, str]:
    """Describe the range of every searched setting, under readable names."""
    texts: dict[str, str] = {}
    for parameter in space.space.parameters:
        when = f" when {parameter.when.text}" if parameter.when else ""
        log = " log" if parameter.log else ""
        texts[RANGE_OF + parameter.key] = f"{parameter.kind} {parameter.describe()}{log}{when}"
    return texts


def _flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in tree.items():
        inside = isinstance(value, Mapping)
        pairs += _flat(value, f"{prefix}{name}.") if inside else [(prefix + name, value)]
    return pairs


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what differs between two sessions of a study, as its keys."""
    # A setting that is younger than the study was what its default now is.
    defaults = {f"{_RECIPE}{key}": v for key, v in _flat(Recipe().model_dump(mode="json"))}
    defaults[OBJECTIVE_KEY] = CAM_MIOU
    younger = {key: new[key] for key in (DATA, CODE) if key in new}
    moved = {_SOURCE} if DATA in old and DATA in new else set[str]()
    old = {**{key: defaults[key] for key in new if key in defaults}, **younger, **old}
    return [key for key in {**old, **new} if old.get(key) != new.get(key) and key not in moved]


def shown_differences(keys: list[str], old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return some of the differences in words."""
    changes = "; ".join(f"{key}: {old.get(key)} -> {new.get(key)}" for key in keys[:3])
    return changes + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")


def is_of_search(key: str) -> bool:
    """Whether a difference is one of space or objective: Optuna compares within the same only."""
    return key.startswith(RANGE_OF) or key in ("backbone depth", OBJECTIVE_KEY)


def begins_trials_anew(keys: list[str]) -> bool:
    """Whether trials cannot go on from checkpoints of before such a change."""
    settings = [key.removeprefix(_RECIPE) for key in keys if key.startswith(_RECIPE)]
    return not all(map(may_change_on_resume, settings))
