"""Twelve trials on three machines, one of which is taken away every two minutes, and comes back."""

from __future__ import annotations

import random
import re
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from platform.results.curves import read_curves
from platform.results.tables import read_trials
from tests.cluster.made.machines import missing
from tests.cluster.made.ray_machines import HEAD, SECONDS, RayMachines, ray_machines
from tests.integration.search_command import Search

REASON = missing()
pytestmark = [
    pytest.mark.ray,
    pytest.mark.cluster,
    pytest.mark.skipif(REASON is not None, reason=str(REASON)),
]

WORKERS = ("w1", "w2", "w3")
TRIALS = 12
ITERATIONS = 45  # a trial takes about a minute: the search sees several machines go
EVERY = 120.0  # s between two machines that are taken away
AWAY = 30.0  # s until such a machine is switched on again
SEED = 12


def test_a_search_on_spot_machines_has_the_scores_of_an_undisturbed_one(tmp_path: Path) -> None:
    options = ("--trials", str(TRIALS), f"--set=iterations={ITERATIONS}")
    with ray_machines(WORKERS) as cluster, ExitStack() as stack:
        calm = Search(
            data=cluster.machines.room / "shared/scenes",
            directory=tmp_path,
            arguments=(*options, "--sampler", "random", "--pruner", "none"),
        )
        undisturbed = calm.start("--concurrent", "2")  # beside it: both take minutes
        stack.callback(undisturbed.terminate)
        for name in (HEAD, *WORKERS):
            cluster.start(name)
        search = cluster.search("spot", " ".join(options))
        lost = _take_machines_away(cluster, search)
        output = cluster.output("spot")
        print(output)
        assert search.returncode == 0, output
        trials = cluster.outcomes("spot")
        rows = read_trials(cluster.reports("spot"))
        curves = read_curves(cluster.reports("spot"))
        assert undisturbed.wait(SECONDS) == 0, undisturbed.output + undisturbed.errors
    assert [row.state for row in rows] == ["complete"] * TRIALS
    assert len(lost) >= 2
    assert sum(row.machines_lost for row in rows) >= 1
    scored = [(row["number"], row["iteration"]) for row in curves]
    assert len(scored) == len(set(scored))  # nothing was counted twice
    assert trials == calm.scores()
    print(f"machines lost: {', '.join(lost)}; resumed: {re.findall('resumed at .*', output)}")


def _take_machines_away(cluster: RayMachines, search: subprocess.Popen[str]) -> list[str]:
    """Cut the power of a machine every two minutes; return those that were lost, in order."""
    draw, lost = random.Random(SEED), list[str]()
    began = time.monotonic()
    while not _ends_within(search, began + EVERY * (len(lost) + 1) - time.monotonic()):
        lost.append(draw.choice(WORKERS))
        cluster.machines.power_off(lost[-1])
        time.sleep(AWAY)
        cluster.start(lost[-1])
    return lost


def _ends_within(search: subprocess.Popen[str], seconds: float) -> bool:
    try:
        search.wait(timeout=max(seconds, 0.0))
    except subprocess.TimeoutExpired:
        return False
    return True
