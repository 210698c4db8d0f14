"""How numbers, times and parameters are worded for a person."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime

from platform.results.events import ParameterValue

NOTHING = "–"


def percent(fraction: float | None) -> str:
    """Word a fraction in per cent with one decimal, without the sign: 0.412 -> 41.2."""
    return NOTHING if fraction is None or math.isnan(fraction) else f"{100 * fraction:.1f}"


def gain(fraction: float | None) -> str:
    """Word a difference of fractions in percentage points: 0.012 -> +1.2."""
    return NOTHING if fraction is None or math.isnan(fraction) else f"{100 * fraction:+.1f}"


def threshold(value: float | None) -> str:
    """Word a CAM threshold: 0.4 -> 0.40."""
    return NOTHING if value is None or math.isnan(value) else f"{value:.2f}"


def duration(seconds: float | None) -> str:
    """Word a time span: 42 s, 1 min 15 s, 3 h 02 min."""
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def clock_time(moment: float) -> str:
    """Word a moment (s since 1970) as local time: 12:01:33."""
    return datetime.fromtimestamp(moment).strftime("%H:%M:%S")


def value_text(value: ParameterValue | None) -> str:
    """Word the value of a parameter; a trial without it has –."""
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
    """Word parameters in one line: aux_layer -3  low 0.25."""
    names = short_names(params)
    return "  ".join(f"{names[key]} {value_text(value)}" for key, value in params.items())
