"""What is known of the process of a search, from its last word and its lock."""

from __future__ import annotations

import socket
from typing import Literal, TypeAlias

from platform.results.formats import clock_time, duration
from platform.results.state_file import Word

Condition: TypeAlias = Literal["starting", "running", "silent", "gone", "over", "unknown"]

SILENT_SECONDS = 60.0  # of a process that writes every ten: it hangs, or its machine is gone
_NOBODY = "no process is at work on it"


def condition_of(word: Word | None, held: bool, now: float) -> Condition:
    """Say what is known of the process of a search.

    Args:
        word: what it has last said.
        held: whether a process holds its lock.
        now: s since 1970.
    """
    if word is None:
        return "starting" if held else "unknown"
    is_at_work = word.phase in ("running", "scoring the winner")
    # A lock may not be seen from another machine.
    is_elsewhere = word.host != socket.gethostname()
    silent = now - word.heard > SILENT_SECONDS
    if is_at_work and (held or (is_elsewhere and not silent)):
        return "silent" if silent else "running"
    if held:
        return "starting"
    return "gone" if is_at_work else "over"


def condition_text(word: Word | None, condition: Condition, now: float) -> str:
    """Word it; arguments as those and the result of `condition_of`."""
    if word is None:
        return "at work" if condition == "starting" else _NOBODY
    heard = f"last heard of {duration(now - word.heard)} ago, at {clock_time(word.heard)}"
    who = f"process {word.pid} on {word.host}"
    return {
        "starting": "a session of it is starting",
        "running": f"{word.phase} ({who}, {heard})",
        "silent": f"{word.phase}, but silent: {heard} ({who}); it hangs, or its machine is gone",
        "gone": f"ended without a word: {_NOBODY}, {heard} ({who}); the same command goes on",
        "over": f"{word.phase} ({heard})",
        "unknown": _NOBODY,
    }[condition]
