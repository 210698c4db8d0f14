"""Entries to validated rows, in several processes, in the order of the entries."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any, NamedTuple, TypeVar

from toco_core.data.mask_tally import MaskLabels
from toco_core.data.problems import Problem, RowError
from toco_core.data.shards import Row
from toco_core.data.storage import DatasetError
from toco_core.data.validation import validate_row

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 16  # entries of a task: a call costs less than one image, and Ctrl-C waits for no more
TASKS_AHEAD = 4  # for each process; bounds the memory when writing is slower than reading


class ReadRow(NamedTuple):
    """A row that is good, and what its mask shows."""

    row: Row
    mask: MaskLabels | None


def read_entries(
    read: Callable[[Any], Row], num_classes: int, lists: Iterable[Iterable[Any]], processes: int
) -> Iterator[ReadRow | Problem]:
    """Read and validate entries; what cannot be a row comes back as its problem.

    Args:
        read: reads one entry.
        num_classes: C; labels are 1..C.
        lists: entries of shards; the end of one does not wait for the beginning of the next.
        processes: how many read.
    """
    chunks = chain.from_iterable(chunked(entries, CHUNK) for entries in lists)
    tasks = ((read, num_classes, chunk) for chunk in chunks)
    for outcomes in in_processes(_read_chunk, tasks, processes):
        yield from outcomes


def _read_chunk(task: tuple[Callable[[Any], Row], int, list[Any]]) -> list[ReadRow | Problem]:
    read, num_classes, entries = task
    return [_read_entry(read, num_classes, entry) for entry in entries]


def _read_entry(read: Callable[[Any], Row], num_classes: int, entry: Any) -> ReadRow | Problem:
    try:
        row = read(entry)
        return ReadRow(row, validate_row(row, num_classes))
    except RowError as error:
        return Problem(error.kind, entry.name, error.detail)


def chunked(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Return the items in lists of `size`; the last one may be shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def in_processes(
    function: Callable[[Item], Result], items: Iterable[Item], processes: int
) -> Generator[Result]:
    """Map a function over items in order, a few items ahead of what is asked for.

    Args:
        function: of a module, so that another process finds it.
        items: its arguments, which are pickled.
        processes: how many; with 1 it is called in this one.

    Raises:
        DatasetError: one of the processes died.
    """
    if processes == 1:
        yield from map(function, items)
        return
    # Fresh processes: a fork of one that has started torch or Ray threads may hang.
    pool = ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_live_with_the_parent
    )
    try:
        yield from _ordered(pool, function, items, processes * TASKS_AHEAD)
    except BrokenProcessPool as error:
        raise DatasetError(
            f"one of {processes} reading processes was killed, as when the memory is full; "
            "the same command with fewer of them goes on"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _ordered(
    pool: ProcessPoolExecutor,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    ahead: int,
) -> Iterator[Result]:
    tasks: deque[Future[Result]] = deque()
    for item in items:
        tasks.append(pool.submit(function, item))
        if len(tasks) > ahead:
            yield tasks.popleft().result()
    while tasks:
        yield tasks.popleft().result()


def _live_with_the_parent() -> None:
    # A terminal sends Ctrl-C to all its processes; the parent ends the others in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A parent that is killed cannot.
    Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
