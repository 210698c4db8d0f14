"""The check of a dataset, from the options to the table of its classes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from rich.console import Console

from platform.command_line import FAILED
from platform.data.options import CheckOptions
from platform.results.formats import NOTHING
from platform.results.progress import print_line
from platform.results.task_progress import counting_progress
from platform.results.text_tables import TextTable, to_rich
from toco_core.data.mask_tally import hidden_remarks
from toco_core.data.problems import count_kinds
from toco_core.data.reader import open_dataset
from toco_core.data.schema import DatasetInfo
from toco_core.data.verification import SplitReport, verify_dataset

NO_CLASS = "(no class)"
NAMED = 20  # problems that are named; more of them are likely to be of one kind


def run_check(options: CheckOptions) -> int:
    """Check a dataset and print what is in it and what is wrong; return the exit status.

    Raises:
        ValueError: there is no dataset, or its description cannot be read.
    """
    console = Console()
    dataset = open_dataset(options.target)
    with counting_progress(console, "checking") as progress:
        found = verify_dataset(
            dataset.location, dataset.info, options.processes or os.cpu_count() or 1, progress
        )
    for split, checked in found.items():
        dataset.ledger.record(split, "check", checked.masks)
    console.print()
    print_line(console, f"{dataset.info.source}: {dataset.location}")
    console.print()
    console.print(to_rich(class_table(dataset.info, found)))
    console.print()
    print_line(console, f"masks opened: {dataset.ledger.total()}, all for this check")
    return _verdict(found, dataset.info.class_names, console)


def class_table(info: DatasetInfo, splits: Mapping[str, SplitReport]) -> TextTable:
    """Return how many images of each split have each class, and how many masks show it."""
    columns: dict[str, list[int | str]] = {}
    labels = range(1, info.num_classes + 1)
    for split, found in splits.items():
        of_classes = (found.labelled[label] for label in labels)
        columns[split] = [*of_classes, found.unlabelled, len(found.names)]
        if found.masks:
            shown = (found.tally.shown[label] for label in labels)
            columns[f"{split} masks"] = [*shown, NOTHING, found.masks]
    cells = zip((*info.class_names, NO_CLASS, "all"), *columns.values(), strict=True)
    rows = [[name, *map(str, counts)] for name, *counts in cells]
    return TextTable(title="Images by class", columns=("class", *columns), rows=rows)


def _never_labelled(class_names: Sequence[str], found: SplitReport) -> list[str]:
    return [name for label, name in enumerate(class_names, start=1) if not found.labelled[label]]


def _verdict(
    splits: Mapping[str, SplitReport], class_names: Sequence[str], console: Console
) -> int:
    trained = splits.get("train")
    never = [] if trained is None else _never_labelled(class_names, trained)
    if never:
        print_line(
            console,
            f"warning: classes that no image of train shows, which nothing can learn: {len(never)} "
            f"of {len(class_names)}, such as {never[0]}",
        )
    hidden = sum(found.tally.hidden for found in splits.values())
    if hidden:
        print_line(console, f"labels of which the mask shows nothing: {hidden} (no error)")
    for split, found in splits.items():
        for line in hidden_remarks(split, found.tally, class_names):
            print_line(console, line)
    problems = [(split, problem) for split, found in splits.items() for problem in found.problems]
    for split, problem in problems[:NAMED]:
        print_line(console, f"{split}: {problem}")
    if not problems:
        print_line(console, "every row is good")
        return 0
    kinds = count_kinds(problem for _, problem in problems)
    counts = ", ".join(f"{count} × {kind}" for kind, count in kinds.items())
    print_line(console, f"{len(problems)} problems: {counts}")
    return FAILED
