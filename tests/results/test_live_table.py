from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from platform.results.events import Event, SearchEnded, TrialEnded
from platform.results.live_table import live_table
from platform.results.parameters import ParameterValue
from platform.results.search_state import SearchState
from tests.results.streams import (
    NOON,
    fold_all,
    progressed,
    scored,
    search_started,
    trial_started,
)

PARAMS: dict[str, ParameterValue] = {"backbone.aux_layer": -3, "thresholds.low": 0.25}


def drawn(state: SearchState, after: float, width: int = 120, height: int = 30) -> list[str]:
    console = Console(record=True, width=width, height=height, file=io.StringIO())
    console.print(live_table(state, NOON + after, width, height))
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_the_whole_table() -> None:
    state = fold_all(
        [
            search_started(),
            trial_started(0, params=PARAMS),
            scored(0, 600, 0.43),
            (60, TrialEnded(number=0, state="complete", score=0.43)),
            (60, trial_started(1, params={**PARAMS, "thresholds.low": 0.3})),
            (72, progressed(1, 120)),
            (72, scored(1, 120, 0.2)),
        ]
    )
    full, part = "━" * 14, "━━╸" + " " * 11
    lines = drawn(state, 75)
    assert lines[1:3] == [
        "partscenes    1 of 4 trials done, 0 pruned, 0 failed",
        "best CAM mIoU 43.0 (trial 0)",
    ]
    # 600 iterations took 60 s: 48 s of trial 1, then 2 more trials
    assert lines[3] == "elapsed 1 min 15 s    expected end 12:04, in 2 min 48 s"
    assert lines[5:] == [
        "trial  aux_layer   low  iteration                CAM mIoU   aux   bkg  state",
        f"    0         -3  0.25  {full}  600/600      43.0  38.0  0.43  complete",
        f"    1         -3   0.3  {part}  120/600      20.0  15.0  0.43  running",
    ]


def test_the_bar_is_as_long_as_the_share_that_is_trained() -> None:
    state = fold_all([search_started(), trial_started(0), progressed(0, 300)])
    console = Console(force_terminal=True, color_system="standard", width=120)
    with console.capture() as capture:
        console.print(live_table(state, NOON, 120, 30))
    assert f"\x1b[34m{'━' * 7}\x1b[0m" in capture.get()


def many_trials(ended: int, running: int) -> SearchState:
    events: list[Event | tuple[float, Event]] = [search_started(trials=100)]
    for number in range(ended):
        events += [trial_started(number), scored(number, 600, 0.1 + number / 100)]
        # the later the number, the earlier the end
        events.append((100.0 - number, TrialEnded(number=number, state="complete", score=None)))
    events += [trial_started(ended + index) for index in range(running)]
    return fold_all(events)


def numbers(lines: list[str]) -> list[int]:
    return [int(line.split()[0]) for line in lines[6:] if line[:5].strip().isdigit()]


@pytest.mark.parametrize("height", [10, 16, 24])
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_table_is_never_larger_than_the_terminal(width: int, height: int) -> None:
    lines = drawn(many_trials(ended=40, running=2), 200, width, height)
    assert 8 <= len(lines) <= height
    assert all(len(line) <= width for line in lines)


def test_running_trials_come_before_those_that_ended_last() -> None:
    lines = drawn(many_trials(ended=20, running=2), 200, height=12)
    assert numbers(lines) == [0, 1, 2, 20, 21]
    assert lines[-1] == "17 more trials in trials.parquet"


def test_parameters_that_do_not_fit_give_way_those_that_are_constant_first() -> None:
    constant: dict[str, ParameterValue] = {f"a.constant{index}": 1 for index in range(8)}
    first = trial_started(0, params={**constant, "weights.ptc": 0.1})
    second = trial_started(1, params={**constant, "weights.ptc": 0.2})
    lines = drawn(fold_all([search_started(), first, second]), 0, width=100)
    assert lines[5].split()[:3] == ["trial", "constant0", "constant1"]
    assert "ptc" in lines[5].split()
    assert lines[-1].endswith("more parameters in trials.parquet")


def test_a_parameter_that_a_trial_does_not_have_is_a_dash() -> None:
    first = trial_started(0, params={"weights.ptc": 0.1})
    second = trial_started(1, params={"weights.ptc": 0.2, "optimiser.lr": 6e-5})
    lines = drawn(fold_all([search_started(), first, second]), 0)
    assert lines[6].split()[:3] == ["0", "0.1", "–"]
    assert lines[7].split()[:3] == ["1", "0.2", "6e-05"]


def test_an_interrupted_search_says_so_and_its_clock_stands_still() -> None:
    events = [search_started(), trial_started(0), (60, SearchEnded(interrupted=True))]
    lines = drawn(fold_all(events), 500)
    assert lines[3] == "elapsed 1 min 00 s    interrupted"
    assert lines[6].split()[-1] == "unfinished"


def test_before_the_first_score_nothing_is_promised() -> None:
    lines = drawn(fold_all([search_started()]), 5)
    assert lines[2:4] == ["no score yet", "elapsed 5 s    expected end not known yet"]


def test_what_waits_and_what_was_retried_is_a_line_of_the_header() -> None:
    state = fold_all([search_started(trial_needs="1 GPU"), trial_started(0, waiting=True)])
    lines = drawn(replace(state, rows={0: replace(state.rows[0], retries=1)}), 5)
    assert lines[4] == "1 trial waits for a machine with 1 GPU, 1 retry"
    assert lines[7].split()[-1] == "waiting"
