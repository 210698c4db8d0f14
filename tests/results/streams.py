"""Events of made-up searches, from which the tests build their streams."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from platform.results.events import Event, SearchStarted, TrialProgressed, TrialScored, TrialStarted
from platform.results.parameters import ParameterValue
from platform.results.search_state import SearchState, fold

NOON = datetime(2025, 3, 1, 12, 0, 0).timestamp()  # local time, as the lines show it
LOW_AND_PTC: dict[str, ParameterValue] = {"thresholds.low": 0.25, "weights.ptc": 0.2}


class SteppedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def search_started(
    trials: int = 4, resumed: int = 0, score_points: Sequence[int] = (), trial_needs: str = ""
) -> SearchStarted:
    return SearchStarted(
        name="partscenes",
        trials=trials,
        iterations=600,
        directory=Path("runs/a"),
        log_file=Path("runs/a/search.log"),
        resumed=resumed,
        score_points=score_points,
        trial_needs=trial_needs,
    )


def trial_started(
    number: int,
    iteration: int = 0,
    params: dict[str, ParameterValue] | None = None,
    *,
    waiting: bool = False,
) -> TrialStarted:
    return TrialStarted(
        number=number, iteration=iteration, params=params or LOW_AND_PTC, waiting=waiting
    )


def progressed(number: int, iteration: int, loss: float = 0.5) -> TrialProgressed:
    return TrialProgressed(number=number, iteration=iteration, losses={"cls": loss}, seconds=12.0)


def scored(
    number: int,
    iteration: int,
    score: float,
    class_iou: Sequence[float] = (0.8, 0.4),
    pictures: Sequence[bytes] = (),
) -> TrialScored:
    return TrialScored(
        number=number,
        iteration=iteration,
        score=score,
        aux_score=score - 0.05,
        bkg=0.43,
        aux_bkg=0.38,
        curve=[score / 2, score],
        class_iou=class_iou,
        f1=0.9,
        token_similarity=[0.1, 0.7],
        agreement=0.6,
        unsupervised=0.6,
        seconds_training=30.0,
        seconds_scoring=5.0,
        mask_reads=40,
        workers=1,
        pictures=pictures,
    )


def fold_all(events: Iterable[Event | tuple[float, Event]]) -> SearchState:
    """Fold events, each at noon or at its own number of seconds after it."""
    state = SearchState()
    for item in events:
        after, event = item if isinstance(item, tuple) else (0.0, item)
        state = fold(state, event, NOON + after)
    return state
