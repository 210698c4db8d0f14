from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from platform.interruption import STOP_SIGNALS, all_interrupt, asked_to_stop, held_back

every_signal = pytest.mark.parametrize("number", STOP_SIGNALS)


@every_signal
def test_each_signal_to_stop_interrupts(number: signal.Signals) -> None:
    with all_interrupt(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_a_signal_that_is_ignored_stays_so() -> None:
    with _ignored(signal.SIGHUP), all_interrupt():
        signal.raise_signal(signal.SIGHUP)


@every_signal
def test_the_first_signal_asks_and_the_second_breaks_off(number: signal.Signals) -> None:
    announced: list[str] = []
    with all_interrupt():
        before = signal.getsignal(number)
        with asked_to_stop(lambda: announced.append("stopping")) as asked:
            assert not asked()
            signal.raise_signal(number)
            assert asked()
            assert announced == ["stopping"]
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
        assert signal.getsignal(number) is before


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    with asked_to_stop(lambda: None):
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@every_signal
def test_what_is_held_back_interrupts_at_the_end(number: signal.Signals) -> None:
    heard: list[str] = []

    def uninterrupted() -> None:
        with held_back(lambda: heard.append("it")):
            signal.raise_signal(number)
            heard.append("the end")

    with all_interrupt(), pytest.raises(KeyboardInterrupt):
        uninterrupted()
    assert heard == ["it", "the end"]


def test_nothing_is_raised_where_nothing_was_held_back() -> None:
    with held_back(lambda: None):
        pass


def test_a_handler_that_was_put_in_meanwhile_goes_with_the_context() -> None:
    """Ray puts one in for SIGTERM whenever it starts."""
    with all_interrupt():
        before = signal.getsignal(signal.SIGTERM)
        with held_back(lambda: None):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        assert signal.getsignal(signal.SIGTERM) is before


@contextmanager
def _ignored(number: signal.Signals) -> Iterator[None]:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)
