"""Which settings have had a part in a run by an iteration: runs that agree on them are one run.

What is declared at each setting makes it a fact of two recipes, and needs no run. Runs with common
prefixes are a tree, each of whose edges needs training once ("Hippo: Taming Hyper-parameter
Optimization of Deep Learning with Stage Trees", 2020).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from toco_core.settings import Recipe
from toco_core.settings.keys import get_value, setting_fields

NEVER = math.inf
_DIGITS = 24  # of 64: two prefixes of one search do not agree in them by chance


def first_iteration_of_term(recipe: Recipe, term: str) -> float:
    """Return the first iteration in which the term of a weight is in force; `NEVER` for none."""
    key = f"weights.{term}"
    return _stage_of(recipe, key) if get_value(recipe, key) > 0 else NEVER


def stage_of_term(term: str) -> str:
    """Return the field of `stages` that says when the term of a weight begins."""
    return str(_declared(f"weights.{term}")["stage"])


def first_effect(recipe: Recipe, key: str) -> float:
    """Return the first iteration in which a setting has a part, counted from 0; or `NEVER`.

    Before it, the run would be the same with another value: with any other one, or, of a setting
    that is itself an iteration, with any from here on.
    """
    declared = _declared(key)
    if "stage" in declared:
        return _stage_of(recipe, key)
    if "read_by" not in declared:
        return 0
    first = min((first_iteration_of_term(recipe, t) for t in declared["read_by"]), default=NEVER)
    return max(first, get_value(recipe, key)) if "is_iteration" in declared else first


def settings_in_effect(recipe: Recipe, iteration: int) -> dict[str, Any]:
    """Return the settings that have had a part in the first so many steps, with their values."""
    keys = (key for key in setting_fields() if first_effect(recipe, key) < iteration)
    return {key: get_value(recipe, key) for key in keys}


def same_until(one: Recipe, other: Recipe) -> int:
    """Return up to which iteration two recipes are the same run: after so many steps, still.

    Both on the same dataset, code and device. 0 if they differ from the first step on.
    """
    last = min(one.iterations, other.iterations)
    firsts = {first_effect(recipe, key) for recipe in (one, other) for key in setting_fields()}
    for iteration in sorted((int(i) for i in {*firsts, last} if i <= last), reverse=True):
        if settings_in_effect(one, iteration) == settings_in_effect(other, iteration):
            return iteration
    return 0


def prefix_digest(recipe: Recipe, iteration: int, conditions: Mapping[str, str]) -> str:
    """Return a digest of a run's first so many steps: equal ones are the same steps.

    Args:
        recipe: of the run.
        iteration: steps.
        conditions: what else decides them, such as code, dataset and device, by name.
    """
    content = [iteration, settings_in_effect(recipe, iteration), dict(conditions)]
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _stage_of(recipe: Recipe, weight: str) -> float:
    return get_value(recipe, f"stages.{_declared(weight)['stage']}")


def _declared(key: str) -> Mapping[str, Any]:
    extra = setting_fields()[key].json_schema_extra
    return extra if isinstance(extra, dict) else {}
