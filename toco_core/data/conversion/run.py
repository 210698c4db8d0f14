"""The writing of a dataset: whole shards one after the other, then ``dataset.json``."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from pyarrow import fs

from toco_core.data.conversion.jobs import ShardJob, refuse, shard_jobs, write_shard
from toco_core.data.conversion.manifest import Manifest, ShardRecord, begin_manifest, fingerprint
from toco_core.data.conversion.reading import CHUNK, ReadRow, read_entries
from toco_core.data.conversion.source import Source
from toco_core.data.mask_tally import MaskTally, refuse_lost_classes
from toco_core.data.problems import Problem, count_kinds
from toco_core.data.schema import INFO_FILE, DatasetInfo, default_palette, read_info, write_info
from toco_core.data.shards import DEFAULT_SIZES, ShardSizes, ShardWriter
from toco_core.data.storage import DatasetError, Location
from toco_core.data.writer import split_info

OnError = Literal["stop", "skip"]
Progress = Callable[[int, int], None]  # images done, of how many


class Written(NamedTuple):
    """A dataset, and what became of its source."""

    info: DatasetInfo
    skipped: tuple[Problem, ...]
    shards_kept: int  # complete from an earlier session
    tallies: dict[str, MaskTally]  # what the masks of each split show


def convert(
    source: Source,
    root: str | Path | Location,
    *,
    on_error: OnError = "stop",
    processes: int = 1,
    overwrite: bool = False,
    sizes: ShardSizes = DEFAULT_SIZES,
    progress: Progress | None = None,
) -> Written:
    """Write a source as a dataset, or go on with a writing of it that was interrupted.

    Args:
        source: what is written. Another session's shards are kept if it wrote the same source.
        root: directory of the dataset: a local path, a URI (``s3://bucket/voc``), or a location.
        on_error: whether an image that cannot be a row ends the writing or is left out.
        processes: how many read and decode.
        overwrite: replace what is there already.
        sizes: rows of a row group and of a shard.
        progress: is told first how many images earlier sessions have done, then of each one.

    Raises:
        BadSourceError: an image cannot be a row, and is not to be skipped.
        DatasetError: something else is there already, a split has no rows, or its masks lack a
            class (`refuse_lost_classes`).
    """
    location = Location.of(root)
    location.create()
    manifest = begin_manifest(location, fingerprint(source, sizes), overwrite=overwrite)
    if on_error == "stop":
        refuse(manifest.skipped)
    kept = len(manifest.shards)
    jobs = shard_jobs(source, sizes)
    missing = _in_order(source, [job for job in jobs if job.shard not in manifest.shards])
    tallies = _tallies(source, jobs, manifest)
    if not missing and location.kind(INFO_FILE) is fs.FileType.File:
        return Written(read_info(location), manifest.skipped, kept, tallies)
    names, skip = source.class_names, on_error == "skip"
    with closing(_read(source, missing, processes, progress)) as outcomes:
        for job in missing:
            shard = ShardWriter(location, job.split, job.number, len(names), sizes)
            of_shard = islice(outcomes, len(job.entries))
            manifest = manifest.with_shard(write_shard(shard, of_shard, names, skip=skip))
            manifest.write(location)
            tallies = _tallies(source, jobs, manifest)
    info = _describe(location, source, jobs, manifest)
    write_info(location, info)
    return Written(info, manifest.skipped, kept, tallies)


def _in_order(source: Source, jobs: list[ShardJob]) -> list[ShardJob]:
    """Return jobs in the order of their writing: what its masks may refuse comes first."""
    return sorted(jobs, key=lambda job: source.has_mask_files and job.split == "train")


def _tallies(source: Source, jobs: Sequence[ShardJob], manifest: Manifest) -> dict[str, MaskTally]:
    """Return what the masks of each split show of which all shards are there.

    Raises:
        DatasetError: they seem to lack a class that their images are labelled with.
    """
    tallies: dict[str, MaskTally] = {}
    for split in source.splits:
        records = [manifest.shards.get(job.shard) for job in jobs if job.split == split]
        if None in records:
            continue
        tallies[split] = MaskTally()
        for record in filter(None, records):
            tallies[split].add(record.tally)
        if source.has_mask_files:
            refuse_lost_classes(split, tallies[split], source.class_names)
    return tallies


def _read(
    source: Source, jobs: Sequence[ShardJob], processes: int, progress: Progress | None
) -> Generator[ReadRow | Problem]:
    """Read the images of some shards, and report each when it is asked for."""
    total = source.images
    done = total - sum(len(job.entries) for job in jobs)
    report = progress or (lambda _done, _total: None)
    report(done, total)
    lists = [job.entries for job in jobs]
    processes = min(processes, max(1, (total - done) // CHUNK))  # a process takes a second to start
    outcomes = read_entries(source.read, len(source.class_names), lists, processes)
    for count, outcome in enumerate(outcomes, start=done + 1):
        report(count, total)
        yield outcome


def _describe(
    location: Location, source: Source, jobs: Sequence[ShardJob], manifest: Manifest
) -> DatasetInfo:
    records = {
        split: [manifest.shards[job.shard] for job in jobs if job.split == split]
        for split in source.splits
    }
    for split, shards in records.items():
        _require_rows(split, shards)
    return DatasetInfo(
        source=source.description,
        class_names=source.class_names,
        palette=default_palette(len(source.class_names)),
        splits={split: split_info(location, split, shards) for split, shards in records.items()},
        splitting=source.splitting,
        skipped=count_kinds(manifest.skipped),
    )


def _require_rows(split: str, shards: Sequence[ShardRecord]) -> None:
    """Refuse a split of which every image was skipped.

    Raises:
        DatasetError: says how many these are, and what is wrong with the first.
    """
    skipped = [problem for shard in shards for problem in shard.skipped]
    if skipped and not any(shard.images for shard in shards):
        kinds = ", ".join(f"{count} x {kind}" for kind, count in count_kinds(skipped).items())
        raise DatasetError(
            f"split {split} has no rows: all {len(skipped)} images were skipped ({kinds}), such as "
            f"{skipped[0]}; mend them, then write anew: --overwrite"
        )
