"""Read one entry of a search space's `parameters`, refusing what describes no range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from platform.search.space.expressions import parse_condition
from platform.search.space.parameters import Kind, Parameter
from toco_core.messages import shown
from toco_core.settings.keys import check_key

_FIELDS = {
    "int": {"low", "high", "step", "log"},
    "float": {"low", "high", "step", "log"},
    "category": {"choices"},
}

# What a search itself sets, or what decides when a trial is over and how its scores compare.
_NOT_SEARCHED = {
    "name": "it names the recipe",
    "iterations": "trials of other lengths are never over, and their scores do not compare",
    "seed": "each trial gets its own: the search's, or another for a configuration tried again",
    "data.source": "all trials of a search share one dataset",
    "thresholds.bkg": "training does not see it, and each score is at the best one",
    "scoring.scores": "all trials are compared at the same iterations",
    "scoring.images": "all trials are scored on the same images",
}
_LARGEST = 2**53  # beyond it, floats and integers part
_MOST_STEPS = 1_000_000


def parse_parameter(key: str, entry: Any, source: str) -> Parameter:
    """Read one entry of a space's `parameters`.

    Args:
        key: A dotted settings key.
        entry: `{type: int|float, low, high, step, log}` or `{type: category, choices}`, and `when`.
        source: What errors call the file.

    Raises:
        ValueError: If the key is no setting or the entry does not describe a range.
    """
    check_key(key, source)
    where = f"{source}: {key}"
    if key in _NOT_SEARCHED:
        raise ValueError(f"{where} cannot be searched: {_NOT_SEARCHED[key]}; set it by --set")
    if not isinstance(entry, Mapping) or str(entry.get("type")) not in _FIELDS:
        raise ValueError(f"{where}: needs a type: one of {', '.join(_FIELDS)}")
    fields = dict(entry)
    kind: Kind = fields.pop("type")  # as a word: nothing else reads as one of these
    when = fields.pop("when", None)
    if unknown := fields.keys() - _FIELDS[kind]:
        allowed = ", ".join(sorted({*_FIELDS[kind], "when"}))
        raise ValueError(f"{where}: {', '.join(sorted(unknown))} is not one of {allowed}")
    _check_choices(fields, where) if kind == "category" else _check_range(kind, fields, where)
    if kind == "category":
        fields["choices"] = tuple(fields["choices"])
    condition = parse_condition(str(when), where) if when is not None else None
    return Parameter(key=key, kind=kind, when=condition, source=source, **fields)


def _check_choices(fields: dict[str, Any], where: str) -> None:
    choices = fields.get("choices")
    if not isinstance(choices, list) or not choices:
        raise ValueError(f"{where}: a category needs choices: [one, another]")
    if not all(isinstance(choice, bool | int | float | str) for choice in choices):
        raise ValueError(f"{where}: choices are numbers, words or true/false, not {shown(choices)}")
    if len(set(choices)) < len(choices):
        raise ValueError(f"{where}: a choice is given twice in {shown(choices)}")


def _check_range(kind: Kind, fields: dict[str, Any], where: str) -> None:
    numbers = [name for name in ("low", "high", "step") if name in fields]
    wanted = int if kind == "int" else (int, float)
    for name in numbers:
        if isinstance(fields[name], bool) or not isinstance(fields[name], wanted):
            raise ValueError(f"{where}: {name} {shown(fields[name])} is not of type {kind}")
        if isinstance(fields[name], int) and abs(fields[name]) > _LARGEST:
            raise ValueError(f"{where}: {name} {shown(fields[name])} is not within 2^53")
    if "low" not in fields or "high" not in fields or not fields["low"] <= fields["high"]:
        raise ValueError(f"{where}: needs low and high, low not above high (has {shown(fields)})")
    if "step" in fields:
        _check_step(fields["step"], fields["high"] - fields["low"], where)
    if not isinstance(fields.get("log", False), bool):
        raise ValueError(f"{where}: log {shown(fields['log'])} must be true or false")
    if fields.get("log") and (fields["low"] <= 0 or "step" in fields):
        raise ValueError(
            f"{where}: a log range needs low above 0 and no step (has {shown(fields)})"
        )


def _check_step(step: float, width: float, where: str) -> None:
    if not step > 0:  # nor NaN
        raise ValueError(f"{where}: step {step} must be above 0")
    if width / step > _MOST_STEPS:
        raise ValueError(
            f"{where}: step {step} makes more than {_MOST_STEPS} values; leave it out, or widen it"
        )
