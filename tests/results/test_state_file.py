from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from platform.results.events import Event, SearchEnded, TrialEnded, TrialPlaced
from platform.results.state_file import (
    EVENT_SECONDS,
    STATE_FILE,
    StateFile,
    known_state,
    read_word,
)
from platform.results.status_line import status_line
from platform.results.tables import TrialTables
from tests.results.streams import (
    SteppedClock,
    progressed,
    scored,
    search_started,
    trial_started,
)

START = search_started(score_points=(150, 300), trial_needs="1 GPU")
EVENTS = [
    START,
    trial_started(0),
    scored(0, 600, 0.4),
    TrialEnded(number=0, state="complete", score=0.4),
    trial_started(1, waiting=True),
    TrialPlaced(number=1, machine="10.0.0.2"),
    progressed(1, 120),
    trial_started(2, waiting=True),
]


def run(directory: Path, clock: SteppedClock, events: Sequence[Event] = EVENTS) -> StateFile:
    """Let a search come to its third trial, or whatever happens in it."""
    tables, state_file = TrialTables(directory, clock), StateFile(directory, clock)
    for event in events:
        tables.handle(event)
        state_file.handle(event)
    return state_file


def test_who_reads_the_files_knows_what_the_search_knows(tmp_path: Path) -> None:
    clock = SteppedClock()
    state_file = run(tmp_path, clock)
    state = known_state(tmp_path, read_word(tmp_path))
    state_file.close()
    assert [row.state for row in state.trials] == ["complete", "running", "waiting"]
    assert (state.rows[1].machine, state.rows[1].step_seconds) == ("10.0.0.2", 0.1)
    assert status_line(state, clock.now).startswith(
        "1 of 4 trials done, trial 1 at 120/600 (0.1 s a step); "
        "1 trial waits for a machine with 1 GPU"
    )


def test_progress_is_written_once_a_second_at_most(tmp_path: Path) -> None:
    clock = SteppedClock()
    state_file = run(tmp_path, clock)
    for iteration, after, written in ((200, 0.5, 120), (250, EVENT_SECONDS, 250)):
        clock.now += after
        state_file.handle(progressed(1, iteration))
        assert known_state(tmp_path, read_word(tmp_path)).rows[1].iteration == written
    state_file.close()


@pytest.mark.parametrize(("interrupted", "phase"), [(True, "interrupted"), (False, "stopped")])
def test_the_end_is_told(tmp_path: Path, interrupted: bool, phase: str) -> None:
    state_file = run(tmp_path, SteppedClock())
    state_file.handle(SearchEnded(interrupted=interrupted))
    word = read_word(tmp_path)
    assert word is not None
    assert (word.phase, word.in_work) == (phase, [])
    state_file.enter("finished")
    state_file.close()
    again = read_word(tmp_path)
    assert again is not None
    assert again.phase == "finished"


def test_a_file_that_is_no_state_is_named(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_text("{")
    with pytest.raises(ValueError, match=rf"{STATE_FILE} is not the state of a search .*remove it"):
        read_word(tmp_path)
