"""Which files of a search are kept in its object store, and where they are here and there."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from toco_core.remote_path import RemotePath

# Checkpoints of a search and of a run, and what Tune writes and nobody reads.
_ELSEWHERE = {"trials", "checkpoints", "sessions"}

Stamp: TypeAlias = tuple[int, int]  # size and time of a file: another one when it has changed


def working_directory(store: RemotePath) -> Path:
    """Return where the search of an object store is worked on: in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(store.uri.encode()).hexdigest()[:16]
    return cache / "toco" / "searches" / digest / store.name


def kept_files(directory: Path) -> dict[str, Stamp]:
    """Return the files that belong in the store, relative to the directory."""
    found = dict[str, Stamp]()
    for parent, _, names in os.walk(directory):
        for path in (Path(parent, name) for name in names):
            name = path.relative_to(directory).as_posix()
            if not is_kept(name) or path.is_symlink():
                continue
            with suppress(FileNotFoundError):
                stat = path.stat()
                found[name] = stat.st_size, stat.st_mtime_ns
    return found


def is_kept(name: str) -> bool:
    """Whether a file is the search's, and not a lock, a file being written, or a checkpoint."""
    parts = name.split("/")
    is_hidden = any(part.startswith(".") for part in parts)
    return not is_hidden and not name.endswith(".lock") and not _ELSEWHERE & set(parts[:-1])


def at(store: RemotePath, name: str) -> RemotePath:
    """Return where a file is in the store, by its path relative to the directory."""
    for part in name.split("/"):
        store = store / part
    return store


def fetch(store: RemotePath, directory: Path, names: list[str]) -> None:
    """Copy some files of a search out of its object store, those that are there."""
    for name in names:
        with suppress(FileNotFoundError):
            at(store, name).download(directory / name)
