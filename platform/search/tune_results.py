"""A score as Tune hands it on, to the scheduler or to the searcher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from platform.search.live_trials import LiveTrials
from platform.search.trial_protocol import ITERATION, NODE, OTHER_SCORES, SCORE, TAKEN_OVER


def record_result(live: LiveTrials, number: int, result: Mapping[str, Any]) -> bool:
    """Record the score in a result of a trial, and return whether the trial goes on."""
    return live.record(
        number,
        float(result[SCORE]),
        int(result[ITERATION]),
        result.get(NODE, ""),
        earned=TAKEN_OVER not in result,
        others=result.get(OTHER_SCORES, ()),
    )
