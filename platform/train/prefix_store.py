"""What runs of one search share on disk: checkpoints of common prefixes, and the scores up to them.

A folder for each, named after the digest of what decided its steps. Its table of scores is written
last: who sees the table sees all of the prefix.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

from platform.results.curves import curve_row, curves_table
from platform.results.events import Scored, TrialScored, trial_event
from platform.results.parquet_files import read_table, write_table
from platform.train.run_checkpoints import checkpoint_path, iteration_of, list_checkpoints
from toco_core.files import replacing

KEPT = 8  # prefixes: as the layers of a space, or the stages of a few; each is a checkpoint
_SCORES = "scores.parquet"
_NO_TRIAL = 0  # a prefix is of no trial alone


class StoredPrefix(NamedTuple):
    """A prefix that can be gone on from."""

    folder: Path
    checkpoint: Path

    @property
    def digest(self) -> str:
        return self.folder.name

    @property
    def iteration(self) -> int:
        return iteration_of(self.checkpoint)


class PrefixStore:
    """The prefixes of a search.

    Args:
        root: folder of all of them; every machine sees it.
        keep: as many stay, those that were used last.
    """

    def __init__(self, root: Path, keep: int = KEPT) -> None:
        self._root, self._keep = root, keep

    def has(self, digest: str) -> bool:
        """Whether a prefix is stored, its scores too."""
        return (self._root / digest / _SCORES).exists()

    def hold(self, digest: str, checkpoint: Path) -> None:
        """Keep a checkpoint, which may be deleted where it is; nobody goes on from it yet."""
        folder = self._root / digest
        folder.mkdir(parents=True, exist_ok=True)
        place = checkpoint_path(folder, iteration_of(checkpoint))
        with suppress(FileExistsError):  # another run was faster: the same to the bit
            try:
                os.link(checkpoint, place)
            except OSError as error:  # not every file system has links
                if isinstance(error, FileExistsError):
                    raise
                with replacing(place) as unfinished:
                    shutil.copyfile(checkpoint, unfinished)

    def publish(self, digest: str, scores: Sequence[Scored]) -> None:
        """Let runs go on from a checkpoint that is held; forget the prefixes that none has used."""
        rows = [curve_row(_of_no_trial(score)) for score in scores]
        with suppress(FileNotFoundError):  # forgotten meanwhile
            write_table(curves_table(rows), self._root / digest / _SCORES)
        self._forget_oldest()

    def stored(self) -> list[StoredPrefix]:
        """Return the prefixes that can be gone on from, the longest first."""
        found = [
            StoredPrefix(folder, path)
            for folder in self._folders()
            if self.has(folder.name)
            for path in list_checkpoints(folder)
        ]
        return sorted(found, key=lambda one: -one.iteration)

    def scores(self, prefix: StoredPrefix) -> dict[int, Scored]:
        """Return the scores up to a prefix, by iteration, without pictures.

        Raises:
            ValueError: the table is damaged.
        """
        table = read_table(prefix.folder / _SCORES)
        rows = [] if table is None else table.to_pylist()
        return {row["iteration"]: _score(row) for row in rows}

    def touch(self, prefix: StoredPrefix) -> None:
        """Note that a prefix was used."""
        with suppress(FileNotFoundError):
            os.utime(prefix.folder)

    def forget(self, prefix: StoredPrefix) -> None:
        """Delete a prefix that is damaged."""
        shutil.rmtree(prefix.folder, ignore_errors=True)

    def _forget_oldest(self) -> None:
        for folder in sorted(self._folders(), key=_last_used)[: -self._keep]:
            shutil.rmtree(folder, ignore_errors=True)  # who reads it has it open

    def _folders(self) -> list[Path]:
        return [path for path in self._root.glob("*") if path.is_dir()]


def _last_used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:  # forgotten by another run
        return 0.0


def _of_no_trial(score: Scored) -> TrialScored:
    event = trial_event(score, _NO_TRIAL)
    assert isinstance(event, TrialScored)
    return event


def _score(row: Mapping[str, object]) -> Scored:
    names = {one.name for one in fields(Scored)}
    return Scored(**{name: value for name, value in row.items() if name in names})  # pyright: ignore[reportArgumentType] # as `curve_row` made it
