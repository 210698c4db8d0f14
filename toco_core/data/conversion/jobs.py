"""The shards that a source becomes: a part of its listing each, whatever is skipped in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from toco_core.data.conversion.manifest import ShardRecord
from toco_core.data.conversion.reading import ReadRow, chunked
from toco_core.data.conversion.source import Source
from toco_core.data.mask_tally import MaskTally
from toco_core.data.problems import Problem
from toco_core.data.shards import ShardSizes, ShardWriter, shard_name
from toco_core.data.storage import DatasetError


class BadSourceError(DatasetError):
    """An image of the source cannot be a row, and was not to be skipped."""


class ShardJob(NamedTuple):
    """A shard to write, and the images for it."""

    split: str
    number: int
    entries: Sequence[Any]

    @property
    def shard(self) -> str:
        """File name of the shard."""
        return shard_name(self.split, self.number)


def shard_jobs(source: Source, sizes: ShardSizes) -> list[ShardJob]:
    """Return the shards of all splits."""
    return [
        ShardJob(split, number, entries)
        for split, all_entries in source.splits.items()
        for number, entries in enumerate(chunked(all_entries, sizes.shard_rows))
    ]


def write_shard(
    shard: ShardWriter,
    outcomes: Iterable[ReadRow | Problem],
    class_names: Sequence[str],
    *,
    skip: bool,
) -> ShardRecord:
    """Write what was read for a shard, and count what its masks show.

    Raises:
        BadSourceError: an image cannot be a row, and is not to be skipped.
    """
    skipped: list[Problem] = []
    tally = MaskTally()
    with shard:
        for outcome in outcomes:
            if isinstance(outcome, ReadRow):
                shard.add(outcome.row)
                if outcome.mask is not None:
                    tally.count(outcome.row, outcome.mask, class_names)
                continue
            skipped.append(outcome)
            if not skip:
                refuse(skipped)
    return ShardRecord(
        name=shard.name,
        images=shard.images,
        masks=shard.masks,
        skipped=tuple(skipped),
        tally=tally,
    )


def refuse(problems: Sequence[Problem]) -> None:
    """Raise the first problem, if there is one."""
    if problems:
        raise BadSourceError(str(problems[0]))
