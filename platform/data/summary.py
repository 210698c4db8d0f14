"""What was written, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from platform.results.formats import NOTHING
from platform.results.progress import print_line
from platform.results.text_tables import TextTable, to_rich
from toco_core.data.conversion.manifest import MANIFEST_FILE
from toco_core.data.conversion.run import Written
from toco_core.data.mask_tally import hidden_remarks, unlabelled_remark
from toco_core.data.schema import DatasetInfo
from toco_core.data.storage import Location

CLASSES = 20  # as many as VOC has
NAMED = 5  # problems that are named on the terminal
MUCH = 0.2  # of the images: so many are a mistake in the table, not a few bad files


def show_written(
    written: Written, notes: Sequence[str], location: Location, console: Console
) -> None:
    """Print the splits, how they were chosen, and what was skipped."""
    info = written.info
    console.print()
    print_line(console, f"{info.source}, {info.num_classes} classes: {location}")
    for table in (split_table(info), skipped_table(info)):
        if table.rows:
            console.print()
            console.print(to_rich(table))
    console.print()
    for line in [class_line(info), *_skipped_lines(written), *_remarks(written), *notes]:
        print_line(console, line)


def split_table(info: DatasetInfo) -> TextTable:
    """Return the splits, and which share of the masks each has."""
    rows = [
        [name, str(split.images), str(split.masks), *_share(info, name)]
        for name, split in info.splits.items()
    ]
    share = [] if info.splitting is None else [f"masks of (seed {info.splitting.seed})"]
    return TextTable(title="Splits", columns=("split", "images", "masks", *share), rows=rows)


def skipped_table(info: DatasetInfo) -> TextTable:
    """Return what was wrong with the images that were left out, and how many these are."""
    rows = [[kind, str(count)] for kind, count in info.skipped.items()]
    return TextTable(title="Skipped", columns=("problem", "images"), rows=rows)


def class_line(info: DatasetInfo) -> str:
    """Return the labels and what they stand for, which tells a table that was misunderstood."""
    names = [f"{label} {name}" for label, name in enumerate(info.class_names, start=1)]
    more = f" ... and {len(names) - CLASSES} more" if len(names) > CLASSES else ""
    return f"labels: {', '.join(names[:CLASSES])}{more}"


def _share(info: DatasetInfo, split: str) -> list[str]:
    return [] if info.splitting is None else [getattr(info.splitting, split, NOTHING)]


def _skipped_lines(written: Written) -> list[str]:
    lines = [str(problem) for problem in written.skipped[:NAMED]]
    if len(written.skipped) > NAMED:
        lines.append(f"... and {len(written.skipped) - NAMED} more: {MANIFEST_FILE} names all")
    images = sum(split.images for split in written.info.splits.values())
    if len(written.skipped) > MUCH * (images + len(written.skipped)):
        lines.append(
            f"warning: {len(written.skipped)} of {images + len(written.skipped)} images were "
            "skipped; are classes and table what you mean?"
        )
    return lines


def _remarks(written: Written) -> list[str]:
    lines: list[str] = []
    if written.shards_kept:
        shards = sum(len(split.shards) for split in written.info.splits.values())
        lines.append(f"shards written earlier and kept: {written.shards_kept} of {shards}")
    for split, tally in written.tallies.items():
        lines += unlabelled_remark(split, tally)
        lines += hidden_remarks(split, tally, written.info.class_names)
    return lines
