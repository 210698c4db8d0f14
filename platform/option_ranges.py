"""Numbers given as options: what is out of its range is refused in one line, by every command."""

from __future__ import annotations

import math


def check_at_least(least: float, **options: float | None) -> None:
    """Require options, where given, of at least so much.

    Raises:
        ValueError: names the option, its value and the range.
    """
    for name, value in options.items():
        if value is not None and not least <= value < math.inf:
            raise ValueError(f"{_option(name)} {value} must be at least {least}")


def check_positive(**options: float | None) -> None:
    """Require options, where given, of more than 0.

    Raises:
        ValueError: names the option, its value and the range.
    """
    for name, value in options.items():
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"{_option(name)} {value} must be more than 0")


def check_between(least: float, most: float, **options: float | None) -> None:
    """Require options, where given, in a range with both its ends.

    Raises:
        ValueError: names the option, its value and the range.
    """
    for name, value in options.items():
        if value is not None and not least <= value <= most:
            raise ValueError(f"{_option(name)} {value} is not in {least:g}..{most:g}")


def check_amount(least: float, **options: float | None) -> None:
    """Require options, where given, that are 0 or at least so much.

    Raises:
        ValueError: names the option, its value and the range.
    """
    for name, value in options.items():
        if value and not least <= value < math.inf:
            raise ValueError(f"{_option(name)} {value} must be 0, or at least {least:g}")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
