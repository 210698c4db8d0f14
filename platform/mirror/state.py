"""What this machine knows of the store that it keeps a search in: `.mirror.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from platform.mirror.files import Stamp
from toco_core.files import replacing

STATE_FILE = ".mirror.json"


@dataclass
class State:
    """What this machine knows of the store.

    Attributes:
        sessions: by whom the files here and there were the same; empty while they are fetched.
        put: the files as they were when they were put there.
    """

    sessions: list[str] = field(default_factory=list)
    put: dict[str, Stamp] = field(default_factory=dict)


def read_state(directory: Path) -> State:
    """Return what is known; of a file that cannot be read, as on a machine that has nothing."""
    try:
        content = json.loads((directory / STATE_FILE).read_text())
        put = {name: (size, time) for name, (size, time) in content["put"].items()}
        return State(content["sessions"], put)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return State()


def write_state(directory: Path, state: State) -> None:
    """Write it in place of what was known."""
    with replacing(directory / STATE_FILE) as unfinished:
        unfinished.write_text(json.dumps(asdict(state)))
