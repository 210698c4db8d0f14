"""The writing of a dataset, from the options to the summary."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from platform.data.options import WriteOptions, Writing
from platform.data.sources import list_source
from platform.data.summary import show_written
from platform.lock import only_one_writer
from platform.results.progress import print_line
from platform.results.task_progress import counting_progress
from toco_core.data.conversion.jobs import BadSourceError
from toco_core.data.conversion.run import Written, convert
from toco_core.data.conversion.source import Source
from toco_core.data.storage import Location
from toco_core.messages import first_line

KEPT = "complete shards are kept: the same command goes on from there"


def run_writing(options: WriteOptions) -> int:
    """Write a dataset, or go on with writing it, and print what it is; return the exit status.

    Raises:
        ValueError: the source or one of its images is not what it should be, or something else is
            at the target.
    """
    console = Console()
    target = Location.of(options.target)
    source = list_source(options)
    with _said_in_one_line(console, target), _alone(target):
        written = _write(source, target, options.writing, console)
    show_written(written, source.notes, target, console)
    return 0


def _write(source: Source, target: Location, how: Writing, console: Console) -> Written:
    with counting_progress(console, f"writing {source.description}") as progress:
        return convert(
            source,
            target,
            on_error=how.on_error,
            processes=how.processes or os.cpu_count() or 1,
            overwrite=how.overwrite,
            progress=progress,
        )


@contextmanager
def _alone(target: Location) -> Iterator[None]:
    """Let nobody else on this machine write there; who writes to S3 has to see to it himself."""
    if not target.is_local:
        yield
        return
    target.create()
    with only_one_writer(Path(target.path)):
        yield


@contextmanager
def _said_in_one_line(console: Console, target: Location) -> Iterator[None]:
    """Say what can be done about what ends a writing."""
    try:
        yield
    except BadSourceError as error:
        raise ValueError(f"{error}; mend it, or leave such images out: --on-error skip") from error
    except OSError as error:
        raise ValueError(f"{target} cannot be written: {first_line(error)}; {KEPT}") from error
    except KeyboardInterrupt:
        print_line(console, KEPT)
        raise
