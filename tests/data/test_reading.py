"""Several processes give what one gives, in its order, and end with the one that asked them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from itertools import count, islice
from pathlib import Path

import pytest

from toco_core.data.conversion.reading import TASKS_AHEAD, chunked, in_processes
from toco_core.data.storage import DatasetError

ROOT = Path(__file__).resolve().parents[2]
# The processes say who they are, and the one that asked them waits to be killed.
WAITING = """
from toco_core.data.conversion.reading import in_processes
answers = in_processes(eval, ["__import__('os').getpid()"] * 9, 2)
print(next(answers), flush=True)
input()
"""


def test_results_come_in_order_and_no_more_than_a_few_items_ahead() -> None:
    asked: list[int] = []
    items = (asked.append(number) or number for number in count())
    results = in_processes(str, items, 2)
    assert list(islice(results, 30)) == [str(number) for number in range(30)]
    assert len(asked) <= 30 + 2 * TASKS_AHEAD
    results.close()


def test_a_process_that_dies_is_an_error_with_a_way_out() -> None:
    with pytest.raises(DatasetError, match="one of 2 reading processes was killed"):
        list(in_processes(os._exit, [1, 1], 2))


def test_processes_end_when_the_one_that_asked_them_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WAITING],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        reader = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{reader}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{reader}").exists()


@pytest.mark.parametrize(("items", "sizes"), [(0, []), (3, [3]), (4, [4]), (9, [4, 4, 1])])
def test_chunks_have_the_size_asked_for(items: int, sizes: list[int]) -> None:
    assert [len(chunk) for chunk in chunked(range(items), 4)] == sizes
