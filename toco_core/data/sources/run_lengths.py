"""COCO's run lengths: pixels down the columns, in turns outside and inside."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of the packed form: a number is written five bits at a time, the least first, as characters.
FIRST = ord("0")
BITS = 5
MORE = 1 << BITS  # another character follows
SIGN = 1 << (BITS - 1)  # of the last character
MOST_CHARACTERS = 13  # of a number of 64 bits


def run_length_pixels(counts: Any, height: int, width: int) -> NDArray[np.bool_]:
    """Return (H, W), true inside.

    Decoded here: pycocotools leaves pixels as they are in memory where the runs do not reach.

    Args:
        counts: numbers, or their packed form.
        height: H.
        width: W.

    Raises:
        ValueError: they are no run lengths of H x W pixels.
    """
    runs = _unpack(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or any(type(run) is not int for run in runs):
        raise ValueError("its run lengths are no whole numbers")
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError(f"its run lengths are not of {height} x {width} px")
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(width, height).T


def _unpack(text: str) -> list[int]:
    """Return the numbers that pycocotools has packed; from the fourth on, each is a difference."""
    runs: list[int] = []
    value = characters = 0
    for character in text:
        code = ord(character) - FIRST
        if not 0 <= code < 2 * MORE or characters == MOST_CHARACTERS:
            raise ValueError(f"its run lengths hold {character!r}, which packs no number")
        value |= (code % MORE) << BITS * characters
        characters += 1
        if code & MORE:
            continue
        if code & SIGN:
            value -= 1 << BITS * characters
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        value = characters = 0
    if characters:
        raise ValueError("its run lengths end within a number")
    return runs
