"""Under which circumstances a search is watched: noise, trials at once, scores, its start."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PATTERN = re.compile(r"n(?P<noise>[01])c(?P<concurrent>[1-9]\d*)(?P<few>s5)?(?P<start>@pub)?")
SCORES, FEW_SCORES = 26, 5


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Circumstances of a search.

    Attributes:
        name: as on the command line, such as n1c4s5@pub.
        noise: standard deviation of a seed's luck, in units of the task's spread; that of a
            single score is half of it.
        concurrent: trials at once.
        scores: of a whole training.
        published: whether trial 0 is a good published configuration.
    """

    name: str
    noise: float
    concurrent: int
    scores: int
    published: bool


def parse_condition(text: str) -> Condition:
    """Read n0 or n1 (noise), c and a number (at once), s5 (five scores), @pub (a known start).

    Raises:
        ValueError: the text is anything else.
    """
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"condition {text!r} is not of the form n0c1, n1c4 or n1c4s5@pub")
    return Condition(
        name=text,
        noise=0.25 * int(match["noise"]),
        concurrent=int(match["concurrent"]),
        scores=FEW_SCORES if match["few"] else SCORES,
        published=bool(match["start"]),
    )
