"""What can be said of the data command from its options alone, in a moment."""

from __future__ import annotations

import os

from platform.data.options import (
    CheckOptions,
    CocoOptions,
    PartScenesOptions,
    ProbeOptions,
    WriteOptions,
)
from platform.option_ranges import check_at_least

LEAST_PROBED = 20  # images: of fewer, nothing can be held out


def check_options(options: WriteOptions | CheckOptions | ProbeOptions) -> None:
    """Refuse what cannot be.

    Raises:
        ValueError: names the option, its value and what it may be.
    """
    if isinstance(options, ProbeOptions):
        check_at_least(LEAST_PROBED, images=options.images)
        check_at_least(1, size=options.size)
        check_at_least(0, seed=options.seed)
        return
    processes = (
        options.processes if isinstance(options, CheckOptions) else options.writing.processes
    )
    check_at_least(1, processes=processes)
    if isinstance(options, CheckOptions):
        return
    if isinstance(options, PartScenesOptions):
        _check_partscenes(options)
        return
    check_at_least(0, seed=options.seed)
    if not isinstance(options, CocoOptions):
        _check_foreground(options.foreground)
    if not os.path.isdir(options.source):  # of any name: Path.is_dir fails on one that is too long
        raise ValueError(f"there is no directory {options.source}")


def _check_foreground(value: int | None) -> None:
    if value is not None and not 1 <= value <= 255:
        raise ValueError(f"--foreground {value} must be in 1..255: 0 is the background")


def _check_partscenes(options: PartScenesOptions) -> None:
    if options.source < 0:
        raise ValueError(f"the seed {options.source} must be at least 0")
    # Below 32 px the parts that define the classes are smaller than the details of a part.
    for name, least in {"size": 32, "train": 1, "tune": 0, "report": 0}.items():
        check_at_least(least, **{name: getattr(options, name)})
