"""Starts `python -m platform.search` on a few pictures, for test_search_command.py to look at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from platform.search.study import default_storage, open_storage

REPOSITORY = Path(__file__).parents[2]
SECONDS = 300  # more than any of these searches takes on a busy machine
NAME = "short"
SETTINGS = {
    "iterations": "10",
    "backbone.weights": "random",
    "data.images_per_step": "4",
    "optimiser.lr": "2e-4",
    "optimiser.warmup": "2",
    "stages.segmentation": "2",
    "ctc.local_crops": "2",
    "cam.scales": "[1.0, 0.5]",
    "cam.par_iterations": "2",
    "scoring.images": "8",
    "scoring.scores": "5",
    "thresholds.low": "0.25",
}
# One trial at a time: what is proposed depends on nothing but the seed. Scored at every 4th step.
TWO_TRIALS = (
    *("--trials", "2", "--concurrent", "1", "--sampler", "random", "--pruner", "none"),
    "--set=iterations=20",
)
# The second trial, which is told to take the largest rate, breaks at its first steps.
SPACE = """
parameters:
  optimiser.lr: {type: category, choices: [2.0e-4, 1.0e+30]}
  thresholds.low: {type: float, low: 0.1, high: 0.4, step: 0.05}
known:
  - {optimiser.lr: 1.0e+30}
"""


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search in a directory of its own; each start of it is a session.

    Attributes:
        logs: takes what the sessions say, where the directory may not.
        mark: of an environment variable by which all processes of the search are known.
    """

    data: Path
    directory: Path
    arguments: tuple[str, ...] = ()
    reports: str = ""  # a URI, in place of the directory
    logs: Path | None = None
    mark: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def results(self) -> Path:
        return self.directory / NAME

    def start(self, *more: str) -> Session:
        """Start the command, with `more` arguments than all sessions have."""
        settings = [f"--set={key}={value}" for key, value in SETTINGS.items()]
        command = [
            sys.executable,
            "-m",
            "platform.search",
            "--name",
            NAME,
            "--no-report",
            *settings,
        ]
        command += ["--data", str(self.data), "--reports", self.reports or str(self.directory)]
        logs = self.logs or self.directory
        return Session([*command, *self.arguments, *more], logs, self.mark)

    def run(self, *more: str) -> Session:
        """Start the command and wait for its end."""
        session = self.start(*more)
        session.wait()
        return session

    def trials(self) -> list[FrozenTrial]:
        """Return the trials of the study, in the order of their numbers."""
        return trials_of(self.results)

    def processes(self) -> list[int]:
        """Return the processes that belong to the search, on a system that has /proc.

        Two agents of Ray hold nothing, and look only once a minute whether their raylet is alive.
        """
        return [
            int(process.name) for process in Path("/proc").glob("[0-9]*") if self._owns(process)
        ]

    def find(self, kind: str, session: Session) -> list[int]:
        """Wait for processes of the search whose command line has a word, and return them."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if found := [one for one in self.processes() if kind in command_line(one)]:
                return found
            time.sleep(0.05)
        raise AssertionError(f"no process with {kind!r}:\n{session.output}{session.errors}")

    def scores(self) -> list[tuple[object, ...]]:
        """Return what must not depend on what befell a search: its trials, scores to the bit."""
        return outcomes(self.results)

    def _owns(self, process: Path) -> bool:
        try:
            is_agent = b"Agent" in (process / "cmdline").read_bytes()
            return self.mark.encode() in (process / "environ").read_bytes() and not is_agent
        except OSError:  # it has ended, or is not ours to read
            return False


def trials_of(directory: Path, name: str = NAME) -> list[FrozenTrial]:
    """Return the trials of a search in a directory, in the order of their numbers."""
    storage = open_storage(default_storage(directory))
    return optuna.load_study(study_name=name, storage=storage).trials


def outcomes(directory: Path, name: str = NAME) -> list[tuple[object, ...]]:
    """Return what must not depend on what befell a search: its trials, scores to the bit."""
    return [
        (trial.number, trial.state, trial.params, trial.intermediate_values, trial.value)
        for trial in trials_of(directory, name)
    ]


def whole_search(data: Path, directory: Path, arguments: tuple[str, ...]) -> Search:
    """Run a search to its end, in one session."""
    search = Search(data=data, directory=directory, arguments=arguments)
    session = search.run()
    assert session.wait() == 0, session.output + session.errors
    return search


def command_line(process: int) -> str:
    """Return the command line of a process; of one that has ended, nothing."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


class Session:
    """One process of a search, and what it prints."""

    def __init__(self, command: list[str], directory: Path, mark: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        variables = {"OMP_NUM_THREADS": "1", "RAY_USAGE_STATS_ENABLED": "0", "COLUMNS": "200"}
        # Ray makes its workers nice: beside anything else that computes they would hardly get on.
        variables |= {"SEARCH_UNDER_TEST": mark, "RAY_worker_niceness": "0"}
        stamp = time.time_ns()
        self._files = [directory / f"{stamp}.{name}" for name in ("out", "err")]
        with self._files[0].open("wb") as out, self._files[1].open("wb") as err:
            self._process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=os.environ | variables,
                stdout=out,
                stderr=err,
                start_new_session=True,  # so that Ctrl-C reaches all of it, and none of us
            )

    @property
    def output(self) -> str:
        return self._files[0].read_text()

    @property
    def errors(self) -> str:
        return self._files[1].read_text()

    def wait(self, seconds: float = SECONDS) -> int:
        """Wait for the end; return the exit status."""
        try:
            return self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no end after {seconds} s:\n{self.output}{self.errors}") from None

    def is_over(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def wait_for(self, text: str) -> None:
        """Wait until the process has printed a text."""
        deadline = time.monotonic() + SECONDS
        while text not in self.output:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"{text!r} is not in:\n{self.output}{self.errors}")
            time.sleep(0.05)

    def press_ctrl_c(self) -> None:
        """Signal the whole process group, as a terminal does."""
        os.killpg(self._process.pid, signal.SIGINT)

    def terminate(self) -> None:
        """Signal the driver alone, as whoever ends a job does."""
        self._process.terminate()

    def kill(self) -> None:
        """Kill the driver, and it alone."""
        self._process.kill()
        self._process.wait()
