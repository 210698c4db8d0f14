from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from platform.results.events import (
    SearchEnded,
    SearchStarted,
    TrialEnded,
    TrialProgressed,
    TrialStarted,
)
from platform.results.run_progress import RunProgress
from tests.results.streams import scored


def shown(iteration: int) -> list[str]:
    """Return what is printed of a run that starts, or goes on, at an iteration."""
    file = io.StringIO()
    sink = RunProgress(Console(file=file))
    start = SearchStarted(
        name="run", trials=1, iterations=8, directory=Path("r"), log_file=Path("r/ray.log")
    )
    sink.handle(start)
    sink.handle(TrialStarted(number=0, params={}, iteration=iteration))
    sink.handle(TrialProgressed(number=0, iteration=8, losses={"total": 2.5}, seconds=1.0))
    sink.handle(scored(0, 8, 0.412))
    sink.handle(TrialEnded(number=0, state="complete", score=0.412))
    sink.handle(SearchEnded())
    return file.getvalue().splitlines()


def test_a_run_shows_its_losses_and_its_scores() -> None:
    start, score, end = shown(0)
    assert start == "run  0/8"
    assert score.startswith("run  8/8  CAM mIoU 41.2 (aux ")
    assert end == "run  8/8 in 0 s  loss 2.500  0.12 s a step"


def test_a_run_that_goes_on_says_from_where() -> None:
    assert shown(5)[0] == "run: going on at iteration 5"
    assert shown(5)[-1] == "run  8/8 in 0 s  loss 2.500  0.33 s a step"
