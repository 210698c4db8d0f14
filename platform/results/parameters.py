"""The parameters of a trial, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from platform.results.formats import NOTHING

ParameterValue: TypeAlias = bool | int | float | str


def value_text(value: ParameterValue | None) -> str:
    """Format the value of a parameter; a trial without it has –."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """Return the last part of each dotted key, or the whole key where two would be the same."""
    ends = [(key, key.rpartition(".")[2]) for key in keys]
    last_parts = [end for _, end in ends]
    return {key: end if last_parts.count(end) == 1 else key for key, end in ends}


def params_text(params: Mapping[str, ParameterValue]) -> str:
    """Format parameters in one line: aux_layer -3  low 0.25."""
    names = short_names(params)
    return "  ".join(f"{names[key]} {value_text(value)}" for key, value in params.items())
