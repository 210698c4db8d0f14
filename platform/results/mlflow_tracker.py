"""Trials as runs of MLflow, in files."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from platform.results.events import EndState
from platform.results.parameters import ParameterValue

_MLFLOW_STATUS: Mapping[EndState, str] = {
    "complete": "FINISHED",
    "pruned": "KILLED",
    "failed": "FAILED",
}


class Mlflow:
    """Writes `<directory>/mlflow`: `mlflow ui --backend-store-uri file:<directory>/mlflow`."""

    def __init__(self, directory: Path, search: str) -> None:
        client = import_module("mlflow").MlflowClient(f"file:{directory / 'mlflow'}")
        known = client.get_experiment_by_name(search)
        self._client: Any = client
        self._experiment = known.experiment_id if known else client.create_experiment(search)
        self._ids: dict[str, str] = {}

    def start(self, name: str, params: Mapping[str, ParameterValue]) -> None:
        earlier = self._client.search_runs([self._experiment], f"tags.trial = '{name}'")
        if earlier:
            self._ids[name] = earlier[0].info.run_id
            self._client.update_run(self._ids[name], "RUNNING")
            return
        run = self._client.create_run(self._experiment, run_name=name, tags={"trial": name})
        self._ids[name] = run.info.run_id
        for key, value in params.items():
            self._client.log_param(run.info.run_id, key, value)

    def log(self, name: str, values: Mapping[str, float], step: int) -> None:
        for key, value in values.items():
            self._client.log_metric(self._ids[name], key, value, step=step)

    def end(self, name: str, state: EndState | None) -> None:
        run = self._ids.pop(name)
        self._client.set_tag(run, "state", state or "unfinished")
        self._client.set_terminated(run, _MLFLOW_STATUS[state] if state else "SCHEDULED")
