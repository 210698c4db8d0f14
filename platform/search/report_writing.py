"""The report of a search, written in a process of its own: at the end, and while trials run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console

_NICE = 10  # trials come first
_LONGEST = 600  # s; more than any report takes beside a search


class ReportWriter:
    """Writes `report.html`; what goes wrong there is a line, and never the end of a search.

    In a process of its own, since drawing would hold up the trials that this one answers, and the
    memory goes when it ends. A command of the platform reads the directory; nothing is handed over.

    Args:
        directory: of the search.
        study: Optuna's URL, where the study is not in the directory.
        console: where the line goes.
    """

    def __init__(self, directory: Path, study: str | None, console: Console) -> None:
        self._command = [sys.executable, "-m", "platform.report", str(directory)]
        self._command += ["--study", study] if study else []
        self._console = console
        self._process: subprocess.Popen[str] | None = None

    @contextmanager
    def every(self, minutes: float | None) -> Iterator[None]:
        """Write again and again meanwhile, so many minutes apart; None is never."""
        if minutes is None:
            yield
            return
        over = threading.Event()
        thread = threading.Thread(target=self._repeat, args=(60 * minutes, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            if self._process is not None:
                self._process.kill()
            thread.join()

    def write(self) -> None:
        """Write now; say where the report is, or in one line why there is none."""
        failure, output = self._run()
        if failure:
            text = f"warning: the report was not written: {failure}"
        else:
            lines = [line for line in output.splitlines() if line.startswith("report: ")]
            text = lines[-1] if lines else ""
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)

    def _repeat(self, seconds: float, over: threading.Event) -> None:
        while not over.wait(seconds):
            self._run()  # what is wrong with it is said at the end

    def _run(self) -> tuple[str, str]:
        """Run the command; return why it failed, if it did, and what it printed."""
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C is the search's
            )
        except OSError as error:
            return str(error), ""
        self._process = process
        try:
            with suppress(ProcessLookupError):  # over already
                os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
            output, errors = process.communicate(timeout=_LONGEST)
        except subprocess.TimeoutExpired:
            return f"it took more than {_LONGEST} s", ""
        finally:
            process.kill()  # of one that is over: nothing; after Ctrl-C, the end
        lines = errors.strip().splitlines() or [f"exit status {process.returncode}"]
        return (lines[-1] if process.returncode else ""), output
