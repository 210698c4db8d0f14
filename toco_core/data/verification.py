"""Whether a dataset is what it says: every shard, row, image and mask of it is read and decoded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from toco_core.data.conversion.reading import in_processes
from toco_core.data.images import image_size
from toco_core.data.mask_tally import MaskTally
from toco_core.data.names import row_name_problem
from toco_core.data.problems import Problem, RowError
from toco_core.data.row_groups import RowGroups, Shard, read_shard
from toco_core.data.schema import INFO_FILE, SCHEMA, DatasetInfo
from toco_core.data.shards import Row
from toco_core.data.storage import DatasetError, Location
from toco_core.data.validation import validate_row


@dataclass(kw_only=True)
class SplitReport:
    """What was found in a split, or in a row group of it.

    Attributes:
        names: of its rows.
        masks: how many rows have one; all of them were opened.
        labelled: images of each class, by label.
        unlabelled: images without a class.
        tally: what the masks show.
        problems: what is wrong.
    """

    names: list[str] = field(default_factory=list)
    masks: int = 0
    labelled: Counter[int] = field(default_factory=Counter)
    unlabelled: int = 0
    tally: MaskTally = field(default_factory=MaskTally)
    problems: list[Problem] = field(default_factory=list)

    def add(self, part: SplitReport) -> None:
        """Add what was found in a row group."""
        self.names += part.names
        self.masks += part.masks
        self.labelled += part.labelled
        self.unlabelled += part.unlabelled
        self.tally.add(part.tally)
        self.problems += part.problems


class _Group(NamedTuple):
    """A row group to read."""

    location: Location
    info: DatasetInfo
    split: str
    shard: Shard
    number: int


def verify_dataset(
    location: Location,
    info: DatasetInfo,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, SplitReport]:
    """Read and decode all rows, and return what was found in each split.

    Args:
        location: of the dataset.
        info: its description.
        processes: how many read and decode.
        progress: is told how many images are verified, of how many.
    """
    reports = {split: SplitReport() for split in info.splits}
    groups = list(_groups(location, info, reports))
    total = sum(split.images for split in info.splits.values())
    done = 0
    parts = in_processes(_verify_group, groups, min(processes, max(1, len(groups))))
    for group, part in zip(groups, parts, strict=True):
        reports[group.split].add(part)
        done += len(part.names)
        if progress is not None:
            progress(done, total)
    for split, report in reports.items():
        report.problems += _split_problems(info, split, report)
    return reports


def _groups(
    location: Location, info: DatasetInfo, reports: dict[str, SplitReport]
) -> Iterator[_Group]:
    """Return the row groups of all shards; a shard that has no footer is a problem of its split."""
    for split, content in info.splits.items():
        for name in content.shards:
            try:
                shard = read_shard(location, name)
            except DatasetError as error:
                reports[split].problems.append(Problem("damaged shard", name, str(error)))
                continue
            for number in range(shard.footer.num_row_groups):
                yield _Group(location, info, split, shard, number)


def _verify_group(group: _Group) -> SplitReport:
    report = SplitReport()
    rows = RowGroups(group.location, [group.shard], SCHEMA.names, cache_bytes=0)
    try:
        table = rows.table(group.number)  # verifies the checksums
    except DatasetError as error:
        report.problems.append(Problem("damaged shard", group.shard.name, str(error)))
        return report
    for values in table.to_pylist():
        _verify_row(values, group.info, report)
    return report


def _verify_row(values: dict[str, Any], info: DatasetInfo, report: SplitReport) -> None:
    row = Row(values["name"], values["image"], values["labels"], values["mask"])
    report.names.append(row.name)
    report.masks += row.mask is not None
    report.labelled.update(row.labels)
    report.unlabelled += not row.labels
    try:
        mask = validate_row(row, info.num_classes, info.ignore_index)
        _verify_columns(row, (values["height"], values["width"]))
        unlabelled = mask and report.tally.count(row, mask, info.class_names)
        if unlabelled:
            raise RowError("mask without its label", unlabelled)
    except RowError as error:
        report.problems.append(Problem(error.kind, row.name, error.detail))


def _verify_columns(row: Row, size: tuple[int, int]) -> None:
    if problem := row_name_problem(row.name):
        raise RowError("wrong row", problem)
    if image_size(row.image) != size:
        raise RowError("wrong row", f"the image is {image_size(row.image)} px, not {size}")
    if list(row.labels) != sorted(set(row.labels)):
        raise RowError("wrong row", f"labels {row.labels} are not each there once, in order")


def _split_problems(info: DatasetInfo, split: str, report: SplitReport) -> Iterator[Problem]:
    for name, count in Counter(report.names).items():
        if count > 1:
            yield Problem("wrong row", name, f"there are {count} rows of this name")
    found = {"images": len(report.names), "masks": report.masks}
    for what, count in found.items():
        expected = getattr(info.splits[split], what)
        if count != expected:
            yield Problem("wrong count", split, f"{count} {what}, {INFO_FILE} says {expected}")
