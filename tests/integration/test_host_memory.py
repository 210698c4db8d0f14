"""The memory that a search says its processes take, beside what they are seen to take."""

from __future__ import annotations

import re
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from tests.integration.search_command import Search, Session, command_line

pytestmark = [
    pytest.mark.ray,
    pytest.mark.cluster,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/PID/smaps_rollup"),
]
# Trials whose steps are as large as those of the embedded recipe.
TWO_BY_TWO = (
    *("--trials", "2", "--concurrent", "2", "--loaders", "2"),
    *("--sampler", "random", "--pruner", "none"),
    *("--set=iterations=40", "--set=data.images_per_step=8", "--set=scoring.scores=2"),
)
FACTOR = 1.6  # by which the estimate may be off, both ways
_PLANNED = re.compile(
    r"2 training x \((?P<worker>[\d.]+) GB \+ 2 loading x (?P<loader>[\d.]+) GB\), "
    r"2 evaluating x (?P<scorer>[\d.]+) GB"
)
TRAINING, EVALUATING = "ImplicitFunc", "EvaluationWorker"


def test_two_trials_with_two_loading_processes_take_what_was_estimated(
    scenes: Path, tmp_path: Path
) -> None:
    search = Search(data=scenes, directory=tmp_path, arguments=TWO_BY_TWO)
    session = search.start()
    measured = most_held(search, session)
    assert session.wait() == 0, session.output + session.errors
    planned = _PLANNED.search(session.output)
    assert planned, session.output
    worker, loader, scorer = (float(planned[name]) * 1e9 for name in _PLANNED.groupindex)
    for kind, estimate in ((TRAINING, 2 * (worker + 2 * loader)), (EVALUATING, 2 * scorer)):
        print(f"{kind}: {estimate / 1e9:.2f} GB estimated, {measured[kind] / 1e9:.2f} GB measured")
        assert estimate / FACTOR < measured[kind] < estimate * FACTOR


def most_held(search: Search, session: Session) -> dict[str, float]:
    """Return the most bytes that the processes of each kind have held together at a time."""
    most: dict[str, float] = dict.fromkeys((TRAINING, EVALUATING), 0.0)
    while not session.is_over():
        held: dict[str, float] = defaultdict(float)
        for process in search.processes():
            # a loading process has the command line of its trial
            for kind in most:
                held[kind] += held_by(process) if kind in command_line(process) else 0.0
        most = {kind: max(most[kind], held[kind]) for kind in most}
        time.sleep(0.5)
    return most


def held_by(process: int) -> float:
    """Return the bytes of a process's own and of its part in what it shares, without files."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:  # it has ended
        return 0.0
    sizes = {name: float(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    return 1024 * (sizes["Pss_Anon"] + sizes["Pss_Shmem"])
