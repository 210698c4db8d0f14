"""The process of a trial as Tune drives it: Tune's own class, in this process and without a Ray."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ray import cloudpickle as _cloudpickle
from ray import tune
from ray.train._internal import session, storage

from platform.cluster import notice
from platform.cluster.notice import END_NOTICE, SIGTERM
from platform.search.trial_process import trial_process
from platform.search.tune_environment import set_up_tune

CONFIG = {"number": 3}
PICKLE: Any = _cloudpickle  # Ray's, which does not declare what it offers


def train(config: dict[str, Any]) -> None:
    """Report steps until somebody says that the end is near, then break as a trial does."""
    with END_NOTICE.heeded() as why:
        for step in range(1000):
            tune.report({"step": step, "number": config["number"]})
            time.sleep(0.01)
            if why():
                raise RuntimeError(why())


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(notice, "this_node", lambda: "here")
    monkeypatch.setattr(notice, "draining_nodes", dict)
    # Ray knows of a directory for such files only while it runs.
    monkeypatch.setattr(storage, "_get_ray_train_session_dir", lambda: str(tmp_path))
    for name, value in os.environ.items():
        monkeypatch.setenv(name, value)  # so that what follows is taken back
    set_up_tune()
    before = signal.getsignal(signal.SIGTERM)
    place = storage.StorageContext(
        storage_path=str(tmp_path), experiment_dir_name="session", trial_dir_name="trial"
    )
    # As it comes to another process: with all that it names.
    kind = PICKLE.loads(PICKLE.dumps(trial_process(train)))
    yield kind(config=dict(CONFIG), storage=place)
    session.shutdown_session()
    signal.signal(signal.SIGTERM, before)


def steps_until_it_breaks(process: Any, tell: Callable[[], object]) -> tuple[int, str]:
    """Return how many steps are reported before and after it was told, and what it broke with."""
    assert [process.train()["step"] for _ in range(3)] == [0, 1, 2]
    tell()
    for more in range(10):
        try:
            process.train()
        except RuntimeError as error:
            return more, str(error)
    raise AssertionError("it has heard nothing")


def test_its_results_reach_tune(process: Any) -> None:
    assert type(process).__name__ == "ImplicitFunc"
    assert process.train()["number"] == 3


def test_sigterm_is_heard_by_the_trial_in_its_thread(process: Any) -> None:
    more, why = steps_until_it_breaks(process, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert (more <= 2, why) == (True, SIGTERM)


def test_it_can_be_told_by_the_search(process: Any) -> None:
    more, why = steps_until_it_breaks(process, lambda: process.end_soon("the search is stopped"))
    assert (more <= 2, why) == (True, "the search is stopped")
