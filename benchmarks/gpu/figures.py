"""Figures as they are measured: one JSON object a line, so that what was written stays."""

from __future__ import annotations

import json
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


class TooLongError(BaseException):
    """A section ran out of time; no section catches it by accident."""


class Figures:
    """Writes the figures of a section.

    Args:
        folder: of the run.
        section: names the file.
    """

    def __init__(self, folder: Path, section: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{section}.jsonl"
        self._section = section

    def add(self, figure: str, **values: object) -> None:
        """Write one figure, and show it."""
        row = {"section": self._section, "figure": figure, **values}
        with self._path.open("a") as file:
            file.write(json.dumps(row, default=str) + "\n")
        print(f"[{figure}] {' '.join(f'{k}={_short(v)}' for k, v in values.items())}", flush=True)

    @contextmanager
    def within(self, figure: str, seconds: float) -> Iterator[None]:
        """Measure something; after its time, or an error, go on with the next one."""

        def stop(_signal: int, _frame: FrameType | None) -> None:
            raise TooLongError(f"more than {seconds:.0f} s")

        before = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        began = time.monotonic()
        try:
            yield
        except (Exception, TooLongError) as error:  # noqa: BLE001  # it is what is reported
            lines = traceback.format_exception(error)
            took = round(time.monotonic() - began, 1)
            self.add(figure, failed=f"{type(error).__name__}: {error}"[:500], seconds=took)
            print("".join(lines)[-3000:], flush=True)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            _free()


def read_figures(folder: Path) -> list[dict[str, object]]:
    """Read the figures of all sections of a run."""
    files = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:300]


def _free() -> None:
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
