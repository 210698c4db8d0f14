"""Which complete trials are on the front of several objectives, and which of them is picked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import optuna

from platform.search.front.weighting import on_front
from platform.search.scores import has_several
from platform.search.space.checked import CheckedSpace
from platform.search.worth import Estimate, complete_trials, forgotten, judge, record_pick

_DIGITS = 9  # in which equal configurations are worth the same


@dataclass(frozen=True, kw_only=True)
class Front:
    """What complete trials are worth by each objective, and which no other one is better than.

    Attributes:
        worth: of each complete trial, by each objective.
        numbers: of the trials on the front, the highest in the first objective first.
    """

    worth: Mapping[int, Sequence[Estimate]]
    numbers: Sequence[int]


def judge_front(study: optuna.Study, space: CheckedSpace) -> Front:
    """Judge the complete trials by the models of all trials' scores, a model for each objective.

    The front is that of what configurations are worth: last scores are as much luck as merit. Only
    trials whose checkpoints were kept are on it.
    """
    each = [judge(study, space, place).worth for place in range(len(study.directions))]
    worth = {t.number: [one[t.number] for one in each] for t in complete_trials(study)}
    kept = [number for number in worth if number not in forgotten(study)]
    return Front(worth=worth, numbers=_on_front({number: worth[number] for number in kept}))


def _on_front(worth: Mapping[int, Sequence[Estimate]]) -> list[int]:
    """Return the trials of the front; of those that are worth the same, the first."""
    first: dict[tuple[float, ...], int] = {}
    for number, estimates in worth.items():
        first.setdefault(tuple(round(one.value, _DIGITS) for one in estimates), number)
    if not first:
        return []
    points = sorted(first, reverse=True)
    front = on_front(np.array(points))
    return [first[point] for point, is_on in zip(points, front, strict=True) if is_on]


def pick(study: optuna.Study, space: CheckedSpace, number: int) -> None:
    """Make a trial of the front the winner, for this and all later sessions.

    Raises:
        ValueError: there is one objective, or the trial is not on the front; names those that are.
    """
    if not has_several(study):
        raise ValueError(f"--pick {number}: this search has one objective, whose best trial wins")
    front = judge_front(study, space).numbers
    if number not in front:
        names = ", ".join(map(str, front)) or "none yet"
        raise ValueError(f"--pick {number}: that trial is not on the front; these are: {names}")
    record_pick(study, number)
