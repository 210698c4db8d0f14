"""How numbers and times are shown to a person."""

from __future__ import annotations

import math
from datetime import datetime

NOTHING = "–"


def percent(fraction: float | None) -> str:
    """Format a fraction in per cent with one decimal, without the sign: 0.412 -> 41.2."""
    return NOTHING if fraction is None or math.isnan(fraction) else f"{100 * fraction:.1f}"


def gain(fraction: float | None) -> str:
    """Format a difference of fractions in percentage points: 0.012 -> +1.2."""
    return NOTHING if fraction is None or math.isnan(fraction) else f"{100 * fraction:+.1f}"


def pixels(length: float | None) -> str:
    """Format a length, px: 12.345 -> 12.3."""
    return NOTHING if length is None or math.isnan(length) else f"{length:.1f}"


def threshold(value: float | None) -> str:
    """Format a CAM threshold: 0.4 -> 0.40."""
    return NOTHING if value is None or math.isnan(value) else f"{value:.2f}"


def duration(seconds: float | None) -> str:
    """Format a time span: 42 s, 1 min 15 s, 3 h 02 min."""
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def clock_time(moment: float) -> str:
    """Format a moment (s since 1970) as local time: 12:01:33."""
    return datetime.fromtimestamp(moment).strftime("%H:%M:%S")
