from __future__ import annotations

from collections.abc import Sequence

import pytest

from platform.results.events import (
    Event,
    MachineStruckOff,
    SearchEnded,
    TrialBroken,
    TrialEnded,
    TrialSilent,
)
from platform.results.plain_lines import is_repeated, plain_line
from tests.results.streams import (
    NOON,
    fold_all,
    progressed,
    scored,
    search_started,
    trial_started,
)

ENDED = TrialEnded(number=0, state="complete", score=0.43)
BEFORE: list[Event] = [search_started(), trial_started(0), scored(0, 600, 0.43)]


@pytest.mark.parametrize(
    ("before", "event", "line"),
    [
        (
            [],
            search_started(),
            "12:01:33  search partscenes: 4 trials of 600 iterations"
            "  results in runs/a  log in runs/a/search.log",
        ),
        (
            [],
            search_started(resumed=2),
            "12:01:33  search partscenes: 4 trials of 600 iterations, 2 of them from before"
            "  results in runs/a  log in runs/a/search.log",
        ),
        (BEFORE, trial_started(3), "12:01:33  trial 3  started  low 0.25  ptc 0.2"),
        (
            BEFORE,
            trial_started(3, iteration=150),
            "12:01:33  trial 3  resumed at 150/600  low 0.25  ptc 0.2",
        ),
        (BEFORE, progressed(3, 150), None),
        (
            BEFORE,
            scored(3, 150, 0.412),
            "12:01:33  trial 3  150/600  CAM mIoU 41.2 (aux 36.2, bkg 0.43)  best 43.0 (trial 0)",
        ),
        (
            [*BEFORE, trial_started(3)],
            TrialBroken(
                number=3,
                cause="its process 77 was killed, or crashed",
                machine="10.0.0.7",
                iteration=400,
                retry=1,
                retries=2,
            ),
            "12:01:33  trial 3  broken on 10.0.0.7: its process 77 was killed, or crashed; "
            "goes on from 400/600 (retry 1 of 2)",
        ),
        (
            [*BEFORE, trial_started(3)],
            TrialBroken(number=3, cause="the machine was lost", machine_lost=True),
            "12:01:33  trial 3  broken: the machine was lost; starts anew",
        ),
        (
            [*BEFORE, trial_started(3)],
            TrialBroken(
                number=3,
                cause="its machine is drained; saved at iteration 412",
                machine="10.0.0.7",
                iteration=412,
                preempted=True,
            ),
            "12:01:33  trial 3  preempted on 10.0.0.7: its machine is drained; saved at iteration "
            "412; goes on from 412/600",
        ),
        (
            [*BEFORE, trial_started(3)],
            TrialBroken(number=3, cause="killed", iteration=400, goes_on=False),
            "12:01:33  trial 3  broken: killed; left to the next session",
        ),
        (
            BEFORE,
            MachineStruckOff(machine="10.0.0.7", cause="OSError: no mount"),
            "12:01:33  machine 10.0.0.7  struck off: trials break on it (OSError: no mount)",
        ),
        (BEFORE, TrialSilent(number=3, seconds=61.0), "12:01:33  trial 3  silent for 1 min 01 s"),
        (
            BEFORE,
            TrialEnded(number=0, state="complete", score=0.43),
            "12:01:33  trial 0  complete at 600/600  CAM mIoU 43.0",
        ),
        (
            [*BEFORE, trial_started(3), scored(3, 240, 0.39)],
            TrialEnded(number=3, state="pruned", score=0.39, reason="below the median"),
            "12:01:33  trial 3  pruned at 240/600  CAM mIoU 39.0  below the median",
        ),
        (
            [*BEFORE, trial_started(3)],
            TrialEnded(number=3, state="failed", score=None, reason="loss cls is not finite"),
            "12:01:33  trial 3  failed at 0/600  loss cls is not finite",
        ),
        (
            BEFORE,
            SearchEnded(),
            "12:01:33  search stopped after 1 min 33 s"
            "  0 of 4 trials done, 0 pruned, 0 failed  best 43.0 (trial 0)",
        ),
        (
            [search_started(trials=1), *BEFORE[1:], ENDED],
            SearchEnded(),
            "12:01:33  all trials ended after 1 min 33 s"
            "  1 of 1 trials done, 0 pruned, 0 failed  best 43.0 (trial 0)",
        ),
        (
            BEFORE,
            SearchEnded(interrupted=True),
            "12:01:33  search interrupted after 1 min 33 s"
            "  0 of 4 trials done, 0 pruned, 0 failed  best 43.0 (trial 0)",
        ),
    ],
)
def test_an_event_is_one_line(before: Sequence[Event], event: Event, line: str | None) -> None:
    state = fold_all([*before, (93, event)])
    assert plain_line(event, state, NOON + 93) == line


def test_a_score_that_is_computed_again_after_a_retry_is_no_news() -> None:
    before = fold_all(
        [*BEFORE, trial_started(3), scored(3, 150, 0.4), trial_started(3, iteration=90)]
    )
    assert is_repeated(scored(3, 150, 0.4), before)
    assert not is_repeated(scored(3, 300, 0.4), before)
    assert not is_repeated(scored(1, 150, 0.4), before)
