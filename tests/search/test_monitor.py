from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import optuna
from optuna.storages import InMemoryStorage

from platform.results.events import Event, MachineStruckOff, TrialBroken, TrialEnded, TrialStarted
from platform.results.trial_rows import TrialRow
from platform.search.faults import Fault, Outcome
from platform.search.live_trials import LiveTrials
from platform.search.monitor import TrialObserver
from platform.search.trial_protocol import trial_directory
from platform.train.run_checkpoints import checkpoint_path
from tests.search.worlds import opener


class Notes:
    """A sink that keeps the events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def handle(self, event: Event) -> None:
        self.events.append(event)


def finished_search() -> LiveTrials:
    """Return a search of three trials: one complete, one that failed, one that still runs."""
    live = opener(InMemoryStorage(), budget=3, pruner="none")()
    for _ in range(3):
        live.next()
    live.record(0, 0.4, step=100)
    live.finish(0)
    live.fail(1, "out of luck")
    return live


def caught_up(study: optuna.Study, rows: list[TrialRow], directory: Path) -> list[Event]:
    notes = Notes()
    TrialObserver(notes, directory).catch_up(study, rows)
    return notes.events


def test_the_end_of_a_trial_that_only_the_study_knows_is_told(tmp_path: Path) -> None:
    rows = [TrialRow(number=0), TrialRow(number=1, state="failed", ended=1.0), TrialRow(number=2)]
    events = caught_up(finished_search().study, rows, tmp_path)
    assert events == [TrialEnded(number=0, state="complete", score=0.4)]


def test_a_trial_that_the_table_lacks_is_told_with_its_parameters_and_reason(
    tmp_path: Path,
) -> None:
    live = finished_search()
    rows = [TrialRow(number=0, state="complete", ended=1.0)]
    started, ended = caught_up(live.study, rows, tmp_path)
    assert started == TrialStarted(number=1, params=live.study.trials[1].params)
    assert ended == TrialEnded(number=1, state="failed", score=None, reason="out of luck")


def test_nothing_is_told_twice(tmp_path: Path) -> None:
    rows = [TrialRow(number=number, ended=1.0) for number in range(2)]
    assert caught_up(finished_search().study, rows, tmp_path) == []


def test_a_fault_is_told_with_the_checkpoint_that_is_left_and_the_machine_that_is_not(
    tmp_path: Path,
) -> None:
    path = checkpoint_path(trial_directory(tmp_path, 3), 400)
    path.parent.mkdir(parents=True)
    ZipFile(path, "w").close()
    notes = Notes()
    fault = Fault(kind="error", cause="OSError: no mount", machine="10.0.0.7", node="n")
    TrialObserver(notes, tmp_path).broken(3, fault, Outcome(goes_on=True, retry=1, struck=True))
    assert notes.events == [
        TrialBroken(
            number=3,
            cause="OSError: no mount",
            machine="10.0.0.7",
            iteration=400,
            retry=1,
            retries=2,
        ),
        MachineStruckOff(machine="10.0.0.7", cause="OSError: no mount"),
    ]
