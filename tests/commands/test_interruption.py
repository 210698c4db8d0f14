from __future__ import annotations

import signal

import pytest

from platform.interruption import asked_by_ctrl_c


def test_the_first_ctrl_c_asks_and_the_second_breaks_off() -> None:
    announced: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with asked_by_ctrl_c(lambda: announced.append("stopping")) as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        assert asked()
        assert announced == ["stopping"]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    with asked_by_ctrl_c(lambda: None):
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
