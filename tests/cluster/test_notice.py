"""Word of the end of a process: SIGTERM to this one, and machines that a made-up Ray tells of."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from threading import Event, Thread

import pytest

from platform.cluster import notice
from platform.cluster.notice import DRAINED, SIGTERM, EndNotice


@pytest.fixture
def draining(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    nodes: dict[str, int] = {}
    monkeypatch.setattr(notice, "this_node", lambda: "here")
    monkeypatch.setattr(notice, "draining_nodes", lambda: nodes)
    monkeypatch.setattr(notice, "LOOK_SECONDS", 0.01)
    return nodes


@pytest.fixture
def ended() -> Iterator[list[int]]:
    """Note what SIGTERM would have ended without us."""
    found: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: found.append(number))
    yield found
    signal.signal(signal.SIGTERM, before)


def wait_for(told: Event) -> None:
    assert told.wait(10)


def test_the_first_sigterm_is_for_the_run_and_any_other_ends_the_process(
    draining: dict[str, int], ended: list[int]
) -> None:
    end = EndNotice()
    end.listen_to_sigterm()
    os.kill(os.getpid(), signal.SIGTERM)  # no run yet
    assert ended == [signal.SIGTERM]
    with end.heeded() as why:
        assert why() == ""
        os.kill(os.getpid(), signal.SIGTERM)
        assert (why(), len(ended)) == (SIGTERM, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        assert len(ended) == 2
    with end.heeded() as why:  # the next run of this process
        assert why() == ""


def test_where_sigterm_cannot_be_asked_for_it_ends_the_process_as_before(ended: list[int]) -> None:
    thread = Thread(target=EndNotice().listen_to_sigterm)
    thread.start()
    thread.join()
    os.kill(os.getpid(), signal.SIGTERM)
    assert ended == [signal.SIGTERM]


def test_a_machine_that_is_drained_is_told_of_and_others_are_not(draining: dict[str, int]) -> None:
    told, end, heard = Event(), EndNotice(), list[str]()

    def hand_on(why: str) -> None:
        heard.append(why)
        told.set()

    with end.heeded(hand_on) as why:
        draining["elsewhere"] = 0
        time.sleep(0.1)
        assert why() == ""
        draining["here"] = 1_700_000_000_000
        wait_for(told)
        assert (why(), heard) == (DRAINED, [DRAINED])


def test_whoever_stops_the_search_is_heard_as_well(draining: dict[str, int]) -> None:
    end = EndNotice()
    with end.heeded() as why:
        end.tell("the search is stopped")
        end.tell("something else")
        assert why() == "the search is stopped"
