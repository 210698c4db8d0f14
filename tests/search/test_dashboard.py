"""optuna-dashboard opens the study of a search, where it is installed."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from platform.search.simulation.controller import Simulator
from platform.search.study import default_storage, open_storage
from tests.search.worlds import learning_curve, opener


def answer(port: int, path: str, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
                return json.load(reply)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_the_dashboard_lists_the_trials_of_our_journal(tmp_path: Path) -> None:
    pytest.importorskip("optuna_dashboard")
    journal, port = default_storage(tmp_path), free_port()
    Simulator(opener(open_storage(journal), budget=5), learning_curve).run()
    command = "from optuna_dashboard._cli import main; main()"
    arguments = [journal, "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen([sys.executable, "-c", command, *arguments])
    try:
        (study,) = answer(port, "/api/studies")["study_summaries"]
        assert study["study_name"] == "made-up"
        trials = answer(port, f"/api/studies/{study['study_id']}?after=0")["trials"]
        assert [trial["number"] for trial in trials] == list(range(5))
        assert {trial["state"] for trial in trials} <= {"Complete", "Pruned"}
    finally:
        server.terminate()
        server.wait()
