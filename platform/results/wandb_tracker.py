"""Trials as runs of Weights & Biases, in files that are synchronised later."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from platform.results.events import EndState
from platform.results.parameters import ParameterValue


class Wandb:
    """Writes `<directory>/wandb` without network: `wandb sync <directory>/wandb/offline-run-*`."""

    def __init__(self, directory: Path, search: str) -> None:
        self._wandb: Any = import_module("wandb")
        self._directory, self._search = directory, search
        self._runs: dict[str, Any] = {}

    def start(self, name: str, params: Mapping[str, ParameterValue]) -> None:
        self._runs[name] = self._wandb.init(
            project=self._search,
            name=name,
            id=f"{self._search}-{name}",  # of a trial that goes on: joined when it is synchronised
            dir=str(self._directory),
            config=dict(params),
            mode="offline",
            reinit="create_new",  # several trials at once
            settings=self._wandb.Settings(silent=True, console="off"),
        )

    def log(self, name: str, values: Mapping[str, float], step: int) -> None:
        self._runs[name].log(dict(values), step=step)

    def end(self, name: str, state: EndState | None) -> None:
        run = self._runs.pop(name)
        run.summary["state"] = state or "unfinished"
        run.finish(exit_code=1 if state == "failed" else 0, quiet=True)
